//! Consoles: the address Nova gives, the socket behind it, and how it ends.

use std::time::Duration;

use crate::common::{Answer, Desk};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use simcloud::NewServer;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Alice, and the server `web-01`, which has been running for half a minute.
async fn desk_and_server() -> (Desk, String) {
    let desk = Desk::new().await;
    let server = desk.add_server(NewServer { name: "web-01".into(), ..NewServer::default() });
    desk.wait(30);
    (desk, server)
}

impl Desk {
    async fn ask_for_console(&self, server: &str, protocol: &str, kind: &str) -> Answer {
        let body = json!({"remote_console": {"protocol": protocol, "type": kind}});
        self.nova("POST", &format!("/servers/{server}/remote-consoles"), Some(body)).await
    }

    /// The address of the socket behind the one that Nova gives.
    async fn socket_url(&self, server: &str, protocol: &str, kind: &str) -> String {
        let answer = self.ask_for_console(server, protocol, kind).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        let url = answer.json()["remote_console"]["url"].as_str().expect("a URL").to_owned();
        match url.strip_prefix("http://") {
            Some(rest) => format!("ws://{}", rest.replace("vnc_auto.html?path=%3Ftoken%3D", "?token=")),
            None => url,
        }
    }

    async fn serial_line(&self, server: &str) -> Socket {
        let mut socket = open(&self.socket_url(server, "serial", "serial").await).await;
        read_until(&mut socket, "root@web-01:~# ").await;
        socket
    }
}

async fn open(url: &str) -> Socket {
    tokio_tungstenite::connect_async(url).await.expect("a socket").0
}

async fn next(socket: &mut Socket) -> Option<Message> {
    let next = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("in time");
    next.and_then(Result::ok)
}

async fn read_until(socket: &mut Socket, wanted: &str) -> String {
    let mut said = String::new();
    while !said.contains(wanted) {
        match next(socket).await {
            Some(Message::Binary(bytes)) => said.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?} before {wanted:?}; so far {said:?}"),
        }
    }
    said
}

/// Reads until the other side ends the connection, and tells whether it said so.
async fn read_to_the_end(socket: &mut Socket) -> bool {
    while let Some(message) = next(socket).await {
        if matches!(message, Message::Close(_)) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_serial_line_answers_and_lets_go() {
    let (desk, server) = desk_and_server().await;
    let mut socket = desk.serial_line(&server).await;
    socket.send(Message::binary(b"hostname\r".to_vec())).await.expect("sent");
    assert!(read_until(&mut socket, "# ").await.contains("\r\nweb-01\r\n"));
    socket.send(Message::binary(b"seq 50000\r".to_vec())).await.expect("sent");
    read_until(&mut socket, "\r\n50000\r\n").await;
    socket.send(Message::text("exit\r")).await.expect("sent");
    read_to_the_end(&mut socket).await;
}

#[tokio::test]
async fn a_screen_is_drawn_and_changes_by_itself() {
    let (desk, server) = desk_and_server().await;
    let mut socket = open(&desk.socket_url(&server, "vnc", "novnc").await).await;
    assert_eq!(next(&mut socket).await, Some(Message::binary(b"RFB 003.008\n".to_vec())));
    socket.send(Message::binary(b"RFB 003.008\n".to_vec())).await.expect("sent");
    assert_eq!(next(&mut socket).await, Some(Message::binary(vec![1, 1])));
    socket.send(Message::binary(vec![1])).await.expect("sent");
    assert_eq!(next(&mut socket).await, Some(Message::binary(vec![0, 0, 0, 0])));
    socket.send(Message::binary(vec![1])).await.expect("sent");
    assert!(matches!(next(&mut socket).await, Some(Message::Binary(init)) if init.ends_with(b"web-01")));

    let request =
        |is_incremental: bool| Message::binary(vec![3, u8::from(is_incremental), 0, 0, 0, 0, 2, 128, 1, 144]);
    socket.send(request(false)).await.expect("sent");
    let mut received = 0;
    while received < 16 + 640 * 400 * 4 {
        match next(&mut socket).await {
            Some(Message::Binary(bytes)) => received += bytes.len(),
            other => panic!("{other:?} after {received} bytes"),
        }
    }
    // The clock moves by itself.
    socket.send(request(true)).await.expect("sent");
    assert!(
        matches!(next(&mut socket).await, Some(Message::Binary(bytes)) if bytes.starts_with(&[0, 0, 0, 1]))
    );
}

#[tokio::test]
async fn a_token_opens_one_console_once() {
    let (desk, server) = desk_and_server().await;
    let url = desk.socket_url(&server, "serial", "serial").await;
    let mut first = open(&url).await;
    read_until(&mut first, "# ").await;
    assert_eq!(desk.cloud.admin().open_consoles(), 1);
    read_to_the_end(&mut open(&url).await).await;
    read_to_the_end(&mut open(&url.replace("token=", "token=x")).await).await;
    let late = desk.socket_url(&server, "serial", "serial").await;
    desk.wait(601);
    read_to_the_end(&mut open(&late).await).await;
}

#[tokio::test]
async fn a_console_ends_with_its_server_and_when_it_is_cut() {
    let (desk, server) = desk_and_server().await;
    let mut cut = desk.serial_line(&server).await;
    desk.cloud.admin().cut_consoles();
    assert!(!read_to_the_end(&mut cut).await, "what carried it has gone");
    let mut stopped = desk.serial_line(&server).await;
    desk.cloud.admin().update_server("RegionOne", &server, |server| server.power_state = 4);
    assert!(read_to_the_end(&mut stopped).await, "the console has ended");
    assert_eq!(desk.ask_for_console(&server, "serial", "serial").await.status, 400);
}

#[tokio::test]
async fn the_kernels_words_come_while_somebody_watches() {
    let (desk, server) = desk_and_server().await;
    let mut socket = desk.serial_line(&server).await;
    desk.wait(120);
    read_until(&mut socket, "chronyd").await;
}

#[tokio::test]
async fn consoles_that_cannot_be_are_refused() {
    let (desk, server) = desk_and_server().await;
    let offloaded = desk.add_server(NewServer { status: "SHELVED_OFFLOADED".into(), ..NewServer::default() });
    let deleting = desk.add_server(NewServer { task_state: Some("deleting".into()), ..NewServer::default() });
    let stopped = desk.add_server(NewServer { status: "SHUTOFF".into(), ..NewServer::default() });
    let metadata = vec![("oslab_fail".to_owned(), "vnc_console".to_owned())];
    let told = desk.add_server(NewServer { metadata, ..NewServer::default() });
    let cases = [(&offloaded, 409), (&deleting, 409), (&stopped, 400), (&told, 400)];
    for (unfit, status) in cases {
        let answer = desk.ask_for_console(unfit, "vnc", "novnc").await;
        assert_eq!(answer.status, status, "{:?}", answer.json());
    }
    assert_eq!(desk.ask_for_console(&server, "spice", "spice-html5").await.status, 400);
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert_eq!(desk.ask_for_console(unknown, "vnc", "novnc").await.status, 404);
    let reader = Desk::of(&desk.cloud, "reader", "alpha").await;
    let of_alpha = reader.add_server(NewServer::default());
    assert_eq!(reader.ask_for_console(&of_alpha, "vnc", "novnc").await.status, 403);
    let answer: Value = desk.http.get(&format!("{}/consoles", desk.cloud.control_url()), "").await.json();
    assert_eq!(answer["open"], 0);
}
