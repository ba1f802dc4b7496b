//! The knobs over HTTP, and what latency costs.

use std::time::{Duration, Instant};

use crate::common::{Desk, Http};
use serde_json::json;
use simcloud::{Cloud, CloudConfig, Latency, Service};

async fn cloud() -> Cloud {
    Cloud::start(CloudConfig::default()).await.expect("cloud")
}

#[tokio::test]
async fn a_person_turns_the_knobs_with_curl() {
    let cloud = cloud().await;
    let http = Http::new();
    let url = |path: &str| format!("{}{path}", cloud.control_url());
    let put = json!({"region": "RegionTwo", "service": "compute", "fault": {"status": 503}});
    assert_eq!(http.send("PUT", &url("/faults"), "", Some(&put)).await.status, 200);
    let faults = http.get(&url("/faults"), "").await.json();
    assert_eq!(faults["faults"], json!([put]));
    let nova = cloud.service_url("RegionTwo", Service::Compute).expect("nova");
    assert_eq!(http.get(&nova, "").await.status, 503);
    assert_eq!(http.send("DELETE", &url("/faults"), "", None).await.status, 204);
    assert_eq!(http.get(&nova, "").await.status, 200);

    let latency = json!({"detail_row": 1.5, "light_row": 0, "one_server": 0, "token": 0, "workers": 2});
    assert_eq!(http.send("PUT", &url("/latency"), "", Some(&latency)).await.status, 200);
    assert_eq!(cloud.admin().latency().detail_row, Duration::from_micros(1_500));

    let new = json!({"region": "RegionOne", "project": "empty", "name": "by hand", "status": "ON_FIRE"});
    let added = http.send("POST", &url("/servers"), "", Some(&new)).await;
    assert_eq!(added.status, 201, "{:?}", added.json());
    let servers = http.get(&url("/servers/RegionOne/empty"), "").await.json();
    assert_eq!(
        (&servers["servers"][0]["name"], &servers["servers"][0]["status"]),
        (&json!("by hand"), &json!("ON_FIRE"))
    );
    let id = added.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(http.send("DELETE", &url(&format!("/servers/RegionOne/{id}")), "", None).await.status, 204);

    let code = http.get(&url("/users/mfa/totp"), "").await.json();
    assert_eq!(code["code"], json!(cloud.admin().totp_code("mfa")));
    let calls = http.get(&url("/calls"), "").await.json();
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_does_not_exist_is_refused_in_words() {
    let cloud = cloud().await;
    let http = Http::new();
    let cases = [
        ("PUT", "/faults", json!({"region": "Nowhere", "service": "compute", "fault": "hang"}), 404),
        ("PUT", "/faults", json!({"region": "RegionOne", "service": "compute", "fault": "explode"}), 400),
        ("POST", "/servers", json!({"region": "RegionOne", "project": "nonesuch", "name": "x"}), 404),
        ("POST", "/servers", json!({"region": "RegionOne", "project": "alpha", "nmae": "x"}), 400),
        ("POST", "/users/nonesuch/disable", json!({}), 404),
        ("POST", "/users/alice/paint", json!({}), 404),
        ("DELETE", "/servers/RegionOne/abc", json!({}), 404),
        ("GET", "/nonesuch", json!({}), 404),
    ];
    for (method, path, body, status) in cases {
        let answer = http.send(method, &format!("{}{path}", cloud.control_url()), "", Some(&body)).await;
        assert_eq!(answer.status, status, "{method} {path} {body}");
        assert!(answer.json()["error"].is_string(), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn a_page_takes_its_rows_time_and_only_as_many_at_once_as_there_are_workers() {
    let desk = Desk::of(&cloud().await, "alice", "alpha").await;
    // Five rows: 100 ms a page.
    let latency = Latency { detail_row: Duration::from_millis(20), workers: 2, ..Latency::none() };
    desk.cloud.admin().set_latency(latency);
    let started = Instant::now();
    futures_util::future::join_all((0..4).map(|_| desk.nova("GET", "/servers/detail", None))).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(200), "four pages on two workers took {took:?}");
}

#[tokio::test]
async fn users_are_locked_disabled_and_asked_for_a_second_factor() {
    let desk = Desk::of(&cloud().await, "alice", "alpha").await;
    let (cloud, http) = (&desk.cloud, &desk.http);
    let control = cloud.admin();
    let sign_in = || http.sign_in(cloud, "alice", simcloud::TEST_PASSWORD, Some("alpha"));
    let projects = desk.url(Service::Identity, "/auth/projects");

    control.lock_user("alice");
    assert_eq!(sign_in().await.status, 401);
    assert_eq!(desk.get(&projects).await.status, 200, "a lockout leaves tokens alone");
    control.unlock_user("alice");
    assert_eq!(sign_in().await.status, 201);
    control.disable_user("alice");
    assert_eq!(sign_in().await.status, 401);
    assert_eq!(desk.get(&projects).await.status, 401);

    let first = http.sign_in(cloud, "mfa", simcloud::TEST_PASSWORD, None).await;
    assert_eq!(first.status, 401);
    let receipt = first.header("openstack-auth-receipt").expect("a receipt").to_owned();
    let body = json!({"auth": {"identity": {"methods": ["totp"], "totp": {"user": {
        "name": "mfa", "domain": {"name": "Default"}, "passcode": control.totp_code("mfa"),
    }}}}});
    let url = desk.url(Service::Identity, "/auth/tokens");
    let headers = [("content-type", "application/json"), ("openstack-auth-receipt", receipt.as_str())];
    let second = http.try_send("POST", &url, &headers, body.to_string().into()).await.expect("an answer");
    assert_eq!(second.status, 201);
    assert_eq!(second.json()["token"]["methods"], json!(["password", "totp"]));
    // The receipt is good for five minutes.
    desk.wait(301);
    let body = body.to_string();
    let late = http.try_send("POST", &url, &headers, body.into()).await.expect("an answer");
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn the_user_with_many_projects_may_choose_any_of_them() {
    let cloud = cloud().await;
    let http = Http::new();
    let unscoped = http.sign_in(&cloud, "many", simcloud::TEST_PASSWORD, None).await;
    let token = unscoped.header("x-subject-token").expect("a token").to_owned();
    let projects = http.get(&format!("{}/auth/projects", cloud.keystone_url()), &token).await.json();
    assert_eq!(projects["projects"].as_array().map(Vec::len), Some(simcloud::MANY_PROJECTS));
    http.token(&cloud, "many", "project-2999").await;
}

#[tokio::test]
async fn the_log_names_who_asked_for_what_and_knows_who_still_waits() {
    let desk = Desk::of(&cloud().await, "alice", "alpha").await;
    let control = desk.cloud.admin();
    control.reset_calls();
    desk.nova("GET", "/servers?limit=1", None).await;
    let calls = control.calls();
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((call.method.as_str(), call.path_and_query.as_str()), ("GET", "/v2.1/servers?limit=1"));
    assert_eq!((call.user.as_deref(), call.project.as_deref()), (Some("alice"), Some("alpha")));
    assert_eq!((call.status, call.region.as_str()), (Some(200), "RegionOne"));
    assert_eq!(control.call_count("*", Service::Compute), 1);

    control.set_fault("RegionOne", Service::Compute, Some(simcloud::Fault::Hang));
    let hanging = desk.nova("GET", "/servers?limit=1", None);
    let wait_for = |count: u64| {
        let control = control.clone();
        async move {
            while control.in_flight("RegionOne", Service::Compute) != count {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::select! {
        answer = hanging => panic!("{answer:?}"),
        () = wait_for(1) => {}
    }
    // The caller has left, and the service notices.
    tokio::time::timeout(Duration::from_secs(10), wait_for(0)).await.expect("noticed");
}

#[tokio::test]
async fn what_is_done_though_its_answer_is_lost_shows_and_security_groups_leave_no_trace() {
    let desk = Desk::of(&cloud().await, "alice", "alpha").await;
    let control = desk.cloud.admin();
    let id = control.add_server("RegionOne", "alpha", simcloud::NewServer::default());
    let act = async |body: serde_json::Value| {
        desk.nova("POST", &format!("/servers/{id}/action"), Some(body)).await.status
    };
    let names = async || {
        let history = desk.nova("GET", &format!("/servers/{id}/os-instance-actions"), None).await.json();
        let actions = history["instanceActions"].as_array().expect("actions").clone();
        actions.iter().map(|action| action["action"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    control.set_fault("RegionOne", Service::Compute, Some(simcloud::Fault::LostAnswer(503)));
    assert_eq!(act(json!({"reboot": {"type": "SOFT"}})).await, 503);
    assert_eq!(names().await, ["reboot", "create"]);
    control.clear_faults();
    assert_eq!(act(json!({"removeSecurityGroup": {"name": "default"}})).await, 202);
    assert_eq!(names().await, ["reboot", "create"]);
    let groups = desk.nova("GET", &format!("/servers/{id}/os-security-groups"), None).await.json();
    assert_eq!(groups["security_groups"], json!([]));
}
