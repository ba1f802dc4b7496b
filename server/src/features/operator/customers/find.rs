//! Whom an operator looks for, by what the panel and Keystone know together.

use std::collections::BTreeMap;

use api_types::operator::customers::{CustomersFound, FindCustomersQuery, Person, SignInFailures};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};

use super::{
    super::one_line::one_line,
    keystone::{Directory, MOST, NotTold},
    mark_own, project_of,
};
use crate::{app::App, error::ApiError, session::Operator};

/// Finds people and projects by a part of their name or by their id, people also by the address they come from.
///
/// Errors: 404 no operator, 400 `invalid_search`, 503 Postgres does not answer. Keystone's refusal is part of the answer.
pub async fn find_customers(
    operator: Operator,
    State(app): State<App>,
    query: Result<Query<FindCustomersQuery>, QueryRejection>,
) -> Result<Json<CustomersFound>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let search = one_line(&query.search, 1..=LONGEST_SEARCH).ok_or_else(|| ApiError::Invalid {
        code: "invalid_search",
        message: format!(
            "Please search for 1 to {LONGEST_SEARCH} characters of a name, an id or an address."
        ),
    })?;
    operator.note("searched for customers", search);
    let directory = Directory::new(&app, &operator);
    let (users, projects, here) =
        tokio::join!(directory.find_users(search), directory.find_projects(search), Here::find(&app, search));
    let here = here?;
    let mut found = CustomersFound { failures: failures(&app, search).await?, ..CustomersFound::default() };

    let mut people: BTreeMap<String, Person> = BTreeMap::new();
    for person in noting(users, &mut found.keystone_refused) {
        people.insert(person.id.clone(), person);
    }
    for seen in here.people {
        let is_enabled = people.get(&seen.id).and_then(|known| known.is_enabled);
        people.insert(seen.id.clone(), Person { is_enabled, ..seen });
    }
    found.people = people.into_values().collect();
    let wanted = search.to_lowercase();
    let rank = |name: &str| (name.to_lowercase() != wanted, name.to_lowercase());
    found.people.sort_by_cached_key(|person| (person.sessions == 0, rank(&person.name)));

    found.projects = noting(projects, &mut found.keystone_refused);
    for (id, name) in here.projects {
        if let Ok(id) = id.parse()
            && found.projects.iter().all(|known| known.id != id)
        {
            found.projects.push(project_of(id, &name));
        }
    }
    found.projects.sort_by_cached_key(|project| rank(&project.name));
    found.is_cut = found.people.len() >= MOST || found.projects.len() >= MOST;
    found.people.truncate(MOST);
    found.projects.truncate(MOST);
    mark_own(&app, &operator.caller.session, &mut found.projects).await;
    Ok(Json(found))
}

const LONGEST_SEARCH: usize = 100;

/// What the panel knows by itself.
struct Here {
    people: Vec<Person>,
    projects: Vec<(String, String)>,
}

impl Here {
    async fn find(app: &App, search: &str) -> Result<Self, ApiError> {
        let (store, limit) = (app.sessions.store(), i64::try_from(MOST).unwrap_or(i64::MAX));
        let users = store.find_users(search, app.clock.now(), app.sessions.idle_since(), limit).await?;
        let person = |row: crate::session::SeenUserRow| Person {
            id: row.user.id,
            name: row.user.name,
            domain: row.user.domain,
            sessions: u32::try_from(row.sessions).unwrap_or(u32::MAX),
            last_seen_at: Some(row.last_seen_at.timestamp()),
            is_enabled: None,
        };
        let projects = app.jobs.store().find_projects(search, limit).await?;
        Ok(Self { people: users.into_iter().map(person).collect(), projects })
    }
}

/// What is counted against just this name, in every domain that people may choose.
async fn failures(app: &App, name: &str) -> Result<Vec<SignInFailures>, ApiError> {
    let mut found = Vec::new();
    for domain in app.config.sign_in.domains.iter().filter(|domain| *domain != "*") {
        found.extend(failures_of(app, name, domain).await?);
    }
    Ok(found)
}

/// What is counted against one name.
pub async fn failures_of(app: &App, user: &str, domain: &str) -> Result<Option<SignInFailures>, ApiError> {
    let failures = app.attempts.failures_of(user, domain).await?;
    Ok(failures.map(|failures| SignInFailures {
        user: user.to_owned(),
        domain: domain.to_owned(),
        failures: failures.count,
        since: failures.since.timestamp(),
        locked_for_secs: failures.locked_for.map(crate::error::seconds_up),
    }))
}

/// What Keystone told; where it did not, why, once.
pub fn noting<T: Default>(told: Result<T, NotTold>, why: &mut Option<String>) -> T {
    told.unwrap_or_else(|NotTold(sentence)| {
        why.get_or_insert(sentence);
        T::default()
    })
}
