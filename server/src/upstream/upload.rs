//! Bodies on their way up to a service, and how far they are.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

/// A request's body on its way up.
pub struct Upload {
    body: Body,
    /// It may take minutes, and goes up as it comes.
    pub is_long: bool,
    largest: u64,
    pub(super) progress: UploadProgress,
}

/// How far an upload is. Clones see the same one.
#[derive(Clone, Default)]
pub struct UploadProgress(Arc<Mutex<Progress>>);

/// What is wrong with a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFault {
    /// Longer than is taken.
    TooLarge,
    /// Nothing came for too long.
    TooSlow,
    /// It broke off, or is not as long as was announced.
    EndedEarly,
}

impl Upload {
    /// A body of which no more than `largest` bytes are taken, and which goes up as it comes.
    pub fn long(body: Body, largest: u64, progress: UploadProgress) -> Self {
        Self { body, is_long: true, largest, progress }
    }

    /// One that goes up when it is here.
    pub fn document(body: Body, largest: u64, progress: UploadProgress) -> Self {
        Self { body, is_long: false, largest, progress }
    }

    /// The same with all of its bytes here.
    ///
    /// Errors: it stands still for longer than `idle`, does not come within `deadline`, breaks off or is too large.
    pub(super) async fn whole(mut self, idle: Duration, deadline: Duration) -> Result<Self, UploadFault> {
        let ends_at = Instant::now() + deadline;
        let mut bytes = BytesMut::new();
        loop {
            let frame = poll_fn(|context| self.next_frame(context));
            let frame = timeout_at(ends_at.min(Instant::now() + idle), frame).await;
            match frame.map_err(|_| UploadFault::TooSlow)? {
                Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Some(Err(_)) => return Err(self.progress.fault().unwrap_or(UploadFault::EndedEarly)),
                None => break,
            }
        }
        // What goes up from here on is counted anew.
        *self.progress.0.lock() = Progress::default();
        Ok(Self { body: Body::from(bytes.freeze()), ..self })
    }

    fn next_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let mut progress = self.progress.0.lock();
        let stage = match &polled {
            Poll::Pending => Stage::FromCaller,
            Poll::Ready(Some(_)) => Stage::ToService,
            Poll::Ready(None) => Stage::Sent,
        };
        if stage != progress.stage || polled.is_ready() {
            progress.stage = stage;
            progress.moved_at = Instant::now();
        }
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                progress.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                if progress.bytes > self.largest {
                    progress.fault = Some(UploadFault::TooLarge);
                    return Poll::Ready(Some(Err(axum::Error::new("the body is too large"))));
                }
                // Trailers are headers nobody looked at.
                if frame.is_trailers() { Poll::Ready(None) } else { Poll::Ready(Some(Ok(frame))) }
            }
            Poll::Ready(Some(Err(error))) => {
                progress.fault = Some(UploadFault::EndedEarly);
                Poll::Ready(Some(Err(error)))
            }
            other => other,
        }
    }
}

impl UploadProgress {
    /// Bytes that were taken from the caller so far.
    pub fn bytes(&self) -> u64 {
        self.0.lock().bytes
    }

    pub fn fault(&self) -> Option<UploadFault> {
        self.0.lock().fault
    }

    /// When the time is over, if nothing moves until then.
    pub(super) fn stands_still_at(&self, idle: Duration, deadline: Duration) -> Instant {
        let progress = self.0.lock();
        progress.moved_at
            + match progress.stage {
                Stage::FromCaller | Stage::ToService => idle,
                Stage::Sent => deadline,
            }
    }

    /// Notes who was waited for; only the caller's slowness is a fault of the upload.
    pub(super) fn give_up(&self, fault: UploadFault) {
        let mut progress = self.0.lock();
        if progress.stage == Stage::FromCaller {
            progress.fault.get_or_insert(fault);
        }
    }
}

struct Progress {
    stage: Stage,
    moved_at: Instant,
    bytes: u64,
    fault: Option<UploadFault>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    FromCaller,
    ToService,
    /// The service has all of it.
    Sent,
}

impl Default for Progress {
    fn default() -> Self {
        Self { stage: Stage::ToService, moved_at: Instant::now(), bytes: 0, fault: None }
    }
}

impl hyper::body::Body for Upload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.next_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let is_over = self.body.is_end_stream();
        if is_over {
            self.progress.0.lock().stage = Stage::Sent;
        }
        is_over
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
