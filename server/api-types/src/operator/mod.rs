//! What the operator's console asks and is told.

pub mod health;
pub mod logs;
pub mod statistics;
