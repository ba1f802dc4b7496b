//! The section's calls.

use api_types::{
    ProjectId,
    operator::{
        customers::{CustomerProjectPage, CustomerUser, CustomersFound, LiftLockout},
        support_views::{OpenSupportView, SupportView},
    },
    routes,
};
use web_sys::AbortSignal;

use crate::api_client::{ApiError, Call};

pub async fn find(search: String, until: Option<AbortSignal>) -> Result<CustomersFound, ApiError> {
    let query = js_sys::encode_uri_component(&search);
    get(format!("{}?search={query}", routes::OPERATOR_CUSTOMERS), until).json().await
}

/// `id` as it stands in the page's address.
pub async fn show_user(id: String, until: Option<AbortSignal>) -> Result<CustomerUser, ApiError> {
    get(routes::operator_user(&id), until).json().await
}

pub async fn show_project(
    id: ProjectId,
    until: Option<AbortSignal>,
) -> Result<CustomerProjectPage, ApiError> {
    get(routes::operator_project(&id), until).json().await
}

pub async fn end_session(id: String) -> Result<(), ApiError> {
    Call::delete(routes::operator_session(&id)).done().await
}

pub async fn lift_lockout(wanted: LiftLockout) -> Result<(), ApiError> {
    Call::post(routes::OPERATOR_LOCKOUTS).body(&wanted).done().await
}

pub async fn open_support_view(wanted: OpenSupportView) -> Result<SupportView, ApiError> {
    Call::post(routes::OPERATOR_SUPPORT_VIEWS).body(&wanted).json().await
}

fn get(path: String, until: Option<AbortSignal>) -> Call {
    let call = Call::get(path);
    match &until {
        Some(until) => call.until(until),
        None => call,
    }
}
