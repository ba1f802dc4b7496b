//! What goes over the network, and how a connection is handed from one reader to another.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use hyper::rt::{Read, ReadBufCursor, Write};

/// Bytes both ways, with TLS or without.
pub trait Stream: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Stream for T {}

/// What was heard of a service before hyper listens to it.
#[derive(Default)]
pub struct Said {
    pub heard: Vec<u8>,
    /// What went wrong after that.
    pub fault: Option<io::Error>,
}

/// A stream on which something was said before hyper has it. Hyper asks its question and hears the answer from its
/// beginning, though one or both have gone over the network already.
pub struct HandedOver {
    stream: Box<dyn Stream>,
    /// How much of the end of a head was seen in what hyper writes, while that was sent already.
    repeated: Option<usize>,
    said: Said,
    /// So much of what was heard.
    read: usize,
    /// Who wants to read while hyper has not asked yet.
    waiting: Option<Waker>,
    is_flushed: bool,
}

impl HandedOver {
    /// A stream on which nothing is under way. What was `said` was unasked.
    pub fn new(stream: Box<dyn Stream>, said: Said) -> Self {
        Self { stream, repeated: None, said, read: 0, waiting: None, is_flushed: true }
    }

    /// One on which a request without a body was sent, and so much was `said` to it.
    pub fn asked(stream: Box<dyn Stream>, said: Said) -> Self {
        Self { repeated: Some(0), ..Self::new(stream, said) }
    }

    /// The stream, if nothing is left of what went over it.
    pub fn take_back(self) -> Option<Box<dyn Stream>> {
        let is_heard = self.read == self.said.heard.len() && self.said.fault.is_none();
        (self.is_flushed && self.repeated.is_none() && is_heard).then_some(self.stream)
    }
}

impl Read for HandedOver {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.repeated.is_some() {
            // To hyper, an answer before its question is a fault.
            this.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        if let left @ [_, ..] = &this.said.heard[this.read..] {
            let piece = &left[..left.len().min(buffer.remaining())];
            buffer.put_slice(piece);
            this.read += piece.len();
            if this.read == this.said.heard.len() {
                // What follows may take minutes.
                (this.said.heard, this.read) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(()));
        }
        if let Some(fault) = this.said.fault.take() {
            return Poll::Ready(Err(fault));
        }
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl Write for HandedOver {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Some(seen) = &mut this.repeated {
            const END: &[u8] = b"\r\n\r\n";
            let end = bytes.iter().position(|byte| {
                *seen = match *byte {
                    byte if byte == END[*seen] => *seen + 1,
                    b'\r' => 1,
                    _ => 0,
                };
                *seen == END.len()
            });
            if end.is_some() {
                this.repeated = None;
                this.waiting.take().inspect(Waker::wake_by_ref);
            }
            return Poll::Ready(Ok(end.map_or(bytes.len(), |last| last + 1)));
        }
        this.is_flushed = false;
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.is_flushed = matches!(flushed, Poll::Ready(Ok(())));
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_flushed = false;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.repeated.is_none() && self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.repeated.is_some() {
            let first = pieces.iter().find(|piece| !piece.is_empty()).map_or(&[][..], |piece| piece);
            return self.poll_write(context, first);
        }
        self.is_flushed = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

impl From<Vec<u8>> for Said {
    fn from(heard: Vec<u8>) -> Self {
        Self { heard, fault: None }
    }
}

impl From<io::Error> for Said {
    fn from(fault: io::Error) -> Self {
        Self { heard: Vec::new(), fault: Some(fault) }
    }
}
