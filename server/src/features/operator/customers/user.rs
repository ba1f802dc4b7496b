//! Everything about one person.

use api_types::operator::{
    customers::{CustomerProject, CustomerSession, CustomerUser, Person},
    flags::CustomerFlag,
};
use axum::{
    Json,
    extract::{Path, State},
};

use super::{
    find::{failures_of, noting},
    keystone::Directory,
    lines, mark_own, project_of,
};
use crate::{
    app::App,
    error::ApiError,
    flags::{Flag, Flags, Whom},
    jobs::JobRow,
    log::search::Filter,
    session::Operator,
};

/// Shows a person by id: sessions, projects, jobs, failed sign-ins, and the latest lines of the log.
///
/// Errors: 404 no operator, or neither the panel nor Keystone knows such a user; 503 Postgres does not answer.
pub async fn show_user(
    operator: Operator,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<CustomerUser>, ApiError> {
    if !(1..=LONGEST_ID).contains(&id.len()) || id.chars().any(|c| c.is_control() || c == '/') || id == ".." {
        return Err(unknown(&id));
    }
    operator.note("looked at a customer", &id);
    let (now, idle_since) = (app.clock.now(), app.sessions.idle_since());
    let store = app.sessions.store();
    let directory = Directory::new(&app, &operator);
    let (told, roles, sessions, jobs) = tokio::join!(
        directory.show_user(&id),
        directory.list_projects_of(&id),
        store.list_sessions_of_user(&id, now, idle_since),
        app.jobs.store().list_jobs(&id, MOST_JOBS),
    );
    let (sessions, jobs) = (sessions?, jobs?);
    let mut keystone_refused = None;
    let told = noting(told, &mut keystone_refused);
    let here = store.find_users(&id, now, idle_since, 2).await?.into_iter().find(|row| row.user.id == id);
    let (seen_at, count) = (here.as_ref().map(|row| row.last_seen_at.timestamp()), sessions.len());
    let person = match (told, here) {
        (Some(told), here) => {
            let domain = here.map_or(told.domain, |row| row.user.domain);
            Person { domain, ..told }
        }
        (None, Some(row)) => {
            Person { id: id.clone(), name: row.user.name, domain: row.user.domain, ..Person::default() }
        }
        // Long gone from here, and Keystone does not tell: what is left are the jobs.
        (None, None) if !jobs.is_empty() => Person { id: id.clone(), name: id.clone(), ..Person::default() },
        (None, None) => return Err(unknown(&id)),
    };
    let sessions_count = u32::try_from(count).unwrap_or(u32::MAX);
    let person = Person { sessions: sessions_count, last_seen_at: seen_at, ..person };

    let mut projects: Vec<CustomerProject> = noting(roles, &mut keystone_refused);
    let named = app.jobs.store().list_projects_of_user(&id, MOST_JOBS).await?;
    let seen = store.list_projects_of_user(&id).await?.into_iter().map(|id| (id, String::new()));
    for (project, name) in named.into_iter().chain(seen) {
        if let Ok(project) = project.parse()
            && projects.iter().all(|known| known.id != project)
        {
            projects.push(project_of(project, &name));
        }
    }
    mark_own(&app, &operator.caller.session, &mut projects).await;
    projects.sort_by_cached_key(|project| (project.name.is_empty(), project.name.to_lowercase()));

    // The name finds lines by an index; the id keeps those of the same name in other domains apart.
    let about = Filter { user: Some(person.name.clone()), user_id: Some(id.clone()), ..Filter::default() };
    let failures = failures_of(&app, &person.name, &person.domain).await?;
    let own = operator.caller.session.id;
    Ok(Json(CustomerUser {
        failures,
        sessions: sessions
            .into_iter()
            .map(|row| CustomerSession {
                id: row.id.to_string(),
                short: row.id.short(),
                created_at: row.created_at.timestamp(),
                last_seen_at: row.last_seen_at.timestamp(),
                address: row.address,
                browser: row.browser,
                is_current: row.id == own,
            })
            .collect(),
        projects,
        jobs: jobs.iter().filter_map(JobRow::shown).take(SHOWN_JOBS).collect(),
        errors: lines::errors(&app, about.clone()).await?,
        calls: lines::calls(&app, about).await?,
        days: lines::DAYS,
        keystone_refused,
        flags: flags_of(&app.flags, &person),
        person,
    }))
}

/// As the person's next page has them.
fn flags_of(flags: &Flags, person: &Person) -> Vec<CustomerFlag> {
    let shown = |flag: &Flag| {
        let verdict = flags.verdict(*flag, Whom { id: &person.id, name: &person.name });
        CustomerFlag {
            name: flag.name().to_owned(),
            says: flag.says().to_owned(),
            is_on: verdict.is_on,
            is_named: verdict.is_named,
            percent: verdict.percent,
        }
    };
    Flag::ALL.iter().map(shown).collect()
}

/// Keystone's own are 64 characters at most, those of other directories may be longer.
const LONGEST_ID: usize = 255;
const MOST_JOBS: i64 = 20;
const SHOWN_JOBS: usize = 20;

fn unknown(id: &str) -> ApiError {
    ApiError::NoSuchCustomer { kind: "user", id: id.chars().take(LONGEST_ID).collect() }
}
