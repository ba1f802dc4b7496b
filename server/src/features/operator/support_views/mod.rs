//! Looking at a customer's project: read-only, for a reason, with the operator's own rights, for half an hour at most.
//!
//! Beginning, every page, every change that was refused and the end are written down. What makes it read-only stands in
//! `session/support_view.rs` and `middleware/read_only.rs`.

mod end;
mod list;
mod open;
#[cfg(test)]
mod tests;

use api_types::{operator::support_views::SupportView, routes};
use axum::{
    Router,
    routing::{get, post},
};

use crate::{app::App, session::support_view::SupportViewRow};

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::OPERATOR_SUPPORT_VIEWS, get(list::list_support_views).post(open::open_support_view))
        .route(routes::OPERATOR_SUPPORT_VIEW_PAGES, post(open::note_page))
}

/// What a form is sent to: no part of the API.
pub fn pages() -> Router<App> {
    Router::new().route(routes::SUPPORT_VIEW_END, post(end::end_support_view))
}

/// As an operator reads it. `None` only where Postgres holds what was never a project's id.
pub fn shown(row: SupportViewRow) -> Option<SupportView> {
    Some(SupportView {
        id: row.id.to_string(),
        operator: row.operator,
        project: row.project.parse().ok()?,
        project_name: row.project_name,
        customer: row.customer,
        reason: row.reason,
        started_at: row.started_at.timestamp(),
        until: row.until.timestamp(),
        ended_at: row.ended_at.map(|at| at.timestamp()),
    })
}
