//! A support view shows and never changes, on every node, until it ends; and all of it is written down.

use std::time::Duration;

use api_types::{
    jobs::{Confirmed, CreateJob, Job, RegionTargets},
    operator::{
        customers::CustomerProjectPage,
        support_views::{OpenSupportView, SupportView, SupportViewPage},
    },
    routes,
    servers::action::ServerAction,
};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use simcloud::NewServer;
use sqlx::PgPool;

use crate::{
    session::hears,
    testing::{Client, Log, TestApp, TestResponse, until},
};

const READ_ONLY: &str = "support_view_read_only";

/// A panel and an operator who has signed in.
async fn panel(db: PgPool) -> (TestApp, Client) {
    let app = TestApp::new(db).await;
    let operator = app.signed_in("operator");
    operator.get(routes::SESSION).await.assert_status(StatusCode::OK);
    (app, operator)
}

fn wanted(app: &TestApp, project: &str) -> OpenSupportView {
    OpenSupportView {
        project: app.project(project),
        customer: Some("alice".to_owned()),
        reason: "Ticket 4711: her list stays empty".to_owned(),
    }
}

async fn open(app: &TestApp, operator: &Client, project: &str) -> SupportView {
    let answer = operator.post(routes::OPERATOR_SUPPORT_VIEWS, &wanted(app, project)).await;
    answer.assert_status(StatusCode::CREATED);
    answer.json()
}

async fn end(operator: &Client) -> TestResponse {
    let token = operator.csrf_token().await;
    operator.post_form(routes::SUPPORT_VIEW_END, &[("csrf_token", &token)]).await
}

async fn send(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> TestResponse {
    let token = client.csrf_token().await;
    let own = [(routes::CSRF_HEADER, &*token), ("content-type", "application/json")];
    client.send(method, path, &[&own[..], headers].concat(), "{}".into()).await
}

/// The same browser at another node.
fn follow(browser: &Client, node: &TestApp) -> Client {
    let there = node.browser();
    there.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    there
}

fn stop(server: &str) -> CreateJob {
    CreateJob {
        action: ServerAction::Stop,
        targets: vec![RegionTargets {
            region: "RegionOne".parse().expect("a region"),
            servers: vec![server.parse().expect("a server")],
        }],
        idempotency_key: uuid::Uuid::new_v4().to_string(),
        confirmed: Some(Confirmed { word: None }),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_no_operator_finds_nothing_here(db: PgPool) {
    let (app, _) = panel(db).await;
    let alice = app.signed_in("alice");
    let nowhere = send(&alice, Method::POST, "/api/operator/no-such-thing", &[]).await;
    for (method, path) in [
        (Method::POST, routes::OPERATOR_SUPPORT_VIEWS),
        (Method::GET, routes::OPERATOR_SUPPORT_VIEWS),
        (Method::PUT, routes::OPERATOR_SUPPORT_VIEWS),
        (Method::POST, routes::OPERATOR_SUPPORT_VIEW_PAGES),
        (Method::GET, routes::OPERATOR_ANALYTICS),
        (Method::POST, routes::OPERATOR_ANALYTICS),
    ] {
        let answer = send(&alice, method.clone(), path, &[]).await;
        assert_eq!(told(&answer), told(&nowhere), "{method} {path}");
    }
    let page = send(&alice, Method::GET, "/operator/no-such-thing", &[]).await;
    let token = alice.csrf_token().await;
    let ended = alice.post_form(routes::SUPPORT_VIEW_END, &[("csrf_token", &token)]).await;
    assert_eq!((ended.status, page.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
}

/// What an answer tells, but for the ids and times that differ between any two.
fn told(answer: &TestResponse) -> (StatusCode, Value, Vec<String>) {
    let mut body: Value = answer.json();
    body["request_id"] = Value::Null;
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (answer.status, body, names)
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_role_in_the_project_it_is_said_what_is_missing_and_who_can_give_it(db: PgPool) {
    let (app, operator) = panel(db).await;
    for project in ["beta", "gamma"] {
        let answer = operator.post(routes::OPERATOR_SUPPORT_VIEWS, &wanted(&app, project)).await;
        let refusal = answer.assert_error(StatusCode::FORBIDDEN, "no_role_in_project");
        for said in ["no role in this project", "administrator of its domain", "--user operator", "reader"] {
            assert!(refusal.message.contains(said), "{said}: {}", refusal.message);
        }
    }
    let unknown = json!({"project": "0123456789abcdef", "reason": "nobody has ever had this one"});
    let answer = operator.post(routes::OPERATOR_SUPPORT_VIEWS, &unknown).await;
    answer.assert_error(StatusCode::FORBIDDEN, "no_role_in_project");
    let views: Vec<SupportView> = operator.get(routes::OPERATOR_SUPPORT_VIEWS).await.json();
    assert_eq!(views, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reason_is_needed_and_hostile_ones_are_refused(db: PgPool) {
    let (app, operator) = panel(db).await;
    let long = "x".repeat(501);
    let padded = format!("short{}", " ".repeat(100));
    for reason in ["", "too short", &long, &padded, "clear\u{1b}[2J the screen", "one line\nand another"] {
        let view = OpenSupportView { reason: reason.to_owned(), ..wanted(&app, "alpha") };
        let answer = operator.post(routes::OPERATOR_SUPPORT_VIEWS, &view).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_reason");
    }
    let named = OpenSupportView { customer: Some("a\u{0}b".to_owned()), ..wanted(&app, "alpha") };
    let answer = operator.post(routes::OPERATOR_SUPPORT_VIEWS, &named).await;
    answer.assert_error(StatusCode::BAD_REQUEST, "invalid_customer");
    for body in [
        json!({}),
        json!({"project": "../alpha", "reason": "a reason that is long enough"}),
        json!({"project": app.project("alpha"), "reason": "a reason that is long enough", "until": 9_999_999}),
        json!([[[[]]]]),
    ] {
        let answer = operator.post(routes::OPERATOR_SUPPORT_VIEWS, &body).await;
        answer.assert_error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body");
    }
    let text =
        OpenSupportView { reason: "<b>'; DROP TABLE</b> \u{202e}".to_owned(), ..wanted(&app, "alpha") };
    operator.post(routes::OPERATOR_SUPPORT_VIEWS, &text).await.assert_status(StatusCode::CREATED);
    let views: Vec<SupportView> = operator.get(routes::OPERATOR_SUPPORT_VIEWS).await.json();
    assert_eq!(views[0].reason, text.reason.trim(), "it is text and stays text");
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_can_be_changed_in_the_project_by_any_way_there_is(db: PgPool) {
    let (app, operator) = panel(db).await;
    let alpha = app.project("alpha");
    let server = app.cloud.admin().add_server("RegionOne", "alpha", NewServer::default());
    let before = operator.post(&routes::project_jobs(&alpha), &stop(&server)).await;
    before.assert_status(StatusCode::OK);
    let job: Job = before.json();
    until("the job to be over", async || {
        operator.get(&routes::job(&job.id)).await.json::<Job>().finished_at.is_some()
    })
    .await;
    open(&app, &operator, "alpha").await;
    app.cloud.admin().reset_calls();

    let capitals = alpha.as_str().to_uppercase();
    let header = (routes::PROJECT_HEADER, alpha.as_str());
    let retry = routes::servers_retry(&alpha, &"RegionOne".parse().expect("a region"));
    let cloud = |path: &str| format!("/api/cloud/RegionOne/{path}");
    let action = cloud(&format!("compute/servers/{server}/action"));
    let by_parameter = format!("{action}?{}={alpha}", routes::PROJECT_PARAMETER);
    let console = format!("/api/projects/{alpha}/regions/RegionOne/servers/{server}/console?kind=serial");
    let refused = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let answer = send(&operator, method.clone(), path, headers).await;
        let refusal = answer.assert_error(StatusCode::FORBIDDEN, READ_ONLY);
        assert!(refusal.message.contains("End the support view first"), "{method} {path}");
    };
    refused(Method::POST, &routes::project_jobs(&alpha), &[]).await;
    refused(Method::POST, &format!("/api/projects/{capitals}/jobs"), &[]).await;
    refused(Method::POST, &routes::job(&job.id), &[]).await;
    refused(Method::POST, &retry, &[]).await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        refused(method.clone(), &action, &[header]).await;
        refused(method.clone(), &by_parameter, &[]).await;
        refused(method.clone(), &action, &[(routes::PROJECT_HEADER, &capitals)]).await;
        refused(method, &cloud("image/images"), &[header]).await;
    }
    refused(Method::POST, &action, &[(routes::PROJECT_HEADER, "no project at all!")]).await;
    refused(Method::GET, &console, &[]).await;
    let socket = [("connection", "upgrade"), ("upgrade", "websocket"), ("origin", operator.origin())];
    refused(Method::GET, &console, &socket).await;
    refused(Method::GET, &cloud("compute/servers"), &[&socket[..], &[header]].concat()).await;
    let changed = app.cloud.admin().calls().into_iter().filter(|call| call.method != "GET").count();
    assert_eq!(changed, 0, "the cloud was asked to change nothing");

    let list = format!("{}?follow=false", routes::servers(&alpha));
    operator.get(&list).await.assert_status(StatusCode::OK);
    operator.get_with(&cloud("compute/servers"), &[header]).await.assert_status(StatusCode::OK);
    operator.get(&routes::job(&job.id)).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_log_of_a_console_can_be_read_and_nothing_comes_along_with_it(db: PgPool) {
    let (app, operator) = panel(db).await;
    let server = app.cloud.admin().add_server("RegionOne", "alpha", NewServer::default());
    open(&app, &operator, "alpha").await;
    app.cloud.admin().reset_calls();
    let project = app.project("alpha");
    let token = operator.csrf_token().await;
    let headers = [
        (routes::CSRF_HEADER, &*token),
        ("content-type", "application/json"),
        (routes::PROJECT_HEADER, project.as_str()),
    ];
    let ask = async |path: &str, body: Value| {
        let path = format!("/api/cloud/RegionOne/{path}");
        operator.send(Method::POST, &path, &headers, body.to_string().into()).await
    };
    let action = format!("compute/servers/{server}/action");
    let log = json!({"os-getConsoleOutput": {"length": 50}});
    let answer = ask(&action, log.clone()).await;
    answer.assert_status(StatusCode::OK);
    assert!(answer.json::<Value>()["output"].is_string(), "{}", answer.text());
    let stop = json!({"os-stop": null});
    let both = json!({"os-getConsoleOutput": {}, "os-stop": null});
    let elsewhere = [
        format!("compute/servers/{server}"),
        format!("compute/servers/{server}/action/metadata"),
        "compute/servers".to_owned(),
        "image/servers/1/action".to_owned(),
    ];
    for (path, body) in
        [(&action, stop), (&action, both)].into_iter().chain(elsewhere.iter().map(|path| (path, log.clone())))
    {
        let answer = ask(path, body.clone()).await;
        answer.assert_error(StatusCode::FORBIDDEN, READ_ONLY);
    }
    let asked = app.cloud.admin().calls().into_iter().filter(|call| call.method != "GET").count();
    assert_eq!(asked, 1, "for the log alone");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_default_project_that_is_looked_at_is_read_only_where_none_is_named(db: PgPool) {
    let (app, operator) = panel(db).await;
    let session: api_types::session::CurrentSession = operator.get(routes::SESSION).await.json();
    let own = session.default_project.expect("the operator's own project");
    let name =
        ["admin", "alpha", "web-shop"].into_iter().find(|name| app.project(name) == own).expect("known");
    open(&app, &operator, name).await;
    let answer = send(&operator, Method::POST, "/api/cloud/RegionOne/compute/servers", &[]).await;
    answer.assert_error(StatusCode::FORBIDDEN, READ_ONLY);
}

#[sqlx::test(migrations = "../migrations")]
async fn elsewhere_and_for_others_everything_goes_on(db: PgPool) {
    let (app, operator) = panel(db).await;
    open(&app, &operator, "alpha").await;
    let server = app.cloud.admin().add_server("RegionOne", "web-shop", NewServer::default());
    let shop = app.project("web-shop");
    let job = operator.post(&routes::project_jobs(&shop), &stop(&server)).await;
    job.assert_status(StatusCode::OK);
    let job: Job = job.json();
    let answer = operator.post(&routes::job(&job.id), &json!({"do": "no such thing"})).await;
    assert_ne!(answer.status, StatusCode::FORBIDDEN, "it is about another project");
    let action = format!("/api/cloud/RegionOne/compute/servers/{server}/metadata");
    let other = [(routes::PROJECT_HEADER, shop.as_str())];
    assert_ne!(send(&operator, Method::POST, &action, &other).await.status, StatusCode::FORBIDDEN);

    let alice = app.signed_in("alice");
    let server = app.cloud.admin().add_server("RegionOne", "alpha", NewServer::default());
    let job = alice.post(&routes::project_jobs(&app.project("alpha")), &stop(&server)).await;
    job.assert_status(StatusCode::OK);
    // Another browser of the same operator is another session.
    let job =
        app.signed_in("operator").post(&routes::project_jobs(&app.project("alpha")), &stop(&server)).await;
    job.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn it_holds_on_every_node_and_ends_on_every_node(db: PgPool) {
    let (one, operator) = panel(db).await;
    let other = one.another_node();
    until("both nodes to listen", async || hears(&one.app.sessions) && hears(&other.app.sessions)).await;
    let there = follow(&operator, &other);
    let retry = routes::servers_retry(&one.project("alpha"), &"RegionOne".parse().expect("a region"));
    assert_ne!(send(&there, Method::POST, &retry, &[]).await.status, StatusCode::FORBIDDEN);
    open(&one, &operator, "alpha").await;
    until("the other node to refuse", async || {
        send(&there, Method::POST, &retry, &[]).await.status == StatusCode::FORBIDDEN
    })
    .await;
    // A node that starts only now knows it from the first request on.
    let third = follow(&operator, &one.another_node());
    send(&third, Method::POST, &retry, &[]).await.assert_error(StatusCode::FORBIDDEN, READ_ONLY);
    assert_eq!(end(&operator).await.status, StatusCode::SEE_OTHER);
    until("the other node to let changes through", async || {
        send(&there, Method::POST, &retry, &[]).await.status != StatusCode::FORBIDDEN
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn it_ends_by_the_button_by_time_by_another_one_and_at_sign_out(db: PgPool) {
    let (app, operator) = panel(db).await;
    let retry =
        |project: &str| routes::servers_retry(&app.project(project), &"RegionOne".parse().expect("a region"));
    let is_refused = async |project: &str| {
        send(&operator, Method::POST, &retry(project), &[]).await.status == StatusCode::FORBIDDEN
    };
    open(&app, &operator, "alpha").await;
    assert!(is_refused("alpha").await);
    let forged = operator.post_form(routes::SUPPORT_VIEW_END, &[("csrf_token", "made up")]).await;
    forged.assert_status(StatusCode::FORBIDDEN);
    assert!(is_refused("alpha").await);
    let ended = end(&operator).await;
    let back = format!("/operator/customers/projects/{}", app.project("alpha"));
    assert_eq!((ended.status, ended.header("location")), (StatusCode::SEE_OTHER, &*back));
    assert!(!is_refused("alpha").await);
    assert_eq!(end(&operator).await.header("location"), "/operator/customers", "there is none any more");

    open(&app, &operator, "alpha").await;
    open(&app, &operator, "web-shop").await;
    assert!(!is_refused("alpha").await && is_refused("web-shop").await);
    app.clock.advance(std::time::Duration::from_secs(29 * 60));
    assert!(is_refused("web-shop").await);
    app.clock.advance(std::time::Duration::from_secs(60));
    assert!(!is_refused("web-shop").await, "half an hour is over");
    let page = SupportViewPage { path: "/".to_owned() };
    let answer = operator.post(routes::OPERATOR_SUPPORT_VIEW_PAGES, &page).await;
    answer.assert_error(StatusCode::CONFLICT, "no_support_view");

    open(&app, &operator, "alpha").await;
    operator.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    let views: Vec<SupportView> = app.signed_in("operator").get(routes::OPERATOR_SUPPORT_VIEWS).await.json();
    let is_over: Vec<bool> = views.iter().map(|view| view.ended_at.is_some()).collect();
    assert_eq!(is_over, [true, true, true, true]);
    assert_eq!(views[1].ended_at, Some(views[1].until), "time ended it, whoever noted that");
}

#[sqlx::test(migrations = "../migrations")]
async fn all_of_it_is_written_down_with_the_reason(db: PgPool) {
    let log = Log::listen();
    let (app, operator) = panel(db).await;
    let view = open(&app, &operator, "alpha").await;
    let page = SupportViewPage { path: "/projects/x/servers\n\u{1b}[2J".to_owned() };
    operator.post(routes::OPERATOR_SUPPORT_VIEW_PAGES, &page).await.assert_status(StatusCode::NO_CONTENT);
    send(&operator, Method::POST, &routes::project_jobs(&view.project), &[]).await;
    end(&operator).await;
    open(&app, &operator, "alpha").await;
    operator.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    let lines: Vec<Value> = log.lines().into_iter().filter(|line| line["facility"] == "operator").collect();
    let line = |message: &str| {
        let tells =
            |line: &&Value| line["description"].as_str().is_some_and(|told| told.starts_with(message));
        let found = lines.iter().find(tells);
        let found = found.unwrap_or_else(|| panic!("{message} is not in {lines:?}"));
        assert_eq!(found["user"], "operator", "{message}");
        found.to_string()
    };
    let began = line("an operator began a support view");
    for part in ["Ticket 4711", "alice", view.project.as_str(), &view.id, "admin"] {
        assert!(began.contains(part), "{part}: {began}");
    }
    let opened = line("an operator opened a page in a support view");
    assert!(opened.contains("/projects/x/servers[2J") && opened.contains(&view.id), "{opened}");
    assert!(line("a support view refused a change").contains(view.project.as_str()));
    assert!(line("an operator ended a support view").contains(&view.id));
    line("a support view ended with its session");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_project_that_is_only_looked_at_is_not_where_the_operator_lands_next_time(db: PgPool) {
    let (app, operator) = panel(db).await;
    let list = |project: &str| format!("{}?follow=false", routes::servers(&app.project(project)));
    operator.get(&list("web-shop")).await.assert_status(StatusCode::OK);
    let last =
        async || app.app.sessions.store().find_last_project(&user_id(&operator).await).await.expect("asked");
    until("the project to be noted", async || last().await == Some(app.project("web-shop").to_string()))
        .await;
    open(&app, &operator, "alpha").await;
    app.clock.advance(std::time::Duration::from_secs(60));
    operator.get(&list("alpha")).await.assert_status(StatusCode::OK);
    end(&operator).await;
    // A page that was open asks once more.
    app.clock.advance(std::time::Duration::from_secs(60));
    operator.get(&list("alpha")).await.assert_status(StatusCode::OK);
    let alpha: CustomerProjectPage =
        operator.get(&routes::operator_project(&app.project("alpha"))).await.json();
    assert!(alpha.people.iter().all(|person| person.name != "operator"), "{:?}", alpha.people);
    app.clock.advance(std::time::Duration::from_secs(60));
    // What is noted is noted in order: by the time this one is, the other would have been.
    operator.get(&list("admin")).await.assert_status(StatusCode::OK);
    until("the next one to be noted", async || {
        let last = last().await;
        assert_ne!(last, Some(app.project("alpha").to_string()));
        last == Some(app.project("admin").to_string())
    })
    .await;
}

async fn user_id(client: &Client) -> String {
    let session: api_types::session::CurrentSession = client.get(routes::SESSION).await.json();
    session.user.id
}

#[sqlx::test(migrations = "../migrations")]
async fn every_page_begins_with_what_it_is_and_why_until_it_is_over(db: PgPool) {
    let (app, operator) = panel(db).await;
    let view = OpenSupportView {
        customer: Some("Alice \"<i>".to_owned()),
        reason: "</p><script>alert(1)</script>".to_owned(),
        ..wanted(&app, "alpha")
    };
    operator.post(routes::OPERATOR_SUPPORT_VIEWS, &view).await.assert_status(StatusCode::CREATED);
    let servers = format!("/projects/{}/servers", app.project("alpha"));
    for path in [servers.as_str(), "/account/sessions", "/operator/customers"] {
        let page = operator.get(path).await.text();
        assert!(page.contains("id=\"support-view\"") && page.contains("role=\"status\""), "{path}");
        assert!(page.contains(&format!("data-support-view=\"{}\"", app.project("alpha"))), "{path}");
        assert!(page.contains("<strong>alpha</strong>") && page.contains("End support view"), "{path}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "the reason is text: {page}");
        assert!(!page.contains("<script>alert") && !page.contains("\"<i>"), "{path}");
    }
    // How long it lasts is told in seconds: no clock of a browser has to be right.
    let left = async || -> u64 {
        let page = operator.get(&servers).await.text();
        let (_, left) = page.split_once("data-seconds=\"").expect("the seconds");
        left.split_once('"').and_then(|(left, _)| left.parse().ok()).expect("a number")
    };
    assert!(left().await <= 1_800);
    app.clock.advance(Duration::from_secs(1_200));
    assert!((1..=600).contains(&left().await));
    assert!(!app.signed_in("alice").get(&servers).await.text().contains("support-view"));
    end(&operator).await;
    assert!(!operator.get(&servers).await.text().contains("support-view"));
}
