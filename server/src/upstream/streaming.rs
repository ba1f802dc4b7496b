//! Calls whose bodies pass through: the same caps, circuits and deadlines, and nothing is held.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode},
};
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{
    pin, select,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use url::Url;

use super::{
    Lane, Target, UpstreamClient, UpstreamError,
    client::{broken, gone_wrong},
    places::Place,
    retry::pause_before_retry,
};

/// One call to one service, whose bodies are passed on as they come.
pub struct StreamedCall {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub upload: Option<Upload>,
    /// How long a body may stand still, either way.
    pub idle: Duration,
}

/// The head of an answer, and its body as it comes.
pub struct StreamedAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: StreamedBody,
    /// It may take minutes: a body that is long or of no known length, or a WebSocket.
    pub is_long: bool,
    /// Taken over when the answer is 101.
    pub upgrade: hyper::upgrade::OnUpgrade,
}

/// The body of an answer. Its place under the cap is given back at its end, or when it is dropped.
pub struct StreamedBody {
    inner: reqwest::Body,
    idle: Duration,
    /// Armed while nothing comes.
    waiting: Option<Pin<Box<tokio::time::Sleep>>>,
    place: Option<Place>,
}

/// A request's body on its way up.
pub struct Upload {
    body: Body,
    /// It may take minutes, and goes up as it comes.
    pub is_long: bool,
    largest: u64,
    progress: UploadProgress,
}

/// How far an upload is. Clones see the same one.
#[derive(Clone, Default)]
pub struct UploadProgress(Arc<Mutex<Progress>>);

/// Why there is no answer.
#[derive(Debug)]
pub enum StreamError {
    /// The service.
    Upstream(UpstreamError),
    /// What the caller sent.
    Upload(UploadFault),
}

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

impl UpstreamClient {
    /// Makes one call and returns with the head of its answer. Dropping the answer's body, or the future, ends the
    /// call.
    ///
    /// The deadline covers the time to the answer's head. While a body is on its way up, the time counts from its
    /// last movement, and from its end.
    ///
    /// Errors: every status is an answer; the others say why there is none.
    pub async fn stream(
        &self,
        target: &Target,
        mut call: StreamedCall,
    ) -> Result<StreamedAnswer, StreamError> {
        let inner = self.inner();
        let gate = inner.gate(target);
        let deadline = inner.config.timeout;
        let mut upload = call.upload.take();
        let is_upload = upload.as_ref().is_some_and(|upload| upload.is_long);
        if let Some(document) = upload.take_if(|_| !is_upload) {
            // However slowly it comes, it keeps no place at the service.
            upload = Some(document.whole(call.idle, deadline).await.map_err(StreamError::Upload)?);
        }
        let (places, lane) =
            if is_upload { (&gate.transfers, TRANSFERS) } else { (&gate.places, Lane::Interactive) };
        let mut place = Some(gate.place_of(places, lane, deadline).await?);

        let ends_at = Instant::now() + deadline;
        let pass = gate.admit(inner, target)?;
        let is_repeatable = upload.is_none() && matches!(call.method, Method::GET | Method::HEAD);
        let progress = upload.as_ref().map(|upload| upload.progress.clone());
        let mut body = upload.map(|upload| reqwest::Body::wrap(SyncBody(Mutex::new(upload))));
        let mut attempts = 0;
        let response = loop {
            let request = inner.streaming.request(call.method.clone(), call.url.clone());
            let mut request = request.headers(call.headers.clone());
            if let Some(body) = body.take() {
                request = request.body(body);
            }
            let attempt = match &progress {
                None => timeout_at(ends_at, request.send())
                    .await
                    .map_or(Err(UpstreamError::Timeout { after: deadline }), |sent| sent.map_err(broken)),
                Some(progress) => head_after(request.send(), progress, call.idle, deadline).await,
            };
            if let Some(fault) = progress.as_ref().and_then(UploadProgress::fault) {
                // The pass counts as abandoned: the service is not to blame.
                return Err(StreamError::Upload(fault));
            }
            attempts += 1;
            let refusal = attempt.as_ref().ok().and_then(|answer| gone_wrong(answer.status()));
            let pause = refusal.as_ref().or(attempt.as_ref().err()).and_then(|error| {
                let left = ends_at.saturating_duration_since(Instant::now());
                pause_before_retry(error, is_repeatable, attempts, left, rand::random())
            });
            match pause {
                Some(pause) => sleep(pause).await,
                None => {
                    pass.record_head(attempt.as_ref().map(reqwest::Response::status));
                    break attempt?;
                }
            }
        };
        let mut response: axum::http::Response<reqwest::Body> = response.into();
        let is_socket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let is_long = is_upload || is_socket || is_long(response.body().size_hint().exact());
        if is_long && !is_upload {
            // Such a body takes its time on the network and no worker of the service.
            drop(place.take());
            place = match call.method.is_safe() {
                true => Some(gate.place_of(&gate.transfers, TRANSFERS, deadline).await?),
                // It was done, and whoever asked for it is to know.
                false => gate.transfers.take(TRANSFERS).ok(),
            };
        }
        let upgrade = hyper::upgrade::on(&mut response);
        let (parts, body) = response.into_parts();
        let body = StreamedBody { inner: body, idle: call.idle, waiting: None, place };
        Ok(StreamedAnswer { status: parts.status, headers: parts.headers, body, is_long, upgrade })
    }
}

/// What is longer, or of no known length, is a transfer: it may take minutes.
pub const LONGEST_DOCUMENT: u64 = 256 << 10;

fn is_long(length: Option<u64>) -> bool {
    length.is_none_or(|length| length > LONGEST_DOCUMENT)
}

/// Transfers do not compete with lists, for which the other lanes leave a place.
const TRANSFERS: Lane = Lane::Bulk;

/// Waits for the head of an answer while a body goes up: each movement of it starts the time anew.
async fn head_after(
    sent: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
    progress: &UploadProgress,
    idle: Duration,
    deadline: Duration,
) -> Result<reqwest::Response, UpstreamError> {
    pin!(sent);
    loop {
        let ends_at = progress.stands_still_at(idle, deadline);
        select! {
            biased;
            answer = &mut sent => return answer.map_err(broken),
            () = sleep_until(ends_at) => {
                if progress.stands_still_at(idle, deadline) > ends_at {
                    continue;
                }
                progress.give_up(UploadFault::TooSlow);
                return Err(UpstreamError::Timeout { after: deadline });
            }
        }
    }
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
    async fn whole(mut self, idle: Duration, deadline: Duration) -> Result<Self, UploadFault> {
        let ends_at = Instant::now() + deadline;
        let mut bytes = BytesMut::new();
        loop {
            let frame = poll_fn(|context| self.poll_frame(context));
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

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
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
    fn stands_still_at(&self, idle: Duration, deadline: Duration) -> Instant {
        let progress = self.0.lock();
        progress.moved_at
            + match progress.stage {
                Stage::FromCaller | Stage::ToService => idle,
                Stage::Sent => deadline,
            }
    }

    /// Notes who was waited for; only the caller's slowness is a fault of the upload.
    fn give_up(&self, fault: UploadFault) {
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

/// The client wants a body that can be shared. This one never is, so the lock is never waited for.
struct SyncBody(Mutex<Upload>);

impl hyper::body::Body for SyncBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.0.get_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let upload = self.0.lock();
        let is_over = upload.body.is_end_stream();
        if is_over {
            upload.progress.0.lock().stage = Stage::Sent;
        }
        is_over
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

impl hyper::body::Body for StreamedBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                this.waiting = None;
                match frame {
                    Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                    Some(Err(error)) => {
                        this.place = None;
                        return Poll::Ready(Some(Err(broken(error))));
                    }
                    // The end; trailers are headers nobody looked at.
                    Some(Ok(_)) | None => {
                        this.place = None;
                        return Poll::Ready(None);
                    }
                }
            }
            Poll::Pending => {}
        }
        let idle = this.idle;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(idle)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => {
                this.place = None;
                Poll::Ready(Some(Err(UpstreamError::Timeout { after: idle })))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl From<UpstreamError> for StreamError {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}
