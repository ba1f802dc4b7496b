use std::collections::{BTreeSet, HashMap};

use api_types::{
    ServerId,
    servers::{Address, Flavor, Image, RegionStatus, ServerRow},
};
use proptest::{prelude::*, sample::select};

use super::*;
use crate::{
    Applied, Column, Facet, FacetSelection,
    fold::{fold, natural_cmp},
    testing::{
        Cloud, finish,
        model::{self, Server},
        plain_row,
    },
};

const REGIONS: [&str; 3] = ["RegionOne", "RegionTwo", "region-10"];
const NOW: u32 = 20 * 86_400;

/// A server of few values, so that there are equal ones. Some share an id with one of another region.
fn server() -> impl Strategy<Value = (usize, ServerRow)> {
    let names = [
        "web-1",
        "web-2",
        "web-10",
        "Web-2",
        "db",
        "",
        "ÄRGER",
        "a\nb",
        "<b>",
        "web-1-of-many-more-of-its-like",
        "a name so long that words of it are skipped, 7",
        "a name so long that words of it are skipped, 12",
        "a name so long that words of it are skipped, 12",
        "a name so long that words of it are SKIPPED, 007",
        "a name so long that words of it are",
    ];
    let statuses = ["ACTIVE", "ACTIVE", "BUILD", "ERROR", "SHUTOFF", "VERIFY_RESIZE", "HIBERNATING", ""];
    let tags = ["prod", "test", "Prod", "v2", "v10", "a b"];
    let pairs = [("role", "db"), ("role", "web"), ("env", "prod"), ("a=b", "c=d")];
    let ips = [
        "10.0.0.1",
        "10.0.0.10",
        "192.168.7.1",
        "9.9.9.9",
        "fd00::7",
        "fd00:1::",
        "::ffff:1.2.3.4",
        "none yet",
    ];
    let flavors =
        [("m1.small", 1, 2048, 20), ("m1.large", 4, 8192, 80), ("m1.small", 2, 4096, 20), ("c10", 1, 512, 0)];
    let images = [("1", "ubuntu-24.04"), ("2", "ubuntu-24.04"), ("3", "debian-12"), ("4", "")];
    let traits = (
        select(names.to_vec()),
        select(statuses.to_vec()),
        prop::option::weighted(0.2, select(vec!["rebooting", "deleting"])),
        prop::sample::subsequence(tags.to_vec(), 0..4).prop_shuffle(),
        prop::sample::subsequence(pairs.to_vec(), 0..3),
        prop::sample::subsequence(ips.to_vec(), 0..3).prop_shuffle(),
        prop::option::weighted(0.9, select(flavors.to_vec())),
        prop::option::weighted(0.8, select(images.to_vec())),
        prop::option::weighted(0.8, select(vec!["az-1", "az-2", "az-10"])),
        0u32..20,
    );
    (0..REGIONS.len(), 0u8..24, traits).prop_map(|(region, id, traits)| {
        let (name, status, task, tags, pairs, ips, flavor, image, zone, day) = traits;
        let mut bytes = [0x11; 16];
        (bytes[0], bytes[15]) = (id / 5, id);
        let row = ServerRow {
            id: ServerId(bytes),
            status: status.to_owned(),
            task_state: task.map(str::to_owned),
            tags: tags.into_iter().map(str::to_owned).collect(),
            metadata: pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            addresses: ips
                .into_iter()
                .map(|ip| Address { ip: ip.to_owned(), network: "net".to_owned(), is_floating: false })
                .collect(),
            flavor: flavor.map(|(name, vcpus, ram_mib, disk_gib)| Flavor {
                name: name.to_owned(),
                vcpus,
                ram_mib,
                disk_gib,
            }),
            image: match image {
                None => Image::Volume,
                Some((id, "")) => Image::Unnamed { id: id.to_owned() },
                Some((id, name)) => Image::Named { id: id.to_owned(), name: name.to_owned() },
            },
            availability_zone: zone.map(str::to_owned),
            created_at: day * 86_400,
            updated_at: day / 4 * 86_400,
            ..plain_row(name)
        };
        (region, row)
    })
}

fn query() -> impl Strategy<Value = Query> {
    let parts = [
        "web",
        "-web",
        "WEB-1",
        "ärger",
        "name:1",
        "\"a b\"",
        "name:\"\"",
        "tag:prod",
        "-tag:test",
        "tag:\"\"",
        "role",
        "role=db",
        "-env=prod",
        "meta:web",
        "meta:\"\"",
        "status:act",
        "status:reboot",
        "status:\"\"",
        "region:two",
        "image:ubuntu",
        "image:\"\"",
        "image:4",
        "flavor:small",
        "flavor:\"\"",
        "az:az-1",
        "az:\"\"",
        "ip:10.",
        "ip:10.0.0.1",
        "10.0.0.0/8",
        "-10.0.0.0/31",
        "fd00::/16",
        "fd",
        "fd00:",
        "ip:\"\"",
        "none",
        "::",
        "1",
        "0011",
        "00111111-1111",
        "id:0",
        "id:x",
        "ram>=4",
        "ram:2",
        "-ram<1",
        "vcpus<2",
        "disk>20",
        "created>1970-01-10",
        "-created:1970-01-10",
        "age<7d",
        "age>10d",
        "updated<1970-01-04",
        "ram>=oops",
        "nothing-has-this",
    ];
    let values = [
        (Facet::Region, "RegionOne"),
        (Facet::Region, "nowhere"),
        (Facet::Status, "ACTIVE"),
        (Facet::Status, "ERROR"),
        (Facet::Status, ""),
        (Facet::Image, "ubuntu-24.04"),
        (Facet::Image, ""),
        (Facet::Ram, "2048"),
        (Facet::Ram, "8192"),
        (Facet::Flavor, "m1.small"),
        (Facet::Flavor, ""),
        (Facet::Tag, "prod"),
        (Facet::Tag, "v10"),
        (Facet::Tag, ""),
        (Facet::Zone, "az-2"),
        (Facet::Zone, "az-99"),
    ];
    let text = prop::sample::subsequence(parts.to_vec(), 0..3).prop_map(|parts| parts.join(" "));
    let facets = prop::sample::subsequence(values.to_vec(), 0..4);
    (text, facets).prop_map(|(text, chosen)| {
        let mut facets = FacetSelection::default();
        for (facet, value) in chosen {
            facets.set(facet, value, true);
        }
        Query::parse(&text, facets, NOW)
    })
}

fn sort() -> impl Strategy<Value = Sort> {
    (select(Column::ALL.to_vec()), any::<bool>()).prop_map(|(column, descending)| Sort { column, descending })
}

/// The servers a cloud has in the end, the last of each id.
fn servers(cloud: &Cloud, sent: &[(usize, ServerRow)]) -> Vec<Server> {
    let last: HashMap<_, _> = sent.iter().map(|(region, row)| ((*region, row.id), row)).collect();
    last.into_iter().map(|((region, _), row)| (cloud.regions[region].clone(), row.clone())).collect()
}

/// What a row is told apart by.
type Key = (String, ServerId);

fn keys(view: &View, rows: &Rows) -> Vec<Key> {
    view.order().iter().map(|row| (rows.row(*row).region().to_string(), rows.row(*row).id())).collect()
}

fn model_keys(shown: &[&Server]) -> Vec<Key> {
    shown.iter().map(|(region, row)| (region.to_string(), row.id)).collect()
}

/// Rows of the same id in two regions compare equal: any order of them is right.
fn normalized(mut keys: Vec<Key>) -> Vec<Key> {
    for at in 1..keys.len() {
        let mut back = at;
        while back > 0 && keys[back - 1].1 == keys[back].1 && keys[back - 1].0 > keys[back].0 {
            keys.swap(back - 1, back);
            back -= 1;
        }
    }
    keys
}

fn check_facets(view: &View, servers: &[Server], query: &Query) -> Result<(), TestCaseError> {
    for facet in Facet::ALL {
        let values = view.facets().values(facet);
        let mut expected = model::counts(servers, query, facet);
        if facet == Facet::Region {
            REGIONS.iter().for_each(|region| _ = expected.entry((*region).to_owned()).or_insert(0));
        }
        query.facets.values(facet).for_each(|value| _ = expected.entry(value.to_owned()).or_insert(0));
        let counted = values.iter().map(|value| (value.value.clone(), value.count)).collect();
        prop_assert_eq!(expected, counted, "{:?}", facet);
        prop_assert!(
            values.iter().all(|value| value.is_selected == query.facets.contains(facet, &value.value))
        );
        let in_order = values.is_sorted_by(|left, right| {
            let by_count = (!left.is_selected, right.count).cmp(&(!right.is_selected, left.count));
            by_count
                .then_with(|| natural_cmp(fold(&left.value).as_bytes(), fold(&right.value).as_bytes()))
                .is_le()
        });
        prop_assert!(in_order, "{:?} {:?}", facet, values);
    }
    Ok(())
}

fn all_there(
    view: &View,
    rows: &Rows,
    servers: &[Server],
    query: &Query,
    sort: Sort,
) -> Result<(), TestCaseError> {
    let shown = model::shown(servers, query, sort);
    prop_assert_eq!(normalized(keys(view, rows)), normalized(model_keys(&shown)), "{:?} {:?}", query, sort);
    prop_assert_eq!(view.total(), servers.len());
    check_facets(view, servers, query)
}

#[test]
fn a_held_list_neither_takes_nor_gives_rows_until_it_is_let_go() {
    let mut cloud = Cloud::new(&["RegionOne"]);
    ["b", "d"].into_iter().for_each(|name| cloud.put(0, name, |_| {}));
    let mut rows = Rows::new();
    let mut view = View::new();
    cloud.send_all(&mut rows);
    view.set_sort(Sort { column: Column::Name, descending: false });
    finish(&mut view, &mut rows);
    view.hold(true);
    let generation = view.generation();
    cloud.send(&mut rows, 0, &["a", "c", "e"].map(plain_row));
    cloud.send_gone(&mut rows, 0, &[plain_row("b").id, plain_row("e").id]);
    finish(&mut view, &mut rows);
    let names = |view: &View, rows: &Rows| {
        view.order().iter().map(|row| rows.row(*row).name().to_owned()).collect::<String>()
    };
    assert_eq!((names(&view, &rows).as_str(), view.waiting(), view.total()), ("bd", 2, 3));
    assert_eq!((view.generation(), view.gone(&rows)), (generation, 1));
    assert!(rows.row(view.at(0).expect("a row")).is_gone());
    view.hold(false);
    finish(&mut view, &mut rows);
    assert_eq!((names(&view, &rows).as_str(), view.waiting(), view.total()), ("acd", 0, 3));
    assert!(view.generation() > generation);
    assert_eq!(rows.find(&plain_row("b").id), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_list_shows_what_matches_in_order_and_counts_it(
        sent in prop::collection::vec(server(), 0..60),
        first in (query(), sort()),
        second in (query(), sort()),
    ) {
        let mut cloud = Cloud::new(&REGIONS);
        let mut rows = Rows::new();
        let mut view = View::new();
        let (before, after) = sent.split_at(sent.len() / 2);
        for (region, row) in before {
            cloud.send(&mut rows, *region, std::slice::from_ref(row));
        }
        cloud.send(&mut rows, 0, &[]);
        view.set_query(first.0.clone());
        view.set_sort(first.1);
        finish(&mut view, &mut rows);
        all_there(&view, &rows, &servers(&cloud, before), &first.0, first.1)?;
        for (region, row) in after {
            cloud.send(&mut rows, *region, std::slice::from_ref(row));
        }
        view.set_query(second.0.clone());
        view.set_sort(second.1);
        finish(&mut view, &mut rows);
        all_there(&view, &rows, &servers(&cloud, &sent), &second.0, second.1)?;
        for server in servers(&cloud, &sent) {
            let region = cloud.regions.iter().position(|region| *region == server.0).expect("a region");
            let row = rows.find_in(region, &server.1.id).expect("a row");
            prop_assert_eq!(&rows.row(row).to_server_row(), &server.1);
        }
    }

    #[test]
    fn live_rows_keep_their_places_until_asked_anew(
        start in prop::collection::vec(server(), 0..40),
        query in query(),
        sort in sort(),
        events in prop::collection::vec(event(), 1..12),
    ) {
        let mut cloud = Cloud::new(&REGIONS);
        let mut rows = Rows::new();
        let mut view = View::new();
        let mut now: HashMap<(usize, ServerId), ServerRow> = HashMap::new();
        for (region, row) in &start {
            cloud.send(&mut rows, *region, std::slice::from_ref(row));
            now.insert((*region, row.id), row.clone());
        }
        cloud.send(&mut rows, 0, &[]);
        view.set_query(query.clone());
        view.set_sort(sort);
        finish(&mut view, &mut rows);
        let mut is_held = false;
        for event in events {
            let before = keys(&view, &rows);
            match event {
                Event::Rows(sent) => {
                    for (region, row) in sent {
                        cloud.send(&mut rows, region, std::slice::from_ref(&row));
                        now.insert((region, row.id), row);
                    }
                }
                Event::Gone(region, id) => {
                    let applied = cloud.send_gone(&mut rows, region, &[id]);
                    let gone = usize::from(now.remove(&(region, id)).is_some());
                    prop_assert_eq!(applied.last(), Some(&Applied::Gone { gone }));
                }
                Event::Resent(region, kept) => {
                    cloud.send_reset(&mut rows, region);
                    let mut at = 0;
                    now.retain(|(of, _), _| *of != region || { at += 1; kept & 1 << (at % 8) != 0 });
                    let left: Vec<_> = now.iter().filter(|((of, _), _)| *of == region).map(|(_, row)| row.clone()).collect();
                    let versions_before = versions(&rows, region, &left);
                    cloud.send(&mut rows, region, &left);
                    let versions_after = versions(&rows, region, &left);
                    // What is sent again as it was is not touched.
                    prop_assert_eq!(versions_before, versions_after);
                    cloud.send_state(&mut rows, region, RegionStatus::Complete);
                }
                Event::Held(held) => {
                    is_held = held;
                    view.hold(held);
                }
            }
            finish(&mut view, &mut rows);
            let after = keys(&view, &rows);
            let present: BTreeSet<Key> =
                now.keys().map(|(region, id)| (REGIONS[*region].to_owned(), *id)).collect();
            let list: Vec<_> = now.iter().map(|((region, _), row)| (cloud.regions[*region].clone(), row.clone())).collect();
            let matching: BTreeSet<Key> = model_keys(&model::shown(&list, &query, sort)).into_iter().collect();
            // Rows that stay do so in their order; while held nothing else happens.
            let stayed: Vec<_> = before.iter().filter(|key| is_held || present.contains(*key)).cloned().collect();
            let kept: Vec<_> = after.iter().filter(|key| stayed.contains(key)).cloned().collect();
            prop_assert_eq!(&kept, &stayed);
            let expected: BTreeSet<Key> = if is_held {
                stayed.iter().cloned().collect()
            } else {
                stayed.iter().chain(&matching).cloned().collect()
            };
            prop_assert_eq!(after.iter().cloned().collect::<BTreeSet<_>>(), expected);
            prop_assert!(is_held || view.waiting() == 0);
            for (at, row) in view.order().iter().enumerate() {
                prop_assert_eq!(view.position_of(*row), Some(at));
            }
            prop_assert_eq!(view.total(), list.len());
            check_facets(&view, &list, &query)?;
        }
        // Asked anew, everything is in its place.
        view.hold(false);
        view.set_sort(sort);
        finish(&mut view, &mut rows);
        let list: Vec<_> = now.iter().map(|((region, _), row)| (cloud.regions[*region].clone(), row.clone())).collect();
        all_there(&view, &rows, &list, &query, sort)?;
    }

    #[test]
    fn work_cut_into_slices_comes_to_the_same(
        events in prop::collection::vec((event(), prop::option::of((query(), sort())), 0usize..4), 1..20),
    ) {
        let mut cloud = Cloud::new(&REGIONS);
        let mut rows = Rows::new();
        let mut view = View::new();
        cloud.send(&mut rows, 0, &[]);
        let mut now: HashMap<(usize, ServerId), ServerRow> = HashMap::new();
        let (mut query, mut sort) = (Query::default(), Sort::default());
        for (event, asked, slices) in events {
            match event {
                Event::Rows(sent) => {
                    for (region, row) in sent {
                        cloud.send(&mut rows, region, std::slice::from_ref(&row));
                        now.insert((region, row.id), row);
                    }
                }
                Event::Gone(region, id) => {
                    cloud.send_gone(&mut rows, region, &[id]);
                    now.remove(&(region, id));
                }
                Event::Resent(region, _) => {
                    cloud.send_reset(&mut rows, region);
                    cloud.send_state(&mut rows, region, RegionStatus::Complete);
                    now.retain(|(of, _), _| *of != region);
                }
                Event::Held(held) => view.hold(held),
            }
            if let Some(asked) = asked {
                (query, sort) = asked;
                view.set_query(query.clone());
                view.set_sort(sort);
            }
            for _ in 0..slices {
                view.step(&mut rows, &mut || false);
            }
        }
        view.hold(false);
        let mut steps = 0;
        while view.step(&mut rows, &mut || false) == Step::More {
            steps += 1;
            prop_assert!(steps < 1000);
        }
        let list: Vec<_> = now.iter().map(|((region, _), row)| (cloud.regions[*region].clone(), row.clone())).collect();
        check_facets(&view, &list, &query)?;
        prop_assert_eq!(view.total(), list.len());
        view.set_sort(sort);
        finish(&mut view, &mut rows);
        all_there(&view, &rows, &list, &query, sort)?;
    }
}

#[test]
fn the_rows_of_a_new_query_are_found_before_they_are_counted() {
    let mut cloud = Cloud::new(&["RegionOne"]);
    let mut rows = Rows::new();
    for name in ["web-1", "db", "web-2"] {
        cloud.put(0, name, |row| row.tags = vec![name.to_owned()]);
    }
    cloud.send_all(&mut rows);
    let mut view = View::new();
    finish(&mut view, &mut rows);
    assert!(!view.is_counting());
    view.set_query(Query::parse("web", FacetSelection::default(), NOW));
    assert_eq!(view.find(&mut rows, &mut || true), Step::Done);
    assert_eq!((view.len(), view.facets().values(Facet::Tag).len()), (2, 3));
    assert!(view.is_counting());
    finish(&mut view, &mut rows);
    assert_eq!((view.len(), view.facets().values(Facet::Tag).len()), (2, 2));
    assert!(!view.is_counting());
}

fn versions(rows: &Rows, region: usize, servers: &[ServerRow]) -> Vec<Option<u32>> {
    servers.iter().map(|row| rows.find_in(region, &row.id).map(|row| rows.version(row))).collect()
}

/// What may happen to a list.
#[derive(Clone, Debug)]
enum Event {
    Rows(Vec<(usize, ServerRow)>),
    Gone(usize, ServerId),
    /// The region starts over; of its servers those are sent again whose place has its bit in here.
    Resent(usize, u8),
    Held(bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => prop::collection::vec(server(), 1..6).prop_map(Event::Rows),
        2 => server().prop_map(|(region, row)| Event::Gone(region, row.id)),
        1 => (0..REGIONS.len(), any::<u8>()).prop_map(|(region, kept)| Event::Resent(region, kept)),
        1 => any::<bool>().prop_map(Event::Held),
    ]
}
