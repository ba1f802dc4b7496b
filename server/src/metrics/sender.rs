//! Sends measurements from a thread of its own, so that no request ever waits for the network.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::Kind;

/// A bounded queue in front of statsd: when it is full, measurements are dropped.
pub struct Sender {
    queue: SyncSender<(String, Kind)>,
}

impl Sender {
    pub fn start(address: String, prefix: String) -> Self {
        // 4,096 measurements are some seconds of a busy node.
        let (queue, measurements) = sync_channel(4096);
        let started = thread::Builder::new()
            .name("statsd".to_owned())
            .spawn(move || deliver(&address, &prefix, &measurements));
        if let Err(error) = started {
            tracing::error!(%error, "statsd: the sending thread does not start, measurements are dropped");
        }
        Self { queue }
    }

    pub fn send(&self, name: String, kind: Kind) {
        // Full or ended: measurements may be lost, requests may not.
        let _ = self.queue.try_send((name, kind));
    }
}

fn deliver(address: &str, prefix: &str, measurements: &Receiver<(String, Kind)>) {
    let client = match statsd::Client::new(address, prefix) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(address, %error, "statsd: cannot be reached, measurements are dropped");
            return;
        }
    };
    while let Ok((name, kind)) = measurements.recv() {
        match kind {
            // Counters stay far below 2^52, where f64 is exact.
            Kind::Count(amount) => client.count(&name, amount as f64),
            Kind::Time(took) => client.timer(&name, took.as_secs_f64() * 1000.0),
            Kind::Gauge(value) => client.gauge(&name, value),
        }
    }
}
