//! The section's calls.

use api_types::{
    operator::{
        flags::{FlagState, SetFlag},
        health::{HealthReport, ProbeService, ProbedService},
    },
    routes,
};
use web_sys::AbortSignal;

use super::state::by_own_clock;
use crate::{
    api_client::{ApiError, Call},
    ui::format,
};

/// What the node that answers knows, its times by the browser's clock.
pub async fn show_report(until: Option<AbortSignal>) -> Result<HealthReport, ApiError> {
    let mut call = Call::get(routes::OPERATOR_HEALTH);
    if let Some(until) = &until {
        call = call.until(until);
    }
    call.json().await.map(|report| by_own_clock(report, format::now()))
}

/// Tries a service now.
pub async fn probe(wanted: &ProbeService) -> Result<ProbedService, ApiError> {
    Call::post(routes::OPERATOR_HEALTH_PROBE).body(wanted).json().await
}

/// Sets who has a flag.
pub async fn set_flag(name: &str, wanted: &SetFlag) -> Result<FlagState, ApiError> {
    Call::new("PUT", routes::operator_flag(name)).body(wanted).json().await
}

/// Takes back what is set.
pub async fn clear_flag(name: &str) -> Result<(), ApiError> {
    Call::delete(routes::operator_flag(name)).done().await
}
