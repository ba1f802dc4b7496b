//! What every request passes, in the order that [`around`] writes down.

pub mod answer_errors;
pub mod around;
pub mod csrf;
pub mod limits;
pub mod log_request;
pub mod metrics;
pub mod operators_only;
pub mod read_only;
pub mod request_id;
pub mod route;
pub mod security_headers;
