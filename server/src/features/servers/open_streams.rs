//! How many streams a session has open: each holds some memory and a task, so their number is bounded.

use crate::{
    error::ApiError,
    session::{OpenOne, PerSession, SessionId},
};

/// The streams and sockets that are open on this node. Cheap to clone.
#[derive(Clone)]
pub struct OpenStreams(PerSession);

/// One open stream, until this is dropped.
pub type OpenStream = OpenOne;

impl OpenStreams {
    /// `most`: how many a session may have at the same time.
    pub fn new(most: usize) -> Self {
        Self(PerSession::new(most))
    }

    /// Errors: 429 `too_many_streams` when the session has as many as it may.
    pub fn open(&self, session: SessionId) -> Result<OpenStream, ApiError> {
        self.0.open(session).ok_or(ApiError::TooManyStreams { most: self.0.most() })
    }
}
