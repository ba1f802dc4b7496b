//! People and projects: who they are, where they are signed in, what went wrong for them.
//!
//! What Keystone is asked, it is asked with the operator's own token; where it refuses, the page says so and shows what
//! the panel knows by itself.

mod act;
mod find;
mod keystone;
mod lines;
mod project;
#[cfg(test)]
mod tests;
mod user;

use api_types::{ProjectId, operator::customers::CustomerProject, routes};
use axum::{
    Router,
    routing::{delete, get, post},
};

use crate::{app::App, session::Session};

pub fn router() -> Router<App> {
    Router::new()
        .route(routes::OPERATOR_CUSTOMERS, get(find::find_customers))
        .route(routes::OPERATOR_USER, get(user::show_user))
        .route(routes::OPERATOR_PROJECT, get(project::show_project))
        .route(routes::OPERATOR_SESSION, delete(act::end_session))
        .route(routes::OPERATOR_LOCKOUTS, post(act::lift_lockout))
}

/// Which of these projects the operator has a role in. Where Keystone does not say, none: opening one will tell.
async fn mark_own(app: &App, session: &Session, projects: &mut [CustomerProject]) {
    let own = app.projects.list(session).await.unwrap_or_else(|_| [].into());
    for project in projects {
        let found = own.iter().find(|own| own.id == project.id);
        project.may_view = found.is_some();
        if let Some(own) = found.filter(|_| project.name.is_empty()) {
            project.name.clone_from(&own.name);
            project.domain.clone_from(&own.domain);
        }
    }
}

fn project_of(id: ProjectId, name: &str) -> CustomerProject {
    CustomerProject { id, name: name.to_owned(), domain: String::new(), may_view: false, is_enabled: None }
}
