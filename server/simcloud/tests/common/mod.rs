//! What the tests have in common: a client, and somebody who is signed in and at work.

mod desk;
mod http;

pub use desk::{Desk, merged, seeded};
pub use http::{Answer, Http};
