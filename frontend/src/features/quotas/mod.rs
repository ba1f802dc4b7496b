//! Quotas: how much of each region a project may use, and how much of that is in use.

mod page;
mod quota_sets;

pub use page::QuotasPage;
