//! What every request passes, in the order that `app` writes down.

pub mod answer_errors;
pub mod csrf;
pub mod limits;
pub mod log_request;
pub mod metrics;
pub mod operators_only;
pub mod read_only;
pub mod request_id;
pub mod security_headers;
pub mod timeout;
