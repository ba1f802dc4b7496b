//! The body of an answer on its way to the browser.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::record::Record;
use crate::upstream::{UpstreamError, streaming::StreamedBody};

/// Passes an answer's body on as it comes, and knows the call's record, whose line it writes at the end.
pub struct AnswerBody {
    source: Source,
    record: Record,
}

pub enum Source {
    Stream(StreamedBody),
    /// Already here.
    Whole(Option<Bytes>),
}

impl AnswerBody {
    pub fn new(source: Source, record: Record) -> Self {
        let mut body = Self { source, record };
        if body.source.is_over() {
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
        let polled = match &mut this.source {
            Source::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Stream(body) => Pin::new(body).poll_frame(context),
        };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                this.record.received(frame.data_ref().map_or(0, Bytes::len));
                // With its length known, nobody asks whether there is more.
                if this.source.is_over() {
                    this.record.complete();
                }
            }
            Poll::Ready(Some(Err(error))) => this.record.broken(error),
            Poll::Ready(None) => this.record.complete(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Stream(body) => body.size_hint(),
            Source::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

impl Source {
    fn is_over(&self) -> bool {
        match self {
            Self::Stream(body) => body.is_end_stream(),
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
        }
    }
}
