//! Everything about one project.

use api_types::{
    ProjectId,
    operator::customers::{CustomerProjectPage, Person},
};
use axum::{
    Json,
    extract::{Path, State},
};

use super::{find::noting, keystone::Directory, lines, mark_own, project_of};
use crate::{
    app::App, error::ApiError, features::operator::support_views::shown, log::search::Filter,
    session::Operator,
};

/// Shows a project by id: who works in it here, the latest errors, and who looked at it.
///
/// Errors: 404 no operator, or neither the panel nor Keystone knows such a project; 503 Postgres does not answer.
pub async fn show_project(
    operator: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<CustomerProjectPage>, ApiError> {
    let unknown = || ApiError::NoSuchCustomer { kind: "project", id: id.chars().take(100).collect() };
    let id: ProjectId = id.parse().map_err(|_| unknown())?;
    operator.note("looked at a project", &id);
    let directory = Directory::new(&app, &operator);
    let store = app.sessions.store();
    let (told, people, views, named) = tokio::join!(
        directory.show_project(id.as_str()),
        store.list_users_of_project(&id, app.clock.now(), MOST_PEOPLE),
        store.list_support_views(Some(&id), MOST_VIEWS),
        app.jobs.store().find_projects(id.as_str(), 1),
    );
    let (people, views, named) = (people?, views?, named?);
    let mut keystone_refused = None;
    let told = noting(told, &mut keystone_refused);
    let is_known = told.is_some() || !people.is_empty() || !views.is_empty() || !named.is_empty();
    let name = named.first().filter(|(found, _)| found == id.as_str()).map_or("", |(_, name)| name);
    let mut project = [told.unwrap_or_else(|| project_of(id.clone(), name))];
    mark_own(&app, &operator.caller.session, &mut project).await;
    let [project] = project;
    if !is_known && !project.may_view {
        return Err(unknown());
    }
    let about = Filter { project: Some(id.to_string()), ..Filter::default() };
    Ok(Json(CustomerProjectPage {
        project,
        people: people
            .into_iter()
            .map(|row| Person {
                id: row.user.id,
                name: row.user.name,
                domain: row.user.domain,
                sessions: u32::try_from(row.sessions).unwrap_or(u32::MAX),
                last_seen_at: Some(row.last_seen_at.timestamp()),
                is_enabled: None,
            })
            .collect(),
        errors: lines::errors(&app, about).await?,
        days: lines::DAYS,
        support_views: views.into_iter().filter_map(shown).collect(),
        keystone_refused,
    }))
}

const MOST_PEOPLE: i64 = 50;
const MOST_VIEWS: i64 = 20;
