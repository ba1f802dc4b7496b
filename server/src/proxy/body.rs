//! The body of an answer on its way to the browser.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::{record::Record, rewrite::Rewriter};
use crate::upstream::{UpstreamError, streaming::StreamedBody};

/// Passes an answer's body on as it comes, and knows the call's record, whose line it writes at the end.
pub struct AnswerBody {
    source: Source,
    /// For what may hold addresses.
    rewriter: Option<Rewriter>,
    record: Record,
}

pub enum Source {
    Stream(StreamedBody),
    /// Already here.
    Whole(Option<Bytes>),
}

impl AnswerBody {
    pub fn new(source: Source, rewriter: Option<Rewriter>, record: Record) -> Self {
        let mut body = Self { source, rewriter, record };
        if body.is_end_stream() {
            // Nobody asks a body without bytes for any.
            body.record.complete();
        }
        body
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let this = &mut *self;
        let polled = match (&mut this.source, &mut this.rewriter) {
            (Source::Whole(bytes), _) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            (Source::Stream(body), None) => Pin::new(body).poll_frame(context),
            (Source::Stream(body), Some(rewriter)) => poll_rewritten(body, rewriter, context),
        };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                this.record.received(frame.data_ref().map_or(0, Bytes::len));
                // With its length known, nobody asks whether there is more.
                if this.is_end_stream() {
                    this.record.complete();
                }
            }
            Poll::Ready(Some(Err(error))) => this.record.broken(error),
            Poll::Ready(None) => this.record.complete(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            // What was held back may follow.
            Source::Stream(body) => self.rewriter.is_none() && body.is_end_stream(),
            Source::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Stream(_) if self.rewriter.is_some() => SizeHint::default(),
            Source::Stream(body) => body.size_hint(),
            Source::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

fn poll_rewritten(
    body: &mut StreamedBody,
    rewriter: &mut Rewriter,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
    loop {
        let piece = match ready!(Pin::new(&mut *body).poll_frame(context)) {
            // Only data comes out of it.
            Some(Ok(frame)) => rewriter.push(frame.into_data().unwrap_or_default()),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            None => {
                let rest = rewriter.finish();
                return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
            }
        };
        if !piece.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
    }
}
