//! Sends to statsd what was measured, from a thread of its own: no request ever waits for the network.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;
use statsd::client::Client;

use super::{
    names::{Kind, Metric},
    registry::{Measured, Registry, Series},
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
                lot.send(client);
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
    round: u32,
}

impl Unsent {
    fn new(registry: Arc<Registry>, prefix: &str, node: &str) -> Self {
        let (prefix, node) = (prefix.to_owned(), plain(node));
        Self { registry, prefix, node, names: Vec::new(), sent: HashMap::new(), round: 0 }
    }

    /// Counters first, each one line: those must arrive, and the first lot is the smallest risk.
    fn take(&mut self, with_gauges: bool) -> Vec<Lot> {
        let with_gauges = with_gauges || self.round.is_multiple_of(GAUGES_EVERY);
        self.round = self.round.wrapping_add(1);
        let (times, left_out) = self.registry.take_times();
        if left_out > 0 {
            self.registry.record(Metric::TimersLeftOut, &[], Measured::Count(left_out));
        }
        let (counts, gauges) = self.registry.sums(with_gauges);
        // After the rest, so that whatever they name has a name.
        let new = self.registry.series_from(self.names.len());
        self.names.extend(new.iter().map(|series| full_name(&self.prefix, series, &self.node)));

        let mut lines = Lines::default();
        for (number, count) in counts {
            let amount = count.wrapping_sub(self.sent.insert(number, count).unwrap_or(0));
            if amount > 0 {
                lines.add(self.name(number), Reading::Count(amount as f64));
            }
        }
        for (number, value) in gauges {
            lines.add(self.name(number), Reading::Gauge(value));
        }
        for (number, micros) in times {
            lines.add(self.name(number), Reading::Timer(f64::from(micros) / 1000.0));
        }
        lines.lots
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("unnamed", String::as_str)
    }
}

#[derive(Default)]
struct Lines {
    lots: Vec<Lot>,
    /// The next one, while it is made.
    line: String,
}

/// What is sent at once.
#[derive(Default)]
struct Lot {
    datagrams: Vec<Datagram>,
    lines: usize,
}

/// Lines that go together. The client takes all but the last one's value for a name: its own way of putting lines together
/// copies each from text to text, and there are some for every request.
struct Datagram {
    lines: String,
    /// Where the name of the last one ends.
    name_end: usize,
    last: Reading,
}

#[derive(Clone, Copy)]
enum Reading {
    Count(f64),
    Gauge(f64),
    Timer(f64),
}

impl Lines {
    fn add(&mut self, name: &str, reading: Reading) {
        if self.lots.last().is_none_or(|lot| lot.lines == LINES_AT_ONCE) {
            self.lots.push(Lot::default());
        }
        let (value, unit) = match reading {
            Reading::Count(value) => (value, "|c"),
            Reading::Gauge(value) => (value, "|g"),
            Reading::Timer(value) => (value, "|ms"),
        };
        self.line.clear();
        self.line.push_str(name);
        self.line.push(':');
        write_float(&mut self.line, value);
        self.line.push_str(unit);
        if let Some(lot) = self.lots.last_mut() {
            lot.add(&self.line, name.len(), reading);
        }
    }
}

impl Lot {
    fn add(&mut self, line: &str, name_end: usize, last: Reading) {
        self.lines += 1;
        match self.datagrams.last_mut() {
            Some(datagram) if datagram.lines.len() + 1 + line.len() <= LONGEST_DATAGRAM => {
                datagram.lines.push('\n');
                datagram.name_end = datagram.lines.len() + name_end;
                datagram.lines.push_str(line);
                datagram.last = last;
            }
            _ => {
                let mut lines = String::with_capacity(LONGEST_DATAGRAM);
                lines.push_str(line);
                self.datagrams.push(Datagram { lines, name_end, last });
            }
        }
    }

    fn send(&self, client: &Client) {
        for Datagram { lines, name_end, last } in &self.datagrams {
            let name = &lines[..*name_end];
            match *last {
                Reading::Count(value) => client.count(name, value),
                Reading::Gauge(value) => client.gauge(name, value),
                Reading::Timer(value) => client.timer(name, value),
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

    fn sent(unsent: &mut Unsent, with_gauges: bool, lines: usize) -> Vec<String> {
        let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        statsd.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let client =
            Client::new(statsd.local_addr().expect("an address"), ALREADY_PREFIXED).expect("a client");
        unsent.take(with_gauges).into_iter().for_each(|lot| lot.send(&client));
        let mut datagrams: Vec<String> = Vec::new();
        let mut buffer = [0; 65_536];
        while datagrams.iter().map(|datagram| datagram.lines().count()).sum::<usize>() < lines {
            let length = statsd.recv(&mut buffer).expect("a datagram");
            datagrams.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        datagrams
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
        let first = sent(&mut unsent, true, 4).concat();
        let mut lines: Vec<_> = first.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "p.index.rows.n1:4|g",
                "p.jobs.items_to_do:7|g",
                "p.session.ended.a_b_c:5|c",
                "p.session.query:1.5|ms"
            ]
        );
        assert!(unsent.take(false).is_empty(), "nothing is sent twice");
        count(&unsent, 1);
        assert_eq!(sent(&mut unsent, false, 1).concat(), "p.session.ended.a_b_c:1|c");
    }

    #[test]
    fn much_goes_in_datagrams_that_pass_and_in_lots() {
        let mut unsent = unsent();
        for at in 0..1_000 {
            unsent.registry.record(
                Metric::IndexFill,
                &["RegionOne"],
                Measured::Time(Duration::from_millis(at)),
            );
        }
        let datagrams = sent(&mut unsent, false, 1_000);
        assert!(datagrams.len() > 1 && datagrams.iter().all(|datagram| datagram.len() <= LONGEST_DATAGRAM));
        let expected: Vec<String> = (0..1_000).map(|at| format!("p.index.fill.RegionOne:{at}|ms")).collect();
        assert_eq!(datagrams.iter().flat_map(|datagram| datagram.lines()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn timers_beyond_the_most_are_counted_instead() {
        let mut unsent = unsent();
        for _ in 0..20_000 {
            unsent.registry.record(Metric::SessionQuery, &[], Measured::Time(Duration::from_millis(1)));
        }
        let lots = unsent.take(false);
        let left_out = unsent.registry.total(Metric::TimersLeftOut, &[]);
        assert!(left_out > 0 && lots.len() < 20_000 / LINES_AT_ONCE, "{left_out} in {} lots", lots.len());
        assert_eq!(unsent.registry.total(Metric::SessionQuery, &[]), 20_000);
    }
}
