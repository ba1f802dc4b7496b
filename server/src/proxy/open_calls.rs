//! How many calls are under way: by service and region, to be seen, and by session, to be bounded.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

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
pub struct OpenCalls(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    open: Mutex<HashMap<Target, Arc<AtomicUsize>>>,
    calls: PerSession,
    /// Those with a long body or a WebSocket. A service has only so many places for them, for everybody.
    transfers: PerSession,
}

/// A call that is under way, until this is dropped.
pub struct OpenCall {
    calls: OpenCalls,
    /// The calls under way with the target.
    now: Arc<AtomicUsize>,
    session: SessionId,
    transfer: Option<OpenOne>,
    _place: OpenOne,
}

impl OpenCalls {
    pub fn new(metrics: Metrics, config: &ProxyConfig) -> Self {
        let calls = PerSession::new(config.calls_per_session);
        let transfers = PerSession::new(config.transfers_per_session);
        Self(Arc::new(Inner { metrics, open: Mutex::default(), calls, transfers }))
    }

    /// Errors: 429 `too_many_calls` when the session has as many under way as it may.
    pub fn begin(&self, target: &Target, session: SessionId) -> Result<OpenCall, ApiError> {
        let place = self.0.calls.open(session);
        let place = place.ok_or(ApiError::TooManyCalls { most: self.0.calls.most() })?;
        let now = {
            let mut open = self.0.open.lock();
            match open.get(target) {
                Some(now) => now.clone(),
                None => {
                    let now = open.entry(target.clone()).or_default();
                    let tags = [target.service.tag(), target.region_tag()];
                    self.0.metrics.follow(Metric::ProxyOpen, &tags, now);
                    now.clone()
                }
            }
        };
        now.fetch_add(1, Ordering::Relaxed);
        Ok(OpenCall { calls: self.clone(), now, session, transfer: None, _place: place })
    }

    /// The calls under way with one service of one region.
    pub fn now(&self, target: &Target) -> usize {
        self.0.open.lock().get(target).map_or(0, |now| now.load(Ordering::Relaxed))
    }
}

impl OpenCall {
    /// The call turns out to be a transfer.
    ///
    /// Errors: 429 `too_many_calls` when the session has as many of them under way as it may.
    pub fn is_transfer(&mut self) -> Result<(), ApiError> {
        if self.transfer.is_none() {
            let transfers = &self.calls.0.transfers;
            let transfer = transfers.open(self.session);
            self.transfer = Some(transfer.ok_or(ApiError::TooManyCalls { most: transfers.most() })?);
        }
        Ok(())
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}
