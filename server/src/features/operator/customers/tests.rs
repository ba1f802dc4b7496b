//! Customers found, looked at and helped; and what nobody else gets to see.

use std::sync::Arc;

use api_types::{
    operator::{
        customers::{CustomerProjectPage, CustomerUser, CustomersFound, LiftLockout, Person},
        logs::LogLine,
    },
    routes,
};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use simcloud::{CloudConfig, Fault, Service, TEST_PASSWORD};
use sqlx::PgPool;

use crate::{
    log::{Facility, Level, Line, Place, store::insert_lines},
    testing::{Client, TestApp},
};

async fn panel(db: PgPool) -> (TestApp, Client) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("SIGN_IN_LOCKOUT_USER_FAILURES", "2")
    })
    .await;
    let operator = app.signed_in("operator");
    operator.get(routes::SESSION).await.assert_status(StatusCode::OK);
    (app, operator)
}

async fn find(operator: &Client, search: &str) -> CustomersFound {
    let answer = operator.get(&path(search)).await;
    answer.assert_status(StatusCode::OK);
    answer.json()
}

fn path(search: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("search", search).finish();
    format!("{}?{query}", routes::OPERATOR_CUSTOMERS)
}

async fn show(operator: &Client, id: &str) -> CustomerUser {
    let answer = operator.get(&routes::operator_user(id)).await;
    answer.assert_status(StatusCode::OK);
    answer.json()
}

async fn user_id(client: &Client) -> String {
    let session: api_types::session::CurrentSession = client.get(routes::SESSION).await.json();
    session.user.id
}

fn names(people: &[Person]) -> Vec<&str> {
    people.iter().map(|person| person.name.as_str()).collect()
}

async fn write(db: &PgPool, user: &str, id: &str, project: &str, lines: &[(Level, Facility, &str)]) {
    let lines: Vec<Line> = lines
        .iter()
        .map(|(level, facility, text)| {
            let mut line = Line::new(Arc::new(Place::default()), *level, *facility, *text);
            line.who.user = Some(user.into());
            line.who.user_id = Some(id.into());
            line.project = Some(project.into());
            line.request_id = Some("req-1".into());
            line
        })
        .collect();
    insert_lines(&mut db.acquire().await.expect("a connection"), &lines).await.expect("written");
}

fn told(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.description.as_str()).filter(|text| text.starts_with("test: ")).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_no_operator_gets_what_an_unknown_address_gives(db: PgPool) {
    let (app, _) = panel(db).await;
    let alice = app.signed_in("alice");
    let id = user_id(&alice).await;
    let token = alice.csrf_token().await;
    let headers = [(routes::CSRF_HEADER, &*token), ("content-type", "application/json")];
    let ask = async |method: Method, path: &str| {
        let answer = alice.send(method, path, &headers, "{}".into()).await;
        let mut body: Value = answer.json();
        body["request_id"] = Value::Null;
        (answer.status, body)
    };
    let session = format!("/api/operator/sessions/{}", uuid::Uuid::new_v4());
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let nowhere = ask(method.clone(), "/api/operator/no-such-thing").await;
        assert_eq!(nowhere.0, StatusCode::NOT_FOUND);
        for path in [
            &path("alice"),
            routes::OPERATOR_CUSTOMERS,
            &routes::operator_user(&id),
            &routes::operator_project(&app.project("alpha")),
            &session,
            routes::OPERATOR_LOCKOUTS,
        ] {
            assert_eq!(ask(method.clone(), path).await, nowhere, "{method} {path}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn people_are_found_by_name_id_and_address_and_projects_by_name_and_id(db: PgPool) {
    let (app, operator) = panel(db).await;
    let alice = app.signed_in("alice").at("198.51.100.7");
    let id = user_id(&alice).await;
    let by_name = find(&operator, "ALI").await;
    assert_eq!(names(&by_name.people), ["alice"]);
    let person = &by_name.people[0];
    assert_eq!((person.id.as_str(), &*person.domain, person.sessions), (&*id, "Default", 1));
    assert!(person.last_seen_at.is_some());
    assert_eq!(person.is_enabled, Some(true), "Keystone says so");
    for search in [id.as_str(), "198.51.100.7"] {
        assert_eq!(names(&find(&operator, search).await.people), ["alice"], "{search}");
    }
    // Known to Keystone only.
    let disabled = find(&operator, "disabled").await;
    assert_eq!((names(&disabled.people), disabled.people[0].is_enabled), (vec!["disabled"], Some(false)));
    assert_eq!((disabled.people[0].sessions, disabled.people[0].last_seen_at), (0, None));

    let projects = find(&operator, "alpha").await.projects;
    assert_eq!(projects.len(), 1);
    assert_eq!((&*projects[0].name, projects[0].may_view), ("alpha", true));
    let beta = find(&operator, app.project("beta").as_str()).await.projects;
    assert_eq!((&*beta[0].name, beta[0].may_view), ("beta", false), "the operator has no role there");
    let none = find(&operator, "zzz-nobody").await;
    assert_eq!(none, CustomersFound::default());
}

#[sqlx::test(migrations = "../migrations")]
async fn where_keystone_refuses_it_is_said_and_what_is_known_here_is_shown(db: PgPool) {
    let app = TestApp::new(db).await;
    let alpha = app.project("alpha");
    let app = app.restarted(|source| {
        source.with_env("OPERATOR_ROLE", "reader").with_env("OPERATOR_PROJECT", alpha.as_str())
    });
    let operator = app.signed_in("reader");
    let alice = app.signed_in("alice");
    let id = user_id(&alice).await;
    let found = find(&operator, "ali").await;
    assert_eq!(names(&found.people), ["alice"]);
    assert_eq!(found.people[0].is_enabled, None);
    let why = found.keystone_refused.expect("said");
    assert!(why.contains("your own rights there do not reach so far"), "{why}");
    let page = show(&operator, &id).await;
    assert!(page.keystone_refused.is_some());
    assert_eq!((page.sessions.len(), &*page.person.name), (1, "alice"));
    assert!(!page.projects.is_empty(), "those she was seen in here");
    assert_eq!(find(&operator, "disabled").await.people, [], "only Keystone would know");

    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    let found = find(&operator, "ali").await;
    assert_eq!(names(&found.people), ["alice"]);
    assert!(
        found.keystone_refused.is_some_and(|why| !why.contains("rights")),
        "it is away, and that is said"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_customers_page_has_sessions_projects_errors_and_calls_of_nobody_else(db: PgPool) {
    let (app, operator) = panel(db.clone()).await;
    let alice = app.signed_in("alice");
    let id = user_id(&alice).await;
    let alpha = app.project("alpha");
    let of_alice = [
        (Level::Error, Facility::Client, "test: a panic"),
        (Level::Info, Facility::Client, "test: opened a page"),
        (Level::Info, Facility::Proxy, "test: a proxied call"),
        (Level::Warn, Facility::Upstream, "test: an upstream call"),
    ];
    write(&db, "alice", &id, alpha.as_str(), &of_alice).await;
    write(
        &db,
        "alice",
        "of another domain",
        "elsewhere",
        &[(Level::Error, Facility::Client, "test: not hers")],
    )
    .await;
    write(&db, "bob", "bob's id", "elsewhere", &[(Level::Error, Facility::Proxy, "test: bob's")]).await;
    let page = show(&operator, &id).await;
    assert_eq!((page.sessions.len(), page.person.sessions), (1, 1));
    assert!(!page.sessions[0].is_current && page.sessions[0].short.len() == 8);
    assert_eq!(told(&page.errors), ["test: an upstream call", "test: a panic"]);
    assert_eq!(told(&page.calls), ["test: an upstream call", "test: a proxied call"]);
    let projects: Vec<_> =
        page.projects.iter().map(|project| (project.name.as_str(), project.may_view)).collect();
    assert_eq!(projects, [("alpha", true), ("beta", false)]);
    assert_eq!((page.failures, page.jobs, page.keystone_refused), (None, vec![], None));

    let answer = operator.get(&routes::operator_project(&alpha)).await;
    let page: CustomerProjectPage = answer.json();
    assert_eq!((&*page.project.name, page.project.may_view), ("alpha", true));
    assert!(names(&page.people).contains(&"alice"), "{:?}", page.people);
    assert_eq!(told(&page.errors), ["test: an upstream call", "test: a panic"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_is_ended_for_a_customer_and_not_ones_own(db: PgPool) {
    let (app, operator) = panel(db).await;
    let alice = app.signed_in("alice");
    let id = user_id(&alice).await;
    let session = show(&operator, &id).await.sessions[0].id.clone();
    operator.delete(&routes::operator_session(&session)).await.assert_status(StatusCode::NO_CONTENT);
    let there = app.browser();
    there.set_cookie("meridian", &alice.cookie("meridian").expect("a cookie"));
    there.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    let again = operator.delete(&routes::operator_session(&session)).await;
    again.assert_error(StatusCode::NOT_FOUND, "not_found");
    let own = show(&operator, &user_id(&operator).await).await.sessions;
    let own = own.iter().find(|session| session.is_current).expect("the operator's own");
    let refused = operator.delete(&routes::operator_session(&own.id)).await;
    refused.assert_error(StatusCode::CONFLICT, "own_session");
    for id in ["none", "%00", &"f".repeat(500)] {
        operator.delete(&routes::operator_session(id)).await.assert_status(StatusCode::NOT_FOUND);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lockout_is_seen_and_lifted(db: PgPool) {
    let (app, operator) = panel(db).await;
    for _ in 0..2 {
        app.browser().sign_in("bob", "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
    }
    let failures = find(&operator, "bob").await.failures;
    assert_eq!((failures.len(), failures[0].failures, failures[0].locked_for_secs), (1, 2, None));
    let locked = app.browser().sign_in("bob", TEST_PASSWORD).await;
    locked.assert_status(StatusCode::TOO_MANY_REQUESTS);
    let found = find(&operator, "BOB").await;
    assert!(found.failures[0].locked_for_secs.is_some_and(|secs| (1..=900).contains(&secs)));
    let page = show(&operator, &found.people[0].id).await;
    assert!(page.failures.is_some_and(|failures| failures.locked_for_secs.is_some()));

    let lift = LiftLockout { user: "bob".to_owned(), domain: "Default".to_owned() };
    operator.post(routes::OPERATOR_LOCKOUTS, &lift).await.assert_status(StatusCode::NO_CONTENT);
    app.browser().sign_in("bob", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    let again = operator.post(routes::OPERATOR_LOCKOUTS, &lift).await;
    again.assert_error(StatusCode::CONFLICT, "not_locked_out");
    assert_eq!(show(&operator, &found.people[0].id).await.failures, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_searches_and_ids_find_nothing_and_break_nothing(db: PgPool) {
    let (app, operator) = panel(db).await;
    user_id(&app.signed_in("alice")).await;
    let long = "x".repeat(101);
    for search in ["", "   ", "a\u{0}b", "a\u{1b}[2J", &long] {
        operator.get(&path(search)).await.assert_error(StatusCode::BAD_REQUEST, "invalid_search");
    }
    for search in
        ["%", "_", "'", "';--", "\\", "(((((", "../../users", "?limit=1&name=alice", "\u{202e}\u{1f600}"]
    {
        let found = find(&operator, search).await;
        assert_eq!(found.people, [], "{search} is text, and nobody is called so");
    }
    operator.get(routes::OPERATOR_CUSTOMERS).await.assert_status(StatusCode::BAD_REQUEST);
    let long = "x".repeat(300);
    for id in ["%2e%2e", "a%2Fb", "%00", "%0a", "no-such-user", &long] {
        let answer = operator.get(&routes::operator_user(id)).await;
        answer.assert_error(StatusCode::NOT_FOUND, "not_found");
    }
    for id in ["%2e%2e", "no%20project", &long, "no-such-project"] {
        let answer = operator.get(&format!("/api/operator/customers/projects/{id}")).await;
        answer.assert_error(StatusCode::NOT_FOUND, "not_found");
    }
    for body in [json!(null), json!({"user": 1, "domain": "Default"}), json!({"user": "bob"})] {
        let answer = operator.post(routes::OPERATOR_LOCKOUTS, &body).await;
        answer.assert_error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body");
    }
}
