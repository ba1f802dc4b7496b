use api_types::servers::frame::{FrameReader, FrameWriter};

use super::*;
use crate::testing::{Cloud, plain_row};

/// Sends what `write` writes.
fn send(rows: &mut Rows, write: impl FnOnce(&mut FrameWriter)) -> Result<Vec<Applied>, FrameError> {
    let mut writer = FrameWriter::new();
    write(&mut writer);
    let mut reader = FrameReader::new();
    reader.push(&writer.take());
    let mut applied = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        applied.push(rows.apply(frame)?);
    }
    Ok(applied)
}

fn hello(rows: &mut Rows, regions: &[&str]) -> Applied {
    let regions: Vec<_> = regions.iter().map(|region| region.parse().expect("a region")).collect();
    send(rows, |writer| writer.hello(&regions)).expect("a hello").remove(0)
}

fn names(rows: &Rows) -> Vec<String> {
    let mut names = Vec::new();
    for index in 0..rows.slots() as RowIndex {
        let (block, at) = rows.cell(index);
        if block.is_present(at) {
            let row = rows.row(index);
            names.push(format!("{} {} {}", row.region(), row.name(), row.status()));
        }
    }
    names.sort();
    names
}

#[test]
fn a_row_sent_again_as_it_was_is_not_touched() {
    let mut cloud = Cloud::new(&["RegionOne"]);
    let mut rows = Rows::new();
    let sent = [plain_row("a"), plain_row("b")];
    assert_eq!(cloud.send(&mut rows, 0, &sent).pop(), Some(Applied::Rows { changed: 2 }));
    let index = rows.find(&sent[0].id).expect("a row");
    let version = rows.version(index);
    rows.take_changes();
    assert_eq!(cloud.send(&mut rows, 0, &sent).pop(), Some(Applied::Rows { changed: 0 }));
    assert_eq!((rows.version(index), rows.has_changes()), (version, false));
    let mut changed = sent[0].clone();
    changed.status = "ERROR".to_owned();
    assert_eq!(cloud.send(&mut rows, 0, &[changed]).pop(), Some(Applied::Rows { changed: 1 }));
    assert_eq!((rows.version(index), rows.row(index).status()), (version + 1, "ERROR"));
}

#[test]
fn rows_not_sent_again_after_a_reset_go_once_the_region_is_complete() {
    let mut cloud = Cloud::new(&["RegionOne", "RegionTwo"]);
    let mut rows = Rows::new();
    cloud.send(&mut rows, 0, &["a", "b"].map(plain_row));
    cloud.send(&mut rows, 1, &[plain_row("c")]);
    cloud.send_reset(&mut rows, 0);
    cloud.send(&mut rows, 0, &[plain_row("b")]);
    cloud.send_state(&mut rows, 0, RegionStatus::Loading);
    cloud.send_state(&mut rows, 0, RegionStatus::Unreachable);
    assert_eq!(rows.len(), 3);
    let applied = cloud.send_state(&mut rows, 0, RegionStatus::Complete);
    assert_eq!(applied, [Applied::Region { region: 0, gone: 1 }]);
    assert_eq!(names(&rows), ["RegionOne b ACTIVE", "RegionTwo c ACTIVE"]);
    assert_eq!(rows.regions().iter().map(|region| region.rows).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_stream_without_a_position_loses_what_it_does_not_send() {
    let mut rows = Rows::new();
    Cloud::new(&["RegionOne"]).send(&mut rows, 0, &["a", "b"].map(plain_row));
    rows.start_over();
    assert_eq!((rows.len(), rows.position()), (2, None));
    // Another node counts its texts anew.
    let mut other = Cloud::new(&["RegionOne"]);
    other.send(&mut rows, 0, &[plain_row("c"), plain_row("b")]);
    other.send_state(&mut rows, 0, RegionStatus::Stale);
    assert_eq!(names(&rows), ["RegionOne b ACTIVE", "RegionOne c ACTIVE"]);
}

#[test]
fn a_stream_resumed_from_before_its_last_texts_may_send_them_again() {
    let mut rows = Rows::new();
    hello(&mut rows, &["RegionOne"]);
    let dict = |rows: &mut Rows, first, texts: &[&str]| {
        send(rows, |writer| writer.dict(0, first, texts.iter().copied())).map(|_| ())
    };
    assert_eq!(dict(&mut rows, 1, &["ACTIVE", "ERROR"]), Ok(()));
    assert_eq!(dict(&mut rows, 2, &["BUILD", "SHUTOFF"]), Ok(()));
    assert!(dict(&mut rows, 5, &["gap"]).is_err());
    struct Codes;
    impl api_types::servers::frame::Interner for Codes {
        fn code(&mut self, text: &str) -> u32 {
            if text == "BUILD" { 2 } else { 3 }
        }
    }
    let mut row = plain_row("a");
    (row.flavor, row.addresses, row.status) = (None, Vec::new(), "BUILD".to_owned());
    let bytes = api_types::servers::frame::encode_row(&row, &mut Codes);
    send(&mut rows, |writer| writer.rows(0, std::iter::once(bytes.as_slice()))).expect("a row");
    assert_eq!(names(&rows), ["RegionOne a BUILD"]);
}

#[test]
fn regions_may_come_go_and_change_places_between_two_streams() {
    let mut cloud = Cloud::new(&["RegionOne", "RegionTwo"]);
    let mut rows = Rows::new();
    cloud.send(&mut rows, 0, &[plain_row("a")]);
    cloud.send(&mut rows, 1, &[plain_row("b")]);
    assert_eq!(hello(&mut rows, &["RegionTwo", "RegionThree"]), Applied::Hello);
    assert_eq!(names(&rows), ["RegionTwo b ACTIVE"]);
    let regions = |rows: &Rows| {
        rows.regions().iter().map(|region| (region.name.to_string(), region.rows)).collect::<Vec<_>>()
    };
    assert_eq!(regions(&rows), [("RegionTwo".to_owned(), 1), ("RegionThree".to_owned(), 0)]);
    // What is gone still says where it was.
    let gone = rows.find(&plain_row("a").id).expect("a row");
    assert_eq!((rows.row(gone).region().as_str(), rows.row(gone).is_gone()), ("RegionOne", true));
    assert!(send(&mut rows, |writer| writer.reset(2)).is_err());
    hello(&mut rows, &["RegionOne", "RegionTwo"]);
    assert_eq!(regions(&rows), [("RegionOne".to_owned(), 0), ("RegionTwo".to_owned(), 1)]);
}

#[test]
fn a_freed_slot_is_used_again_and_says_so() {
    let mut cloud = Cloud::new(&["RegionOne"]);
    let mut rows = Rows::new();
    cloud.send(&mut rows, 0, &["a", "b"].map(plain_row));
    let index = rows.find(&plain_row("a").id).expect("a row");
    cloud.send_gone(&mut rows, 0, &[plain_row("a").id]);
    rows.take_changes();
    let version = rows.version(index);
    rows.release(index);
    assert_eq!(rows.find(&plain_row("a").id), None);
    cloud.send(&mut rows, 0, &[plain_row("c")]);
    assert_eq!(rows.find(&plain_row("c").id), Some(index));
    assert!(rows.version(index) > version);
    assert_eq!(names(&rows), ["RegionOne b ACTIVE", "RegionOne c ACTIVE"]);
    // A row that lives is not let go.
    rows.release(index);
    assert_eq!(rows.find(&plain_row("c").id), Some(index));
}

#[test]
fn rows_that_name_what_was_never_sent_are_refused() {
    let mut rows = Rows::new();
    hello(&mut rows, &["RegionOne"]);
    struct Sevens;
    impl api_types::servers::frame::Interner for Sevens {
        fn code(&mut self, _: &str) -> u32 {
            7
        }
    }
    let bytes = api_types::servers::frame::encode_row(&plain_row("a"), &mut Sevens);
    assert!(send(&mut rows, |writer| writer.rows(0, std::iter::once(bytes.as_slice()))).is_err());
    assert!(send(&mut rows, |writer| writer.rows(1, std::iter::empty())).is_err());
    assert!(send(&mut rows, |writer| writer.gone(9, &[plain_row("a").id])).is_err());
    assert_eq!(rows.len(), 0);
}
