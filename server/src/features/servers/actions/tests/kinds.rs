//! Every kind of action: as the cloud understands it, as it is found when its answer is lost, and without the service it
//! needs.

use api_types::{
    jobs::{Confirmation, CreateJob, ItemResult, confirmation},
    routes,
    servers::action::{ActionKind, Password, ServerAction},
};
use serde_json::{Value, json};
use simcloud::{Fault, NewServer, Service};
use sqlx::PgPool;

use super::*;
use crate::testing::{Client, TestApp, until};

/// A server, and an action that is possible on it.
struct Case {
    server: String,
    action: ServerAction,
}

/// One for each kind, on a server of its own.
async fn cases(app: &TestApp, alice: &Client) -> Vec<Case> {
    let text = str::to_owned;
    let (image, flavor) = image_and_flavor(app, "debian-12", "m1.medium").await;
    let simple = [
        ("SHUTOFF", ServerAction::Start),
        ("ACTIVE", ServerAction::Stop),
        ("ACTIVE", ServerAction::Reboot { is_hard: false }),
        ("SHUTOFF", ServerAction::Reboot { is_hard: true }),
        ("ACTIVE", ServerAction::Pause),
        ("PAUSED", ServerAction::Unpause),
        ("ACTIVE", ServerAction::Suspend),
        ("SUSPENDED", ServerAction::Resume),
        ("ACTIVE", ServerAction::Lock { reason: Some(text("audit")) }),
        ("ACTIVE", ServerAction::Shelve),
        ("SHELVED_OFFLOADED", ServerAction::Unshelve),
        ("ACTIVE", ServerAction::Rename { name: text("renamed") }),
        ("ACTIVE", ServerAction::Describe { description: text("two\nlines") }),
        ("ACTIVE", ServerAction::Tag { add: vec![text("new")], remove: vec![text("never there")] }),
        (
            "ACTIVE",
            ServerAction::SetMetadata { set: vec![(text("a"), text("b"))], remove: vec![text("none")] },
        ),
        ("ACTIVE", ServerAction::Resize { flavor_id: flavor }),
        ("VERIFY_RESIZE", ServerAction::ConfirmResize),
        ("VERIFY_RESIZE", ServerAction::RevertResize),
        ("ACTIVE", ServerAction::Rebuild { image_id: image }),
        ("ACTIVE", ServerAction::Rescue { image_id: None, password: Some(Password(text("secret-one"))) }),
        ("RESCUE", ServerAction::Unrescue),
        ("ACTIVE", ServerAction::Snapshot { name: text("snap") }),
        ("ACTIVE", ServerAction::SetPassword { password: Password(text("secret-two")) }),
        ("ACTIVE", ServerAction::RemoveSecurityGroup { name: text("default") }),
        ("ERROR", ServerAction::Delete),
    ];
    let mut cases: Vec<Case> = simple
        .into_iter()
        .map(|(status, action)| Case { server: add(app, action_name(&action).as_str(), status), action })
        .collect();

    let admin = app.cloud.admin();
    let new = |new: NewServer| admin.add_server(REGION, "alpha", new);
    let locked = new(NewServer { is_locked: true, ..NewServer::default() });
    cases.push(Case { server: locked, action: ServerAction::Unlock });
    let open = new(NewServer { security_groups: Vec::new(), ..NewServer::default() });
    cases.push(Case { server: open, action: ServerAction::AddSecurityGroup { name: text("default") } });

    let volumes = read(app, alice, "block-storage", "volumes/detail").await;
    let free = volumes["volumes"].as_array().expect("volumes").iter();
    let free = free.filter(|volume| volume["name"] == "scratch").map(|volume| id_of(&volume["id"])).next();
    let attach = ServerAction::AttachVolume { volume_id: free.expect("a volume") };
    cases.push(Case { server: add(app, "one", "ACTIVE"), action: attach });
    let with_volume = new(NewServer { volumes: 1, ..NewServer::default() });
    let attached = read(app, alice, "compute", &format!("servers/{with_volume}/os-volume_attachments")).await;
    let volume_id = id_of(&attached["volumeAttachments"][0]["volumeId"]);
    cases.push(Case { server: with_volume, action: ServerAction::DetachVolume { volume_id } });

    let networks = read(app, alice, "network", "networks?name=private").await;
    let network_id = id_of(&networks["networks"][0]["id"]);
    let attach = ServerAction::AttachInterface { network_id };
    cases.push(Case { server: add(app, "two", "ACTIVE"), action: attach });
    let server = add(app, "three", "ACTIVE");
    let detach = ServerAction::DetachInterface { port_id: port_of(app, alice, &server).await };
    cases.push(Case { server, action: detach });

    let server = add(app, "four", "ACTIVE");
    let attach = ServerAction::AttachFloatingIp {
        floating_ip_id: floating_ip(app, alice, None).await,
        port_id: port_of(app, alice, &server).await,
    };
    cases.push(Case { server, action: attach });
    let server = add(app, "five", "ACTIVE");
    let port = port_of(app, alice, &server).await;
    let floating_ip_id = floating_ip(app, alice, Some(&port)).await;
    cases.push(Case { server, action: ServerAction::DetachFloatingIp { floating_ip_id } });

    let mut kinds: Vec<ActionKind> = cases.iter().map(|case| case.action.kind()).collect();
    kinds.sort();
    let mut all = ActionKind::ALL.to_vec();
    all.sort();
    assert_eq!(kinds, all, "one case for each kind");
    cases
}

fn action_name(action: &ServerAction) -> String {
    format!("{:?}", action.kind()).to_lowercase()
}

/// A job for one server, with whatever confirms it.
fn confirmed(case: &Case) -> CreateJob {
    let wanted = job(case.action.clone(), &[&case.server]);
    match confirmation(case.action.kind(), 1) {
        Confirmation::Word { word } => typed(wanted, &word),
        Confirmation::None | Confirmation::Dialog => wanted,
    }
}

/// What a service of the region answers alice.
async fn read(app: &TestApp, alice: &Client, service: &str, path: &str) -> Value {
    let project = app.project("alpha");
    let path = routes::cloud(&region(), service, path);
    alice.get_with(&path, &[(routes::PROJECT_HEADER, project.as_str())]).await.json()
}

async fn port_of(app: &TestApp, alice: &Client, server: &str) -> String {
    let ports = read(app, alice, "network", &format!("ports?device_id={server}")).await;
    id_of(&ports["ports"][0]["id"])
}

/// A new floating IP, at a port or nowhere.
async fn floating_ip(app: &TestApp, alice: &Client, port: Option<&str>) -> String {
    let networks = read(app, alice, "network", "networks?name=public").await;
    let wanted =
        json!({"floatingip": {"floating_network_id": networks["networks"][0]["id"], "port_id": port}});
    let (project, token) = (app.project("alpha"), alice.csrf_token().await);
    let headers = [
        (routes::PROJECT_HEADER, project.as_str()),
        (routes::CSRF_HEADER, token.as_str()),
        ("content-type", "application/json"),
    ];
    let path = routes::cloud(&region(), "network", "floatingips");
    let made = alice.send(axum::http::Method::POST, &path, &headers, wanted.to_string().into()).await;
    id_of(&made.json::<Value>()["floatingip"]["id"])
}

fn id_of(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

/// Calls since the last reset that would change something, at whatever service of the region.
fn writes(app: &TestApp) -> usize {
    let calls = app.cloud.admin().calls();
    calls.iter().filter(|call| call.service != Service::Identity && call.method != "GET").count()
}

#[sqlx::test(migrations = "../migrations")]
async fn every_action_is_one_the_cloud_understands(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    for case in cases(&app, &alice).await {
        let kind = case.action.kind();
        app.cloud.admin().reset_calls();
        let asked = ask(&app, &alice, &confirmed(&case)).await;
        let done = finished(&alice, &asked.id).await;
        let item = items(&alice, &asked.id).await.remove(0);
        assert_eq!(item.result, ItemResult::Done, "{kind:?}");
        assert_eq!(done.counts.done, 1, "{kind:?}");
        assert!(writes(&app) > 0, "{kind:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_action_whose_answer_is_lost_is_found_where_it_shows_and_not_asked_again(db: PgPool) {
    let app = panel_with(db, |source| source.with_env("UPSTREAM_BREAKER_FAILURES", "100")).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let shows = |kind: ActionKind| {
        !matches!(
            kind,
            ActionKind::Lock
                | ActionKind::Unlock
                | ActionKind::Rename
                | ActionKind::Describe
                | ActionKind::Tag
                | ActionKind::SetMetadata
                | ActionKind::AttachFloatingIp
                | ActionKind::DetachFloatingIp
                | ActionKind::Delete
        )
    };
    let cases = cases(&app, &alice).await;
    // As Envoy says it, and as nginx does.
    for (number, case) in cases.iter().filter(|case| shows(case.action.kind())).enumerate() {
        let kind = case.action.kind();
        admin.reset_calls();
        let status = if number % 2 == 0 { 503 } else { 504 };
        admin.set_fault(REGION, Service::Compute, Some(Fault::LostAnswer(status)));
        let asked = ask(&app, &alice, &confirmed(case)).await;
        finished(&alice, &asked.id).await;
        assert_eq!(items(&alice, &asked.id).await[0].result, ItemResult::Done, "{kind:?} {status}");
        assert_eq!(writes(&app), 1, "{kind:?} {status}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn floating_ips_are_asked_for_again_by_the_node_after_a_crash(db: PgPool) {
    let mut app = panel(db).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let of_floating_ips = |case: &Case| {
        matches!(case.action.kind(), ActionKind::AttachFloatingIp | ActionKind::DetachFloatingIp)
    };
    let cases: Vec<Case> = cases(&app, &alice).await.into_iter().filter(of_floating_ips).collect();
    admin.set_fault(REGION, Service::Network, Some(Fault::Hang));
    let mut jobs = Vec::new();
    for case in &cases {
        jobs.push(ask(&app, &alice, &confirmed(case)).await.id);
    }
    until("both calls", async || admin.in_flight(REGION, Service::Network) == 2).await;
    app.die();
    admin.clear_faults();
    app.clock.advance(LONG);
    let node = app.another_node();
    let alice = node.signed_in("alice");
    for id in jobs {
        assert_eq!(finished(&alice, &id).await.counts.done, 1);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_needs_a_service_the_region_lacks_is_not_even_asked(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let admin = app.cloud.admin();
    let cases = cases(&app, &alice).await;
    // Addresses the panel takes for none.
    for service in [Service::Network, Service::BlockStorage] {
        admin.set_address(REGION, service, Some("none:"));
    }
    let needs = [
        ActionKind::AttachVolume,
        ActionKind::DetachVolume,
        ActionKind::AttachInterface,
        ActionKind::DetachInterface,
        ActionKind::AttachFloatingIp,
        ActionKind::DetachFloatingIp,
    ];
    admin.reset_calls();
    for case in cases.iter().filter(|case| needs.contains(&case.action.kind())) {
        let kind = case.action.kind();
        let asked = ask(&app, &alice, &confirmed(case)).await;
        finished(&alice, &asked.id).await;
        let ItemResult::Failed { error } = items(&alice, &asked.id).await.remove(0).result else {
            panic!("{kind:?} failed")
        };
        assert_eq!((error.error.code.as_str(), error.upstream_status), ("no_such_service", None), "{kind:?}");
    }
    assert_eq!(writes(&app), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_floating_ip_is_taken_only_from_the_server_it_leads_to(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (has_it, has_not) = (add(&app, "has-it", "ACTIVE"), add(&app, "has-not", "ACTIVE"));
    let port = port_of(&app, &alice, &has_it).await;
    let floating_ip_id = floating_ip(&app, &alice, Some(&port)).await;
    let detach = ServerAction::DetachFloatingIp { floating_ip_id: floating_ip_id.clone() };
    app.cloud.admin().reset_calls();

    let asked = ask(&app, &alice, &job(detach.clone(), &[&has_not])).await;
    finished(&alice, &asked.id).await;
    let ItemResult::Failed { error } = items(&alice, &asked.id).await.remove(0).result else {
        panic!("it failed")
    };
    assert_eq!(error.error.code, "not_its_floating_ip");
    assert!(error.error.message.ends_with('.'));
    assert_eq!(writes(&app), 0);
    let leads = read(&app, &alice, "network", &format!("floatingips/{floating_ip_id}")).await;
    assert_eq!(id_of(&leads["floatingip"]["port_id"]), port);

    for expected in [1, 1] {
        let asked = ask(&app, &alice, &job(detach.clone(), &[&has_it])).await;
        assert_eq!(finished(&alice, &asked.id).await.counts.done, 1);
        assert_eq!(writes(&app), expected, "taken away already, there is nothing to do");
    }
}
