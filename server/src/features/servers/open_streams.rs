//! How many streams a session has open: each holds some memory and a task, so their number is bounded.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{error::ApiError, session::SessionId};

/// The streams and sockets that are open on this node. Cheap to clone.
#[derive(Clone)]
pub struct OpenStreams(Arc<Inner>);

/// One open stream, until this is dropped.
pub struct OpenStream {
    streams: OpenStreams,
    session: SessionId,
}

struct Inner {
    most: usize,
    by_session: Mutex<HashMap<SessionId, usize>>,
}

impl OpenStreams {
    /// `most`: how many a session may have at the same time.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner { most, by_session: Mutex::default() }))
    }

    /// Errors: 429 `too_many_streams` when the session has as many as it may.
    pub fn open(&self, session: SessionId) -> Result<OpenStream, ApiError> {
        let mut by_session = self.0.by_session.lock();
        let count = by_session.entry(session).or_default();
        if *count >= self.0.most {
            return Err(ApiError::TooManyStreams { most: self.0.most });
        }
        *count += 1;
        Ok(OpenStream { streams: self.clone(), session })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut by_session = self.streams.0.by_session.lock();
        if let Some(count) = by_session.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                by_session.remove(&self.session);
            }
        }
    }
}
