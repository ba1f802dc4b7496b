//! A look ends.

use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::Redirect,
};
use serde::Deserialize;

use crate::{app::App, error::ApiError, session::Operator};

#[derive(Deserialize)]
pub struct EndForm {
    csrf_token: String,
}

/// Ends the look that the session has and leads back to the customer's project; one that is over by now leads there too.
///
/// Errors: 404 no operator, 403 `forged_request`, 503 Postgres does not answer.
pub async fn end_support_view(
    operator: Operator,
    State(app): State<App>,
    form: Result<Form<EndForm>, FormRejection>,
) -> Result<Redirect, ApiError> {
    let session = &operator.caller.session;
    let token = form.map(|Form(form)| form.csrf_token).unwrap_or_default();
    if !app.sessions.is_csrf_token(session, &token) {
        return Err(ApiError::Forged { reason: "the CSRF token is missing or wrong" });
    }
    let view = session.support_view(&app.clock);
    if app.sessions.end_support_view(session).await?
        && let Some(view) = &view
    {
        operator.note("ended a support view", format_args!("{} of project {}", view.id, view.project));
    }
    let back = view.map_or("/operator/customers".to_owned(), |view| {
        format!("/operator/customers/projects/{}", view.project)
    });
    Ok(Redirect::to(&back))
}
