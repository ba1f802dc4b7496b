//! How many of something a session has open on this node, where each takes what others need as well.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::SessionId;

/// Counts what is open, by session. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct PerSession(Arc<Inner>);

/// One that is open, until this is dropped.
pub struct OpenOne {
    all: PerSession,
    session: SessionId,
}

struct Inner {
    most: usize,
    by_session: Mutex<HashMap<SessionId, usize>>,
}

impl PerSession {
    /// `most`: how many a session may have at the same time.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner { most, by_session: Mutex::default() }))
    }

    /// `None` when the session has as many as it may.
    pub fn open(&self, session: SessionId) -> Option<OpenOne> {
        let mut by_session = self.0.by_session.lock();
        let count = by_session.entry(session).or_default();
        if *count >= self.0.most {
            return None;
        }
        *count += 1;
        Some(OpenOne { all: self.clone(), session })
    }

    pub fn most(&self) -> usize {
        self.0.most
    }
}

impl Drop for OpenOne {
    fn drop(&mut self) {
        let mut by_session = self.all.0.by_session.lock();
        if let Some(count) = by_session.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                by_session.remove(&self.session);
            }
        }
    }
}
