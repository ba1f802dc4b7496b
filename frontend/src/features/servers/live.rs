//! Carries out what [`super::connection`] decides: opens, reads, waits, lets go.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{
    prelude::{TimeoutHandle, set_timeout_with_handle},
    task::spawn_local,
};

use super::{
    api::{self, Socket, SocketEnd, Stream},
    connection::{Act, Happening, Reason},
    store::{Arrived, Inner},
};
use crate::api_client::{ApiError, Call};

/// What holds the connection. Dropping it lets go.
pub(super) enum Link {
    None,
    Stream(Rc<Stream>),
    Socket { _socket: Socket, before: Before },
    Timer(TimeoutHandle),
}

/// The stream that is read until the socket has spoken.
type Before = Rc<RefCell<Option<Link>>>;

/// Does what was decided.
pub(super) fn act(inner: &Rc<Inner>, act: Act) {
    let Some(project) = inner.servers.borrow().project.clone() else { return };
    let position = inner.servers.borrow().rows.position().unwrap_or_default().to_owned();
    match act {
        Act::FetchSnapshot => {
            let mut servers = inner.servers.borrow_mut();
            servers.is_caught_up = false;
            // What was seen stays until it is known to be gone.
            servers.rows.start_over();
            drop(servers);
            read_stream(inner, api::open_snapshot(&project), Happening::SnapshotEnded);
        }
        Act::FollowByGet => read_stream(inner, api::follow(&project, &position), Happening::Lost),
        Act::OpenSocket => {
            let before = Rc::new(RefCell::new(Some(inner.link.replace(Link::None))));
            let (on_frame, on_end) = (Rc::downgrade(inner), Rc::downgrade(inner));
            let until_heard = Rc::clone(&before);
            let mut is_first = true;
            let opened = Socket::open(
                &project,
                &position,
                move |bytes| {
                    let Some(inner) = on_frame.upgrade() else { return };
                    if std::mem::take(&mut is_first) {
                        // The socket begins where the snapshot was whole: what came since comes again.
                        drop(until_heard.take());
                        inner.arrive(Arrived::Start);
                    }
                    inner.arrive(Arrived::Bytes(bytes));
                },
                move |end| {
                    if let Some(inner) = on_end.upgrade() {
                        inner.arrive(Arrived::End(match end {
                            SocketEnd::SignedOut => Happening::SignedOut,
                            SocketEnd::Lost => Happening::Lost,
                        }));
                    }
                },
            );
            match opened {
                Ok(socket) => hold(inner, Link::Socket { _socket: socket, before }),
                Err(_) => inner.arrive(Arrived::End(Happening::Lost)),
            }
        }
        Act::Wait(ms) => {
            let this = Rc::downgrade(inner);
            let wake = move || {
                if let Some(inner) = this.upgrade() {
                    inner.happen(Happening::WaitIsOver);
                }
            };
            match set_timeout_with_handle(wake, Duration::from_millis(u64::from(ms))) {
                Ok(timer) => hold(inner, Link::Timer(timer)),
                Err(_) => hold(inner, Link::None),
            }
        }
        Act::Rest => hold(inner, Link::None),
        Act::GiveUp(reason) => {
            hold(inner, Link::None);
            if reason == Reason::SignedOut {
                // Whoever keeps the session hears of its end from the server itself.
                spawn_local(async { _ = Call::get(api_types::routes::SESSION).done().await });
            }
            inner.servers.borrow_mut().refuse(reason);
            inner.ask_frame();
        }
    }
}

fn read_stream(inner: &Rc<Inner>, opened: Result<Stream, ApiError>, at_end: Happening) {
    inner.arrive(Arrived::Start);
    let stream = match opened {
        Ok(stream) => Rc::new(stream),
        Err(_) => return inner.arrive(Arrived::End(Happening::Lost)),
    };
    hold(inner, Link::Stream(Rc::clone(&stream)));
    let this = Rc::downgrade(inner);
    spawn_local(async move {
        let outcome = stream.opened().await;
        let mut end = match outcome {
            Ok(()) => None,
            Err(error) => Some(happening_of(error)),
        };
        while end.is_none() {
            let piece = stream.read().await;
            let Some(inner) = this.upgrade().filter(|inner| is_held(inner, &stream)) else { return };
            match piece {
                Ok(Some(bytes)) => inner.arrive(Arrived::Bytes(bytes)),
                Ok(None) | Err(_) => end = Some(at_end.clone()),
            }
        }
        if let Some((inner, end)) = this.upgrade().zip(end) {
            ended(&inner, &stream, end);
        }
    });
}

fn happening_of(error: ApiError) -> Happening {
    if error.is_session_ended() {
        return Happening::SignedOut;
    }
    match error {
        // Too many lists open is no lost connection: waiting does not help, closing one does.
        ApiError::Refused { ref body, .. } if !error.is_retryable() || body.code == "too_many_streams" => {
            Happening::Refused { code: body.code.clone(), message: error.message() }
        }
        _ => Happening::Lost,
    }
}

/// True while the stream is listened to.
fn is_held(inner: &Inner, stream: &Rc<Stream>) -> bool {
    match &*inner.link.borrow() {
        Link::Socket { before, .. } => before.borrow().as_ref().is_some_and(|link| link.is(stream)),
        link => link.is(stream),
    }
}

/// True while what comes is still the snapshot's, and the socket has said nothing.
pub(super) fn waits_for_socket(inner: &Inner) -> bool {
    matches!(&*inner.link.borrow(), Link::Socket { before, .. } if before.borrow().is_some())
}

/// A stream that ends after it was whole ends nothing: the socket is on its way.
fn ended(inner: &Inner, stream: &Rc<Stream>, end: Happening) {
    if inner.link.borrow().is(stream) {
        inner.arrive(Arrived::End(end));
    }
}

fn hold(inner: &Inner, link: Link) {
    let before = inner.link.replace(link);
    drop(before);
}

impl Link {
    fn is(&self, stream: &Rc<Stream>) -> bool {
        matches!(self, Self::Stream(held) if Rc::ptr_eq(held, stream))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        match self {
            Self::Stream(stream) => stream.cancel(),
            Self::Timer(timer) => timer.clear(),
            Self::None | Self::Socket { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use api_types::ErrorBody;

    use super::*;

    fn refused(status: u16, code: &str) -> ApiError {
        let body = ErrorBody {
            code: code.to_owned(),
            message: "A sentence.".to_owned(),
            request_id: String::new(),
            retry_after_secs: None,
        };
        ApiError::Refused { status, body }
    }

    #[test]
    fn too_many_lists_are_told_as_such_and_a_busy_panel_is_asked_again() {
        assert!(matches!(happening_of(refused(429, "too_many_streams")), Happening::Refused { .. }));
        assert!(matches!(happening_of(refused(503, "database_unavailable")), Happening::Lost));
        assert!(matches!(happening_of(refused(404, "project_not_found")), Happening::Refused { .. }));
        assert!(matches!(happening_of(refused(401, "session_ended")), Happening::SignedOut));
    }
}
