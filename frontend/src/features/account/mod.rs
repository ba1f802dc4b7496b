//! The account of who is signed in: the sessions page.

mod api;
mod sessions_page;
mod texts;

pub use sessions_page::SessionsPage;
