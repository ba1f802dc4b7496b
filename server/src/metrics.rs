//! Measurements: counters, timers and gauges, sent to statsd over UDP and never waited for.
//!
//! The names stand in [`names`]. Without a configured address measurements go nowhere and nothing else changes.

mod names;
mod sender;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

pub use self::names::Metric;
use self::sender::Sender;
use crate::config::StatsdConfig;

/// Where measurements are handed in. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics {
    sink: Sink,
}

impl Metrics {
    /// Sends to the configured statsd; a name that does not resolve is logged once and ends in nowhere.
    pub fn new(config: &StatsdConfig) -> Self {
        let sink = match &config.address {
            Some(address) => Sink::Statsd(Arc::new(Sender::start(address.clone(), config.prefix.clone()))),
            None => Sink::Nowhere,
        };
        Self { sink }
    }

    /// Drops everything.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// Keeps everything in memory, for tests to ask.
    pub fn recording() -> Self {
        Self { sink: Sink::Recorder(Arc::default()) }
    }

    /// Adds one to a counter.
    pub fn count(&self, metric: Metric, tags: &[&str]) {
        self.add(metric, tags, 1);
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, tags: &[&str], amount: u64) {
        self.record(metric, tags, Kind::Count(amount));
    }

    /// Notes how long something took.
    pub fn time(&self, metric: Metric, tags: &[&str], took: Duration) {
        self.record(metric, tags, Kind::Time(took));
    }

    /// Notes how much of something there is now.
    pub fn gauge(&self, metric: Metric, tags: &[&str], value: f64) {
        self.record(metric, tags, Kind::Gauge(value));
    }

    /// The sum of a counter so far, where measurements are recorded; 0 elsewhere.
    pub fn counted(&self, metric: Metric, tags: &[&str]) -> u64 {
        match &self.sink {
            Sink::Recorder(counts) => counts.lock().get(&full_name(metric, tags)).copied().unwrap_or(0),
            Sink::Nowhere | Sink::Statsd(_) => 0,
        }
    }

    fn record(&self, metric: Metric, tags: &[&str], kind: Kind) {
        match &self.sink {
            Sink::Nowhere => {}
            Sink::Statsd(sender) => sender.send(full_name(metric, tags), kind),
            Sink::Recorder(counts) => {
                let amount = if let Kind::Count(amount) = kind { amount } else { 1 };
                *counts.lock().entry(full_name(metric, tags)).or_default() += amount;
            }
        }
    }
}

/// Measures from here on: `let timer = Timer::start(); … metrics.time(METRIC, &[], timer.elapsed())`.
pub struct Timer(Instant);

impl Timer {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Clone, Default)]
enum Sink {
    #[default]
    Nowhere,
    Statsd(Arc<Sender>),
    Recorder(Arc<Mutex<BTreeMap<String, u64>>>),
}

#[derive(Clone, Copy)]
enum Kind {
    Count(u64),
    Time(Duration),
    Gauge(f64),
}

/// The metric's name and its tags as further parts of it: plain statsd and Graphite know no tags.
fn full_name(metric: Metric, tags: &[&str]) -> String {
    let mut name = metric.name().to_owned();
    for tag in tags {
        name.push('.');
        // Bounded, and free of the characters that mean something to statsd.
        name.extend(
            tag.chars().take(60).map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }),
        );
    }
    name
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn tags_become_parts_of_the_name_that_statsd_can_take() {
        assert_eq!(
            full_name(Metric::UpstreamCall, &["compute", "Region.One", "a:b|c"]),
            "upstream.call.compute.Region_One.a_b_c"
        );
    }

    #[test]
    fn a_counter_arrives_at_statsd_under_its_prefix() {
        let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        statsd.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let address = statsd.local_addr().expect("an address").to_string();
        let metrics = Metrics::new(&StatsdConfig { address: Some(address), prefix: "panel".to_owned() });
        metrics.count(Metric::LoginSuccess, &[]);
        let mut buffer = [0; 200];
        let (length, _) = statsd.recv_from(&mut buffer).expect("a datagram");
        assert_eq!(&buffer[..length], b"panel.auth.login.success:1|c");
    }
}
