//! Servers: the rows of the list, the frames they travel in, and one server whole.

pub mod action;
pub mod calls;
pub mod console;
pub mod detail;
pub mod event;
pub mod frame;
pub mod row;
pub mod status;

pub use action::{ActionKind, Impossible, ServerAction, ServerNow};
pub use detail::{ServerDetail, ServerHistory};
pub use event::{Event, RegionFailure, RegionState, RegionStatus};
pub use row::{Address, Flavor, Image, ServerRow};
pub use status::{StatusKind, is_in_transition, status_kind};
