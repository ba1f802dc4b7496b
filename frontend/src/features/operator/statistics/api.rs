//! The call for the graphs.

use api_types::{operator::statistics::Statistics, routes};
use web_sys::AbortSignal;

use super::address::Asked;
use crate::api_client::{ApiError, Call};

/// All graphs of a range.
pub async fn show_statistics(asked: Asked, until: Option<AbortSignal>) -> Result<Statistics, ApiError> {
    let address =
        format!("{}?last={}&percentile={}", routes::OPERATOR_STATISTICS, asked.last, asked.percentile);
    let mut call = Call::get(address);
    if let Some(until) = &until {
        call = call.until(until);
    }
    call.json().await
}
