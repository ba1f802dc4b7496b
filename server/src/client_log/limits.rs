//! How much may come: of each session or address, and of all together on this node, at once and in a day.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::bucket::{Bucket, Rate};
use crate::{clock::Clock, config::ClientLogConfig, log::Level, session::SessionId};

/// What was sent lately, by whom. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

/// Whose messages count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    Session(SessionId),
    /// Somebody who is not signed in.
    Address(IpAddr),
}

/// What a batch takes of what may come.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    pub stream: Uuid,
    pub messages: usize,
    /// Of these, warnings and errors.
    pub important: usize,
    pub bytes: usize,
}

/// A batch that may come.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The sender has to wait so long.
    pub wait: Duration,
    pub keeps: Keeps,
    /// From here on not everything is kept; told once.
    pub beyond: Option<Beyond>,
    sender: Sender,
    weight: Weight,
    /// What was taken of the sender's day, and of the node's.
    taken: (Keeps, Keeps),
}

/// How much of a batch is kept. The rest counts as received, and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeps {
    Nothing,
    /// Warnings and errors.
    Important,
    All,
}

/// Whose day is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    Sender,
    Node,
}

/// Room for a batch in this node's memory, until it is stored and this is dropped.
pub type Room = OwnedSemaphorePermit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The sender is beyond what anybody may send.
    TooFast,
    /// The sender begins more streams than anybody opens pages.
    TooManyPages,
    /// All together are beyond it; it is not the sender's fault.
    Full,
}

struct Inner {
    clock: Clock,
    of_session: Rates,
    of_address: Rates,
    of_node: Rates,
    sessions: Mutex<Senders>,
    /// Apart from the sessions: whoever has a network has more addresses than anything can hold.
    addresses: Mutex<Senders>,
    node: Mutex<(Bucket, Day)>,
    memory: Arc<Semaphore>,
}

#[derive(Clone, Copy)]
struct Rates {
    lately: Rate,
    day: Rate,
    /// What may be important beyond that.
    important: Rate,
    pages: Rate,
}

#[derive(Default)]
struct Senders {
    known: HashMap<Sender, Sent>,
    pruned_at: Option<Instant>,
}

/// What one sender has left.
struct Sent {
    lately: Bucket,
    day: Day,
    pages: Bucket,
    streams: HashSet<Uuid>,
}

/// What may be kept of a day.
struct Day {
    all: Bucket,
    important: Bucket,
    is_told: bool,
}

/// A browser that was away sends what it has kept.
const SESSION_BURST_SECS: f64 = 20.0;
const ANONYMOUS_BURST_SECS: f64 = 60.0;
const NODE_BURST_SECS: f64 = 5.0;
/// A sender who would have to wait longer is told to come back later.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Bytes of a message, as the rate of bytes counts them.
const BYTES_OF_MESSAGE: f64 = 2048.0;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// What is important may be so much of a day more.
const IMPORTANT: f64 = 0.1;
/// Whose day is so full again is told anew when it is used up.
const RECOVERED: f64 = 0.5;
/// Senders that are remembered; beyond it those that have been quiet are forgotten.
const MANY_SENDERS: usize = 10_000;
const PRUNE_EVERY: Duration = Duration::from_secs(1);
/// No further ones are taken then: a flood from everywhere is not to fill the memory with its addresses.
const MOST_SENDERS: usize = 100_000;

impl Limits {
    pub fn new(config: &ClientLogConfig, clock: Clock) -> Self {
        let rate =
            |messages: f64, burst_secs| Rate { messages, bytes: messages * BYTES_OF_MESSAGE, burst_secs };
        let day = Rate::within(config.session_messages_per_day, config.session_bytes_per_day, DAY);
        // A page has no size.
        let pages = Rate::within(config.pages_per_hour, 1.0, HOUR);
        let rates = |lately, day: Rate| Rates { lately, day, important: day.of(IMPORTANT), pages };
        // Of the node's day only the bytes are bounded; each message has one at least.
        let node_day = Rate::within(config.node_bytes_per_day, config.node_bytes_per_day, DAY);
        let of_node = rates(rate(config.node_messages_per_second, NODE_BURST_SECS), node_day);
        let now = clock.instant();
        Self(Arc::new(Inner {
            of_session: rates(rate(config.messages_per_second, SESSION_BURST_SECS), day),
            of_address: rates(rate(config.anonymous_per_minute / 60.0, ANONYMOUS_BURST_SECS), day),
            of_node,
            memory: Arc::new(Semaphore::new(config.pending_bytes)),
            sessions: Mutex::default(),
            addresses: Mutex::default(),
            node: Mutex::new((Bucket::full(of_node.lately, now), Day::full(of_node, now))),
            clock,
        }))
    }

    /// Counts a batch; the sender has to wait for the time that comes back.
    ///
    /// Errors: the sender, or all of them together, have sent too much. Nothing is counted then.
    pub fn count(&self, sender: Sender, weight: Weight) -> Result<Counted, Refused> {
        let inner = &*self.0;
        let (now, sender) = (inner.clock.instant(), sender.counted_as());
        let rates = inner.rates_of(sender);
        let mut senders = inner.senders(sender).lock();
        let sent = senders.find(sender, rates, now).ok_or(Refused::Full)?;
        let wait =
            sent.lately.take(rates.lately, now, weight.size(), LONGEST_WAIT).ok_or(Refused::TooFast)?;
        if !sent.knows(weight.stream, rates.pages, now) {
            sent.lately.give_back(weight.size());
            return Err(Refused::TooManyPages);
        }
        let mut node = inner.node.lock();
        if node.0.take(inner.of_node.lately, now, weight.size(), Duration::ZERO).is_none() {
            sent.lately.give_back(weight.size());
            return Err(Refused::Full);
        }
        let (of_sender, is_told) = sent.day.keep(rates, now, weight);
        let (of_node, is_node_told) = match of_sender {
            Keeps::Nothing => (Keeps::Nothing, false),
            Keeps::Important => node.1.keep(inner.of_node, now, weight.of_important()),
            Keeps::All => node.1.keep(inner.of_node, now, weight),
        };
        let beyond = is_told.then_some(Beyond::Sender).or(is_node_told.then_some(Beyond::Node));
        let keeps = of_sender.min(of_node);
        Ok(Counted { wait, keeps, beyond, sender, weight, taken: (of_sender, of_node) })
    }

    /// Takes a batch out of the day's count that could not be stored: it comes again.
    pub fn give_back(&self, counted: &Counted) {
        let (of_sender, of_node) = counted.taken;
        if let Some(sent) = self.0.senders(counted.sender).lock().known.get_mut(&counted.sender) {
            sent.day.give_back(of_sender, counted.weight);
        }
        let weight = match of_sender {
            Keeps::Important => counted.weight.of_important(),
            _ => counted.weight,
        };
        self.0.node.lock().1.give_back(of_node, weight);
    }

    /// Room for a batch that waits to be stored.
    pub fn room(&self, bytes: usize) -> Result<Room, Refused> {
        // As lines it is about three times as large as the text that was sent.
        let bytes = u32::try_from(bytes.saturating_mul(3).max(1)).unwrap_or(u32::MAX);
        self.0.memory.clone().try_acquire_many_owned(bytes).map_err(|_| Refused::Full)
    }
}

impl Refused {
    /// As it is measured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooFast => "too_fast",
            Self::TooManyPages => "too_many_pages",
            Self::Full => "full",
        }
    }
}

impl Counted {
    /// How many messages of it are not kept.
    pub fn dropped(&self) -> usize {
        match self.keeps {
            Keeps::All => 0,
            Keeps::Important => self.weight.messages - self.weight.important,
            Keeps::Nothing => self.weight.messages,
        }
    }
}

impl Keeps {
    pub fn keeps(self, level: Level) -> bool {
        match self {
            Self::All => true,
            Self::Important => is_important(level),
            Self::Nothing => false,
        }
    }
}

pub fn is_important(level: Level) -> bool {
    matches!(level, Level::Error | Level::Warn)
}

impl Inner {
    fn rates_of(&self, sender: Sender) -> Rates {
        match sender {
            Sender::Session(_) => self.of_session,
            Sender::Address(_) => self.of_address,
        }
    }

    fn senders(&self, sender: Sender) -> &Mutex<Senders> {
        match sender {
            Sender::Session(_) => &self.sessions,
            Sender::Address(_) => &self.addresses,
        }
    }
}

impl Senders {
    /// What a sender has left; `None` for a new one where there are too many.
    fn find(&mut self, sender: Sender, rates: Rates, now: Instant) -> Option<&mut Sent> {
        let count = self.known.len();
        if count >= MANY_SENDERS && !self.known.contains_key(&sender) {
            if self.pruned_at.is_none_or(|at| now.saturating_duration_since(at) >= PRUNE_EVERY) {
                self.pruned_at = Some(now);
                self.known.retain(|_, sent| !sent.is_as_new(rates, now));
            }
            if self.known.len() >= MOST_SENDERS {
                return None;
            }
        }
        Some(self.known.entry(sender).or_insert_with(|| Sent::full(rates, now)))
    }
}

impl Sender {
    /// Who has one address of IPv6 has all of its network.
    fn counted_as(self) -> Self {
        match self {
            Self::Address(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Address(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            other => other,
        }
    }
}

impl Weight {
    fn size(self) -> (usize, usize) {
        (self.messages, self.bytes)
    }

    /// What warnings and errors weigh of it.
    fn of_important(self) -> Self {
        let bytes = self.bytes * self.important / self.messages.max(1);
        Self { messages: self.important, bytes, ..self }
    }
}

impl Sent {
    fn full(rates: Rates, now: Instant) -> Self {
        Self {
            lately: Bucket::full(rates.lately, now),
            day: Day::full(rates, now),
            pages: Bucket::full(rates.pages, now),
            streams: HashSet::new(),
        }
    }

    /// Whether nothing would change if it were forgotten.
    fn is_as_new(&self, rates: Rates, now: Instant) -> bool {
        self.lately.holds(1.0, rates.lately, now)
            && self.day.all.holds(1.0, rates.day, now)
            && self.day.important.holds(1.0, rates.important, now)
            && self.pages.holds(1.0, rates.pages, now)
    }

    /// Whether a stream is known, or may be one page more.
    fn knows(&mut self, stream: Uuid, rate: Rate, now: Instant) -> bool {
        if self.streams.contains(&stream) {
            return true;
        }
        if self.pages.take(rate, now, (1, 0), Duration::ZERO).is_none() {
            return false;
        }
        // Those before count as new ones should they go on.
        if self.streams.len() as f64 >= rate.messages * rate.burst_secs {
            self.streams.clear();
        }
        self.streams.insert(stream)
    }
}

impl Day {
    fn full(rates: Rates, now: Instant) -> Self {
        let (all, important) = (Bucket::full(rates.day, now), Bucket::full(rates.important, now));
        Self { all, important, is_told: false }
    }

    /// What is kept of a batch, and whether that is to be told.
    fn keep(&mut self, rates: Rates, now: Instant, weight: Weight) -> (Keeps, bool) {
        if self.all.take(rates.day, now, weight.size(), Duration::ZERO).is_some() {
            self.is_told &= !self.all.holds(RECOVERED, rates.day, now);
            return (Keeps::All, false);
        }
        let is_told = std::mem::replace(&mut self.is_told, true);
        let important = weight.of_important();
        let has_room = important.messages > 0
            && self.important.take(rates.important, now, important.size(), Duration::ZERO).is_some();
        (if has_room { Keeps::Important } else { Keeps::Nothing }, !is_told)
    }

    fn give_back(&mut self, taken: Keeps, weight: Weight) {
        match taken {
            Keeps::All => self.all.give_back(weight.size()),
            Keeps::Important => self.important.give_back(weight.of_important().size()),
            Keeps::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests;
