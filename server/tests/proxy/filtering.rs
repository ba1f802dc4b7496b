//! What is taken out and put in on the way, each way.

use api_types::routes::{self, ANSWER_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use sqlx::PgPool;

use super::{
    Asking, cloud,
    fake::{Fake, json, ok},
};

#[sqlx::test(migrations = "../migrations")]
async fn a_service_sees_the_listed_headers_and_the_token_and_nothing_else(db: PgPool) {
    let fake = Fake::answering(json("{}")).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let headers = [
        ("accept", "application/json"),
        ("openstack-api-version", "compute 2.79"),
        ("x-openstack-nova-api-version", "2.79"),
        ("x-auth-token", "stolen"),
        ("x-subject-token", "stolen"),
        ("x-service-token", "stolen"),
        ("x-roles", "admin"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("x-original-url", "/v3"),
        ("authorization", "Bearer stolen"),
        ("proxy-authorization", "Basic stolen"),
        ("te", "trailers"),
        ("keep-alive", "timeout=5"),
        ("connection", "keep-alive, x-openstack-nova-api-version"),
        ("referer", "https://panel.test/secret"),
        ("accept-encoding", "gzip, br"),
        ("user-agent", "Browser/1"),
    ];
    alice
        .send(Method::GET, &cloud("compute", "servers"), &headers, Body::empty())
        .await
        .assert_status(StatusCode::OK);
    let request = fake.requests().remove(0);
    let (line, rest) = request.split_once("\r\n").expect("a request line");
    assert_eq!(line, "GET /v2.1/servers HTTP/1.1");
    let mut names: Vec<&str> =
        rest.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "accept-encoding", "host", "openstack-api-version", "user-agent", "x-auth-token"],
        "{request}"
    );
    assert!(request.contains(&format!("host: {}", fake.address)), "{request}");
    assert!(request.contains("accept-encoding: identity"), "{request}");
    for secret in ["stolen", "Browser/1", "meridian=", "evil", "panel.test"] {
        assert!(!request.contains(secret), "{secret} in {request}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_sees_nothing_of_the_service_but_its_answer(db: PgPool) {
    let headers = "set-cookie: session=1\r\nserver: Apache/2\r\nx-subject-token: secret\r\nx-auth-token: secret\r\n\
        via: 1.1 internal-haproxy\r\nx-powered-by: uwsgi\r\naccess-control-allow-origin: *\r\nalt-svc: h3=\":443\"\r\n\
        strict-transport-security: max-age=1\r\nx-internal: 1\r\netag: \"5\"\r\nconnection: keep-alive, etag\r\n\
        x-openstack-request-id: req-7\r\nopenstack-api-version: compute 2.79\r\nretry-after: 3\r\n";
    let fake = Fake::answering(ok("application/json", headers, "{}")).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let answer = alice.get("compute", "servers").await;
    answer.assert_status(StatusCode::OK);
    for (name, value) in [
        ("x-openstack-request-id", "req-7"),
        ("openstack-api-version", "compute 2.79"),
        ("retry-after", "3"),
        (ANSWER_HEADER, "upstream"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let gone = [
        "set-cookie",
        "server",
        "x-subject-token",
        "x-auth-token",
        "via",
        "x-powered-by",
        "access-control-allow-origin",
        "alt-svc",
        "x-internal",
        "etag",
    ];
    for name in gone {
        assert!(answer.headers.get(name).is_none(), "{name}");
    }
    assert_ne!(answer.header("strict-transport-security"), "max-age=1");
}

#[sqlx::test(migrations = "../migrations")]
async fn addresses_of_the_service_become_ours_in_headers_and_in_json(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            let host = connection.stream.local_addr().expect("an address");
            let body = format!(
                "{{\"a\": \"http://{host}/v2.1/servers/1\", \"b\": \"http://{host}/servers/1\", \"c\": \"http://other/v2.1\"}}"
            );
            let links = format!(
                "location: http://{host}/v2.1/servers/1\r\ncontent-location: http://internal.example/x\r\n\
                 link: <http://{host}/v2.1/servers?marker=1>; rel=\"next\", <http://internal.example/>; rel=\"up\"\r\n"
            );
            if request.contains("/stream") {
                // Cut in the middle of an address, and of no announced length.
                connection.send(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{links}transfer-encoding: chunked\r\n\r\n").as_bytes()).await;
                for piece in body.as_bytes().chunks(7) {
                    connection.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
                    connection.send(piece).await;
                    connection.send(b"\r\n").await;
                }
                connection.send(b"0\r\n\r\n").await;
            } else {
                connection.send(ok("application/json", &links, &body).as_bytes()).await;
            }
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let ours = "/api/cloud/RegionOne/compute/servers/1";
    for path in ["whole", "stream"] {
        let answer = alice.get("compute", path).await;
        answer.assert_status(StatusCode::OK);
        assert_eq!(
            answer.text(),
            format!("{{\"a\": \"{ours}\", \"b\": \"{ours}\", \"c\": \"http://other/v2.1\"}}")
        );
        assert_eq!(answer.header("location"), ours);
        assert_eq!(answer.header("link"), "</api/cloud/RegionOne/compute/servers?marker=1>; rel=\"next\"");
        assert!(answer.headers.get("content-location").is_none());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_redirect_is_not_followed_and_leads_nowhere_else(db: PgPool) {
    let elsewhere = Fake::answering(json("{}")).await;
    let answer = format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{}/v2.1/servers\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address
    );
    let fake = Fake::answering(answer).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let answer = alice.get("compute", "servers").await;
    answer.assert_status(StatusCode::FOUND);
    assert!(answer.headers.get("location").is_none());
    assert_eq!(elsewhere.connections(), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_is_never_shown_as_one_of_ours(db: PgPool) {
    let fake = Fake::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            let place = connection.stream.local_addr().expect("an address");
            let page = format!("<html><script>alert(1)</script>{place}<address>At internal</address></html>");
            let status = if request.contains("/broken") { "503 Service Unavailable" } else { "200 OK" };
            let kind = if request.contains("/svg") { "image/svg+xml" } else { "text/html" };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{page}",
                page.len()
            );
            connection.send(answer.as_bytes()).await;
        }
    })
    .await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    for path in ["page", "svg"] {
        alice.get("compute", path).await.assert_error(StatusCode::BAD_GATEWAY, "upstream_malformed");
    }
    let answer = alice.get("compute", "broken").await;
    answer.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.text(), format!("alert(1) …:{}", fake.address.port()));
    assert!(answer.header("content-security-policy").contains("sandbox"));
    alice.client.get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_of_nothing_is_passed_on_whatever_kind_it_says_it_is(db: PgPool) {
    // As Glance answers when an image is deleted, or its data came.
    let answer = "HTTP/1.1 204 No Content\r\ncontent-type: text/html; charset=UTF-8\r\n\r\n";
    let fake = Fake::answering(answer).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let answer = alice.get("compute", "nothing").await;
    answer.assert_status(StatusCode::NO_CONTENT);
    assert_eq!(answer.header("content-type"), "");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_download_comes_as_a_file_and_in_the_part_that_was_asked_for(db: PgPool) {
    let headers = "content-range: bytes 0-3/10\r\naccept-ranges: bytes\r\n";
    let fake = Fake::answering(ok("application/octet-stream", headers, "data")).await;
    let app = fake.app(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let path = cloud("image", "images/1/file");
    let answer = alice.send(Method::GET, &path, &[("range", "bytes=0-3")], Body::empty()).await;
    answer.assert_status(StatusCode::OK);
    assert_eq!((answer.text().as_str(), answer.header("content-range")), ("data", "bytes 0-3/10"));
    assert_eq!((answer.header("content-disposition"), answer.header("content-length")), ("attachment", "4"));
    assert!(fake.requests()[0].contains("range: bytes=0-3"));
    let answer = alice.send(Method::HEAD, &path, &[], Body::empty()).await;
    answer.assert_status(StatusCode::OK);
    assert_eq!(answer.header("content-length"), "4");
}
