//! Who may send how much, at once and in a day.

use super::*;

fn config() -> ClientLogConfig {
    ClientLogConfig {
        messages_per_second: 10.0,
        anonymous_per_minute: 6.0,
        node_messages_per_second: 100.0,
        pending_bytes: 1000,
        ..ClientLogConfig::default()
    }
}

fn limits(clock: &Clock) -> Limits {
    Limits::new(&config(), clock.clone())
}

fn session(number: u128) -> Sender {
    Sender::Session(SessionId(Uuid::from_u128(number)))
}

fn at(text: &str) -> Sender {
    Sender::Address(text.parse().expect("an address"))
}

/// Messages of one page.
fn weight(messages: usize, bytes: usize) -> Weight {
    Weight { stream: Uuid::nil(), messages, important: 0, bytes }
}

fn wait(limits: &Limits, sender: Sender, messages: usize, bytes: usize) -> Result<Duration, Refused> {
    limits.count(sender, weight(messages, bytes)).map(|counted| counted.wait)
}

#[test]
fn a_session_may_send_a_burst_then_waits_then_is_refused_and_recovers() {
    let clock = Clock::movable();
    let limits = limits(&clock);
    let one = session(1);
    assert_eq!(wait(&limits, one, 200, 1000), Ok(Duration::ZERO));
    let short = wait(&limits, one, 30, 10).expect("a short wait");
    assert!((2.0..=3.1).contains(&short.as_secs_f64()), "{short:?}");
    assert_eq!(wait(&limits, one, 30, 10), Err(Refused::TooFast));
    assert_eq!(wait(&limits, session(2), 100, 10), Ok(Duration::ZERO), "others are not held up");
    clock.advance(Duration::from_secs(10));
    assert_eq!(wait(&limits, one, 30, 10), Ok(Duration::ZERO));
}

#[test]
fn bytes_count_as_well_as_messages() {
    let limits = limits(&Clock::movable());
    assert_eq!(wait(&limits, session(1), 1, 900_000), Err(Refused::TooFast));
}

#[test]
fn who_is_not_signed_in_may_send_little_from_a_whole_network() {
    let limits = limits(&Clock::movable());
    assert_eq!(wait(&limits, at("2001:db8::1"), 6, 10), Ok(Duration::ZERO));
    assert_eq!(wait(&limits, at("2001:db8::2"), 6, 10), Err(Refused::TooFast));
    assert_eq!(wait(&limits, at("2001:db8:1::1"), 6, 10), Ok(Duration::ZERO));
}

#[test]
fn all_together_are_bounded_in_rate_and_in_memory() {
    let limits = limits(&Clock::movable());
    for number in 0..5 {
        assert_eq!(wait(&limits, session(number), 100, 10), Ok(Duration::ZERO));
    }
    assert_eq!(wait(&limits, session(9), 100, 10), Err(Refused::Full));

    let room = limits.room(200).expect("room");
    assert_eq!(limits.room(200).map(drop), Err(Refused::Full));
    drop(room);
    assert!(limits.room(200).is_ok());
}

/// A batch with so many warnings, and what is kept of it.
fn keeps(limits: &Limits, sender: Sender, messages: usize, important: usize) -> (Keeps, Option<Beyond>) {
    let counted = limits.count(sender, Weight { important, ..weight(messages, messages * 100) });
    let counted = counted.expect("it may come");
    (counted.keeps, counted.beyond)
}

#[test]
fn beyond_a_day_what_is_important_is_kept_within_bounds_and_the_rest_is_not() {
    let clock = Clock::movable();
    let limits = Limits::new(&ClientLogConfig { session_messages_per_day: 100.0, ..config() }, clock.clone());
    let one = session(1);
    assert_eq!(keeps(&limits, one, 60, 0), (Keeps::All, None));
    assert_eq!(keeps(&limits, one, 50, 4), (Keeps::Important, Some(Beyond::Sender)));
    clock.advance(Duration::from_secs(10));
    assert_eq!(keeps(&limits, one, 50, 4), (Keeps::Important, None), "told once");
    assert_eq!(keeps(&limits, one, 50, 4), (Keeps::Nothing, None), "a tenth as many and no more");
    assert_eq!(keeps(&limits, one, 40, 0), (Keeps::All, None), "what there is room for is kept");
    assert_eq!(keeps(&limits, session(2), 50, 0), (Keeps::All, None), "others have days of their own");
    clock.advance(DAY);
    assert_eq!(keeps(&limits, one, 40, 0), (Keeps::All, None));
    assert_eq!(keeps(&limits, one, 61, 0), (Keeps::Nothing, Some(Beyond::Sender)), "and is told anew");
}

#[test]
fn a_nodes_day_is_bounded_whoever_sends() {
    let clock = Clock::movable();
    let limits = Limits::new(&ClientLogConfig { node_bytes_per_day: 20_000.0, ..config() }, clock.clone());
    assert_eq!(keeps(&limits, session(1), 99, 0), (Keeps::All, None));
    assert_eq!(keeps(&limits, session(2), 99, 0), (Keeps::All, None));
    assert_eq!(keeps(&limits, session(3), 99, 10), (Keeps::Important, Some(Beyond::Node)));
    clock.advance(Duration::from_secs(5));
    assert_eq!(keeps(&limits, session(4), 99, 0), (Keeps::Nothing, None));
}

#[test]
fn what_could_not_be_stored_is_not_counted_as_of_the_day() {
    let clock = Clock::movable();
    let config = ClientLogConfig {
        session_messages_per_day: 100.0,
        node_bytes_per_day: 10_000.0,
        messages_per_second: 1e6,
        node_messages_per_second: 1e6,
        ..config()
    };
    let limits = Limits::new(&config, clock);
    for _ in 0..50 {
        let counted = limits.count(session(1), weight(60, 6_000)).expect("it may come");
        assert_eq!(counted.keeps, Keeps::All);
        limits.give_back(&counted);
    }
}

#[test]
fn an_ordinary_day_with_many_tabs_meets_no_bound() {
    let clock = Clock::movable();
    let limits = Limits::new(&ClientLogConfig::default(), clock.clone());
    // Thirty tabs for ten hours: each has frames and calls to tell of every half minute, and is loaded anew every ten
    // minutes.
    for half_minute in 0..10 * 120 {
        clock.advance(Duration::from_secs(30));
        for tab in 0..30 {
            let stream = Uuid::from_u128((half_minute / 20) * 100 + tab);
            let counted =
                limits.count(session(1), Weight { stream, messages: 2, important: 0, bytes: 1_000 });
            let counted = counted.expect("it may come");
            assert_eq!((counted.wait, counted.keeps), (Duration::ZERO, Keeps::All));
        }
    }
}

#[test]
fn pages_beyond_those_of_an_hour_wait_and_the_known_ones_go_on() {
    let clock = Clock::movable();
    let limits = Limits::new(&ClientLogConfig { pages_per_hour: 60.0, ..config() }, clock.clone());
    let page = |number: u128| {
        let stream = Uuid::from_u128(number);
        limits.count(session(1), Weight { stream, ..weight(1, 10) }).map(|counted| counted.keeps)
    };
    for number in 0..60 {
        assert_eq!(page(number), Ok(Keeps::All));
    }
    assert_eq!(page(60), Err(Refused::TooManyPages));
    assert_eq!(page(0), Ok(Keeps::All));
    clock.advance(Duration::from_secs(61));
    assert_eq!(page(60), Ok(Keeps::All));
    assert_eq!(page(61), Err(Refused::TooManyPages));
}

#[test]
fn a_flood_of_addresses_keeps_nobody_out_who_is_known_or_signed_in() {
    let clock = Clock::movable();
    let limits = Limits::new(&ClientLogConfig { node_messages_per_second: 1e7, ..config() }, clock.clone());
    let address = |number: usize| Sender::Address(Ipv6Addr::from((number as u128) << 64).into());
    for number in 0..MOST_SENDERS {
        assert_eq!(wait(&limits, address(number), 1, 10), Ok(Duration::ZERO));
    }
    assert_eq!(wait(&limits, address(MOST_SENDERS), 1, 10), Err(Refused::Full));
    assert_eq!(wait(&limits, address(7), 1, 10), Ok(Duration::ZERO), "it is known");
    assert_eq!(wait(&limits, session(1), 1, 10), Ok(Duration::ZERO));
    // Whose buckets are full again is forgotten.
    clock.advance(HOUR);
    assert_eq!(wait(&limits, address(MOST_SENDERS), 1, 10), Ok(Duration::ZERO));
    assert_eq!(limits.0.addresses.lock().known.len(), 1);
}

#[test]
fn who_used_much_of_a_day_is_not_forgotten_to_make_room() {
    let clock = Clock::movable();
    let config =
        ClientLogConfig { node_messages_per_second: 1e7, session_messages_per_day: 100.0, ..config() };
    let limits = Limits::new(&config, clock.clone());
    assert_eq!(keeps(&limits, session(0), 90, 0), (Keeps::All, None));
    for round in 0..2 {
        clock.advance(HOUR);
        for number in 1..=MANY_SENDERS {
            let number = (round * MANY_SENDERS + number) as u128;
            assert_eq!(wait(&limits, session(number), 1, 10), Ok(Duration::ZERO));
        }
    }
    assert!(limits.0.sessions.lock().known.len() < 2 * MANY_SENDERS, "others were");
    assert_eq!(keeps(&limits, session(0), 90, 0), (Keeps::Nothing, Some(Beyond::Sender)));
}
