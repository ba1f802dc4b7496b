//! What the operator's console asks and is told.

pub mod logs;
