//! Measurements: counters, timers and gauges, added up in memory, sent to statsd over UDP and shown to Prometheus.
//!
//! The list stands in [`names`]. Where neither is configured measurements go nowhere and nothing else changes.

mod markdown;
mod names;
pub mod page;
pub mod process;
pub mod prometheus;
mod registry;
mod sender;

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};

pub use self::{
    markdown::markdown,
    names::{Kind, Metric},
};
use self::{
    registry::{Measured, Registry},
    sender::Sender,
};
use crate::config::{MetricsConfig, StatsdConfig};

/// Where measurements are handed in. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Option<Arc<Inner>>);

struct Inner {
    registry: Arc<Registry>,
    sender: Option<Sender>,
}

impl Metrics {
    /// Sends to the configured statsd, and keeps what the configured page shows. A statsd whose name does not resolve
    /// is logged once and looked for again.
    pub fn new(statsd: &StatsdConfig, page: &MetricsConfig, node: &str) -> Self {
        if statsd.address.is_none() && !page.is_there() {
            return Self::nowhere();
        }
        let registry = Arc::new(Registry::new(statsd.address.is_some()));
        let start = |address: &String| Sender::start(address.clone(), &statsd.prefix, node, registry.clone());
        let sender = statsd.address.as_ref().map(start);
        Self(Some(Arc::new(Inner { registry, sender })))
    }

    /// Drops everything.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// Keeps everything in memory, for tests to ask.
    pub fn recording() -> Self {
        Self(Some(Arc::new(Inner { registry: Arc::new(Registry::new(false)), sender: None })))
    }

    pub fn go_nowhere(&self) -> bool {
        self.0.is_none()
    }

    /// Adds one to a counter.
    pub fn count(&self, metric: Metric, tags: &[&str]) {
        self.add(metric, tags, 1);
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, tags: &[&str], amount: u64) {
        self.record(metric, tags, Measured::Count(amount));
    }

    /// Notes how long something took.
    pub fn time(&self, metric: Metric, tags: &[&str], took: Duration) {
        self.record(metric, tags, Measured::Time(took));
    }

    /// Shows how much of something there is whenever somebody looks: for what changes with every request.
    pub fn follow(&self, metric: Metric, tags: &[&str], number: &Arc<AtomicUsize>) {
        if let Some(inner) = &self.0 {
            inner.registry.follow(metric, tags, number.clone());
        }
    }

    /// Notes how much of something there is now.
    pub fn gauge(&self, metric: Metric, tags: &[&str], value: f64) {
        self.record(metric, tags, Measured::Gauge(value));
    }

    /// What was measured so far: a counter's sum, how many values a timer has, a gauge's value; 0 where measurements
    /// go nowhere.
    pub fn counted(&self, metric: Metric, tags: &[&str]) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.registry.total(metric, tags))
    }

    /// What Prometheus reads.
    pub fn as_prometheus(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |inner| prometheus::text(&inner.registry))
    }

    /// Sends what is left, as the last thing a node does. Waits for the sending thread.
    pub fn finish(&self) {
        if let Some(sender) = self.0.as_ref().and_then(|inner| inner.sender.as_ref()) {
            sender.finish();
        }
    }

    fn record(&self, metric: Metric, tags: &[&str], measured: Measured) {
        if let Some(inner) = &self.0 {
            inner.registry.record(metric, tags, measured);
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

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_counter_arrives_at_statsd_under_its_prefix_at_the_latest_at_the_end() {
        let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        statsd.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let address = statsd.local_addr().expect("an address").to_string();
        let config = StatsdConfig { address: Some(address), prefix: "panel".to_owned() };
        let metrics = Metrics::new(&config, &MetricsConfig::default(), "node-a");
        metrics.count(Metric::LoginSuccess, &[]);
        metrics.gauge(Metric::IndexRows, &[], 3.0);
        metrics.finish();
        let mut buffer = [0; 200];
        let (length, _) = statsd.recv_from(&mut buffer).expect("a datagram");
        let expected =
            "panel.auth.login.success:1|c\npanel.index.rows.node-a:3|g\npanel.metrics.datagrams:1|c";
        assert_eq!(&buffer[..length], expected.as_bytes());
    }

    #[test]
    fn without_statsd_and_page_nothing_is_kept() {
        let config = StatsdConfig { address: None, prefix: "panel".to_owned() };
        let metrics = Metrics::new(&config, &MetricsConfig::default(), "node-a");
        metrics.count(Metric::LoginSuccess, &[]);
        assert!(metrics.go_nowhere());
        assert_eq!((metrics.counted(Metric::LoginSuccess, &[]), metrics.as_prometheus()), (0, String::new()));
    }

    #[test]
    fn the_list_in_the_documentation_is_the_list_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/METRICS.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == markdown(), "server/METRICS.md is old: write it with `meridian metrics`");
    }
}
