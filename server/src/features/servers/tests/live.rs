//! The stream over a WebSocket.

use futures_util::{SinkExt, StreamExt};
use simcloud::NewServer;
use tokio::time::timeout;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{
    viewer::{FrameViewer, Seen},
    *,
};
use crate::testing::{Client, Served};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

pub(super) async fn connect(
    served: &Served,
    client: &Client,
    path: &str,
    origin: &str,
) -> Result<Socket, tungstenite::Error> {
    // Signs in, if need be.
    client.csrf_token().await;
    let mut request = format!("ws://{}{path}", served.address).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("cookie", HeaderValue::from_str(&client.cookie_header()).expect("a header"));
    headers.insert("origin", HeaderValue::from_str(origin).expect("a header"));
    connect_async(request).await.map(|(socket, _)| socket)
}

/// Reads messages until what was seen is as wanted.
async fn read_until(
    socket: &mut Socket,
    viewer: &mut FrameViewer,
    what: &str,
    is_wanted: impl Fn(&Seen) -> bool,
) {
    let reading = async {
        while !is_wanted(&viewer.seen) {
            match socket.next().await.expect("an open socket").expect("a message") {
                Message::Binary(bytes) => viewer.push(&bytes),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?} before {what}"),
            }
        }
    };
    assert!(timeout(SOON, reading).await.is_ok(), "waited in vain for {what}");
}

#[sqlx::test(migrations = "../migrations")]
async fn it_goes_on_where_the_first_answer_ended(db: PgPool) {
    let app = eager(db).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let project = app.project("alpha");
    let snapshot = alice
        .get_with(
            &format!("{}?follow=false", list_path(&project)),
            &[("accept", "application/vnd.meridian.frames")],
        )
        .await;
    let mut viewer = FrameViewer::default();
    viewer.push(&snapshot.body);
    let position = viewer.seen.position.clone().expect("a position");

    let path = format!("{}?position={position}", routes::servers_live(&project));
    let mut socket = connect(&served, &alice, &path, alice.origin()).await.expect("a socket");
    read_until(&mut socket, &mut viewer, "all regions", Seen::is_complete).await;
    assert_eq!((viewer.seen.rows.len(), viewer.seen.received, viewer.seen.resets), (12, 12, 0));

    let new = server_id(&app.cloud.admin().add_server(
        "RegionThree",
        "alpha",
        NewServer { name: "live".to_owned(), ..NewServer::default() },
    ));
    read_until(&mut socket, &mut viewer, "the new server", |seen| seen.row(new).is_some()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_position_it_has_everything_and_its_own_position_resumes_it(db: PgPool) {
    let app = eager(db).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let path = routes::servers_live(&app.project("alpha"));
    let mut socket = connect(&served, &alice, &path, alice.origin()).await.expect("a socket");
    let mut viewer = FrameViewer::default();
    let is_done = |seen: &Seen| seen.is_complete() && seen.is_position_current && seen.is_caught_up;
    read_until(&mut socket, &mut viewer, "all regions", is_done).await;
    drop(socket);
    let position = viewer.seen.position.clone().expect("a position");
    let held = std::mem::take(&mut viewer.seen);
    let received = held.received;
    let mut socket = connect(&served, &alice, &format!("{path}?position={position}"), alice.origin())
        .await
        .expect("a socket");
    let mut again = FrameViewer::resume(Seen { is_caught_up: false, ..held });
    read_until(&mut socket, &mut again, "the end of what is known", |seen| seen.is_caught_up).await;
    assert!(again.seen.received < received + 12 && again.seen.resets == 0);
    assert_eq!(again.seen.rows.len(), 12);
}

#[sqlx::test(migrations = "../migrations")]
async fn it_closes_with_4401_when_the_session_ends(db: PgPool) {
    let app = patient(db).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let path = routes::servers_live(&app.project("alpha"));
    let mut socket = connect(&served, &alice, &path, alice.origin()).await.expect("a socket");
    let mut viewer = FrameViewer::default();
    read_until(&mut socket, &mut viewer, "all regions", Seen::is_complete).await;
    alice.delete(&format!("{}?include_current=true", routes::SESSIONS)).await;
    read_until(&mut socket, &mut viewer, "the end", |seen| seen.ended.is_some()).await;
    assert_eq!(viewer.seen.ended.as_deref(), Some("session_ended"));
    let close = timeout(SOON, socket.next()).await.expect("in time");
    let Some(Ok(Message::Close(Some(frame)))) = close else { panic!("{close:?} is no close frame") };
    assert_eq!(u16::from(frame.code), 4401);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_foreign_origin_gets_no_socket(db: PgPool) {
    let app = patient(db).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let path = routes::servers_live(&app.project("alpha"));
    for origin in ["https://evil.test", "null", "https://panel.test.evil"] {
        match connect(&served, &alice, &path, origin).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 403, "{origin}"),
            other => panic!("{origin}: {other:?}"),
        }
    }
    let nobody = app.browser();
    match connect(&served, &nobody, &path, nobody.origin()).await {
        Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("{other:?}"),
    }
    assert_eq!(compute_calls(&app), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_browser_sends_does_no_harm(db: PgPool) {
    let app = eager(db).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let path = format!("{}?position=%00nonsense", routes::servers_live(&app.project("alpha")));
    let mut socket = connect(&served, &alice, &path, alice.origin()).await.expect("a socket");
    socket.send(Message::text("hello")).await.expect("sent");
    socket.send(Message::binary(vec![0xff; 1000])).await.expect("sent");
    let mut viewer = FrameViewer::default();
    read_until(&mut socket, &mut viewer, "all regions", Seen::is_complete).await;
    // Too long: the socket ends, the panel does not.
    let _ = socket.send(Message::binary(vec![0; 100_000])).await;
    let ended = async {
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
    };
    timeout(SOON, ended).await.expect("the socket ends");
    alice.get(routes::SESSION).await.assert_status(axum::http::StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_has_so_many_streams_and_sockets_and_no_more(db: PgPool) {
    let app = eager_with(db, |source| source.with_env("INDEX_STREAMS_PER_SESSION", "2")).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let project = app.project("alpha");
    let (list, live) = (list_path(&project), routes::servers_live(&project));
    let stream = Watcher::open(&alice, &list).await;
    let socket = connect(&served, &alice, &live, alice.origin()).await.expect("a socket");
    let refused = alice.get(&list).await;
    refused.assert_error(axum::http::StatusCode::TOO_MANY_REQUESTS, "too_many_streams");
    match connect(&served, &alice, &live, alice.origin()).await {
        Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), 429),
        other => panic!("{other:?}"),
    }
    // Another session has its own.
    Watcher::open(&app.signed_in("alice"), &list).await;
    drop((stream, socket));
    crate::testing::until("the places to be free again", async || {
        alice.open(&list, &[]).await.status() == 200
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn eight_tabs_and_ordinary_requests_go_side_by_side(db: PgPool) {
    let app = eager(db).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let path = routes::servers_live(&app.project("alpha"));
    let mut tabs = Vec::new();
    for _ in 0..8 {
        let mut socket = connect(&served, &alice, &path, alice.origin()).await.expect("a socket");
        let mut viewer = FrameViewer::default();
        read_until(&mut socket, &mut viewer, "all regions", Seen::is_complete).await;
        tabs.push((socket, viewer));
    }
    let new = server_id(&app.cloud.admin().add_server(
        "RegionOne",
        "alpha",
        NewServer { name: "everywhere".to_owned(), ..NewServer::default() },
    ));
    for (socket, viewer) in &mut tabs {
        read_until(socket, viewer, "the new server", |seen| seen.row(new).is_some()).await;
    }
    alice.get(routes::SESSION).await.assert_status(axum::http::StatusCode::OK);
}
