//! Servers: the rows of the list, the frames they travel in, and one server whole.

pub mod detail;
pub mod event;
pub mod frame;
pub mod row;
pub mod status;

pub use detail::ServerDetail;
pub use event::{Event, RegionFailure, RegionState, RegionStatus};
pub use row::{Address, Flavor, Image, ServerRow};
pub use status::{StatusKind, is_in_transition, status_kind};
