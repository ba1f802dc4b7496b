//! WebSockets that are passed through.

use api_types::routes;
use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use server::testing::{Client, Served, TestApp, until};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

use super::{
    Asking, Log, cloud, compute,
    fake::{Fake, ok},
};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A service that sends back what it gets, after the head of the request.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = String::new();
                #[allow(clippy::result_large_err, reason = "the library's own callback")]
                let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
                    asked = format!("{} {:?}", request.uri(), request.headers());
                    let protocol = HeaderValue::from_static("binary");
                    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
                    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static("a=b"));
                    Ok(response)
                };
                let Ok(mut socket) = accept_hdr_async(stream, answer).await else { return };
                let _ = socket.send(Message::text(asked)).await;
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() || message.is_binary() {
                        let _ = socket.send(message).await;
                    }
                }
            });
        }
    });
    format!("http://{address}/v2.1")
}

async fn connect(
    served: &Served,
    client: &Client,
    path: &str,
) -> Result<(Socket, tungstenite::handshake::client::Response), tungstenite::Error> {
    let mut request = format!("ws://{}{path}", served.address).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("cookie", HeaderValue::from_str(&client.cookie_header()).expect("a header"));
    headers.insert("origin", HeaderValue::from_str(client.origin()).expect("a header"));
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("binary, base64"));
    connect_async(request).await
}

async fn app_with_echo(db: PgPool) -> TestApp {
    let app = TestApp::new(db).await;
    app.cloud.admin().set_address("RegionOne", simcloud::Service::Compute, Some(&echo().await));
    app
}

fn path(app: &TestApp) -> String {
    format!("{}&meridian_project={}", cloud("compute", "consoles/1?token=hush"), app.project("alpha"))
}

#[sqlx::test(migrations = "../migrations")]
async fn messages_go_both_ways_until_the_browser_leaves(db: PgPool) {
    let app = app_with_echo(db).await;
    let served = app.serve().await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let log = Log::listen();
    let (mut socket, answer) = connect(&served, &alice.client, &path(&app)).await.expect("a socket");
    assert_eq!(
        answer.headers().get("sec-websocket-protocol").map(HeaderValue::as_bytes),
        Some(&b"binary"[..])
    );
    assert!(answer.headers().get("set-cookie").is_none());
    let asked = socket.next().await.expect("a message").expect("text").into_text().expect("text");
    assert!(asked.starts_with("/v2.1/consoles/1?token=hush "), "{asked}");
    assert!(
        asked.contains("x-auth-token") && !asked.contains("cookie") && !asked.contains("origin"),
        "{asked}"
    );
    for message in
        [Message::text("hello"), Message::binary(vec![0, 255, 7]), Message::binary(vec![1; 300_000])]
    {
        socket.send(message.clone()).await.expect("sent");
        assert_eq!(socket.next().await.expect("a message").expect("a message"), message);
    }
    assert_eq!(app.app.proxy.open_calls(&compute()), 1);
    socket.close(None).await.expect("closed");
    until("the end of the call", async || app.app.proxy.open_calls(&compute()) == 0).await;
    let call = log.calls().remove(0);
    assert_eq!(
        (&call["status"], &call["outcome"], &call["sent_bytes"]),
        (&json!(101), &json!("ok"), &json!(300_008))
    );
    assert!(!log.text().contains("hush"), "{call}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_message_beyond_all_measure_ends_the_connection(db: PgPool) {
    let app = app_with_echo(db).await;
    let served = app.serve().await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let (mut socket, _) = connect(&served, &alice.client, &path(&app)).await.expect("a socket");
    socket.next().await.expect("a message").expect("text");
    let _ = socket.send(Message::binary(vec![1; 3 << 20])).await;
    while let Some(Ok(message)) = socket.next().await {
        assert!(!message.is_binary(), "it came back");
    }
    until("the end of the call", async || app.app.proxy.open_calls(&compute()) == 0).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_end_of_the_session_ends_the_connection(db: PgPool) {
    let app = app_with_echo(db).await;
    let served = app.serve().await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let (mut socket, _) = connect(&served, &alice.client, &path(&app)).await.expect("a socket");
    socket.next().await.expect("a message").expect("text");
    alice
        .client
        .delete(&format!("{}?include_current=true", routes::SESSIONS))
        .await
        .assert_status(StatusCode::NO_CONTENT);
    assert_eq!(close_code(&mut socket).await, Some(4401));
}

async fn close_code(socket: &mut Socket) -> Option<u16> {
    loop {
        match socket.next().await.expect("a last message").expect("a message") {
            Message::Close(frame) => return frame.map(|frame| u16::from(frame.code)),
            _ => continue,
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_support_view_of_the_project_ends_the_connection(db: PgPool) {
    let app = app_with_echo(db).await;
    let served = app.serve().await;
    let operator = Asking::new(&app, "operator", "alpha");
    operator.csrf_token().await;
    let (mut socket, _) = connect(&served, &operator.client, &path(&app)).await.expect("a socket");
    socket.next().await.expect("a message").expect("text");
    let view = json!({"project": app.project("alpha"), "reason": "Ticket 4711: her server does not boot"});
    let opened = operator.client.post(routes::OPERATOR_SUPPORT_VIEWS, &view).await;
    opened.assert_status(StatusCode::CREATED);
    assert_eq!(close_code(&mut socket).await, Some(1008));
    until("the end of the call", async || app.app.proxy.open_calls(&compute()) == 0).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_websocket_is_refused_and_the_services_refusal_comes_back(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            let answer = match request.contains("/plain") {
                true => ok("application/json", "", "{}"),
                false if request.contains("/wrong") => {
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n".to_owned()
                }
                false => "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
            };
            connection.send(answer.as_bytes()).await;
        }
    })
    .await;
    let app = fake.app(db).await;
    let served = app.serve().await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    for (what, status) in [("plain", 502), ("wrong", 502), ("missing", 404)] {
        let path = format!("{}?meridian_project={}", cloud("compute", what), app.project("alpha"));
        match connect(&served, &alice.client, &path).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status().as_u16(), status, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }

    let asked = fake.requests().len();
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let (version, upgrade) = (("sec-websocket-version", "13"), ("connection", "upgrade"));
    let origin = ("origin", alice.client.origin());
    for headers in [
        &[("upgrade", "h2c"), upgrade][..],
        &[("upgrade", "websocket, h2c"), upgrade, version, key, origin],
        &[("upgrade", "websocket"), upgrade, key, origin],
        &[("upgrade", "websocket"), upgrade, version, ("sec-websocket-key", "short"), origin],
        &[("upgrade", "websocket"), version, key, origin],
        &[("upgrade", "TLS/1.0"), upgrade],
    ] {
        let answer = alice.send(Method::GET, &cloud("compute", "servers"), headers, Body::empty()).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_upgrade");
    }
    let headers = [("upgrade", "websocket"), upgrade, version, key];
    let answer = alice.send(Method::GET, &cloud("compute", "servers"), &headers, Body::empty()).await;
    answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    assert_eq!(fake.requests().len(), asked);
}
