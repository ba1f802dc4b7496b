use std::collections::{BTreeMap, BTreeSet};

use api_types::client_log::LONGEST_DESCRIPTION;
use proptest::prelude::*;

use super::*;

/// The browser's storage.
type Storage = BTreeMap<String, String>;

fn message(level: Level, description: &str) -> EarlyMessage {
    let description = description.to_owned();
    EarlyMessage { at: 1.7e12, level, kind: Kind::Action, description, fields: Map::new() }
}

fn write(storage: &mut Storage, writes: Vec<Write>) {
    for write in writes {
        match write {
            Write::Set(name, text) => drop(storage.insert(name, text)),
            Write::Remove(name) => drop(storage.remove(&name)),
        }
    }
}

fn found(storage: &Storage, id: &str) -> Option<Stream> {
    let kept: Vec<_> = storage.iter().map(|(name, text)| (name.clone(), text.clone())).collect();
    Stream::found(id, &kept, 1.7e12)
}

/// As the browser's storage has it, which has room for these names alone.
fn keep(storage: &mut Storage, stream: &mut Stream, has_room: impl Fn(&str) -> bool) {
    let kept = std::cell::RefCell::new(std::mem::take(storage));
    let set = |name: &str, text: &str| {
        let fits = has_room(name);
        fits.then(|| kept.borrow_mut().insert(name.to_owned(), text.to_owned()));
        fits
    };
    let is_kept = write_down(stream.writes(), set, |name| drop(kept.borrow_mut().remove(name)));
    *storage = kept.into_inner();
    if !is_kept {
        storage.retain(|name, _| Stream::id_of(name) != Some(stream.id()));
        stream.was_not_kept();
    }
}

fn descriptions(batch: &Batch) -> Vec<&str> {
    batch.messages.iter().map(|message| message.description.as_str()).collect()
}

#[test]
fn messages_are_numbered_when_they_are_first_sent_and_kept_until_they_are_stored() {
    let (mut stream, mut storage) = (Stream::new("s", "r1", 1.7e12), Storage::new());
    stream.push(message(Level::Info, "one"), Some("p"));
    stream.push(message(Level::Info, "two"), Some("p"));
    let batch = stream.next_batch().expect("a batch");
    assert_eq!((batch.first, batch.last(), descriptions(&batch)), (1, 2, vec!["one", "two"]));
    assert_eq!((batch.release.as_str(), batch.project.as_deref()), ("r1", Some("p")));
    // What comes meanwhile is another batch.
    stream.push(message(Level::Info, "three"), Some("p"));
    assert_eq!(stream.next_batch(), Some(batch));
    write(&mut storage, stream.writes());
    stream.stored(1, 2);
    let next = stream.next_batch().expect("a batch");
    assert_eq!((next.first, descriptions(&next)), (3, vec!["three"]));
    stream.stored(3, 3);
    assert!(stream.next_batch().is_none());
    write(&mut storage, stream.writes());
    // A number is not given twice, whatever happens to the page: it is known until the stream is over.
    stream.push(message(Level::Info, "four"), None);
    write(&mut storage, stream.writes());
    let mut next = found(&storage, "s").expect("a stream");
    assert_eq!(next.next_batch().map(|batch| batch.first), Some(4));
    next.stored(4, 4);
    next.end();
    write(&mut storage, next.writes());
    assert!(storage.is_empty(), "{storage:?}");
}

#[test]
fn what_the_boot_script_kept_is_taken_over_and_never_numbered_anew() {
    let early =
        Early { release: "r1".to_owned(), from: 0, messages: vec![message(Level::Error, "early"); 2] };
    let name = format!("{PREFIX}s.{EARLY}");
    let mut storage = Storage::from([(name.clone(), serde_json::to_string(&early).expect("JSON"))]);
    let mut stream = found(&storage, "s").expect("a stream");
    let batch = stream.next_batch().expect("a batch");
    assert_eq!((batch.first, batch.messages.len(), batch.release.as_str()), (1, 2, "r1"));
    // The page ends after it was moved and before it was removed.
    let mut writes = stream.writes();
    writes.retain(|write| *write != Write::Remove(name.clone()));
    write(&mut storage, writes);
    assert!(storage.contains_key(&name));
    let mut again = found(&storage, "s").expect("a stream");
    assert_eq!(again.next_batch(), Some(batch));
    again.stored(1, 2);
    assert!(again.is_empty());
}

#[test]
fn the_oldest_debug_is_dropped_first_and_the_count_is_told() {
    let mut stream = Stream::new("s", "r1", 1.7e12);
    stream.push(message(Level::Error, "an error"), None);
    for number in 0..1_100 {
        let level = if number % 2 == 0 { Level::Debug } else { Level::Info };
        stream.push(message(level, &format!("{number}")), None);
    }
    let mut told = Vec::new();
    let mut expected = 1;
    while let Some(batch) = stream.next_batch() {
        assert_eq!(batch.first, expected, "there are no gaps");
        expected = batch.last() + 1;
        told.extend(batch.messages.iter().cloned());
        stream.stored(batch.first, batch.last());
    }
    assert_eq!(told.first().map(|first| first.description.as_str()), Some("an error"));
    let is_debug = |message: &&Message| message.level == Level::Debug;
    assert_eq!(told.iter().filter(|message| message.level == Level::Info).count(), 550);
    let kept: Vec<_> = told.iter().filter(is_debug).map(|message| message.description.as_str()).collect();
    assert_eq!(kept.last(), Some(&"1098"), "the newest stay");
    let of_log = told.iter().find(|message| message.kind == Kind::Log).expect("a count");
    let dropped = of_log.fields["dropped"].as_u64().expect("a number") as usize;
    assert_eq!(dropped + told.len(), 1_101 + 1);
}

#[test]
fn bytes_are_bounded_too_and_no_message_is_larger_than_the_server_takes() {
    let mut stream = Stream::new("s", "r1", 1.7e12);
    for number in 0..200 {
        let mut large = message(Level::Info, &"ä".repeat(5_000));
        large.fields.insert("stack".to_owned(), "\u{1}".repeat(9_000).into());
        large.fields.insert("number".to_owned(), number.into());
        large.fields.insert("deep".to_owned(), serde_json::json!({"a": [1]}));
        stream.push(large, None);
    }
    let mut batches = 0;
    while let Some(batch) = stream.next_batch() {
        let text = serde_json::to_string(&batch).expect("JSON");
        assert!(text.len() <= LARGEST_BATCH, "{}", text.len());
        for message in &batch.messages {
            assert!(message.description.len() <= LONGEST_DESCRIPTION);
            assert!(message.fields.values().all(|value| !value.is_object()));
        }
        batches += 1;
        stream.stored(batch.first, batch.last());
    }
    assert!((2..40).contains(&batches), "{batches}");
}

#[test]
fn what_the_server_will_never_take_is_counted_and_the_rest_goes_on() {
    let mut stream = Stream::new("s", "r1", 1.7e12);
    stream.push(message(Level::Info, "poison"), None);
    let poison = stream.next_batch().expect("a batch");
    stream.push(message(Level::Info, "good"), None);
    stream.refused(poison.first);
    let next = stream.next_batch().expect("a batch");
    assert_eq!((next.first, next.messages.len()), (2, 2));
    assert_eq!(next.messages[1].fields["dropped"], 1);
}

#[test]
fn a_beacon_takes_what_fits_the_oldest_first() {
    let mut stream = Stream::new("s", "r1", 1.7e12);
    for number in 0..300 {
        stream.push(message(Level::Info, &format!("{number} {}", "x".repeat(200))), None);
    }
    let batches = stream.all_batches(40_000, 16);
    let bytes: usize = batches.iter().map(|batch| serde_json::to_string(batch).expect("JSON").len()).sum();
    assert!(!batches.is_empty() && bytes <= 40_000, "{bytes}");
    assert_eq!((batches[0].first, batches[1].first), (1, batches[0].last() + 1));
}

#[test]
fn what_a_page_of_eight_days_said_a_minute_ago_is_sent_and_what_is_too_old_is_counted() {
    let mut stream = Stream::new("s", "r1", 1.7e12 - KEPT_MS - 1.0);
    stream.push(EarlyMessage { at: 1.7e12 - KEPT_MS - 1.0, ..message(Level::Info, "old") }, None);
    stream.push(EarlyMessage { at: 1.7e12 - 60_000.0, ..message(Level::Error, "new") }, None);
    let mut storage = Storage::new();
    write(&mut storage, stream.writes());
    let mut left = found(&storage, "s").expect("a stream");
    assert_eq!(left.next_batch().map(|batch| batch.messages.len()), Some(2));
    write(&mut storage, left.writes());
    // A week later none of it is of use; that it was there is.
    let later_ms = 1.7e12 + KEPT_MS;
    let kept = |storage: &Storage| storage.clone().into_iter().collect::<Vec<_>>();
    let mut left = Stream::found("s", &kept(&storage), later_ms).expect("a count");
    write(&mut storage, left.writes());
    let batch = left.next_batch().expect("a batch");
    assert_eq!((batch.first, batch.messages.len()), (3, 1), "the numbers they had may be stored");
    assert_eq!(batch.messages[0].fields["dropped"], 2);
    assert_eq!(batch.messages[0].at, later_ms);
    // And where nobody comes to tell it, it goes as well.
    assert!(Stream::found("s", &kept(&storage), later_ms + 1.0).is_some());
    assert!(Stream::found("s", &kept(&storage), later_ms + KEPT_MS + 1.0).is_none());
}

#[test]
fn what_makes_no_sense_is_of_no_use() {
    for text in ["", "[]", "{\"place\":1}", "nonsense"] {
        let storage = Storage::from([(format!("{PREFIX}s.0"), text.to_owned())]);
        assert!(found(&storage, "s").is_none(), "{text}");
    }
    assert_eq!(Stream::id_of(&format!("{PREFIX}s.0")), Some("s"));
    assert_eq!((Stream::id_of("meridian.theme"), Stream::id_of(PREFIX)), (None, None));
}

#[test]
fn what_there_is_no_room_for_is_not_found_under_a_number_that_another_message_has() {
    let (mut stream, mut storage) = (Stream::new("s", "r1", 1.7e12), Storage::new());
    stream.push(message(Level::Info, "one"), None);
    keep(&mut storage, &mut stream, |_| true);
    // Its numbers are not written down: the piece without them may not stay.
    let batch = stream.next_batch().expect("a batch");
    keep(&mut storage, &mut stream, |name| name.ends_with(HEAD));
    assert!(found(&storage, "s").is_none(), "{storage:?}");
    // What comes then and is left behind has numbers of its own.
    stream.stored(batch.first, batch.last());
    stream.push(message(Level::Info, "two"), None);
    keep(&mut storage, &mut stream, |_| true);
    let next = found(&storage, "s").and_then(|mut left| left.next_batch()).expect("a batch");
    assert_eq!((next.first, descriptions(&next)), (2, vec!["two"]));
    // Without a head nobody would know them.
    stream.next_batch();
    keep(&mut storage, &mut stream, |_| false);
    assert!(storage.is_empty(), "{storage:?}");
    keep(&mut storage, &mut stream, |_| true);
    assert_eq!(storage.keys().collect::<Vec<_>>(), ["meridian.log.s.head"]);
}

#[test]
fn of_all_streams_the_least_important_goes_first_and_then_what_was_left_first() {
    let stream = |id: &str, at: f64| {
        let mut stream = Stream::new(id, "r1", at);
        for _ in 0..10 {
            stream.push(message(Level::Debug, &"d".repeat(1_000)), None);
            stream.push(message(Level::Error, &"e".repeat(1_000)), None);
        }
        stream
    };
    let size = size_of_message(&bounded(message(Level::Debug, &"d".repeat(1_000))));
    let (mut own, mut new, mut old) = (stream("own", 1.0), stream("new", 3.0), stream("old", 2.0));
    let dropped = |streams: [&Stream; 3]| streams.map(|stream| stream.head.dropped);
    drop_of_all(&mut own, vec![&mut new, &mut old], size * 12);
    assert_eq!(dropped([&own, &new, &old]), [0, 2, 10]);
    drop_of_all(&mut own, vec![&mut new, &mut old], size * 20);
    assert_eq!(dropped([&own, &new, &old]), [10, 10, 12]);
    // What has numbers may be stored already: it goes last.
    old.all_batches(LARGEST_BATCH, 16);
    drop_of_all(&mut own, vec![&mut new, &mut old], usize::MAX);
    assert!([&own, &new, &old].iter().all(|stream| stream.pieces.is_empty()));
    assert_eq!(dropped([&own, &new, &old]), [20, 20, 9], "all but what was counted before");
}

#[test]
fn what_the_boot_script_kept_after_what_nobody_knows_the_numbers_of_gets_none() {
    let kept = |from| {
        let early = Early { release: "r1".to_owned(), from, messages: vec![message(Level::Error, "late")] };
        Storage::from([(format!("{PREFIX}s.{EARLY}"), serde_json::to_string(&early).expect("JSON"))])
    };
    assert!(found(&kept(0), "s").is_some());
    assert!(found(&kept(1), "s").is_none());
}

/// What may happen to a page and its log.
#[derive(Clone, Debug)]
enum Event {
    /// Something is logged; the boot script writes it down.
    Note(Level),
    /// The part comes for what the boot script has.
    Take,
    /// A batch is sent, stored, and the answer comes or not.
    Send { is_stored: bool, is_answered: bool },
    /// The page ends while it does one and the other, so many of its last writes undone: it ended between two of them.
    End { undone: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let level = prop_oneof![Just(Level::Debug), Just(Level::Info), Just(Level::Error)];
    prop_oneof![
        4 => level.prop_map(Event::Note),
        2 => Just(Event::Take),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(is_stored, is_answered)| Event::Send { is_stored, is_answered }),
        1 => (0usize..6).prop_map(|undone| Event::End { undone }),
    ]
}

/// A page, what it leaves in the storage, and the server.
struct World {
    storage: Storage,
    stream: Stream,
    /// What the boot script has, and how many were taken from it. It ends with the page.
    boot: Option<(Vec<EarlyMessage>, u64)>,
    /// What the server stored, by number.
    stored: BTreeMap<u64, String>,
    /// Whether there is room for what is written, one time after the other.
    room: Vec<bool>,
}

impl World {
    fn new(room: Vec<bool>) -> Self {
        let stream = Stream::new("s", "r1", 1.7e12);
        Self { storage: Storage::new(), stream, boot: Some((Vec::new(), 0)), stored: BTreeMap::new(), room }
    }

    fn keep(&mut self) {
        let has_room = self.room.pop().unwrap_or(true);
        // At times for the small head alone.
        let has_room_for_head = has_room || self.room.pop().unwrap_or(true);
        keep(&mut self.storage, &mut self.stream, |name| match name.ends_with(HEAD) {
            true => has_room_for_head,
            false => has_room,
        });
    }

    fn note(&mut self, message: EarlyMessage) {
        match &mut self.boot {
            Some((messages, from)) => {
                messages.push(message);
                let early = Early { release: "r1".to_owned(), from: *from, messages: messages.clone() };
                let text = serde_json::to_string(&early).expect("JSON");
                self.storage.insert(format!("{PREFIX}s.{EARLY}"), text);
            }
            // The page is no more. Whoever took the stream over adds to it.
            None => {
                self.stream.push(message, None);
                self.keep();
            }
        }
    }

    fn take(&mut self) {
        let Some((messages, from)) = &mut self.boot else { return };
        if messages.is_empty() {
            return;
        }
        *from += messages.len() as u64;
        messages.drain(..).for_each(|message| self.stream.push(message, None));
        self.stream.forget_early();
    }

    fn store(&mut self, batch: &Batch) {
        for (number, message) in (batch.first..).zip(&batch.messages) {
            let new = self.stored.entry(number).or_insert_with(|| message.description.clone());
            assert_eq!(&*new, &message.description, "a number means one message for good");
        }
    }

    fn happen(&mut self, event: &Event, count: usize) {
        match *event {
            Event::Note(level) => self.note(message(level, &count.to_string())),
            Event::Take => {
                self.take();
                self.keep();
            }
            Event::Send { is_stored, is_answered } => {
                let Some(batch) = self.stream.next_batch() else { return };
                // Written down before anything is sent.
                self.keep();
                if is_stored {
                    self.store(&batch);
                    if is_answered {
                        self.stream.stored(batch.first, batch.last());
                        self.keep();
                    }
                }
            }
            Event::End { undone } => {
                self.take();
                self.stream.next_batch();
                let mut writes = self.stream.writes();
                writes.truncate(writes.len().saturating_sub(undone));
                write(&mut self.storage, writes);
                self.boot = None;
                // Where there is nothing left of it, nothing more comes under its name.
                let left = found(&self.storage, "s");
                self.stream = left.unwrap_or_else(|| Stream::new("none", "r1", 1.7e12));
            }
        }
    }

    fn is_over(&self) -> bool {
        self.stream.id() == "none"
    }

    fn send_the_rest(&mut self) {
        self.take();
        while let Some(batch) = self.stream.next_batch() {
            self.store(&batch);
            self.stream.stored(batch.first, batch.last());
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_was_written_down_is_lost_and_nothing_is_stored_twice(events in prop::collection::vec(event(), 1..80)) {
        let mut world = World::new(Vec::new());
        let mut written = BTreeSet::new();
        for (count, event) in events.iter().enumerate() {
            world.happen(event, count);
            if let Event::Note(_) = event {
                written.insert(count.to_string());
            }
            if world.is_over() {
                break;
            }
        }
        world.send_the_rest();
        let told: Vec<&String> = world.stored.values().collect();
        let once: BTreeSet<&String> = told.iter().copied().collect();
        prop_assert_eq!(told.len(), once.len(), "nothing twice");
        prop_assert_eq!(once.into_iter().cloned().collect::<BTreeSet<_>>(), written, "nothing lost");
    }

    #[test]
    fn nothing_is_stored_twice_where_there_is_no_room_to_write(
        events in prop::collection::vec(event(), 1..80),
        room in prop::collection::vec(any::<bool>(), 1..80),
    ) {
        let mut world = World::new(room);
        for (count, event) in events.iter().enumerate() {
            world.happen(event, count);
            if world.is_over() {
                break;
            }
        }
        world.send_the_rest();
        let once: BTreeSet<&String> = world.stored.values().collect();
        prop_assert_eq!(world.stored.len(), once.len(), "nothing twice");
    }
}
