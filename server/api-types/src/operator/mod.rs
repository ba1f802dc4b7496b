//! What the operator's console asks and is told.

pub mod customers;
pub mod flags;
pub mod health;
pub mod logs;
pub mod statistics;
pub mod support_views;
