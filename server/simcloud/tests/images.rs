//! Images: made, filled, changed, shared and deleted, with data of any size.

use crate::common::{Answer, Http};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use simcloud::{Cloud, CloudConfig, Fault, NewServer, Service};

/// A cloud, and alice in beta, who shares with bob in alpha.
struct Desk {
    cloud: Cloud,
    http: Http,
    alice: String,
    bob: String,
}

const PATCH: &str = "application/openstack-images-v2.1-json-patch";
const DATA: &str = "application/octet-stream";
const GIB: u64 = 1 << 30;

impl Desk {
    async fn new() -> Desk {
        let cloud = Cloud::start(CloudConfig::default()).await.expect("cloud");
        let http = Http::new();
        let alice = http.token(&cloud, "alice", "beta").await;
        let bob = http.token(&cloud, "bob", "alpha").await;
        Desk { cloud, http, alice, bob }
    }

    fn url(&self, path: &str) -> String {
        let glance = self.cloud.service_url("RegionOne", Service::Image).expect("glance");
        format!("{glance}/v2{path}")
    }

    async fn send(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.http.send(method, &self.url(path), token, body.as_ref()).await
    }

    async fn send_as(&self, content_type: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let headers = [("content-type", content_type), ("x-auth-token", self.alice.as_str())];
        self.http.try_send(method, &self.url(path), &headers, body.into()).await.expect("an answer")
    }

    async fn create(&self, more: Value) -> String {
        let mut body = json!({"name": "mine", "disk_format": "raw", "container_format": "bare"});
        for (key, value) in more.as_object().expect("fields") {
            body[key] = value.clone();
        }
        let made = self.send(&self.alice, "POST", "/images", Some(body)).await;
        assert_eq!(made.status, 201, "{:?}", made.json());
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn image(&self, id: &str) -> Value {
        self.send(&self.alice, "GET", &format!("/images/{id}"), None).await.json()
    }

    /// The names of the images in a list.
    async fn names(&self, token: &str, query: &str) -> Vec<String> {
        let list = self.send(token, "GET", &format!("/images?limit=100&{query}"), None).await.json();
        let images = list["images"].as_array().expect("images").iter();
        images.map(|image| image["name"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_was_uploaded_comes_back_as_it_was() {
    let desk = Desk::new().await;
    let id = desk.create(json!({})).await;
    let path = format!("/images/{id}/file");
    assert_eq!(desk.send(&desk.alice, "GET", &path, None).await.status, 204, "there is no data yet");
    assert_eq!(desk.send_as(DATA, "PUT", &path, "hello, image").await.status, 204);
    let image = desk.image(&id).await;
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(12)));
    assert_eq!(image["checksum"], "87a83bec3da797da33b0344e7096cc70");
    let back = desk.send(&desk.alice, "GET", &path, None).await;
    assert_eq!((back.status, &*back.body), (200, b"hello, image".as_slice()));
    assert_eq!(back.header("content-md5"), image["checksum"].as_str());

    let headers = [("x-auth-token", desk.alice.as_str()), ("range", "bytes=7-")];
    let part = desk.http.try_send("GET", &desk.url(&path), &headers, Bytes::new()).await.expect("an answer");
    assert_eq!((part.status, &*part.body), (206, b"image".as_slice()));
    assert_eq!(part.header("content-range"), Some("bytes 7-11/12"));
    let headers = [("x-auth-token", desk.alice.as_str()), ("range", "bytes=12-")];
    let none = desk.http.try_send("GET", &desk.url(&path), &headers, Bytes::new()).await.expect("an answer");
    assert_eq!(none.status, 416);
}

#[tokio::test]
async fn a_gigabyte_goes_up_and_comes_down() {
    let desk = Desk::new().await;
    let id = desk.create(json!({})).await;
    let url = desk.url(&format!("/images/{id}/file"));
    let piece = Bytes::from(vec![7; 1 << 20]);
    let pieces = stream::iter((0..1024).map(move |_| Ok::<_, std::io::Error>(Frame::data(piece.clone()))));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::put(&url).header("x-auth-token", &desk.alice).header("content-type", DATA);
    let request = request.body(StreamBody::new(pieces).boxed_unsync()).expect("a request");
    assert_eq!(client.request(request).await.expect("an answer").status(), 204);
    assert_eq!(desk.image(&id).await["size"], GIB);

    let request = Request::get(&url).header("x-auth-token", &desk.alice);
    let request = request.body(StreamBody::new(stream::empty().boxed()).boxed_unsync()).expect("a request");
    let response = client.request(request).await.expect("an answer");
    assert_eq!(response.headers()["content-length"], GIB.to_string());
    let mut body = response.into_body();
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.expect("a piece").data_ref().map_or(0, |piece| piece.len() as u64);
    }
    assert_eq!(received, GIB);
}

#[tokio::test]
async fn a_broken_upload_leaves_the_image_queued_to_be_tried_again() {
    let desk = Desk::new().await;
    let id = desk.create(json!({})).await;
    let path = format!("/images/{id}/file");
    let cut = Fault::CutUpload { after_bytes: 1_000 };
    desk.cloud.admin().set_fault("RegionOne", Service::Image, Some(cut));
    let headers = [("content-type", DATA), ("x-auth-token", desk.alice.as_str())];
    let broken = desk.http.try_send("PUT", &desk.url(&path), &headers, vec![0; 2_000].into()).await;
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(desk.image(&id).await["status"], "queued");
    assert_eq!(desk.send_as(DATA, "PUT", &path, vec![0; 10]).await.status, 204, "smaller ones pass");
    assert_eq!(desk.send_as(DATA, "PUT", &path, "more").await.status, 409);
}

#[tokio::test]
async fn an_upload_is_saving_until_its_end_and_queued_again_when_its_sender_leaves() {
    let desk = Desk::new().await;
    let id = desk.create(json!({})).await;
    let url = desk.url(&format!("/images/{id}/file"));
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(piece)), receiver))
    });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::put(&url).header("x-auth-token", &desk.alice).header("content-type", DATA);
    let request = request.body(StreamBody::new(pieces.boxed()).boxed_unsync()).expect("a request");
    let upload = tokio::spawn(client.request(request));
    sender.send(Bytes::from_static(b"half of it")).expect("an upload that listens");
    let becomes = |status: &'static str| {
        let (desk, id) = (&desk, &id);
        async move {
            while desk.image(id).await["status"] != status {
                tokio::task::yield_now().await;
            }
        }
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, becomes("saving")).await.expect("saving");
    upload.abort();
    tokio::time::timeout(limit, becomes("queued")).await.expect("queued");
}

#[tokio::test]
async fn data_that_is_not_what_it_is_called_is_refused() {
    let desk = Desk::new().await;
    let id = desk.create(json!({"disk_format": "qcow2"})).await;
    let path = format!("/images/{id}/file");
    assert_eq!(desk.send_as("text/plain", "PUT", &path, "data").await.status, 415);
    let refused = desk.send_as(DATA, "PUT", &path, "data").await;
    assert_eq!(refused.status, 415);
    assert!(refused.json()["message"].as_str().expect("words").contains("qcow2 does not match"));
    assert_eq!(desk.image(&id).await["status"], "queued");
    assert_eq!(desk.send_as(DATA, "PUT", &path, b"QFI\xfbdata".as_slice()).await.status, 204);

    let id = desk.create(json!({"name": "storage-full"})).await;
    assert_eq!(desk.send_as(DATA, "PUT", &format!("/images/{id}/file"), "data").await.status, 413);
    let id = desk.create(json!({"disk_format": null})).await;
    assert_eq!(desk.send_as(DATA, "PUT", &format!("/images/{id}/file"), "data").await.status, 400);
}

#[tokio::test]
async fn records_change_whole_or_not_at_all() {
    let desk = Desk::new().await;
    let id = desk.create(json!({"os_distro": "debian"})).await;
    let path = format!("/images/{id}");
    let patch = |changes: Value| desk.send_as(PATCH, "PATCH", &path, changes.to_string());
    let changed = patch(json!([
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/a~1b", "value": "slash"},
        {"op": "remove", "path": "/os_distro"},
        {"op": "replace", "path": "/tags", "value": ["one", "two", "one"]},
        {"op": "replace", "path": "/min_disk", "value": 5},
    ]))
    .await;
    assert_eq!(changed.status, 200, "{:?}", changed.json());
    let image = desk.image(&id).await;
    assert_eq!(
        (&image["name"], &image["a/b"], &image["min_disk"]),
        (&json!("renamed"), &json!("slash"), &json!(5))
    );
    assert_eq!((&image["tags"], image.get("os_distro")), (&json!(["one", "two"]), None));

    let refused = [
        (
            json!([{"op": "replace", "path": "/name", "value": "x"}, {"op": "replace", "path": "/size", "value": 1}]),
            403,
        ),
        (json!([{"op": "replace", "path": "/nonesuch", "value": "x"}]), 409),
        (json!([{"op": "replace", "path": "/protected", "value": "x"}]), 400),
        (json!([{"op": "replace", "path": "/visibility", "value": "public"}]), 403),
        (json!([{"op": "paint", "path": "/name", "value": "x"}]), 400),
        (json!([{"op": "replace", "path": "name", "value": "x"}]), 400),
        (json!([{"op": "remove", "path": "/name"}]), 403),
        (json!({}), 400),
    ];
    for (changes, status) in refused {
        assert_eq!(patch(changes.clone()).await.status, status, "{changes}");
    }
    assert_eq!(desk.image(&id).await["name"], "renamed");

    assert_eq!(desk.send(&desk.alice, "PUT", &format!("{path}/tags/three"), None).await.status, 204);
    assert_eq!(desk.send(&desk.alice, "DELETE", &format!("{path}/tags/one"), None).await.status, 204);
    assert_eq!(desk.send(&desk.alice, "DELETE", &format!("{path}/tags/one"), None).await.status, 404);
    assert_eq!(desk.image(&id).await["tags"], json!(["two", "three"]));

    assert_eq!(patch(json!([{"op": "replace", "path": "/protected", "value": true}])).await.status, 200);
    assert_eq!(desk.send(&desk.alice, "DELETE", &path, None).await.status, 403);
    assert_eq!(patch(json!([{"op": "replace", "path": "/protected", "value": false}])).await.status, 200);
    assert_eq!(desk.send(&desk.alice, "DELETE", &path, None).await.status, 204);
    assert_eq!(desk.send(&desk.alice, "GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn a_shared_image_is_offered_accepted_and_taken_back() {
    let desk = Desk::new().await;
    let id = desk.create(json!({"name": "for-alpha"})).await;
    let path = format!("/images/{id}");
    let alpha = desk.cloud.admin().project_id("alpha").to_string();
    let members = format!("{path}/members");
    assert_eq!(desk.send(&desk.bob, "GET", &path, None).await.status, 404);
    let offered = desk.send(&desk.alice, "POST", &members, Some(json!({"member": alpha}))).await;
    assert_eq!((offered.status, &offered.json()["status"]), (200, &json!("pending")));
    assert_eq!(desk.send(&desk.alice, "POST", &members, Some(json!({"member": alpha}))).await.status, 409);
    assert_eq!(desk.send(&desk.bob, "GET", &path, None).await.status, 200);
    assert!(!desk.names(&desk.bob, "").await.contains(&"for-alpha".to_owned()));
    let pending = desk.names(&desk.bob, "visibility=shared&member_status=pending").await;
    assert!(pending.contains(&"for-alpha".to_owned()), "{pending:?}");

    let own = format!("{members}/{alpha}");
    let accept = || Some(json!({"status": "accepted"}));
    assert_eq!(desk.send(&desk.alice, "PUT", &own, accept()).await.status, 403);
    assert_eq!(desk.send(&desk.bob, "PUT", &own, Some(json!({"status": "maybe"}))).await.status, 400);
    assert_eq!(desk.send(&desk.bob, "PUT", &own, accept()).await.status, 200);
    assert!(desk.names(&desk.bob, "").await.contains(&"for-alpha".to_owned()));
    assert_eq!(desk.send(&desk.bob, "DELETE", &path, None).await.status, 403);
    assert_eq!(desk.send(&desk.bob, "DELETE", &own, None).await.status, 403);
    assert_eq!(desk.send(&desk.alice, "DELETE", &own, None).await.status, 204);
    assert_eq!(desk.send(&desk.bob, "GET", &path, None).await.status, 404);
    let private = desk.create(json!({"visibility": "private"})).await;
    let members = format!("/images/{private}/members");
    let refused = desk.send(&desk.alice, "POST", &members, Some(json!({"member": alpha}))).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn seeded_projects_have_images_of_their_own_snapshots_and_shared_ones() {
    let desk = Desk::new().await;
    let mine = desk.names(&desk.alice, "visibility=private").await;
    assert!(mine.iter().any(|name| name == "beta-golden"), "{mine:?}");
    assert_eq!(desk.names(&desk.alice, "image_type=snapshot").await.len(), 1);
    assert_eq!(desk.names(&desk.alice, "visibility=shared").await, ["beta-shared", "alpha-shared"]);
    let by_name = desk.names(&desk.alice, "visibility=public&sort=name:asc").await;
    assert!(by_name.is_sorted(), "{by_name:?}");
}

#[tokio::test]
async fn a_snapshot_of_a_server_appears_among_the_images() {
    let desk = Desk::new().await;
    let id = desk.cloud.admin().add_server("RegionOne", "beta", NewServer::default());
    let nova = desk.cloud.service_url("RegionOne", Service::Compute).expect("nova");
    let body = json!({"createImage": {"name": "before-upgrade"}});
    let url = format!("{nova}/v2.1/servers/{id}/action");
    assert_eq!(desk.http.send("POST", &url, &desk.alice, Some(&body)).await.status, 202);
    let query = format!("/images?image_type=snapshot&instance_uuid={id}");
    let list = desk.send(&desk.alice, "GET", &query, None).await.json();
    assert_eq!(list["images"][0]["status"], "queued");
    desk.cloud.admin().advance(std::time::Duration::from_secs(20));
    let list = desk.send(&desk.alice, "GET", &query, None).await.json();
    assert_eq!(
        (&list["images"][0]["name"], &list["images"][0]["status"]),
        (&json!("before-upgrade"), &json!("active"))
    );
}

#[tokio::test]
async fn a_reader_makes_and_changes_nothing() {
    let desk = Desk::new().await;
    let reader = desk.http.token(&desk.cloud, "reader", "alpha").await;
    let body = json!({"name": "x", "disk_format": "raw", "container_format": "bare"});
    let refused = desk.send(&reader, "POST", "/images", Some(body)).await;
    assert_eq!(refused.status, 403);
    let own = desk.send(&reader, "GET", "/images?name=alpha-golden", None).await.json();
    let id = own["images"][0]["id"].as_str().expect("an image");
    assert_eq!(desk.send(&reader, "DELETE", &format!("/images/{id}"), None).await.status, 403);
}
