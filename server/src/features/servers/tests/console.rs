//! A server's console over the panel's own socket.

use api_types::servers::console::{CONSOLE_ENDED, ConsoleGreeting, ConsoleKind, NOT_OPENED, SESSION_OVER};
use axum::http::StatusCode;
use futures_util::{SinkExt, StreamExt};
use simcloud::{Fault, NewServer};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{
    live::{Socket, connect},
    *,
};
use crate::testing::{Client, Served};

struct Scene {
    app: TestApp,
    served: Served,
    alice: Client,
    server: ServerId,
}

impl Scene {
    async fn new(db: PgPool) -> Self {
        let app = patient(db).await;
        let served = app.serve().await;
        let alice = app.signed_in("alice");
        let new = NewServer { name: "with-console".to_owned(), ..NewServer::default() };
        let server = server_id(&app.cloud.admin().add_server("RegionOne", "alpha", new));
        Self { app, served, alice, server }
    }

    async fn open(&self, kind: ConsoleKind) -> Socket {
        self.open_of(self.server, kind).await
    }

    async fn open_of(&self, server: ServerId, kind: ConsoleKind) -> Socket {
        let path = routes::server_console(&self.app.project("alpha"), &region("RegionOne"), &server, kind);
        connect(&self.served, &self.alice, &path, self.alice.origin()).await.expect("a socket")
    }
}

async fn next(socket: &mut Socket) -> Message {
    loop {
        match timeout(SOON, socket.next())
            .await
            .expect("in time")
            .expect("an open socket")
            .expect("a message")
        {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

async fn greeting(socket: &mut Socket) -> ConsoleGreeting {
    match next(socket).await {
        Message::Text(text) => serde_json::from_str(&text).expect("a greeting"),
        other => panic!("{other:?} is no greeting"),
    }
}

/// Reads until the console has said this.
async fn read_until(socket: &mut Socket, wanted: &str) {
    let mut said = String::new();
    while !said.contains(wanted) {
        match next(socket).await {
            Message::Binary(bytes) => said.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?} before {wanted:?}; so far {said:?}"),
        }
    }
}

async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        match next(socket).await {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Binary(_) => {}
            other => panic!("{other:?} is no close frame"),
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_typed_reaches_the_serial_line_and_its_answer_comes_back(db: PgPool) {
    let scene = Scene::new(db).await;
    let mut socket = scene.open(ConsoleKind::Serial).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    socket.send(Message::binary(b"echo over-there\r".to_vec())).await.expect("sent");
    read_until(&mut socket, "over-there").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_screen_speaks_rfb(db: PgPool) {
    let scene = Scene::new(db).await;
    let mut socket = scene.open(ConsoleKind::Vnc).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    read_until(&mut socket, "RFB 003.008\n").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_console_that_is_not_opened_says_why_in_the_clouds_words_and_ours(db: PgPool) {
    let scene = Scene::new(db).await;
    let nobodys = server_id("00000000-0000-4000-8000-000000000000");
    let mut socket = scene.open_of(nobodys, ConsoleKind::Serial).await;
    match greeting(&mut socket).await {
        ConsoleGreeting::Refused { error, .. } => {
            assert_eq!(error.code, "not_found");
            assert!(!error.request_id.is_empty());
        }
        ConsoleGreeting::Open => panic!("a console of no server"),
    }
    assert_eq!(close_code(&mut socket).await, NOT_OPENED);

    scene.app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::Status(409)));
    let mut socket = scene.open(ConsoleKind::Serial).await;
    match greeting(&mut socket).await {
        ConsoleGreeting::Refused { error, upstream_message } => {
            assert_eq!(error.code, "conflict");
            assert!(upstream_message.is_some());
        }
        ConsoleGreeting::Open => panic!("a console in spite of a conflict"),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn it_closes_when_the_session_ends_and_gives_back_its_place(db: PgPool) {
    let scene = Scene::new(db).await;
    let mut socket = scene.open(ConsoleKind::Serial).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    scene.alice.delete(&format!("{}?include_current=true", routes::SESSIONS)).await;
    assert_eq!(close_code(&mut socket).await, SESSION_OVER);
}

#[sqlx::test(migrations = "../migrations")]
async fn it_closes_when_the_console_does(db: PgPool) {
    let scene = Scene::new(db).await;
    let mut socket = scene.open(ConsoleKind::Serial).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    // The line's shell ends as any shell does.
    socket.send(Message::binary(b"exit\r".to_vec())).await.expect("sent");
    assert_eq!(close_code(&mut socket).await, CONSOLE_ENDED);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_connection_to_the_cloud_is_no_end_and_the_console_opens_anew(db: PgPool) {
    let scene = Scene::new(db).await;
    let mut socket = scene.open(ConsoleKind::Serial).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    read_until(&mut socket, "# ").await;
    scene.app.cloud.admin().cut_consoles();
    assert_eq!(close_code(&mut socket).await, 1001, "come back");
    let mut socket = scene.open(ConsoleKind::Serial).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    read_until(&mut socket, "# ").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn why_a_socket_was_refused_is_told_to_whoever_asks_without_one(db: PgPool) {
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("INDEX_STREAMS_PER_SESSION", "1"))
            .await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let new = NewServer { name: "with-console".to_owned(), ..NewServer::default() };
    let server = server_id(&app.cloud.admin().add_server("RegionOne", "alpha", new));
    let path =
        routes::server_console(&app.project("alpha"), &region("RegionOne"), &server, ConsoleKind::Serial);
    alice.get(&path).await.assert_error(StatusCode::UPGRADE_REQUIRED, "upgrade_required");
    let mut socket = connect(&served, &alice, &path, alice.origin()).await.expect("a socket");
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    assert!(connect(&served, &alice, &path, alice.origin()).await.is_err());
    alice.get(&path).await.assert_error(StatusCode::TOO_MANY_REQUESTS, "too_many_streams");
    app.signed_in("solo").get(&path).await.assert_error(StatusCode::NOT_FOUND, "project_not_found");
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_else_gets_a_console(db: PgPool) {
    let scene = Scene::new(db).await;
    let path = routes::server_console(
        &scene.app.project("alpha"),
        &region("RegionOne"),
        &scene.server,
        ConsoleKind::Serial,
    );
    let refused = |result: Result<Socket, tungstenite::Error>| match result {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    };
    let foreign = connect(&scene.served, &scene.alice, &path, "https://evil.test").await;
    assert_eq!(refused(foreign), 403);
    let solo = scene.app.signed_in("solo");
    assert_eq!(refused(connect(&scene.served, &solo, &path, solo.origin()).await), 404);
    let odd = path.replace("kind=serial", "kind=telnet");
    assert_eq!(refused(connect(&scene.served, &scene.alice, &odd, scene.alice.origin()).await), 400);
    let nowhere = path.replace("RegionOne", "RegionNine");
    assert_eq!(refused(connect(&scene.served, &scene.alice, &nowhere, scene.alice.origin()).await), 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_console_that_is_open_when_a_support_view_of_its_project_begins_ends(db: PgPool) {
    let mut scene = Scene::new(db).await;
    scene.alice = scene.app.signed_in("operator");
    let open_view = async |project: &str| {
        let view = serde_json::json!({
            "project": scene.app.project(project),
            "reason": "Ticket 4711: her server does not boot",
        });
        scene.alice.post(routes::OPERATOR_SUPPORT_VIEWS, &view).await.assert_status(StatusCode::CREATED);
    };
    scene.alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let mut socket = scene.open(ConsoleKind::Serial).await;
    assert_eq!(greeting(&mut socket).await, ConsoleGreeting::Open);
    open_view("web-shop").await;
    socket.send(Message::binary(b"echo over-there\r".to_vec())).await.expect("sent");
    read_until(&mut socket, "over-there").await;
    open_view("alpha").await;
    assert_eq!(close_code(&mut socket).await, 1001);
}
