//! How many calls are under way, by service and region.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{
    metrics::{Metric, Metrics},
    upstream::Target,
};

/// Counts the calls of this node that have begun and not ended. Cheap to clone.
#[derive(Clone)]
pub struct OpenCalls {
    metrics: Metrics,
    open: Arc<Mutex<HashMap<Target, usize>>>,
}

/// A call that is under way, until this is dropped.
pub struct OpenCall {
    calls: OpenCalls,
    target: Target,
}

impl OpenCalls {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, open: Arc::default() }
    }

    pub fn begin(&self, target: &Target) -> OpenCall {
        self.change(target, 1);
        OpenCall { calls: self.clone(), target: target.clone() }
    }

    /// The calls under way with one service of one region.
    pub fn now(&self, target: &Target) -> usize {
        self.open.lock().get(target).copied().unwrap_or(0)
    }

    fn change(&self, target: &Target, by: isize) {
        let mut open = self.open.lock();
        let count = match open.get_mut(target) {
            Some(count) => count,
            None => open.entry(target.clone()).or_default(),
        };
        *count = count.saturating_add_signed(by);
        let now = *count;
        drop(open);
        self.metrics.gauge(Metric::ProxyOpen, &[target.service.tag(), target.region_tag()], now as f64);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.calls.change(&self.target, -1);
    }
}
