//! What one measurement costs a request: `cargo bench -p server --bench metrics`.
//!
//! Prints nanoseconds per call, alone and with as many threads as there are processors, where measurements go nowhere
//! and where a statsd takes them. A line of JSON each: `name`, `value`, `unit`.

use std::{
    hint::black_box,
    net::UdpSocket,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use server::{
    config::{MetricsConfig, StatsdConfig},
    metrics::{Metric, Metrics},
};

const CALLS: u32 = 300_000;
const ROUNDS: usize = 7;

fn main() {
    // Nobody reads what comes; the kernel drops it, as it does for a statsd that is busy.
    let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = statsd.local_addr().expect("an address").to_string();
    let sent = StatsdConfig { address: Some(address), prefix: "bench".to_owned() };
    let nowhere = StatsdConfig { address: None, prefix: "bench".to_owned() };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    for (config, place) in [(&nowhere, "nowhere"), (&sent, "to statsd")] {
        let metrics = Metrics::new(config, &MetricsConfig::default(), "node");
        for threads in [1, processors] {
            figure(&format!("count, {place}, {threads} threads"), threads, || {
                metrics.count(Metric::UpstreamCall, black_box(&["compute", "RegionOne", "ok"]));
            });
            figure(&format!("time, {place}, {threads} threads"), threads, || {
                let took = black_box(Duration::from_micros(1_234));
                metrics.time(Metric::UpstreamDuration, black_box(&["compute", "RegionOne"]), took);
            });
        }
    }
}

/// The median round's time for one call, by the slowest thread.
fn figure(name: &str, threads: usize, call: impl Fn() + Sync) {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(threads, &call)).collect();
    rounds.sort_by(f64::total_cmp);
    println!("{}", json!({ "name": format!("metric: {name}"), "value": rounds[ROUNDS / 2], "unit": "ns" }));
}

fn round(threads: usize, call: &(impl Fn() + Sync)) -> f64 {
    let times = thread::scope(|scope| {
        let one = || {
            let began = Instant::now();
            (0..CALLS).for_each(|_| call());
            began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or(f64::NAN)).collect::<Vec<_>>()
    });
    times.into_iter().fold(0.0, f64::max)
}
