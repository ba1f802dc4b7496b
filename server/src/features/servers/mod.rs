//! The servers of a project: the list as a stream, one server whole, and the index behind both.

mod decode;
mod fill;
pub mod index;
mod refresh;
mod upstream;
