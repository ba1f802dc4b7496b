//! Key pairs: the caller's own, in every region.

mod page;

pub use page::KeyPairsPage;
