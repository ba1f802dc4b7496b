//! Exchanges that hyper reads and writes, driven by whoever waits for them.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
};

use super::{Connection, ConnectionError, Outgoing, Place, stream::HandedOver};

/// The body of an answer, with the connection it comes over. At its end the connection is kept for the next call; a
/// body that is dropped before closes it, which tells the service that nobody waits any more.
pub struct ReceivedBody(Content);

enum Content {
    Whole(Bytes),
    Coming { body: Incoming, driven: Option<Box<Driven>> },
}

/// A connection on which hyper has an exchange under way.
pub struct Driven {
    place: Place,
    sender: SendRequest<Outgoing>,
    /// Gone when the connection is over.
    driver: Option<Driver>,
}

enum Driver {
    /// One that can be taken back.
    Exchange(Box<http1::Connection<HandedOver, Outgoing>>),
    /// One that may become another protocol's.
    Switching(Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>),
}

impl Driven {
    /// Has hyper go on with a connection, for one request. `may_switch`: whether it asks for another protocol.
    pub async fn new(
        place: Place,
        stream: HandedOver,
        may_switch: bool,
    ) -> Result<Box<Self>, ConnectionError> {
        let begun = http1::handshake(stream).await;
        let (sender, connection) = begun.map_err(|error| ConnectionError::NotConnected(Box::from(error)))?;
        let driver = match may_switch {
            true => Driver::Switching(Box::pin(connection.with_upgrades())),
            false => Driver::Exchange(Box::new(connection)),
        };
        Ok(Box::new(Self { place, sender, driver: Some(driver) }))
    }

    /// Sends the request, and drives the connection until the head of the answer is here.
    pub async fn answer(
        mut self: Box<Self>,
        request: Request<Outgoing>,
    ) -> Result<Response<ReceivedBody>, TrySendError<Request<Outgoing>>> {
        let mut sent = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let response = poll_fn(|context| {
            drive(driver, context);
            sent.as_mut().poll(context)
        })
        .await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // It hands the connection over, and is done.
            poll_fn(|context| {
                drive(driver, context);
                if driver.is_none() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        Ok(response.map(|body| ReceivedBody::coming(body, self)))
    }

    /// Keeps the connection for the next request, if that can be sent now that an answer is complete. One that might have
    /// switched protocols is closed.
    fn keep(mut self, context: &mut Context<'_>) {
        drive(&mut self.driver, context);
        let Some(Driver::Exchange(connection)) = self.driver.filter(|_| self.sender.is_ready()) else {
            return;
        };
        let parts = connection.into_parts();
        if let Some(stream) = parts.io.take_back().filter(|_| parts.read_buf.is_empty()) {
            Connection { place: self.place, stream }.put_back();
        }
    }
}

/// Lets a connection read and write what it can. What went wrong is told to whoever waits for an answer.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    let polled = match driver {
        None => return,
        Some(Driver::Exchange(running)) => Pin::new(running).poll(context),
        Some(Driver::Switching(running)) => running.as_mut().poll(context),
    };
    if polled.is_ready() {
        *driver = None;
    }
}

impl ReceivedBody {
    /// One that is here.
    pub fn whole(body: Bytes) -> Self {
        Self(Content::Whole(body))
    }

    fn coming(body: Incoming, driven: Box<Driven>) -> Self {
        if body.is_end_stream() {
            // Nobody asks a body without bytes for any.
            driven.keep(&mut Context::from_waker(Waker::noop()));
            return Self::whole(Bytes::new());
        }
        Self(Content::Coming { body, driven: Some(driven) })
    }

    /// The rest of it, if all of that is here.
    pub fn take_whole(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Content::Whole(body) => Some(std::mem::take(body)),
            Content::Coming { .. } => None,
        }
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let (body, driven) = match &mut self.0 {
            Content::Whole(body) if body.is_empty() => return Poll::Ready(None),
            Content::Whole(body) => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Content::Coming { body, driven } => (body, driven),
        };
        let mut polled = Pin::new(&mut *body).poll_frame(context);
        if let (Poll::Pending, Some(driven)) = (&polled, &mut *driven) {
            drive(&mut driven.driver, context);
            polled = Pin::new(&mut *body).poll_frame(context);
        }
        let is_complete = match &polled {
            Poll::Pending => false,
            // With its length known, nobody asks whether there is more.
            Poll::Ready(Some(Ok(_))) => body.is_end_stream(),
            Poll::Ready(None) => true,
            Poll::Ready(Some(Err(_))) => {
                *driven = None;
                false
            }
        };
        if let Some(driven) = driven.take_if(|_| is_complete) {
            driven.keep(context);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(body) => body.is_empty(),
            Content::Coming { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Content::Coming { body, .. } => body.size_hint(),
        }
    }
}
