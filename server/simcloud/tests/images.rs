//! Images: made, filled, changed, shared and deleted, with data of any size.

use crate::common::{Answer, Desk, merged};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use simcloud::{Cloud, CloudConfig, Fault, NewServer, Service};

const PATCH: &str = "application/openstack-images-v2.1-json-patch";
const DATA: &str = "application/octet-stream";
const GIB: u64 = 1 << 30;

impl Desk {
    /// Sends a body of another kind than JSON.
    async fn send_data(&self, kind: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let headers = [("content-type", kind), ("x-auth-token", self.token.as_str())];
        let url = self.url(Service::Image, path);
        self.http.try_send(method, &url, &headers, body.into()).await.expect("an answer")
    }

    async fn create_image(&self, more: Value) -> String {
        let least = json!({"name": "mine", "disk_format": "raw", "container_format": "bare"});
        let made = self.glance("POST", "/images", Some(merged(least, more))).await;
        assert_eq!(made.status, 201, "{:?}", made.json());
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn show_image(&self, id: &str) -> Value {
        self.glance("GET", &format!("/images/{id}"), None).await.json()
    }

    /// The names of the images in a list.
    async fn image_names(&self, query: &str) -> Vec<String> {
        let list = self.glance("GET", &format!("/images?limit=100&{query}"), None).await.json();
        let images = list["images"].as_array().expect("images").iter();
        images.map(|image| image["name"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_was_uploaded_comes_back_as_it_was() {
    let desk = Desk::new().await;
    let id = desk.create_image(json!({})).await;
    let path = format!("/images/{id}/file");
    assert_eq!(desk.glance("GET", &path, None).await.status, 204, "there is no data yet");
    assert_eq!(desk.send_data(DATA, "PUT", &path, "hello, image").await.status, 204);
    let image = desk.show_image(&id).await;
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(12)));
    assert_eq!(image["checksum"], "87a83bec3da797da33b0344e7096cc70");
    let back = desk.glance("GET", &path, None).await;
    assert_eq!((back.status, &*back.body), (200, b"hello, image".as_slice()));
    assert_eq!(back.header("content-md5"), image["checksum"].as_str());

    let headers = [("x-auth-token", desk.token.as_str()), ("range", "bytes=7-")];
    let part = desk
        .http
        .try_send("GET", &desk.url(Service::Image, &path), &headers, Bytes::new())
        .await
        .expect("an answer");
    assert_eq!((part.status, &*part.body), (206, b"image".as_slice()));
    assert_eq!(part.header("content-range"), Some("bytes 7-11/12"));
    let headers = [("x-auth-token", desk.token.as_str()), ("range", "bytes=12-")];
    let none = desk
        .http
        .try_send("GET", &desk.url(Service::Image, &path), &headers, Bytes::new())
        .await
        .expect("an answer");
    assert_eq!(none.status, 416);
}

#[tokio::test]
async fn a_gigabyte_goes_up_and_comes_down() {
    let desk = Desk::new().await;
    let id = desk.create_image(json!({})).await;
    let url = desk.url(Service::Image, &format!("/images/{id}/file"));
    let piece = Bytes::from(vec![7; 1 << 20]);
    let pieces = stream::iter((0..1024).map(move |_| Ok::<_, std::io::Error>(Frame::data(piece.clone()))));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::put(&url).header("x-auth-token", &desk.token).header("content-type", DATA);
    let request = request.body(StreamBody::new(pieces).boxed_unsync()).expect("a request");
    assert_eq!(client.request(request).await.expect("an answer").status(), 204);
    assert_eq!(desk.show_image(&id).await["size"], GIB);

    let request = Request::get(&url).header("x-auth-token", &desk.token);
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
    let id = desk.create_image(json!({})).await;
    let path = format!("/images/{id}/file");
    let cut = Fault::CutUpload { after_bytes: 1_000 };
    desk.cloud.admin().set_fault("RegionOne", Service::Image, Some(cut));
    let headers = [("content-type", DATA), ("x-auth-token", desk.token.as_str())];
    let broken =
        desk.http.try_send("PUT", &desk.url(Service::Image, &path), &headers, vec![0; 2_000].into()).await;
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(desk.show_image(&id).await["status"], "queued");
    assert_eq!(desk.send_data(DATA, "PUT", &path, vec![0; 10]).await.status, 204, "smaller ones pass");
    assert_eq!(desk.send_data(DATA, "PUT", &path, "more").await.status, 409);
}

#[tokio::test]
async fn an_upload_is_saving_until_its_end_and_queued_again_when_its_sender_leaves() {
    let desk = Desk::new().await;
    let id = desk.create_image(json!({})).await;
    let url = desk.url(Service::Image, &format!("/images/{id}/file"));
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(piece)), receiver))
    });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::put(&url).header("x-auth-token", &desk.token).header("content-type", DATA);
    let request = request.body(StreamBody::new(pieces.boxed()).boxed_unsync()).expect("a request");
    let upload = tokio::spawn(client.request(request));
    sender.send(Bytes::from_static(b"half of it")).expect("an upload that listens");
    let becomes = |status: &'static str| {
        let (desk, id) = (&desk, &id);
        async move {
            while desk.show_image(id).await["status"] != status {
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
    let id = desk.create_image(json!({"disk_format": "qcow2"})).await;
    let path = format!("/images/{id}/file");
    assert_eq!(desk.send_data("text/plain", "PUT", &path, "data").await.status, 415);
    let refused = desk.send_data(DATA, "PUT", &path, "data").await;
    assert_eq!(refused.status, 415);
    assert!(refused.json()["message"].as_str().expect("words").contains("qcow2 does not match"));
    assert_eq!(desk.show_image(&id).await["status"], "queued");
    assert_eq!(desk.send_data(DATA, "PUT", &path, b"QFI\xfbdata".as_slice()).await.status, 204);

    let id = desk.create_image(json!({"name": "storage-full"})).await;
    assert_eq!(desk.send_data(DATA, "PUT", &format!("/images/{id}/file"), "data").await.status, 413);
    let id = desk.create_image(json!({"disk_format": null})).await;
    assert_eq!(desk.send_data(DATA, "PUT", &format!("/images/{id}/file"), "data").await.status, 400);
}

#[tokio::test]
async fn records_change_whole_or_not_at_all() {
    let desk = Desk::new().await;
    let id = desk.create_image(json!({"os_distro": "debian"})).await;
    let path = format!("/images/{id}");
    let patch = |changes: Value| desk.send_data(PATCH, "PATCH", &path, changes.to_string());
    let changed = patch(json!([
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/a~1b", "value": "slash"},
        {"op": "remove", "path": "/os_distro"},
        {"op": "replace", "path": "/tags", "value": ["one", "two", "one"]},
        {"op": "replace", "path": "/min_disk", "value": 5},
    ]))
    .await;
    assert_eq!(changed.status, 200, "{:?}", changed.json());
    let image = desk.show_image(&id).await;
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
    assert_eq!(desk.show_image(&id).await["name"], "renamed");

    assert_eq!(desk.glance("PUT", &format!("{path}/tags/three"), None).await.status, 204);
    assert_eq!(desk.glance("DELETE", &format!("{path}/tags/one"), None).await.status, 204);
    assert_eq!(desk.glance("DELETE", &format!("{path}/tags/one"), None).await.status, 404);
    assert_eq!(desk.show_image(&id).await["tags"], json!(["two", "three"]));

    assert_eq!(patch(json!([{"op": "replace", "path": "/protected", "value": true}])).await.status, 200);
    assert_eq!(desk.glance("DELETE", &path, None).await.status, 403);
    assert_eq!(patch(json!([{"op": "replace", "path": "/protected", "value": false}])).await.status, 200);
    assert_eq!(desk.glance("DELETE", &path, None).await.status, 204);
    assert_eq!(desk.glance("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn a_shared_image_is_offered_accepted_and_taken_back() {
    let alice = Desk::new().await;
    let bob = Desk::of(&alice.cloud, "bob", "alpha").await;
    let id = alice.create_image(json!({"name": "for-alpha"})).await;
    let path = format!("/images/{id}");
    let alpha = alice.cloud.admin().project_id("alpha").to_string();
    let members = format!("{path}/members");
    assert_eq!(bob.glance("GET", &path, None).await.status, 404);
    let offered = alice.glance("POST", &members, Some(json!({"member": alpha}))).await;
    assert_eq!((offered.status, &offered.json()["status"]), (200, &json!("pending")));
    assert_eq!(alice.glance("POST", &members, Some(json!({"member": alpha}))).await.status, 409);
    assert_eq!(bob.glance("GET", &path, None).await.status, 200);
    assert!(!bob.image_names("").await.contains(&"for-alpha".to_owned()));
    let pending = bob.image_names("visibility=shared&member_status=pending").await;
    assert!(pending.contains(&"for-alpha".to_owned()), "{pending:?}");

    let own = format!("{members}/{alpha}");
    let accept = || Some(json!({"status": "accepted"}));
    assert_eq!(alice.glance("PUT", &own, accept()).await.status, 403);
    assert_eq!(bob.glance("PUT", &own, Some(json!({"status": "maybe"}))).await.status, 400);
    assert_eq!(bob.glance("PUT", &own, accept()).await.status, 200);
    assert!(bob.image_names("").await.contains(&"for-alpha".to_owned()));
    assert_eq!(bob.glance("DELETE", &path, None).await.status, 403);
    assert_eq!(bob.glance("DELETE", &own, None).await.status, 403);
    assert_eq!(alice.glance("DELETE", &own, None).await.status, 204);
    assert_eq!(bob.glance("GET", &path, None).await.status, 404);
    let private = alice.create_image(json!({"visibility": "private"})).await;
    let members = format!("/images/{private}/members");
    let refused = alice.glance("POST", &members, Some(json!({"member": alpha}))).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn seeded_projects_have_images_of_their_own_snapshots_and_shared_ones() {
    let desk = Desk::new().await;
    let mine = desk.image_names("visibility=private").await;
    assert!(mine.iter().any(|name| name == "beta-golden"), "{mine:?}");
    assert_eq!(desk.image_names("image_type=snapshot").await.len(), 1);
    assert_eq!(desk.image_names("visibility=shared").await, ["beta-shared", "alpha-shared"]);
    let by_name = desk.image_names("visibility=public&sort=name:asc").await;
    assert!(by_name.is_sorted(), "{by_name:?}");
}

#[tokio::test]
async fn a_snapshot_of_a_server_appears_among_the_images() {
    let desk = Desk::new().await;
    let id = desk.add_server(NewServer::default());
    let snapshot = json!({"createImage": {"name": "before-upgrade"}});
    assert_eq!(desk.act(&id, &snapshot).await.status, 202);
    let query = format!("/images?image_type=snapshot&instance_uuid={id}");
    let list = desk.glance("GET", &query, None).await.json();
    assert_eq!(list["images"][0]["status"], "queued");
    desk.wait(20);
    let list = desk.glance("GET", &query, None).await.json();
    assert_eq!(
        (&list["images"][0]["name"], &list["images"][0]["status"]),
        (&json!("before-upgrade"), &json!("active"))
    );
}

#[tokio::test]
async fn a_reader_makes_and_changes_nothing() {
    let cloud = Cloud::start(CloudConfig::default()).await.expect("a cloud");
    let reader = Desk::of(&cloud, "reader", "alpha").await;
    let body = json!({"name": "x", "disk_format": "raw", "container_format": "bare"});
    let refused = reader.glance("POST", "/images", Some(body)).await;
    assert_eq!(refused.status, 403);
    let own = reader.glance("GET", "/images?name=alpha-golden", None).await.json();
    let id = own["images"][0]["id"].as_str().expect("an image");
    assert_eq!(reader.glance("DELETE", &format!("/images/{id}"), None).await.status, 403);
}
