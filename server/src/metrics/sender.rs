//! Sends measurements from a thread of its own, so that no request ever waits for the network.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use statsd::client::{Client, Pipeline};

use super::Kind;

/// What was measured since the last datagrams: when it is full, measurements are dropped.
pub struct Sender {
    measured: Arc<Mutex<Vec<(String, Kind)>>>,
}

/// Some seconds of a busy node.
const MOST: usize = 65_536;
/// Datagrams go out this often. A thread that was woken for each measurement took more than most requests do.
const EVERY: Duration = Duration::from_millis(100);
/// What passes any network in one piece.
const LONGEST_DATAGRAM: usize = 1_400;

impl Sender {
    pub fn start(address: String, prefix: String) -> Self {
        let measured = Arc::<Mutex<Vec<(String, Kind)>>>::default();
        let theirs = Arc::downgrade(&measured);
        let started = thread::Builder::new()
            .name("statsd".to_owned())
            .spawn(move || deliver(&address, &prefix, &theirs));
        if let Err(error) = started {
            tracing::error!(%error, "statsd: the sending thread does not start, measurements are dropped");
        }
        Self { measured }
    }

    pub fn send(&self, name: String, kind: Kind) {
        let mut measured = self.measured.lock();
        // Measurements may be lost, requests may not wait.
        if measured.len() < MOST {
            measured.push((name, kind));
        }
    }
}

/// Sends what was measured until nobody measures any more.
fn deliver(address: &str, prefix: &str, measured: &Weak<Mutex<Vec<(String, Kind)>>>) {
    let client = match Client::new(address, prefix) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(address, %error, "statsd: cannot be reached, measurements are dropped");
            return;
        }
    };
    while let Some(measured) = measured.upgrade() {
        let batch = mem::take(&mut *measured.lock());
        drop(measured);
        // Nobody listening is no reason to stop.
        together(batch).send(&client);
        thread::sleep(EVERY);
    }
}

/// Counters added up, gauges as they are now, every time.
fn together(batch: Vec<(String, Kind)>) -> Pipeline {
    let mut counts = HashMap::<String, u64>::new();
    let mut gauges = HashMap::<String, f64>::new();
    let mut pipeline = Pipeline::new();
    pipeline.set_max_udp_size(LONGEST_DATAGRAM);
    for (name, kind) in batch {
        match kind {
            Kind::Count(amount) => *counts.entry(name).or_default() += amount,
            Kind::Gauge(value) => drop(gauges.insert(name, value)),
            Kind::Time(took) => pipeline.timer(&name, took.as_secs_f64() * 1000.0),
        }
    }
    for (name, amount) in counts {
        pipeline.count(&name, amount as f64);
    }
    for (name, value) in gauges {
        pipeline.gauge(&name, value);
    }
    pipeline
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn sent(batch: Vec<(String, Kind)>, lines: usize) -> Vec<String> {
        let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        statsd.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let client = Client::new(statsd.local_addr().expect("an address"), "p").expect("a client");
        together(batch).send(&client);
        let mut datagrams: Vec<String> = Vec::new();
        let mut buffer = [0; 65_536];
        while datagrams.iter().map(|datagram| datagram.lines().count()).sum::<usize>() < lines {
            let length = statsd.recv(&mut buffer).expect("a datagram");
            datagrams.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        datagrams
    }

    #[test]
    fn what_was_measured_together_goes_together() {
        let measured = |name: &str, kind| (name.to_owned(), kind);
        let batch = vec![
            measured("a", Kind::Count(2)),
            measured("open", Kind::Gauge(1.0)),
            measured("a", Kind::Count(3)),
            measured("t", Kind::Time(Duration::from_micros(1500))),
            measured("open", Kind::Gauge(4.0)),
        ];
        assert_eq!(sent(batch, 3), ["p.t:1.5|ms\np.a:5|c\np.open:4|g"]);
        let many = (0..1000).map(|number| measured(&format!("n{number}"), Kind::Count(1))).collect();
        let datagrams = sent(many, 1000);
        assert!(datagrams.len() > 1 && datagrams.iter().all(|datagram| datagram.len() <= LONGEST_DATAGRAM));
    }
}
