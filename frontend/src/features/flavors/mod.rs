//! Flavors: the sizes servers come in, in every region.

mod page;

pub use page::FlavorsPage;
