//! Sends to statsd what was measured, from a thread of its own: no request ever waits for the network.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;
use rand::seq::SliceRandom;
use statsd::client::Client;

use super::{
    names::{Kind, Metric},
    registry::{MOST_TIMES, Measured, Registry, Series, Times},
};
use crate::decimal::write_float;

/// The thread. Dropping it, or [`finish`](Self::finish), has it send the rest and end.
pub struct Sender {
    end: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

/// Datagrams go out this often. A thread that was woken for each measurement took more than most requests do.
const EVERY: Duration = Duration::from_millis(100);
/// Gauges go out every so many times, though they stayed as they were: a statsd may forget what it does not hear of.
const GAUGES_EVERY: u32 = 10;
/// The address is looked up again every so many times: names move.
const LOOK_UP_EVERY: u32 = 600;
/// What passes any network in one piece.
const LONGEST_DATAGRAM: usize = 1_400;
/// Lines sent at once. More would overflow what a statsd has room for while it works on others.
const LINES_AT_ONCE: usize = 500;
/// The client's own prefix: ours is in the names, where it is put once and not for each value.
const ALREADY_PREFIXED: &str = "";
/// Rounds for which one value of a timer stands for as many as in the busiest of them: those of a statsd's ten seconds.
const SHARES_HOLD_FOR: u32 = 100;
/// Between two such lots.
const BREATH: Duration = Duration::from_millis(2);

impl Sender {
    /// `node` ends the name of each gauge that is this node's alone, since others send theirs to the same statsd.
    pub fn start(address: String, prefix: &str, node: &str, registry: Arc<Registry>) -> Self {
        let (end, ended) = mpsc::channel();
        let mut state = Unsent::new(registry, prefix, node);
        let started = thread::Builder::new()
            .name("statsd".to_owned())
            .spawn(move || deliver(&address, &mut state, &ended));
        let end = match started {
            Ok(thread) => Some((end, thread)),
            Err(error) => {
                tracing::error!(%error, "statsd: the sending thread does not start, measurements are dropped");
                None
            }
        };
        Self { end: Mutex::new(end) }
    }

    /// Sends what is left and returns when it is sent.
    pub fn finish(&self) {
        if let Some((end, thread)) = self.end.lock().take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

/// Sends what was measured until the other end is gone, and then the rest.
fn deliver(address: &str, state: &mut Unsent, ended: &mpsc::Receiver<()>) {
    let mut client = None;
    let mut is_lost = false;
    loop {
        let is_last = ended.recv_timeout(EVERY) != Err(mpsc::RecvTimeoutError::Timeout);
        // One that could not be looked up is tried again soon.
        if state.round.is_multiple_of(if client.is_some() { LOOK_UP_EVERY } else { 50 }) {
            match Client::new(address, ALREADY_PREFIXED) {
                Ok(found) => {
                    client = Some(found);
                    if is_lost {
                        tracing::info!(address, "statsd: found again");
                    }
                    is_lost = false;
                }
                Err(error) if !is_lost => {
                    is_lost = true;
                    tracing::error!(address, %error, "statsd: cannot be found, measurements are dropped");
                }
                Err(_) => {}
            }
        }
        let lots = state.take(is_last);
        if let Some(client) = &client {
            for (at, lot) in lots.into_iter().enumerate() {
                if at > 0 {
                    thread::sleep(BREATH);
                }
                // Nobody listening is no reason to stop.
                state.send(&lot, client);
            }
        }
        if is_last {
            return;
        }
    }
}

/// What the registry has and statsd has not heard yet.
struct Unsent {
    registry: Arc<Registry>,
    prefix: String,
    node: String,
    /// What statsd calls each series, by number.
    names: Vec<String>,
    /// What it knows of each counter, by number.
    sent: HashMap<u32, u64>,
    /// For how many values one of a timer stands, and in which round that was last needed, by number.
    shares: HashMap<u32, (u32, u32)>,
    round: u32,
    /// What statsd calls the number of datagrams.
    datagrams: String,
}

impl Unsent {
    fn new(registry: Arc<Registry>, prefix: &str, node: &str) -> Self {
        let (prefix, node) = (prefix.to_owned(), plain(node));
        let datagrams = Series { metric: Metric::Datagrams, tags: Box::default() };
        let datagrams = full_name(&prefix, &datagrams, &node);
        let (names, sent, shares) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { registry, prefix, node, names, sent, shares, round: 0, datagrams }
    }

    /// Counters first, each one line: the first lot is the smallest risk, and what is lost of them stays lost.
    fn take(&mut self, with_gauges: bool) -> Vec<Lot> {
        let with_gauges = with_gauges || self.round.is_multiple_of(GAUGES_EVERY);
        self.round = self.round.wrapping_add(1);
        let times = self.registry.take_times();
        let (counts, gauges) = self.registry.sums(with_gauges);
        // After the rest, so that whatever they name has a name.
        let new = self.registry.series_from(self.names.len());
        self.names.extend(new.iter().map(|series| full_name(&self.prefix, series, &self.node)));

        let mut lines = Lines::with_room_for(&self.datagrams);
        for (number, count) in counts {
            let amount = count.wrapping_sub(self.sent.insert(number, count).unwrap_or(0));
            // Each datagram says itself that it is one.
            let is_said = self.name(number) == self.datagrams;
            if amount > 0 && !is_said {
                lines.add(self.name(number), amount as f64, "|c", 0);
            }
        }
        for (number, value) in gauges {
            lines.add(self.name(number), value, "|g", 0);
        }
        for Times { number, mut micros, seen } in times {
            let power = self.power(number, seen);
            if power > 0 {
                micros.shuffle(&mut rand::rng());
            }
            for (micros, share) in micros.into_iter().zip(shares(seen, power)) {
                lines.add(self.name(number), f64::from(micros) / 1000.0, "|ms", share);
            }
        }
        lines.lots
    }

    /// For how many values of a timer one is to stand, as a power of two. That of a busy tenth of a second holds for the
    /// next ones too: statsd's percentiles know no rates, and calm tenths that say all they have would outvote it.
    fn power(&mut self, number: u32, seen: u64) -> u32 {
        let needed = needed_power(seen);
        let (power, round) = self.shares.entry(number).or_default();
        if needed >= *power || self.round.wrapping_sub(*round) > SHARES_HOLD_FOR {
            (*power, *round) = (needed, self.round);
        }
        *power
    }

    /// The client adds the last line: its own way of putting lines together copies each from text to text, and knows no
    /// rate of a timer.
    fn send(&self, lot: &Lot, client: &Client) {
        for lines in &lot.datagrams {
            client.incr(&format!("{lines}\n{}", self.datagrams));
            self.registry.record(Metric::Datagrams, &[], Measured::Count(1));
        }
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("unnamed", String::as_str)
    }
}

/// The smallest power of two of which, with what is left over, as many lines as there are values kept are enough.
fn needed_power(seen: u64) -> u32 {
    let lines = |power: u32| (seen >> power) + u64::from((seen & ((1 << power) - 1)).count_ones());
    (0..64).find(|power| lines(*power) <= MOST_TIMES as u64).unwrap_or(63)
}

/// For how many values each of the lines stands, as powers of two: as many of the given one as fit into the number there
/// were, and what is left over. A rate of one half, a quarter, an eighth is a short number and an exact one, so that
/// statsd's count is.
fn shares(seen: u64, power: u32) -> impl Iterator<Item = u32> {
    let rest = (0..power).rev().filter(move |power| seen >> power & 1 == 1);
    (0..seen >> power).map(move |_| power).chain(rest)
}

struct Lines {
    lots: Vec<Lot>,
    /// The next one, while it is made.
    line: String,
    longest: usize,
}

/// What is sent at once.
#[derive(Default)]
struct Lot {
    datagrams: Vec<String>,
    lines: usize,
}

impl Lines {
    /// In datagrams that have room for one more line, the count of such a name.
    fn with_room_for(name: &str) -> Self {
        let last = name.len() + "\n:1|c".len();
        Self { lots: Vec::new(), line: String::new(), longest: LONGEST_DATAGRAM.saturating_sub(last) }
    }

    /// A value that stands for two to the power of `share` of them.
    fn add(&mut self, name: &str, value: f64, unit: &str, share: u32) {
        if self.lots.last().is_none_or(|lot| lot.lines == LINES_AT_ONCE) {
            self.lots.push(Lot::default());
        }
        self.line.clear();
        self.line.push_str(name);
        self.line.push(':');
        write_float(&mut self.line, value);
        self.line.push_str(unit);
        if share > 0 {
            self.line.push_str("|@");
            write_float(&mut self.line, 0.5_f64.powi(share.cast_signed()));
        }
        if let Some(lot) = self.lots.last_mut() {
            lot.add(&self.line, self.longest);
        }
    }
}

impl Lot {
    fn add(&mut self, line: &str, longest: usize) {
        self.lines += 1;
        match self.datagrams.last_mut() {
            Some(lines) if lines.len() + 1 + line.len() <= longest => {
                lines.push('\n');
                lines.push_str(line);
            }
            _ => {
                let mut lines = String::with_capacity(longest);
                lines.push_str(line);
                self.datagrams.push(lines);
            }
        }
    }
}

/// The metric's name and its tags as further parts of it: plain statsd and Graphite know no tags.
fn full_name(prefix: &str, series: &Series, node: &str) -> String {
    let mut name = prefix.to_owned();
    if !name.is_empty() {
        name.push('.');
    }
    name.push_str(series.metric.name());
    let node = (series.metric.kind() == Kind::Gauge).then_some(node.to_owned());
    for part in series.tags.iter().map(|tag| plain(tag)).chain(node) {
        name.push('.');
        name.push_str(&part);
    }
    name
}

/// Free of the characters that mean something to statsd or Graphite.
fn plain(part: &str) -> String {
    let plain: String =
        part.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn unsent() -> Unsent {
        let registry = Arc::new(Registry::new(true));
        Unsent { round: 1, ..Unsent::new(registry, "p", "n1") }
    }

    /// The datagrams of one round, as they arrive.
    fn sent(unsent: &mut Unsent, with_gauges: bool) -> Vec<String> {
        let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        statsd.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let client =
            Client::new(statsd.local_addr().expect("an address"), ALREADY_PREFIXED).expect("a client");
        let mut buffer = [0; 65_536];
        let mut datagrams = Vec::new();
        for lot in unsent.take(with_gauges) {
            unsent.send(&lot, &client);
            for _ in &lot.datagrams {
                let length = statsd.recv(&mut buffer).expect("a datagram");
                datagrams.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
        }
        datagrams
    }

    fn time(unsent: &Unsent, took: Duration) {
        unsent.registry.record(Metric::IndexFill, &["RegionOne"], Measured::Time(took));
    }

    #[test]
    fn what_was_measured_together_goes_together_and_once() {
        let mut unsent = unsent();
        let count = |unsent: &Unsent, amount| {
            unsent.registry.record(Metric::SessionEnded, &["a.b|c"], Measured::Count(amount));
        };
        count(&unsent, 2);
        count(&unsent, 3);
        unsent.registry.record(Metric::IndexRows, &[], Measured::Gauge(4.0));
        unsent.registry.record(Metric::JobItemsToDo, &[], Measured::Gauge(7.0));
        unsent.registry.record(Metric::SessionQuery, &[], Measured::Time(Duration::from_micros(1500)));
        let first = sent(&mut unsent, true).concat();
        let mut lines: Vec<_> = first.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "p.index.rows.n1:4|g",
                "p.jobs.items_to_do:7|g",
                "p.metrics.datagrams:1|c",
                "p.session.ended.a_b_c:5|c",
                "p.session.query:1.5|ms"
            ]
        );
        assert!(unsent.take(false).is_empty(), "nothing is sent twice");
        count(&unsent, 1);
        assert_eq!(sent(&mut unsent, false), ["p.session.ended.a_b_c:1|c\np.metrics.datagrams:1|c"]);
    }

    #[test]
    fn much_goes_in_datagrams_that_pass_and_in_lots() {
        let mut unsent = unsent();
        for at in 0..200_u64 {
            for region in 0..10 {
                let tags = [&*format!("Region{region}"), "ok"];
                unsent.registry.record(Metric::IndexRefresh, &tags, Measured::Count(at));
            }
            unsent.registry.record(Metric::ErrorAnswered, &[&format!("{at:60}")], Measured::Count(1));
        }
        (0..MOST_TIMES as u64).for_each(|at| time(&unsent, Duration::from_millis(at)));
        let datagrams = sent(&mut unsent, false);
        assert!(datagrams.len() > 1 && datagrams.iter().all(|datagram| datagram.len() <= LONGEST_DATAGRAM));
        let lines: Vec<&str> = datagrams.iter().flat_map(|datagram| datagram.lines()).collect();
        let timers: Vec<&str> = lines.iter().copied().filter(|line| line.ends_with("|ms")).collect();
        let expected: Vec<String> =
            (0..MOST_TIMES).map(|at| format!("p.index.fill.RegionOne:{at}|ms")).collect();
        assert_eq!(timers, expected);
        let said = lines.iter().filter(|line| **line == "p.metrics.datagrams:1|c").count();
        assert_eq!(said, datagrams.len());
        assert_eq!(unsent.registry.total(Metric::Datagrams, &[]), datagrams.len() as u64);
        assert_eq!(lines.len(), 10 + 200 + MOST_TIMES + said);
    }

    #[test]
    fn of_many_timers_some_stand_for_the_others_and_their_number_stays_exact() {
        let mut unsent = unsent();
        let mut shares = |count: u64| {
            (0..count).for_each(|at| time(&unsent, Duration::from_micros(at)));
            let text = sent(&mut unsent, false).join("\n");
            let values = text.lines().filter(|line| line.contains("|ms")).map(|line| {
                let (value, rate) = line.split_once("|ms").expect("a timer");
                assert!(value.starts_with("p.index.fill.RegionOne:"), "{line}");
                // As statsd reads it.
                let rate: f64 = rate.strip_prefix("|@").map_or(1.0, |rate| rate.parse().expect("a rate"));
                1.0 / rate
            });
            values.collect::<Vec<f64>>()
        };
        for count in [1, 63, 64, 65, 127, 1_000, 1_023, 20_000, 65_535] {
            let shares = shares(count);
            assert!(shares.len() <= MOST_TIMES, "{count}: {}", shares.len());
            assert_eq!(shares.iter().sum::<f64>().to_bits(), (count as f64).to_bits(), "{shares:?}");
        }
        assert_eq!(shares(130).iter().sum::<f64>().to_bits(), 130_f64.to_bits(), "after much, little");
    }

    #[test]
    fn each_of_many_timers_is_as_likely_to_be_sent() {
        const COUNT: u64 = 130;
        let mut weights = [0.0; COUNT as usize];
        for _ in 0..4_000 {
            let mut unsent = unsent();
            (0..COUNT).for_each(|at| time(&unsent, Duration::from_millis(at)));
            for line in unsent.take(false).iter().flat_map(|lot| &lot.datagrams).flat_map(|text| text.lines())
            {
                let (value, rate) = line.split_once("|ms").expect("a timer");
                let at = value.rsplit(':').next().and_then(|at| at.parse::<usize>().ok()).expect("a number");
                weights[at] +=
                    1.0 / rate.strip_prefix("|@").map_or(1.0, |rate| rate.parse().expect("a rate"));
            }
        }
        // 4,000 each, give or take 109 as a rule: seven times that is never.
        assert!(weights.iter().all(|weight| (3_240.0..4_760.0).contains(weight)), "{weights:?}");
    }

    #[test]
    fn a_calm_tenth_does_not_outvote_a_busy_one() {
        let mut unsent = unsent();
        let mut lines = |count: u64, round: u32| {
            unsent.round = round;
            (0..count).for_each(|at| time(&unsent, Duration::from_millis(at)));
            unsent.take(false).iter().map(|lot| lot.lines).sum::<usize>()
        };
        assert_eq!(lines(50, 1), 50);
        let busy = lines(2_000, 2);
        // 2,000 are 62 times 32 and 16; 50 are 32 and 16 and 2.
        assert_eq!((busy, lines(50, 3), lines(50, 102)), (63, 3, 3));
        assert_eq!(lines(50, 103), 50, "in the end it is calm");
    }

    #[test]
    fn any_number_is_made_up_of_few_powers_of_two() {
        for seen in (0..70_000).chain([u64::from(u32::MAX), u64::MAX / 2, u64::MAX]) {
            let (mut sum, mut lines) = (0_u64, 0);
            shares(seen, needed_power(seen)).for_each(|power| (sum, lines) = (sum + (1 << power), lines + 1));
            assert!(sum == seen && lines <= MOST_TIMES, "{seen}: {sum} in {lines}");
            let sum: u64 = shares(seen, 9).take(200_000).map(|power| 1 << power).sum();
            assert!(sum == seen || seen > 1 << 20, "{seen}: {sum}");
        }
    }
}
