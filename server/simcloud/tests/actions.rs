//! What may be done to a server in which state, what becomes of it, and how it fails on request.

use crate::common::{Answer, Desk};
use serde_json::{Value, json};
use simcloud::{NewServer, Service};

impl Desk {
    /// Reads in a microversion.
    async fn nova_in(&self, version: &str, path: &str) -> Answer {
        let url = self.url(Service::Compute, path);
        let version = format!("compute {version}");
        let headers = [("x-auth-token", self.token.as_str()), ("openstack-api-version", version.as_str())];
        self.http.try_send("GET", &url, &headers, Default::default()).await.expect("an answer")
    }

    fn in_status(&self, status: &str) -> String {
        self.add_server(NewServer { status: status.into(), ..NewServer::default() })
    }

    fn told_to_fail(&self, action: &str, status: &str) -> String {
        let metadata = vec![("oslab_fail".to_owned(), action.to_owned())];
        self.add_server(NewServer { metadata, status: status.into(), ..NewServer::default() })
    }

    /// An action as it is asked for, by the name Nova has for it.
    async fn body_of(&self, name: &str) -> Value {
        match name {
            "start" => json!({"os-start": null}),
            "stop" => json!({"os-stop": null}),
            "soft reboot" => json!({"reboot": {"type": "SOFT"}}),
            "hard reboot" => json!({"reboot": {"type": "HARD"}}),
            "resize" => json!({"resize": {"flavorRef": self.flavor_id("m1.medium").await}}),
            "rebuild" => json!({"rebuild": {"imageRef": self.image_id("debian-12").await}}),
            "rescue" => json!({"rescue": {}}),
            "createImage" => json!({"createImage": {"name": "snap"}}),
            "changePassword" => json!({"changePassword": {"adminPass": "x"}}),
            other => json!({other: null}),
        }
    }
}

const STATUSES: &[&str] = &[
    "ACTIVE",
    "SHUTOFF",
    "PAUSED",
    "SUSPENDED",
    "RESCUE",
    "ERROR",
    "VERIFY_RESIZE",
    "SHELVED",
    "SHELVED_OFFLOADED",
    "BUILD",
];

/// The states of `check_instance_state` in nova/compute/api.py, by their statuses. Servers in ERROR here
/// are on a host; those on none have a test of their own.
const ALLOWED: &[(&str, &[&str])] = &[
    ("start", &["SHUTOFF"]),
    ("stop", &["ACTIVE"]),
    ("soft reboot", &["ACTIVE"]),
    ("hard reboot", &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"]),
    ("pause", &["ACTIVE"]),
    ("unpause", &["PAUSED"]),
    ("suspend", &["ACTIVE"]),
    ("resume", &["SUSPENDED"]),
    ("resize", &["ACTIVE", "SHUTOFF"]),
    ("confirmResize", &["VERIFY_RESIZE"]),
    ("revertResize", &["VERIFY_RESIZE"]),
    ("rebuild", &["ACTIVE", "SHUTOFF"]),
    ("rescue", &["ACTIVE", "SHUTOFF"]),
    ("unrescue", &["RESCUE"]),
    ("shelve", &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"]),
    ("shelveOffload", &["SHELVED"]),
    ("unshelve", &["SHELVED", "SHELVED_OFFLOADED"]),
    ("createImage", &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"]),
    ("changePassword", &["ACTIVE"]),
];

#[tokio::test]
async fn every_action_is_allowed_in_the_states_nova_allows_it_in() {
    let desk = Desk::with_servers(200).await;
    for (name, allowed) in ALLOWED {
        let body = desk.body_of(name).await;
        for status in STATUSES {
            let id = desk.in_status(status);
            let answer = desk.act(&id, &body).await;
            let expected = allowed.contains(status);
            assert_eq!(answer.status < 300, expected, "{name} in {status}: {:?}", answer.json());
            if !expected {
                assert_eq!(answer.status, 409, "{name} in {status}");
            }
        }
    }
}

#[tokio::test]
async fn servers_in_error_on_a_host_are_stopped_rebooted_rebuilt_and_rescued() {
    let desk = Desk::with_servers(200).await;
    for name in ["stop", "hard reboot", "rebuild", "rescue"] {
        let id = desk.in_status("ACTIVE");
        desk.cloud.admin().update_server("RegionOne", &id, |server| server.set_state("error", None));
        let answer = desk.act(&id, &desk.body_of(name).await).await;
        assert!(answer.status < 300, "{name}: {:?}", answer.json());
    }
    let on_none = desk.in_status("ERROR");
    let answer = desk.act(&on_none, &desk.body_of("stop").await).await;
    assert_eq!(answer.json()["conflictingRequest"]["message"], format!("Instance {on_none} is not ready"));
}

#[tokio::test]
async fn a_hard_reboot_ends_a_soft_one_and_nothing_else_interrupts() {
    let desk = Desk::with_servers(200).await;
    let id = desk.in_status("ACTIVE");
    assert_eq!(desk.act(&id, &desk.body_of("soft reboot").await).await.status, 202);
    assert_eq!(desk.act(&id, &desk.body_of("soft reboot").await).await.status, 409);
    assert_eq!(desk.act(&id, &desk.body_of("hard reboot").await).await.status, 202);
    assert_eq!(desk.server(&id).await["status"], "HARD_REBOOT");
    desk.wait(20);
    assert_eq!(desk.server(&id).await["status"], "ACTIVE");
}

#[tokio::test]
async fn a_lock_stops_changes_but_no_snapshot() {
    let desk = Desk::with_servers(200).await;
    let id = desk.add_server(NewServer { is_locked: true, ..NewServer::default() });
    for name in ["stop", "soft reboot", "rebuild", "resize", "shelve", "changePassword"] {
        let answer = desk.act(&id, &desk.body_of(name).await).await;
        assert_eq!(
            answer.json()["conflictingRequest"]["message"],
            format!("Instance {id} is locked"),
            "{name}"
        );
    }
    assert_eq!(desk.act(&id, &desk.body_of("createImage").await).await.status, 202);
    let metadata = Some(json!({"metadata": {"k": "v"}}));
    assert_eq!(desk.nova("POST", &format!("/servers/{id}/metadata"), metadata).await.status, 409);
    assert_eq!(desk.nova("PUT", &format!("/servers/{id}/tags/t"), None).await.status, 201);
}

#[tokio::test]
async fn tags_and_metadata_change_only_in_states_at_rest() {
    let desk = Desk::with_servers(200).await;
    for (status, is_allowed) in [("ACTIVE", true), ("SUSPENDED", true), ("RESCUE", false), ("BUILD", false)] {
        let id = desk.in_status(status);
        let tag = desk.nova("PUT", &format!("/servers/{id}/tags/t"), None).await.status;
        assert_eq!(tag, if is_allowed { 201 } else { 409 }, "{status}");
        let metadata = Some(json!({"metadata": {"k": "v"}}));
        let metadata = desk.nova("POST", &format!("/servers/{id}/metadata"), metadata).await.status;
        assert_eq!(metadata, if is_allowed { 200 } else { 409 }, "{status}");
    }
}

#[tokio::test]
async fn an_action_told_to_fail_is_accepted_and_fails_in_the_history() {
    let desk = Desk::with_servers(200).await;
    let cases = [
        ("start", "SHUTOFF", "SHUTOFF"),
        ("stop", "ACTIVE", "ACTIVE"),
        ("soft reboot", "ACTIVE", "ACTIVE"),
        ("pause", "ACTIVE", "ACTIVE"),
        ("unpause", "PAUSED", "PAUSED"),
        ("suspend", "ACTIVE", "ACTIVE"),
        ("resume", "SUSPENDED", "SUSPENDED"),
        ("resize", "ACTIVE", "ERROR"),
        ("confirmResize", "VERIFY_RESIZE", "VERIFY_RESIZE"),
        ("revertResize", "VERIFY_RESIZE", "ERROR"),
        ("rebuild", "ACTIVE", "ERROR"),
        ("rescue", "ACTIVE", "ERROR"),
        ("unrescue", "RESCUE", "RESCUE"),
        ("shelve", "ACTIVE", "ACTIVE"),
        ("unshelve", "SHELVED_OFFLOADED", "SHELVED_OFFLOADED"),
        ("createImage", "ACTIVE", "ACTIVE"),
        ("changePassword", "ACTIVE", "ACTIVE"),
    ];
    for (name, from, to) in cases {
        let history_name = name.split(' ').next_back().expect("a word");
        let id = desk.told_to_fail(history_name, from);
        let answer = desk.act(&id, &desk.body_of(name).await).await;
        assert!(answer.status < 300, "{name}: {:?}", answer.json());
        desk.wait(5);
        let server = desk.server(&id).await;
        assert_eq!(
            (&server["status"], &server["OS-EXT-STS:task_state"]),
            (&json!(to), &Value::Null),
            "{name}"
        );
        let action = desk.newest_action(&id).await;
        assert_eq!(
            (&action["action"], &action["message"]),
            (&json!(history_name), &json!("Error")),
            "{name}"
        );
    }
    let id = desk.told_to_fail("delete", "ACTIVE");
    assert_eq!(desk.nova("DELETE", &format!("/servers/{id}"), None).await.status, 204);
    desk.wait(5);
    assert_eq!(desk.server(&id).await["status"], "ERROR");
}

#[tokio::test]
async fn a_failed_snapshot_leaves_no_image() {
    let desk = Desk::with_servers(200).await;
    let id = desk.told_to_fail("createImage", "ACTIVE");
    let made = desk.act(&id, &desk.body_of("createImage").await).await.json();
    let path = format!("/images/{}", made["image_id"].as_str().expect("an id"));
    assert_eq!(desk.glance("GET", &path, None).await.status, 200);
    desk.wait(5);
    assert_eq!(desk.glance("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn events_say_what_was_done_and_why_it_failed() {
    let desk = Desk::with_servers(200).await;
    let id = desk.in_status("ACTIVE");
    desk.act(&id, &desk.body_of("resize").await).await;
    let path = format!("/servers/{id}/os-instance-actions");
    let request = desk.newest_action(&id).await["request_id"].as_str().expect("an id").to_owned();
    let during = desk.nova_in("2.84", &format!("{path}/{request}")).await.json();
    assert_eq!(during["instanceAction"]["events"][0]["finish_time"], Value::Null);
    desk.wait(20);
    let after = desk.nova_in("2.84", &format!("{path}/{request}")).await.json();
    let after = after["instanceAction"]["events"].as_array().expect("events").clone();
    assert_eq!(after.len(), 4);
    assert!(after.iter().all(|event| event["result"] == "Success"), "{after:?}");
    assert_eq!(after[0]["event"], "compute_finish_resize");

    let failing = desk.told_to_fail("stop", "ACTIVE");
    desk.act(&failing, &desk.body_of("stop").await).await;
    desk.wait(5);
    let request = desk.newest_action(&failing).await["request_id"].as_str().expect("an id").to_owned();
    let path = format!("/servers/{failing}/os-instance-actions/{request}");
    let shown = desk.nova_in("2.84", &path).await.json();
    let event = &shown["instanceAction"]["events"][0];
    assert_eq!((&event["event"], &event["result"]), (&json!("compute_stop_instance"), &json!("Error")));
    assert!(event["details"].as_str().expect("details").contains("stop"));
}

#[tokio::test]
async fn the_history_of_a_deleted_server_can_still_be_read() {
    let desk = Desk::with_servers(200).await;
    let id = desk.in_status("ACTIVE");
    desk.nova("DELETE", &format!("/servers/{id}"), None).await;
    desk.wait(5);
    assert_eq!(desk.nova("GET", &format!("/servers/{id}"), None).await.status, 404);
    assert_eq!(desk.newest_action(&id).await["action"], "delete");
    let path = format!("/servers/{id}/os-instance-actions");
    assert_eq!(desk.nova_in("2.20", &path).await.status, 404);
}

#[tokio::test]
async fn a_stopped_server_is_stopped_after_its_resize_and_rebuild() {
    let desk = Desk::with_servers(200).await;
    for end in ["confirmResize", "revertResize"] {
        let id = desk.in_status("SHUTOFF");
        desk.act(&id, &desk.body_of("resize").await).await;
        desk.wait(20);
        assert_eq!(desk.server(&id).await["status"], "VERIFY_RESIZE");
        desk.act(&id, &desk.body_of(end).await).await;
        desk.wait(10);
        assert_eq!(desk.server(&id).await["status"], "SHUTOFF", "{end}");
    }
    let id = desk.in_status("SHUTOFF");
    desk.act(&id, &desk.body_of("rebuild").await).await;
    assert_eq!(desk.server(&id).await["status"], "REBUILD");
    desk.wait(20);
    assert_eq!(desk.server(&id).await["status"], "SHUTOFF");
}

#[tokio::test]
async fn a_resize_no_host_has_room_for_changes_nothing() {
    let desk = Desk::with_servers(200).await;
    let id = desk.in_status("ACTIVE");
    let resize = json!({"resize": {"flavorRef": desk.flavor_id("t1.toobig").await}});
    assert_eq!(desk.act(&id, &resize).await.status, 202);
    desk.wait(5);
    let server = desk.server(&id).await;
    assert_eq!(
        (&server["status"], &server["flavor"]["original_name"]),
        (&json!("ACTIVE"), &json!("m1.small"))
    );
    assert_eq!(desk.newest_action(&id).await["message"], "Error");
}

#[tokio::test]
async fn what_boots_from_a_volume_is_rescued_and_rebuilt_by_newer_versions_only() {
    let desk = Desk::with_servers(200).await;
    let id = desk.add_server(NewServer { image: None, ..NewServer::default() });
    assert_eq!(desk.act(&id, &desk.body_of("rescue").await).await.status, 400);
    assert_eq!(desk.act(&id, &desk.body_of("rebuild").await).await.status, 400);
}

#[tokio::test]
async fn the_console_log_grows_with_age_and_actions() {
    let desk = Desk::with_servers(200).await;
    let id = desk.in_status("ACTIVE");
    let log = || async {
        let body = json!({"os-getConsoleOutput": {}});
        desk.act(&id, &body).await.json()["output"].as_str().expect("a log").to_owned()
    };
    desk.wait(2);
    let early = log().await;
    assert!(early.contains("Linux version") && !early.contains("login:"), "{early}");
    desk.wait(20);
    let later = log().await;
    assert!(later.starts_with(&early) && later.contains("server login: "), "{later}");
    desk.wait(120);
    let much_later = log().await;
    assert!(much_later.len() > later.len());
    let body = json!({"os-getConsoleOutput": {"length": 3}});
    let last = desk.act(&id, &body).await.json()["output"].as_str().expect("a log").to_owned();
    assert_eq!(last.lines().count(), 3);
    assert!(much_later.ends_with(&last));

    desk.act(&id, &desk.body_of("soft reboot").await).await;
    desk.wait(30);
    assert!(log().await.contains("reboot: Power down"));
    assert_eq!(log().await.matches("Linux version").count(), 2);
    let on_none = desk.in_status("SHELVED_OFFLOADED");
    assert_eq!(desk.act(&on_none, &json!({"os-getConsoleOutput": {}})).await.status, 409);
}

#[tokio::test]
async fn the_callers_own_request_id_is_taken_and_not_given_back() {
    let desk = Desk::with_servers(200).await;
    let control = desk.cloud.admin();
    let own = "req-11111111-2222-4333-8444-555555555555";
    let url = desk.url(Service::Compute, "/flavors");
    for (sent, kept) in [(own, Some(own)), ("nonsense", None)] {
        control.reset_calls();
        let headers = [("x-auth-token", desk.token.as_str()), ("x-openstack-request-id", sent)];
        let answer = desk.http.try_send("GET", &url, &headers, Default::default()).await.expect("an answer");
        assert_ne!(answer.header("x-openstack-request-id"), Some(own));
        assert_eq!(control.calls()[0].global_request_id.as_deref(), kept);
    }
}
