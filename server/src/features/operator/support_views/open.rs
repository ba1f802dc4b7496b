//! A look begins, and goes from page to page.

use api_types::operator::support_views::{
    LONGEST_REASON, OpenSupportView, SHORTEST_REASON, SupportView, SupportViewPage,
};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};

use super::{super::one_line::one_line, shown};
use crate::{app::App, error::ApiError, session::Operator, session::support_view::NewSupportView};

/// Begins a look at a project; one that the session has already ends.
///
/// Errors: 404 no operator; 400 `invalid_reason`, `invalid_customer`; 403 `no_role_in_project`: Keystone gives the
/// operator no role there, and says who can; 401 and 503 as for any page of a project; 503 Postgres does not answer.
pub async fn open_support_view(
    operator: Operator,
    State(app): State<App>,
    body: Result<Json<OpenSupportView>, JsonRejection>,
) -> Result<(StatusCode, Json<SupportView>), ApiError> {
    let Json(wanted) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let reason =
        one_line(&wanted.reason, SHORTEST_REASON..=LONGEST_REASON).ok_or_else(|| ApiError::Invalid {
            code: "invalid_reason",
            message: format!(
                "Please give a reason of {SHORTEST_REASON} to {LONGEST_REASON} characters, on one line."
            ),
        })?;
    let customer = wanted.customer.as_deref().unwrap_or_default();
    let customer = one_line(customer, 0..=LONGEST_NAME).ok_or_else(|| ApiError::Invalid {
        code: "invalid_customer",
        message: format!("A customer's name has at most {LONGEST_NAME} characters, on one line."),
    })?;
    let customer = Some(customer).filter(|customer| !customer.is_empty());
    let session = &operator.caller.session;
    let project = &wanted.project;
    let scope = match app.scopes.scope(session, project).await {
        Ok(scope) => scope,
        Err(ApiError::NoSuchProject { .. }) => {
            operator.note("was refused a support view", format_args!("of project {project}: {reason}"));
            return Err(ApiError::NoRoleInProject {
                project: project.to_string(),
                user: operator.caller.user().name.clone(),
            });
        }
        Err(error) => return Err(error),
    };
    let new = NewSupportView { project, project_name: &scope.project_name, customer, reason };
    let row = app.sessions.open_support_view(session, &new).await?;
    let about = format!(
        "{} of project {project} ({}), for {}, with the roles {}, until {}: {reason}",
        row.id,
        scope.project_name,
        customer.unwrap_or("nobody named"),
        scope.roles.join(", "),
        row.until.to_rfc3339(),
    );
    operator.note("began a support view", about);
    let view = shown(row).ok_or_else(|| ApiError::internal("showing the support view")("no project's id"))?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Writes down which page is looked at.
///
/// Errors: 404 no operator; 409 `no_support_view`.
pub async fn note_page(
    operator: Operator,
    State(app): State<App>,
    body: Result<Json<SupportViewPage>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(page) = body.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let Some(view) = operator.caller.session.support_view(&app.clock) else {
        return Err(ApiError::Conflict {
            code: "no_support_view",
            message: "Your support view is over.".to_owned(),
        });
    };
    let path: String = page.path.chars().filter(|c| !c.is_control()).take(LONGEST_PATH).collect();
    operator.note("opened a page in a support view", format_args!("{}: {path}", view.id));
    Ok(StatusCode::NO_CONTENT)
}

const LONGEST_NAME: usize = 255;
const LONGEST_PATH: usize = 500;
