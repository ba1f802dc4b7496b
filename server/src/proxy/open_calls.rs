//! How many calls are under way: by service and region, to be seen, and by session, to be bounded.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{
    config::ProxyConfig,
    error::ApiError,
    metrics::{Metric, Metrics},
    session::{OpenOne, PerSession, SessionId},
    upstream::Target,
};

/// The calls of this node that have begun and not ended. Cheap to clone.
#[derive(Clone)]
pub struct OpenCalls {
    metrics: Metrics,
    open: Arc<Mutex<HashMap<Target, usize>>>,
    calls: PerSession,
    /// Those with a long body or a WebSocket. A service has only so many places for them, for everybody.
    transfers: PerSession,
}

/// A call that is under way, until this is dropped.
pub struct OpenCall {
    calls: OpenCalls,
    target: Target,
    session: SessionId,
    transfer: Option<OpenOne>,
    _place: OpenOne,
}

impl OpenCalls {
    pub fn new(metrics: Metrics, config: &ProxyConfig) -> Self {
        let calls = PerSession::new(config.calls_per_session);
        let transfers = PerSession::new(config.transfers_per_session);
        Self { metrics, open: Arc::default(), calls, transfers }
    }

    /// Errors: 429 `too_many_calls` when the session has as many under way as it may.
    pub fn begin(&self, target: &Target, session: SessionId) -> Result<OpenCall, ApiError> {
        let place = self.calls.open(session);
        let place = place.ok_or(ApiError::TooManyCalls { most: self.calls.most() })?;
        self.change(target, 1);
        Ok(OpenCall { calls: self.clone(), target: target.clone(), session, transfer: None, _place: place })
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

impl OpenCall {
    /// The call turns out to be a transfer.
    ///
    /// Errors: 429 `too_many_calls` when the session has as many of them under way as it may.
    pub fn is_transfer(&mut self) -> Result<(), ApiError> {
        if self.transfer.is_none() {
            let transfers = &self.calls.transfers;
            let transfer = transfers.open(self.session);
            self.transfer = Some(transfer.ok_or(ApiError::TooManyCalls { most: transfers.most() })?);
        }
        Ok(())
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.calls.change(&self.target, -1);
    }
}
