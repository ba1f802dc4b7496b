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
    let early = Early { release: "r1".to_owned(), messages: vec![message(Level::Error, "early"); 2] };
    let name = format!("{PREFIX}s.{EARLY}");
    let mut storage = Storage::from([(name.clone(), serde_json::to_string(&early).expect("JSON"))]);
    let mut stream = found(&storage, "s").expect("a stream");
    let batch = stream.next_batch().expect("a batch");
    assert_eq!((batch.first, batch.messages.len(), batch.release.as_str()), (1, 2, "r1"));
    // The page ends after it was moved and before it was removed.
    write(&mut storage, stream.writes());
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
fn what_is_older_than_a_week_or_makes_no_sense_is_of_no_use() {
    let mut stream = Stream::new("s", "r1", 1.7e12 - KEPT_MS - 1.0);
    stream.push(message(Level::Info, "old"), None);
    stream.next_batch();
    let mut storage = Storage::new();
    write(&mut storage, stream.writes());
    assert!(found(&storage, "s").is_none());
    for text in ["", "[]", "{\"place\":1}", "nonsense"] {
        let storage = Storage::from([(format!("{PREFIX}s.0"), text.to_owned())]);
        assert!(found(&storage, "s").is_none(), "{text}");
    }
    assert_eq!(Stream::id_of(&format!("{PREFIX}s.0")), Some("s"));
    assert_eq!((Stream::id_of("meridian.theme"), Stream::id_of(PREFIX)), (None, None));
}

/// What may happen to a page and its log.
#[derive(Clone, Debug)]
enum Event {
    Push(Level),
    /// A batch is sent, stored, and the answer comes or not.
    Send {
        is_stored: bool,
        is_answered: bool,
    },
    /// The page ends, so many of its last writes undone: it ended between two of them.
    End {
        undone: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let level = prop_oneof![Just(Level::Debug), Just(Level::Info), Just(Level::Error)];
    prop_oneof![
        4 => level.prop_map(Event::Push),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(is_stored, is_answered)| Event::Send { is_stored, is_answered }),
        1 => (0usize..3).prop_map(|undone| Event::End { undone }),
    ]
}

proptest! {
    #[test]
    fn nothing_that_was_written_down_is_lost_and_nothing_is_stored_twice(events in prop::collection::vec(event(), 1..80)) {
        let mut storage = Storage::new();
        let mut stream = Stream::new("s", "r1", 1.7e12);
        // The server: what it stored, by number.
        let mut stored: BTreeMap<u64, String> = BTreeMap::new();
        let mut written = BTreeSet::new();
        let mut count = 0;
        for event in events {
            match event {
                Event::Push(level) => {
                    count += 1;
                    stream.push(message(level, &count.to_string()), None);
                    write(&mut storage, stream.writes());
                    written.insert(count.to_string());
                }
                Event::Send { is_stored, is_answered } => {
                    let Some(batch) = stream.next_batch() else { continue };
                    // Written down before anything is sent.
                    write(&mut storage, stream.writes());
                    if is_stored {
                        for (number, message) in (batch.first..).zip(&batch.messages) {
                            let new = stored.entry(number).or_insert_with(|| message.description.clone());
                            prop_assert_eq!(&*new, &message.description, "a number means one message for good");
                        }
                        if is_answered {
                            stream.stored(batch.first, batch.last());
                            write(&mut storage, stream.writes());
                        }
                    }
                }
                Event::End { undone } => {
                    // The last answer is forgotten with the page: the pieces are still there.
                    let mut writes = Vec::new();
                    if let Some(batch) = stream.next_batch() {
                        writes = stream.writes();
                        _ = batch;
                    }
                    let kept = writes.len().saturating_sub(undone);
                    writes.truncate(kept);
                    write(&mut storage, writes);
                    match found(&storage, "s") {
                        Some(next) => stream = next,
                        // The next page has another name for what it logs.
                        None => {
                            stream = Stream::new("s", "r1", 1.7e12);
                            break;
                        }
                    }
                }
            }
        }
        while let Some(batch) = stream.next_batch() {
            for (number, message) in (batch.first..).zip(&batch.messages) {
                let new = stored.entry(number).or_insert_with(|| message.description.clone());
                prop_assert_eq!(&*new, &message.description);
            }
            stream.stored(batch.first, batch.last());
        }
        let told: Vec<&String> = stored.values().collect();
        let once: BTreeSet<&String> = told.iter().copied().collect();
        prop_assert_eq!(told.len(), once.len(), "nothing twice");
        prop_assert_eq!(once.into_iter().cloned().collect::<BTreeSet<_>>(), written, "nothing lost");
    }
}
