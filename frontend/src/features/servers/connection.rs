//! How the page stays connected to its stream of servers: what to try next, and when. Decisions only; [`super::api`]
//! acts on them.
//!
//! A snapshot first (a `GET` that goes on until the next has spoken), then a WebSocket for everything after it, since
//! sockets do not use up the browser's six connections. Where sockets are refused (a proxy that knows none) a streaming `GET` takes
//! their place while the page is visible. A connection that is lost goes on from the last position.

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `GET` with `follow=briefly`: everything known now, and what changes until there is a socket.
    FetchSnapshot,
    /// Open the WebSocket from the last position; what the snapshot's answer still brings is taken until it speaks.
    OpenSocket,
    /// `GET` with `follow=true` from the last position.
    FollowByGet,
    /// Wait so many milliseconds, then say [`Happening::WaitIsOver`].
    Wait(u32),
    /// Nothing until the page is visible again.
    Rest,
    /// Stop: asking again cannot help.
    GiveUp(Reason),
}

/// Why there is no use in asking again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The session is over.
    SignedOut,
    /// The project does not exist for this caller, or the request can never succeed.
    Refused { code: String, message: String },
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Everything known was sent.
    CaughtUp,
    /// A frame came over the current connection.
    Heard,
    /// The snapshot's answer ended: early, unless everything known was sent.
    SnapshotEnded,
    /// The connection ended, or could not be made.
    Lost,
    /// What came made no sense: only a new snapshot helps.
    Garbled,
    /// The server said that the session is over.
    SignedOut,
    /// The server refused for good.
    Refused {
        code: String,
        message: String,
    },
    WaitIsOver,
    /// The network came back, or the page became visible, or somebody pressed "Try again".
    Nudged,
    /// The page went to the background.
    Hidden,
    /// Another page took its place; the browser may keep this one for going back.
    Left,
}

/// What a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Connected, or connecting for the first time.
    Live,
    /// Lost; trying again by itself.
    Reconnecting,
    /// Nothing was ever received, and it keeps failing.
    Unreachable,
    /// Given up.
    Ended,
}

/// Sockets that closed without a single frame, after which the `GET` is taken instead.
const SOCKETS_BEFORE_GET: u32 = 2;
/// Every so many attempts without sockets, a socket is tried again.
const SOCKET_AGAIN_EVERY: u32 = 8;
const FIRST_WAIT_MS: u32 = 500;
const LONGEST_WAIT_MS: u32 = 30_000;
/// Failures in a row after which a person is told.
const FAILURES_BEFORE_TELLING: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Snapshot,
    Socket,
    Get,
    Waiting,
    Resting,
    Over,
}

/// The connection's state. Randomness is passed in, so waits are tested without luck.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    has_snapshot: bool,
    was_heard: bool,
    failures: u32,
    silent_sockets: u32,
    attempts_by_get: u32,
}

impl Connection {
    /// A connection that has done nothing yet, and its first act. `has_snapshot`: rows were kept from an earlier
    /// visit, so only what changed since is needed.
    pub fn start(has_snapshot: bool) -> (Self, Act) {
        let mut connection = Self {
            phase: Phase::Snapshot,
            has_snapshot,
            was_heard: false,
            failures: 0,
            silent_sockets: 0,
            attempts_by_get: 0,
        };
        let act = connection.connect();
        (connection, act)
    }

    /// Takes in what was seen. `random` is between 0 and 1 and spreads the waits of many browsers. `None`: go on as is.
    pub fn on(&mut self, happening: Happening, random: f64) -> Option<Act> {
        if self.phase == Phase::Over {
            return None;
        }
        match happening {
            Happening::SignedOut => Some(self.give_up(Reason::SignedOut)),
            Happening::Refused { code, message } => Some(self.give_up(Reason::Refused { code, message })),
            Happening::Heard => {
                self.was_heard = true;
                self.failures = 0;
                self.silent_sockets = 0;
                None
            }
            Happening::CaughtUp => (self.phase == Phase::Snapshot).then(|| {
                self.has_snapshot = true;
                self.failures = 0;
                self.connect()
            }),
            Happening::SnapshotEnded => (self.phase == Phase::Snapshot).then(|| self.lost(random)),
            Happening::Lost => Some(self.lost(random)),
            Happening::Garbled => {
                self.has_snapshot = false;
                self.was_heard = true;
                Some(self.lost(random))
            }
            Happening::WaitIsOver => (self.phase == Phase::Waiting).then(|| self.connect()),
            Happening::Nudged => {
                matches!(self.phase, Phase::Waiting | Phase::Resting).then(|| self.connect())
            }
            Happening::Left => {
                // A page kept for going back would keep its socket too, and the server would go on looking for it.
                self.phase = Phase::Resting;
                Some(Act::Rest)
            }
            Happening::Hidden => {
                (self.phase == Phase::Get).then(|| {
                    // A hidden page gives its connection to those that are looked at: a browser has only six.
                    self.phase = Phase::Resting;
                    Act::Rest
                })
            }
        }
    }

    pub fn health(&self) -> Health {
        match self.phase {
            Phase::Over => Health::Ended,
            _ if self.failures < FAILURES_BEFORE_TELLING => Health::Live,
            _ if self.has_snapshot => Health::Reconnecting,
            _ => Health::Unreachable,
        }
    }

    fn connect(&mut self) -> Act {
        self.was_heard = false;
        if !self.has_snapshot {
            self.phase = Phase::Snapshot;
            return Act::FetchSnapshot;
        }
        if self.silent_sockets < SOCKETS_BEFORE_GET {
            self.phase = Phase::Socket;
            return Act::OpenSocket;
        }
        self.attempts_by_get += 1;
        if self.attempts_by_get.is_multiple_of(SOCKET_AGAIN_EVERY) {
            self.phase = Phase::Socket;
            return Act::OpenSocket;
        }
        self.phase = Phase::Get;
        Act::FollowByGet
    }

    fn lost(&mut self, random: f64) -> Act {
        if self.phase == Phase::Socket && !self.was_heard {
            self.silent_sockets += 1;
            if self.silent_sockets == SOCKETS_BEFORE_GET {
                return self.connect();
            }
        }
        self.failures += 1;
        self.phase = Phase::Waiting;
        let doubled = FIRST_WAIT_MS.saturating_mul(1 << (self.failures - 1).min(10));
        let longest = f64::from(doubled.min(LONGEST_WAIT_MS));
        // Between half and all of it: never at once, never all browsers of a node together.
        Act::Wait((longest * (0.5 + 0.5 * random.clamp(0.0, 1.0))) as u32)
    }

    fn give_up(&mut self, reason: Reason) -> Act {
        self.phase = Phase::Over;
        Act::GiveUp(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught_up() -> Connection {
        let (mut connection, act) = Connection::start(false);
        assert_eq!(act, Act::FetchSnapshot);
        let act = connection.on(Happening::CaughtUp, 0.0);
        assert_eq!(act, Some(Act::OpenSocket));
        connection
    }

    #[test]
    fn a_page_with_rows_from_before_asks_only_for_what_changed() {
        assert_eq!(Connection::start(true).1, Act::OpenSocket);
    }

    #[test]
    fn a_lost_socket_is_opened_again_after_a_wait_that_doubles_and_is_bounded() {
        let mut connection = caught_up();
        connection.on(Happening::Heard, 0.0);
        let mut waits = Vec::new();
        for _ in 0..12 {
            // Heard once, so sockets work; each new one then fails only later.
            match connection.on(Happening::Lost, 1.0) {
                Some(Act::Wait(ms)) => waits.push(ms),
                other => panic!("{other:?}"),
            }
            assert_eq!(connection.on(Happening::WaitIsOver, 1.0), Some(Act::OpenSocket));
            connection.was_heard = true;
        }
        assert_eq!(waits[..4], [500, 1_000, 2_000, 4_000]);
        assert_eq!(waits.last(), Some(&30_000));
    }

    #[test]
    fn waits_are_spread_between_half_and_the_whole() {
        let mut connection = caught_up();
        connection.on(Happening::Heard, 0.0);
        assert_eq!(connection.on(Happening::Lost, 0.0), Some(Act::Wait(250)));
    }

    #[test]
    fn sockets_that_never_say_anything_give_way_to_a_streaming_get_and_are_tried_again_later() {
        let mut connection = caught_up();
        assert!(matches!(connection.on(Happening::Lost, 0.5), Some(Act::Wait(_))));
        assert_eq!(connection.on(Happening::WaitIsOver, 0.5), Some(Act::OpenSocket));
        assert_eq!(connection.on(Happening::Lost, 0.5), Some(Act::FollowByGet));
        let mut tried_socket = false;
        for _ in 0..SOCKET_AGAIN_EVERY {
            assert!(matches!(connection.on(Happening::Lost, 0.5), Some(Act::Wait(_))));
            tried_socket |= connection.on(Happening::WaitIsOver, 0.5) == Some(Act::OpenSocket);
        }
        assert!(tried_socket);
    }

    #[test]
    fn a_hidden_page_lets_go_of_its_streaming_get_but_keeps_its_socket() {
        let mut connection = caught_up();
        assert_eq!(connection.on(Happening::Hidden, 0.5), None);
        connection.on(Happening::Lost, 0.5);
        connection.on(Happening::WaitIsOver, 0.5);
        assert_eq!(connection.on(Happening::Lost, 0.5), Some(Act::FollowByGet));
        assert_eq!(connection.on(Happening::Hidden, 0.5), Some(Act::Rest));
        assert_eq!(connection.on(Happening::WaitIsOver, 0.5), None);
        assert_eq!(connection.on(Happening::Nudged, 0.5), Some(Act::FollowByGet));
    }

    #[test]
    fn a_page_that_is_left_lets_go_of_everything_and_goes_on_when_one_comes_back() {
        let mut connection = caught_up();
        assert_eq!(connection.on(Happening::Left, 0.5), Some(Act::Rest));
        assert_eq!(connection.on(Happening::WaitIsOver, 0.5), None);
        assert_eq!(connection.on(Happening::Nudged, 0.5), Some(Act::OpenSocket));
    }

    #[test]
    fn a_snapshot_cut_short_is_fetched_again_and_told_only_when_it_keeps_failing() {
        let (mut connection, _) = Connection::start(false);
        assert!(matches!(connection.on(Happening::SnapshotEnded, 0.5), Some(Act::Wait(_))));
        assert_eq!(connection.health(), Health::Live);
        assert_eq!(connection.on(Happening::WaitIsOver, 0.5), Some(Act::FetchSnapshot));
        connection.on(Happening::Lost, 0.5);
        assert_eq!(connection.health(), Health::Unreachable);
        assert_eq!(connection.on(Happening::Nudged, 0.5), Some(Act::FetchSnapshot));
        connection.on(Happening::CaughtUp, 0.5);
        assert_eq!(connection.health(), Health::Live);
    }

    #[test]
    fn only_a_snapshot_that_has_caught_up_leads_to_a_socket() {
        let mut connection = caught_up();
        assert_eq!(connection.on(Happening::CaughtUp, 0.5), None);
        assert_eq!(connection.phase, Phase::Socket);
    }

    #[test]
    fn a_snapshot_that_ends_once_it_was_whole_ends_nothing() {
        let mut connection = caught_up();
        assert_eq!(connection.on(Happening::SnapshotEnded, 0.5), None);
        assert_eq!((connection.phase, connection.health()), (Phase::Socket, Health::Live));
    }

    #[test]
    fn a_stream_that_makes_no_sense_is_followed_by_a_new_snapshot() {
        let mut connection = caught_up();
        assert!(matches!(connection.on(Happening::Garbled, 0.5), Some(Act::Wait(_))));
        assert_eq!(connection.on(Happening::WaitIsOver, 0.5), Some(Act::FetchSnapshot));
    }

    #[test]
    fn a_session_that_is_over_stops_every_attempt() {
        let mut connection = caught_up();
        assert_eq!(connection.on(Happening::SignedOut, 0.5), Some(Act::GiveUp(Reason::SignedOut)));
        assert_eq!(connection.on(Happening::Nudged, 0.5), None);
        assert_eq!(connection.health(), Health::Ended);
    }
}
