//! Sends measurements from a thread of its own, so that no request ever waits for the network.

use std::{
    collections::HashMap,
    mem,
    net::UdpSocket,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use parking_lot::Mutex;

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
    let socket = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.connect(address).map(|()| socket));
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(address, %error, "statsd: cannot be reached, measurements are dropped");
            return;
        }
    };
    while let Some(measured) = measured.upgrade() {
        let batch = mem::take(&mut *measured.lock());
        drop(measured);
        for datagram in datagrams(batch, prefix) {
            // Nobody listening is no reason to stop.
            let _ = socket.send(datagram.as_bytes());
        }
        thread::sleep(EVERY);
    }
}

/// The measurements as statsd reads them, a line each: counters added up, gauges as they are now, every time.
fn datagrams(batch: Vec<(String, Kind)>, prefix: &str) -> Vec<String> {
    let mut counts = HashMap::<String, u64>::new();
    let mut gauges = HashMap::<String, f64>::new();
    let mut lines = Vec::new();
    for (name, kind) in batch {
        match kind {
            Kind::Count(amount) => *counts.entry(name).or_default() += amount,
            Kind::Gauge(value) => drop(gauges.insert(name, value)),
            Kind::Time(took) => lines.push(format!("{prefix}.{name}:{}|ms", took.as_secs_f64() * 1000.0)),
        }
    }
    lines.extend(counts.into_iter().map(|(name, amount)| format!("{prefix}.{name}:{amount}|c")));
    lines.extend(gauges.into_iter().map(|(name, value)| format!("{prefix}.{name}:{value}|g")));
    let mut datagrams: Vec<String> = Vec::new();
    for line in lines {
        match datagrams.last_mut() {
            Some(last) if last.len() + line.len() < LONGEST_DATAGRAM => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => datagrams.push(line),
        }
    }
    datagrams
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(datagrams(batch, "p"), ["p.t:1.5|ms\np.a:5|c\np.open:4|g"]);
        let many = (0..1000).map(|number| measured(&format!("n{number}"), Kind::Count(1))).collect();
        let datagrams = datagrams(many, "p");
        assert!(datagrams.len() > 1 && datagrams.iter().all(|datagram| datagram.len() <= LONGEST_DATAGRAM));
        assert_eq!(datagrams.iter().map(|datagram| datagram.lines().count()).sum::<usize>(), 1000);
    }
}
