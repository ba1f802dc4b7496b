//! Calls whose bodies pass through: the same caps, circuits and deadlines, and nothing is held.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{HeaderMap, Method, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::{
    pin, select,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use url::Url;

use super::{
    Lane, Target, UpstreamClient, UpstreamError,
    client::gone_wrong,
    connections::{ConnectionError, ReceivedBody},
    places::Place,
    retry::pause_before_retry,
    upload::{Upload, UploadFault, UploadProgress},
};

/// One call to one service, whose bodies are passed on as they come.
pub struct StreamedCall<'a> {
    pub method: &'a Method,
    pub url: &'a Url,
    pub headers: &'a HeaderMap,
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
    inner: ReceivedBody,
    idle: Duration,
    /// Armed while nothing comes.
    waiting: Option<Pin<Box<tokio::time::Sleep>>>,
    place: Option<Place>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum StreamError {
    /// The service.
    Upstream(UpstreamError),
    /// What the caller sent.
    Upload(UploadFault),
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
        mut call: StreamedCall<'_>,
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
        let is_repeatable = upload.is_none() && matches!(*call.method, Method::GET | Method::HEAD);
        let progress = upload.as_ref().map(|upload| upload.progress.clone());
        let mut attempts = 0;
        let mut response = loop {
            let body = upload.take().map_or(Either::Left(Full::default()), Either::Right);
            let sent = inner.streaming.send(call.method, call.url, call.headers, body);
            let attempt = match &progress {
                None => timeout_at(ends_at, sent)
                    .await
                    .map_or(Err(UpstreamError::Timeout { after: deadline }), |sent| Ok(sent?)),
                Some(progress) => head_after(sent, progress, call.idle, deadline).await,
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
                    pass.record_head(attempt.as_ref().map(Response::status));
                    break attempt?;
                }
            }
        };
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
    sent: impl Future<Output = Result<Response<ReceivedBody>, ConnectionError>>,
    progress: &UploadProgress,
    idle: Duration,
    deadline: Duration,
) -> Result<Response<ReceivedBody>, UpstreamError> {
    pin!(sent);
    loop {
        let ends_at = progress.stands_still_at(idle, deadline);
        select! {
            biased;
            answer = &mut sent => return Ok(answer?),
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

impl StreamedBody {
    /// All of it, for a body that is no longer than a document.
    pub async fn whole(mut self) -> Result<Bytes, UpstreamError> {
        match self.inner.take_whole() {
            Some(whole) => Ok(whole),
            None => Ok(self.collect().await?.to_bytes()),
        }
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
                        return Poll::Ready(Some(Err(error.into())));
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
