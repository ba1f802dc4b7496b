use super::*;

fn id(number: u8) -> ServerId {
    ServerId([number; 16])
}

fn row(number: u8, status: &str) -> ServerRow {
    ServerRow {
        id: id(number),
        name: format!("web-{number}"),
        status: status.to_owned(),
        task_state: None,
        is_locked: false,
        tags: vec!["prod".to_owned()],
        metadata: Vec::new(),
        addresses: Vec::new(),
        flavor: None,
        image: Image::Volume,
        availability_zone: None,
        created_at: 1,
        updated_at: 100,
        fault: None,
        is_degraded: false,
    }
}

const ALL: BatchLimit = BatchLimit { rows: 1000, bytes: 1 << 20 };

/// A viewer: what it was sent, as text.
#[derive(Default)]
struct Viewer {
    known: Known,
    texts: Vec<String>,
    held: HashMap<ServerId, ServerRow>,
    resets: usize,
    received: usize,
}

impl Viewer {
    fn pull(&mut self, rows: &Rows, limit: BatchLimit) -> bool {
        let batch = rows.batch_after(&self.known, limit);
        if batch.is_reset {
            self.resets += 1;
            self.texts.clear();
            self.held.clear();
        }
        if !batch.texts.is_empty() {
            assert_eq!(batch.first_code as usize, self.texts.len() + 1);
        }
        self.texts.extend(batch.texts.iter().map(|text| text.to_string()));
        for id in &batch.gone {
            self.held.remove(id);
        }
        for bytes in &batch.rows {
            let text = |code: u32| self.texts.get(code as usize - 1).map(String::as_str);
            let row = decode_row(bytes, text).expect("a row the viewer can read");
            self.held.insert(row.id, row);
            self.received += 1;
        }
        self.known = batch.known;
        batch.is_partial
    }

    fn pull_all(&mut self, rows: &Rows) {
        while self.pull(rows, BatchLimit { rows: 2, bytes: 1 << 20 }) {}
    }

    fn statuses(&self) -> Vec<(u8, &str)> {
        let mut list: Vec<_> = self.held.values().map(|row| (row.id.0[0], row.status.as_str())).collect();
        list.sort();
        list
    }
}

#[test]
fn a_viewer_gets_all_rows_in_pieces_and_then_only_what_changes() {
    let mut rows = Rows::new(1);
    for number in 1..=5 {
        assert!(rows.upsert(&row(number, "ACTIVE")));
    }
    let mut viewer = Viewer::default();
    assert!(viewer.pull(&rows, BatchLimit { rows: 2, bytes: 1 << 20 }));
    viewer.pull_all(&rows);
    assert_eq!((viewer.held.len(), viewer.received), (5, 5));
    assert!(!rows.has_news_for(&viewer.known));

    rows.upsert(&row(3, "SHUTOFF"));
    rows.remove(id(4));
    rows.upsert(&row(6, "BUILD"));
    assert!(rows.has_news_for(&viewer.known));
    viewer.pull_all(&rows);
    assert_eq!(
        viewer.statuses(),
        [(1, "ACTIVE"), (2, "ACTIVE"), (3, "SHUTOFF"), (5, "ACTIVE"), (6, "BUILD")]
    );
    assert_eq!(viewer.received, 7);
    assert_eq!(viewer.resets, 1, "only at the very start");
}

#[test]
fn a_row_that_is_the_same_is_no_change() {
    let mut rows = Rows::new(1);
    assert!(rows.upsert(&row(1, "ACTIVE")));
    assert!(!rows.upsert(&row(1, "ACTIVE")));
    assert!(!rows.remove(id(9)));
}

#[test]
fn a_row_older_than_the_one_held_is_left_out() {
    let mut rows = Rows::new(1);
    rows.upsert(&ServerRow { updated_at: 200, ..row(1, "SHUTOFF") });
    assert!(!rows.upsert(&row(1, "ACTIVE")));
    assert_eq!(rows.get(id(1)).map(|row| row.status), Some("SHUTOFF".to_owned()));
}

#[test]
fn a_slow_viewer_gets_several_changes_as_one() {
    let mut rows = Rows::new(1);
    rows.upsert(&row(1, "BUILD"));
    let mut viewer = Viewer::default();
    viewer.pull_all(&rows);
    for (at, status) in ["ACTIVE", "REBOOT", "ACTIVE", "SHUTOFF"].into_iter().enumerate() {
        rows.upsert(&ServerRow { updated_at: 101 + at as u32, ..row(1, status) });
    }
    viewer.pull_all(&rows);
    assert_eq!(viewer.statuses(), [(1, "SHUTOFF")]);
    assert_eq!(viewer.received, 2);
}

#[test]
fn a_server_that_went_and_came_back_is_there() {
    let mut rows = Rows::new(1);
    rows.upsert(&row(1, "ACTIVE"));
    let mut viewer = Viewer::default();
    viewer.pull_all(&rows);
    rows.remove(id(1));
    rows.upsert(&row(1, "BUILD"));
    viewer.pull_all(&rows);
    assert_eq!(viewer.statuses(), [(1, "BUILD")]);
}

#[test]
fn a_position_in_another_index_or_from_the_future_starts_over() {
    let mut rows = Rows::new(7);
    rows.upsert(&row(1, "ACTIVE"));
    for known in [
        Known { epoch: 8, change: 1, texts: 1 },
        Known { epoch: 7, change: 99, texts: 1 },
        Known { epoch: 7, change: 1, texts: 99 },
    ] {
        let batch = rows.batch_after(&known, ALL);
        assert!(batch.is_reset, "{known:?}");
        assert_eq!(batch.rows.len(), 1);
    }
    assert!(!rows.batch_after(&Known { epoch: 7, change: 1, texts: 2 }, ALL).is_reset);
}

#[test]
fn a_position_older_than_the_forgotten_deletions_starts_over() {
    let mut rows = Rows::new(1);
    rows.upsert(&row(1, "ACTIVE"));
    let mut viewer = Viewer::default();
    viewer.pull_all(&rows);
    let numbered = |number: u32| {
        let mut bytes = [0xff; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        ServerId(bytes)
    };
    for number in 0..=MOST_GONE as u32 {
        rows.upsert(&ServerRow { id: numbered(number), ..row(0, "ACTIVE") });
        rows.remove(numbered(number));
    }
    let late = viewer.known;
    viewer.pull_all(&rows);
    assert_eq!(viewer.resets, 2);
    assert_eq!(viewer.statuses(), [(1, "ACTIVE")]);
    assert!(rows.batch_after(&late, ALL).is_reset);
    assert!(!rows.batch_after(&viewer.known, ALL).is_reset);
}

#[test]
fn the_log_stays_in_proportion_to_the_rows_however_often_they_change() {
    let mut rows = Rows::new(1);
    for round in 0..10_000 {
        rows.upsert(&ServerRow { updated_at: 100 + round, ..row((round % 5) as u8, "ACTIVE") });
    }
    assert!(rows.log.len() <= LOG_SLACK + 2 * rows.len() + 1, "{}", rows.log.len());
    let mut viewer = Viewer::default();
    viewer.pull_all(&rows);
    assert_eq!(viewer.held.len(), 5);
}

#[test]
fn an_image_gets_its_name_once_it_is_known() {
    let mut rows = Rows::new(1);
    let unnamed =
        |number| ServerRow { image: Image::Unnamed { id: "i1".to_owned() }, ..row(number, "ACTIVE") };
    rows.upsert(&unnamed(1));
    rows.upsert(&unnamed(2));
    assert_eq!(rows.unnamed_images().collect::<Vec<_>>(), ["i1"]);
    let names = HashMap::from([("i1".to_owned(), "debian-12".to_owned())]);
    assert!(rows.name_images(&names));
    let named = Image::Named { id: "i1".to_owned(), name: "debian-12".to_owned() };
    assert_eq!(rows.get(id(2)).map(|row| row.image), Some(named));
    assert_eq!(rows.unnamed_images().count(), 0);
    assert!(!rows.name_images(&names));
}

#[test]
fn what_went_after_a_change_is_told_from_what_went_before() {
    let mut rows = Rows::new(1);
    for number in 1..=3 {
        rows.upsert(&row(number, "ACTIVE"));
    }
    rows.remove(id(1));
    let asked_at = rows.latest_change();
    rows.remove(id(2));
    assert_eq!(rows.gone_after(asked_at), [id(2)].into());
    assert_eq!(rows.gone_after(0), [id(1), id(2)].into());
}

#[test]
fn rows_that_went_or_show_another_image_wait_for_no_name() {
    let mut rows = Rows::new(1);
    let unnamed = |number, image: &str| ServerRow {
        image: Image::Unnamed { id: image.to_owned() },
        ..row(number, "ACTIVE")
    };
    rows.upsert(&unnamed(1, "i1"));
    rows.upsert(&unnamed(2, "i1"));
    rows.upsert(&unnamed(3, "i2"));
    let empty = Rows::new(1).bytes();
    rows.remove(id(1));
    rows.upsert(&unnamed(2, "i3"));
    assert_eq!(rows.unnamed_images().collect::<std::collections::BTreeSet<_>>(), ["i2", "i3"].into());
    rows.upsert(&row(2, "ACTIVE"));
    rows.remove(id(3));
    assert_eq!(rows.unnamed_images().count(), 0);
    assert!(rows.bytes() > empty);
}

#[test]
fn many_rows_of_one_image_without_a_name_are_put_in_at_once() {
    let mut rows = Rows::new(1);
    let image = Image::Unnamed { id: "i1".to_owned() };
    // With a list to look through for each of them this would take minutes.
    for number in 0..100_000u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        rows.upsert(&ServerRow { id: ServerId(id), image: image.clone(), ..row(1, "ACTIVE") });
    }
    assert_eq!((rows.len(), rows.unnamed_images().count()), (100_000, 1));
}

#[test]
fn transitions_degraded_rows_and_bytes_are_counted_up_and_down() {
    let mut rows = Rows::new(1);
    let empty = rows.bytes();
    rows.upsert(&row(1, "BUILD"));
    rows.upsert(&ServerRow { is_degraded: true, ..row(2, "ACTIVE") });
    assert_eq!((rows.in_transition(), rows.degraded(), rows.len()), (1, 1, 2));
    assert!(rows.bytes() > empty);
    rows.upsert(&row(1, "ACTIVE"));
    rows.remove(id(2));
    assert_eq!((rows.in_transition(), rows.degraded(), rows.len()), (0, 0, 1));
    assert!(rows.remove(id(1)) && rows.row_bytes == 0);
}

#[test]
fn an_outgrown_dictionary_is_rebuilt_with_what_the_rows_use() {
    let mut rows = Rows::new(1);
    for round in 0..6_000 {
        rows.upsert(&ServerRow {
            fault: Some(format!("failure {round}")),
            updated_at: 100 + round,
            ..row(1, "ERROR")
        });
    }
    assert!(rows.has_outgrown_dictionary());
    let fresh = rows.rebuilt(2);
    assert_eq!(fresh.get(id(1)), rows.get(id(1)));
    assert!(fresh.dictionary.len() < 10);
    assert!(!fresh.has_outgrown_dictionary());
}
