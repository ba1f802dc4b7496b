//! Hides the operator's console from everybody else.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, OriginalUri, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tower::Layer;

use crate::{app::App, error::ApiError, session::Operator};

/// Serves these routes, all of which begin with `prefix`, to operators. Everybody else gets the answer of an address
/// that nobody serves, whatever the method, and before anything of the request is read.
///
/// They are put behind a service of their own: a layer around routes is inside of what tells, by the header `Allow`,
/// which methods a route has.
pub fn for_operators_only(prefix: &str, routes: Router<App>, app: &App) -> Router<App> {
    let hidden = from_fn_with_state(Arc::new(app.clone()), operators_only);
    Router::new().nest_service(prefix, hidden.layer(routes.with_state(app.clone())))
}

/// Errors: those of [`Operator`].
async fn operators_only(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    <Operator as FromRequestParts<App>>::from_request_parts(&mut parts, &*app).await?;
    // The routes say their whole path, as all others do.
    if let Some(OriginalUri(whole)) = parts.extensions.get::<OriginalUri>() {
        parts.uri = whole.clone();
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}
