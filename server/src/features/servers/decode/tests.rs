use serde_json::json;

use super::*;

fn rows_with(body: &[u8], names: &Names) -> Vec<ServerRow> {
    RawPage::parse(body).expect("a page").servers.iter().map(|raw| decode_row(raw, names)).collect()
}

fn rows(body: &[u8]) -> Vec<ServerRow> {
    rows_with(body, &Names::default())
}

fn row(server: &Value) -> ServerRow {
    let raw = RawValue::from_string(server.to_string()).expect("JSON");
    decode_row(&raw, &Names::default())
}

fn whole() -> Value {
    json!({
        "id": "40888098-a975-4b4a-a604-a5bd047f6310", "name": "web-1", "status": "ACTIVE",
        "OS-EXT-STS:task_state": null, "locked": false, "tags": ["prod"], "metadata": {"env": "test"},
        "addresses": {"private": [{"addr": "10.11.3.157", "OS-EXT-IPS:type": "fixed"}]},
        "flavor": {"original_name": "m1.tiny", "vcpus": 1, "ram": 512, "disk": 1},
        "image": "", "OS-EXT-AZ:availability_zone": "nova",
        "created": "2026-11-20T19:02:48Z", "updated": "2026-11-20T19:03:03Z",
    })
}

fn with(key: &str, value: Value) -> Value {
    let mut server = whole();
    server[key] = value;
    server
}

#[test]
fn every_recorded_list_is_read_whole_from_the_lowest_microversion_to_the_latest() {
    let pages: [(&str, &[u8]); 10] = [
        ("2.1", include_bytes!("../fixtures/servers-detail-2.1.json")),
        ("2.3", include_bytes!("../fixtures/servers-detail-2.3.json")),
        ("2.47", include_bytes!("../fixtures/servers-detail-2.47.json")),
        ("2.69", include_bytes!("../fixtures/servers-detail-2.69.json")),
        ("2.79", include_bytes!("../fixtures/servers-detail-2.79.json")),
        ("2.96", include_bytes!("../fixtures/servers-detail-2.96.json")),
        ("latest", include_bytes!("../fixtures/servers-detail-latest.json")),
        ("by status", include_bytes!("../fixtures/servers-by-status.json")),
        ("all projects", include_bytes!("../fixtures/servers-all-tenants.json")),
        ("reader", include_bytes!("../fixtures/servers-reader.json")),
    ];
    for (version, body) in pages {
        assert!(RawPage::parse(body).expect("a page").has_next(), "{version}");
        for row in rows(body) {
            assert!(
                !row.is_degraded && !row.name.is_empty() && row.created_at > 1_700_000_000,
                "{version} {row:?}"
            );
        }
    }
}

#[test]
fn a_recorded_row_has_all_that_the_list_shows() {
    let list = rows(include_bytes!("../fixtures/servers-detail-2.79.json"));
    let first = &list[0];
    assert_eq!(first.id.to_string(), "73c344c2-0b77-4253-873f-aa4d3c5c0ed4");
    assert_eq!((first.name.as_str(), first.status.as_str()), ("too-big", "ERROR"));
    assert_eq!(first.fault.as_deref(), Some("No valid host was found. "));
    let flavor = Flavor { name: "t1.toobig".to_owned(), vcpus: 64, ram_mib: 1_900_000_000, disk_gib: 100 };
    assert_eq!(first.flavor, Some(flavor));
    assert_eq!(first.image, Image::Unnamed { id: "ccb3165d-df39-40c4-bc48-89912c36c2ee".to_owned() });
    assert_eq!((first.availability_zone.as_deref(), first.created_at), (None, 1_795_200_577));
    assert_eq!(list[1].metadata, [("oslab_fail".to_owned(), "spawn".to_owned())]);
}

#[test]
fn names_of_images_and_of_old_flavors_are_filled_in_where_they_are_known() {
    let tiny = Flavor { name: "m1.toobig".to_owned(), vcpus: 64, ram_mib: 512, disk_gib: 1 };
    let names = Names {
        images: HashMap::from([(
            "ccb3165d-df39-40c4-bc48-89912c36c2ee".to_owned(),
            "alpha-shared".to_owned(),
        )]),
        flavors: HashMap::from([("6e8731c3-a2b1-4be3-879a-106f9c2c69ff".to_owned(), tiny.clone())]),
    };
    let list = rows_with(include_bytes!("../fixtures/servers-detail-2.1.json"), &names);
    assert!(matches!(&list[0].image, Image::Named { name, .. } if name == "alpha-shared"));
    assert_eq!(list[0].flavor, Some(tiny));
    // Not in the list of flavors: deleted, or not for this project.
    assert_eq!(
        list[1].flavor.as_ref().map(|f| f.name.as_str()),
        Some("e1436797-d5f0-4f3b-96aa-34881620274f")
    );
}

#[test]
fn the_light_list_gives_ids_in_order() {
    let body = include_bytes!("../fixtures/servers-light.json");
    let page = RawPage::parse(body).expect("a page");
    let ids: Vec<String> = page.ids().iter().map(ToString::to_string).collect();
    assert_eq!(ids[0], "73c344c2-0b77-4253-873f-aa4d3c5c0ed4");
    assert_eq!(ids.len(), 3);
    assert!(page.has_next());
    let last = include_bytes!("../fixtures/servers-light-last.json");
    assert!(!RawPage::parse(last).expect("a page").has_next());
}

#[test]
fn null_and_absent_fields_that_nova_may_leave_out_make_a_row_no_worse() {
    let server = json!({
        "id": "40888098-a975-4b4a-a604-a5bd047f6310", "name": "", "status": "HIBERNATING", "tags": null,
        "metadata": null, "addresses": null, "flavor": null, "image": null, "locked": null, "fault": null,
        "OS-EXT-AZ:availability_zone": null, "created": null, "updated": null,
    });
    let row = row(&server);
    assert!(!row.is_degraded);
    assert_eq!((row.name.as_str(), row.status.as_str(), row.created_at), ("", "HIBERNATING", 0));
    assert_eq!((row.image, row.flavor, row.availability_zone), (Image::Volume, None, None));
}

#[test]
fn a_server_of_a_cell_that_is_down_is_degraded_but_there() {
    let row = row(&json!({
        "id": "40888098-a975-4b4a-a604-a5bd047f6310", "status": "UNKNOWN", "tenant_id": "p",
        "created": "2026-11-20T19:02:48Z", "links": [],
    }));
    assert!(row.is_degraded);
    assert_eq!((row.status.as_str(), row.created_at), ("UNKNOWN", 1_795_201_368));
}

#[test]
fn one_field_of_a_wrong_type_costs_that_field_and_no_other() {
    let wrong = [json!(7), json!({"a": []}), json!(["x"]), json!(true), json!("text"), json!(null)];
    for key in whole().as_object().expect("an object").keys() {
        for value in &wrong {
            let row = row(&with(key, value.clone()));
            if key != "id" {
                assert_eq!(row.id.to_string(), "40888098-a975-4b4a-a604-a5bd047f6310", "{key} {value}");
            }
            if !matches!(key.as_str(), "name") {
                assert_eq!(row.name, "web-1", "{key} {value}");
            }
            if key != "addresses" {
                assert_eq!(row.addresses.len(), 1, "{key} {value}");
            }
        }
    }
    let broken = row(&with("name", json!(null)));
    assert!(broken.is_degraded);
    assert_eq!(broken.tags, ["prod"]);
}

#[test]
fn something_that_is_no_server_at_all_has_a_row_that_stays_the_same() {
    for nothing in [json!(null), json!("x"), json!([1, 2]), json!({}), json!({"id": 5})] {
        let (first, second) = (row(&nothing), row(&nothing));
        assert!(first.is_degraded);
        assert_eq!(first.status, "UNKNOWN");
        assert_eq!(first.id, second.id);
    }
}

#[test]
fn a_row_without_id_keeps_its_place_when_its_status_changes_and_takes_the_id_of_its_link() {
    let mut server = with("id", json!(null));
    let before = row(&server).id;
    server["status"] = json!("SHUTOFF");
    assert_eq!(row(&server).id, before);
    server["links"] =
        json!([{"rel": "self", "href": "http://x/v2.1/servers/73c344c2-0b77-4253-873f-aa4d3c5c0ed4"}]);
    assert_eq!(row(&server).id.to_string(), "73c344c2-0b77-4253-873f-aa4d3c5c0ed4");
}

#[test]
fn hostile_names_come_through_as_they_are_and_endless_texts_are_cut() {
    for name in ["<script>alert(1)</script>", "a\nb\u{202e}c", "", &"\u{1f600}".repeat(255)] {
        assert_eq!(row(&with("name", json!(name))).name, name);
    }
    let endless = row(&with("name", json!("ä".repeat(100_000))));
    assert!(endless.name.len() <= LONGEST_TEXT && !endless.name.is_empty());
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (n.to_string(), json!("x"))).collect();
    assert_eq!(row(&with("metadata", Value::Object(many))).metadata.len(), MOST_ITEMS);
}

#[test]
fn an_ipv6_only_server_and_a_floating_address_are_read() {
    let row = row(&with(
        "addresses",
        json!({"b": [{"addr": "fd00::7"}], "a": [{"addr": "192.0.2.1", "OS-EXT-IPS:type": "floating"}]}),
    ));
    let ips: Vec<(&str, bool)> = row.addresses.iter().map(|a| (a.ip.as_str(), a.is_floating)).collect();
    assert_eq!(ips, [("192.0.2.1", true), ("fd00::7", false)]);
}

#[test]
fn times_are_read_with_and_without_zone() {
    assert_eq!(seconds_of("2026-11-20T19:02:48Z"), 1_795_201_368);
    assert_eq!(seconds_of("2026-11-20T19:02:48.000000"), 1_795_201_368);
    for text in ["", "yesterday", "1912-01-01T00:00:00Z", "9999-01-01T00:00:00Z"] {
        assert_eq!(seconds_of(text), 0, "{text}");
    }
}

#[test]
fn deleted_rows_of_changes_since_are_recognised() {
    assert!(is_gone(&row(&with("status", json!("DELETED")))));
    assert!(is_gone(&row(&with("status", json!("SOFT_DELETED")))));
    assert!(!is_gone(&row(&whole())));
}
