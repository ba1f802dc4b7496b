//! Flags: who has one is set by operators, and read by a page when it is opened.

use api_types::{
    ErrorBody,
    flags::Flag,
    operator::{
        customers::CustomerUser,
        flags::{CustomerFlag, FlagList, FlagState, SetFlag},
        health::HealthReport,
    },
    routes::{self, CSRF_HEADER},
    session::CurrentSession,
};
use axum::http::{Method, StatusCode};
use serde::Serialize;
use server::testing::{Client, Log, TestApp, TestResponse, until};
use sqlx::PgPool;

fn share(percent: u8) -> SetFlag {
    SetFlag { percent, because: "ticket 17".to_owned(), ..SetFlag::default() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn put(operator: &Client, flag: &str, wanted: &impl Serialize) -> TestResponse {
    let token = operator.csrf_token().await;
    let headers = [(CSRF_HEADER, &*token), ("content-type", "application/json")];
    let body = serde_json::to_vec(wanted).expect("JSON");
    operator.send(Method::PUT, &routes::operator_flag(flag), &headers, body.into()).await
}

async fn set(operator: &Client, wanted: &SetFlag) -> FlagState {
    put(operator, Flag::ClientLog.name(), wanted).await.assert_status(StatusCode::OK).json()
}

async fn list(operator: &Client) -> Vec<FlagState> {
    let list: FlagList = operator.get(routes::OPERATOR_FLAGS).await.assert_status(StatusCode::OK).json();
    list.flags
}

/// The names that the page of this user begins with.
async fn on_page(app: &TestApp, user: &Client) -> String {
    let page = user.get(&format!("/projects/{}/servers", app.project("alpha"))).await;
    let text = page.assert_status(StatusCode::OK).text();
    let (_, rest) = text.split_once("data-flags=\"").expect("the flags");
    rest.split_once('"').expect("their end").0.to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_has_the_flags_of_its_user_and_another_page_after_a_change(db: PgPool) {
    let app = TestApp::new(db).await;
    let (operator, alice, bob) = (app.signed_in("operator"), app.signed_in("alice"), app.signed_in("bob"));
    assert_eq!(
        (on_page(&app, &alice).await, on_page(&app, &bob).await),
        ("client_log".into(), "client_log".into())
    );
    let path = format!("/projects/{}/servers", app.project("alpha"));
    let etag = bob.get(&path).await.header("etag").to_owned();
    set(&operator, &SetFlag { on_for: names(&["alice"]), ..share(0) }).await;
    assert_eq!(
        (on_page(&app, &alice).await, on_page(&app, &bob).await),
        ("client_log".into(), String::new())
    );
    let again = bob.get_with(&path, &[("if-none-match", &etag)]).await;
    again.assert_status(StatusCode::OK);
    operator.delete(&routes::operator_flag("client_log")).await.assert_status(StatusCode::NO_CONTENT);
    let again = bob.get_with(&path, &[("if-none-match", &etag)]).await;
    again.assert_status(StatusCode::NOT_MODIFIED);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_word_of_operators_the_configured_share_has_it(db: PgPool) {
    let app = TestApp::new(db).await.restarted(|source| source.with_env("FLAGS_CLIENT_LOG", "0"));
    let (operator, alice) = (app.signed_in("operator"), app.signed_in("alice"));
    assert_eq!(on_page(&app, &alice).await, "");
    let [flag] = &list(&operator).await[..] else { panic!("one flag") };
    assert_eq!((flag.configured_percent, flag.set.clone()), (0, None));
    set(&operator, &share(100)).await;
    assert_eq!(on_page(&app, &alice).await, "client_log");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_flag_is_set_listed_and_taken_back_and_each_change_is_noted(db: PgPool) {
    let log = Log::listen();
    let app = TestApp::new(db).await;
    let operator = app.signed_in("operator");
    let wanted = SetFlag { on_for: names(&[" alice ", "alice", ""]), off_for: names(&["bob"]), ..share(25) };
    let state = set(&operator, &wanted).await;
    assert_eq!((state.name.as_str(), state.configured_percent), ("client_log", 100));
    assert_eq!(state.says, "Pages tell the panel what happens in them.");
    let setting = state.set.clone().expect("what was set");
    assert_eq!((setting.percent, setting.on_for, setting.off_for), (25, names(&["alice"]), names(&["bob"])));
    assert_eq!((&*setting.changed_by, &*setting.because), ("operator", "ticket 17"));
    assert_eq!(list(&operator).await, std::slice::from_ref(&state));
    let health: HealthReport = operator.get(routes::OPERATOR_HEALTH).await.json();
    assert_eq!(health.flags, [state]);

    // The other nodes follow.
    let other = app.another_node();
    let elsewhere = other.signed_in("alice");
    until("the other node to follow", async || {
        other.app.flags.setting(Flag::ClientLog).is_some_and(|set| set.percent == 25)
    })
    .await;
    assert_eq!(on_page(&other, &elsewhere).await, "client_log");

    for _ in 0..2 {
        let gone = operator.delete(&routes::operator_flag("client_log")).await;
        gone.assert_status(StatusCode::NO_CONTENT);
    }
    assert_eq!(list(&operator).await[0].set, None);
    let notes = log.operators_notes();
    let noted = |text: &str| notes.iter().filter(|note| note.contains(text)).count();
    assert_eq!((noted("changed a flag"), noted("took back a flag")), (1, 1), "{notes:?}");
    let about = "client_log percent=25 because=ticket 17 on_for=alice off_for=bob";
    assert_eq!(noted(about), 2, "{notes:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_set_is_refused_and_changes_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let operator = app.signed_in("operator");
    let many: Vec<String> = (0..101).map(|number| format!("user-{number}")).collect();
    for wrong in [
        share(101),
        SetFlag { because: " ".to_owned(), ..share(5) },
        SetFlag { because: "a\u{1b}[2J".to_owned(), ..share(5) },
        SetFlag { because: "a".repeat(301), ..share(5) },
        SetFlag { on_for: many, ..share(5) },
        SetFlag { on_for: names(&["a\u{0}"]), ..share(5) },
        SetFlag { off_for: vec!["a".repeat(301)], ..share(5) },
        SetFlag { on_for: names(&["alice", "bob"]), off_for: names(&["bob "]), ..share(5) },
    ] {
        let answer = put(&operator, "client_log", &wrong).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_flag");
    }
    for wrong in
        [serde_json::json!({}), serde_json::json!({"percent": -1, "because": "x"}), serde_json::json!(5)]
    {
        let answer = put(&operator, "client_log", &wrong).await;
        answer.assert_error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body");
    }
    for unknown in ["of_tomorrow", "client_log%00", "CLIENT_LOG"] {
        put(&operator, unknown, &share(5)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
        let answer = operator.delete(&routes::operator_flag(unknown)).await;
        let error: ErrorBody = answer.assert_status(StatusCode::NOT_FOUND).json();
        assert!(error.message.contains("no flag"), "{error:?}");
    }
    // Nor does a page of somebody else's get a browser to do it.
    let forged = operator.send(Method::PUT, &routes::operator_flag("client_log"), &[], "{}".into()).await;
    forged.assert_status(StatusCode::FORBIDDEN);
    assert_eq!(list(&operator).await[0].set, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_customers_page_says_what_they_have_and_why(db: PgPool) {
    let app = TestApp::new(db).await;
    let (operator, alice) = (app.signed_in("operator"), app.signed_in("alice"));
    let session: CurrentSession = alice.get(routes::SESSION).await.json();
    let shown = async || {
        let page: CustomerUser = operator.get(&routes::operator_user(&session.user.id)).await.json();
        let [flag] = &page.flags[..] else { panic!("{:?}", page.flags) };
        flag.clone()
    };
    let expected = CustomerFlag {
        name: "client_log".to_owned(),
        says: "Pages tell the panel what happens in them.".to_owned(),
        is_on: true,
        is_named: false,
        percent: 100,
    };
    assert_eq!(shown().await, expected);
    set(&operator, &share(0)).await;
    assert_eq!(shown().await, CustomerFlag { is_on: false, percent: 0, ..expected.clone() });
    set(&operator, &SetFlag { on_for: names(&["alice"]), ..share(0) }).await;
    assert_eq!(shown().await, CustomerFlag { is_named: true, percent: 0, ..expected });
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_which_flag_is_no_business_of_anybody_else(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    alice.get(routes::OPERATOR_FLAGS).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    for path in ["client_log", "of_tomorrow"] {
        put(&alice, path, &share(0)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
        let answer = alice.delete(&routes::operator_flag(path)).await;
        answer.assert_error(StatusCode::NOT_FOUND, "not_found");
    }
    assert_eq!(on_page(&app, &alice).await, "client_log");
}
