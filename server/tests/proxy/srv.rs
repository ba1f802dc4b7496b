//! Endpoints that are SRV records, asked of a name server on the network.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::http::StatusCode;
use server::testing::TestApp;
use simcloud::{CloudConfig, Service};
use sqlx::PgPool;
use tokio::net::{TcpListener, UdpSocket};

use super::{
    Asking,
    fake::{Fake, json},
};

/// A target: priority, weight, port, host.
type Target = (u16, u16, u16, &'static str);

/// Answers SRV questions from the table, and says 127.0.0.1 of every host. Ends with the test.
async fn name_server(table: BTreeMap<&'static str, Vec<Target>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let answer = answer(&buffer[..length], &table);
            let _ = socket.send_to(&answer, from).await;
        }
    });
    address
}

/// The answer to a question, as RFC 1035 and RFC 2782 have it.
fn answer(question: &[u8], table: &BTreeMap<&'static str, Vec<Target>>) -> Vec<u8> {
    const A: u16 = 1;
    const SRV: u16 = 33;
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]).to_ascii_lowercase());
        at += 1 + length;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let name = labels.join(".");
    let records: Vec<Vec<u8>> = match (kind, table.get(name.as_str())) {
        (SRV, Some(targets)) => targets
            .iter()
            .map(|(priority, weight, port, host)| {
                let mut data: Vec<u8> =
                    [priority, weight, port].iter().flat_map(|number| number.to_be_bytes()).collect();
                for label in host.split('.').filter(|label| !label.is_empty()) {
                    data.push(label.len() as u8);
                    data.extend_from_slice(label.as_bytes());
                }
                data.push(0);
                data
            })
            .collect(),
        (A, None) => vec![vec![127, 0, 0, 1]],
        _ => Vec::new(),
    };
    let is_unknown = kind == SRV && !table.contains_key(name.as_str());
    let mut answer = question[..2].to_vec();
    answer.extend_from_slice(&[
        0x81,
        if is_unknown { 0x83 } else { 0x80 },
        0,
        1,
        0,
        records.len() as u8,
        0,
        0,
        0,
        0,
    ]);
    answer.extend_from_slice(&question[12..at + 5]);
    for data in records {
        // The name of the question, this type, the internet, a minute.
        answer.extend_from_slice(&[0xc0, 12]);
        answer.extend_from_slice(&kind.to_be_bytes());
        answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        answer.extend_from_slice(&(data.len() as u16).to_be_bytes());
        answer.extend_from_slice(&data);
    }
    answer
}

#[sqlx::test(migrations = "../migrations")]
async fn the_targets_of_a_name_are_tried_by_priority_until_one_answers(db: PgPool) {
    let (first, second) = (Fake::answering(json("{}")).await, Fake::answering(json("{}")).await);
    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let dead = unused.local_addr().expect("an address").port();
    drop(unused);
    let targets = |ports: [(u16, u16); 3]| {
        ports.map(|(priority, port)| (priority, 10, port, "nova.cloud.test.")).to_vec()
    };
    let (one, two) = (first.address.port(), second.address.port());
    let name_server = name_server(BTreeMap::from([
        ("_compute._tcp.cloud.test", targets([(30, two), (20, one), (10, dead)])),
        ("_image._tcp.cloud.test", targets([(10, two), (20, one), (30, dead)])),
    ]))
    .await;
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("UPSTREAM_NAME_SERVERS", &name_server.to_string())
    })
    .await;
    for (service, url) in [
        (Service::Compute, "http://_compute._tcp.cloud.test/v2.1"),
        (Service::Image, "http://_image._tcp.cloud.test"),
        (Service::Network, "http://_network._tcp.cloud.test"),
    ] {
        app.cloud.admin().set_address("RegionOne", service, Some(url));
    }
    let alice = Asking::new(&app, "alice", "alpha");
    alice.get("compute", "servers").await.assert_status(StatusCode::OK);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0), "the first one that answers");
    assert!(first.requests()[0].starts_with("GET /v2.1/servers HTTP/1.1\r\n"), "{:?}", first.requests());
    alice.get("image", "images").await.assert_status(StatusCode::OK);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    alice
        .get("network", "networks")
        .await
        .assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
}
