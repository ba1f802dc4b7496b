//! Images: provided, the project's own, and those shared with it, in every region.

mod acting;
mod detect;
mod edit;
mod page;
mod rows;
mod share;
mod texts;
mod upload;
mod upload_form;
mod uploads;

pub use page::ImagesPage;
