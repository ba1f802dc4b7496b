//! How much may come: of each session or address, and of all together on this node.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{clock::Clock, config::ClientLogConfig, session::SessionId};

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

/// Room for a batch in this node's memory, until it is stored and this is dropped.
pub type Room = OwnedSemaphorePermit;

#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The sender is beyond what anybody may send.
    TooFast,
    /// All together are; it is not the sender's fault.
    Full,
}

struct Inner {
    config: ClientLogConfig,
    clock: Clock,
    senders: Mutex<HashMap<Sender, Bucket>>,
    node: Mutex<Bucket>,
    memory: Arc<Semaphore>,
}

/// What may still be sent; negative while somebody waits.
struct Bucket {
    messages: f64,
    bytes: f64,
    at: Instant,
}

#[derive(Clone, Copy)]
struct Rate {
    messages: f64,
    bytes: f64,
    /// Seconds of the rate that may come at once.
    burst_secs: f64,
}

/// A browser that was away sends what it has kept.
const SESSION_BURST_SECS: f64 = 20.0;
const ANONYMOUS_BURST_SECS: f64 = 60.0;
const NODE_BURST_SECS: f64 = 5.0;
/// A sender who would have to wait longer is told to come back later.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Bytes of a message, as the rate of bytes counts them.
const BYTES_OF_MESSAGE: f64 = 2048.0;
/// Senders that are remembered; beyond it those that have been quiet are forgotten.
const MANY_SENDERS: usize = 10_000;
/// No further ones are taken then: a flood from everywhere is not to fill the memory with its addresses.
const MOST_SENDERS: usize = 100_000;

impl Limits {
    pub fn new(config: &ClientLogConfig, clock: Clock) -> Self {
        let node = Bucket::full(node_rate(config), clock.instant());
        Self(Arc::new(Inner {
            memory: Arc::new(Semaphore::new(config.pending_bytes)),
            config: config.clone(),
            clock,
            senders: Mutex::default(),
            node: Mutex::new(node),
        }))
    }

    /// Counts a batch; the sender has to wait for the time that comes back.
    ///
    /// Errors: the sender, or all of them together, have sent too much. Nothing is counted then.
    pub fn count(&self, sender: Sender, messages: usize, bytes: usize) -> Result<Duration, Refused> {
        let now = self.0.clock.instant();
        let rate = self.rate_of(sender);
        let wait = {
            let mut senders = self.0.senders.lock();
            if senders.len() >= MANY_SENDERS {
                senders.retain(|sender, bucket| !bucket.was_left(self.rate_of(*sender), now));
            }
            if senders.len() >= MOST_SENDERS {
                return Err(Refused::Full);
            }
            let bucket = senders.entry(sender.counted_as()).or_insert_with(|| Bucket::full(rate, now));
            bucket.take(rate, now, messages, bytes, LONGEST_WAIT).ok_or(Refused::TooFast)?
        };
        let node = node_rate(&self.0.config);
        if self.0.node.lock().take(node, now, messages, bytes, Duration::ZERO).is_none() {
            if let Some(bucket) = self.0.senders.lock().get_mut(&sender.counted_as()) {
                bucket.give_back(messages, bytes);
            }
            return Err(Refused::Full);
        }
        Ok(wait)
    }

    /// Room for a batch that waits to be stored.
    pub fn room(&self, bytes: usize) -> Result<Room, Refused> {
        // As lines it is about three times as large as the text that was sent.
        let bytes = u32::try_from(bytes.saturating_mul(3).max(1)).unwrap_or(u32::MAX);
        self.0.memory.clone().try_acquire_many_owned(bytes).map_err(|_| Refused::Full)
    }

    fn rate_of(&self, sender: Sender) -> Rate {
        let config = &self.0.config;
        let (messages, burst_secs) = match sender {
            Sender::Session(_) => (config.messages_per_second, SESSION_BURST_SECS),
            Sender::Address(_) => (config.anonymous_per_minute / 60.0, ANONYMOUS_BURST_SECS),
        };
        Rate { messages, bytes: messages * BYTES_OF_MESSAGE, burst_secs }
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

fn node_rate(config: &ClientLogConfig) -> Rate {
    let messages = config.node_messages_per_second;
    Rate { messages, bytes: messages * BYTES_OF_MESSAGE, burst_secs: NODE_BURST_SECS }
}

impl Bucket {
    fn full(rate: Rate, at: Instant) -> Self {
        Self { messages: rate.messages * rate.burst_secs, bytes: rate.bytes * rate.burst_secs, at }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let full = Self::full(rate, now);
        self.messages = (self.messages + passed * rate.messages).min(full.messages);
        self.bytes = (self.bytes + passed * rate.bytes).min(full.bytes);
        self.at = now;
    }

    /// Whether it has been left alone for so long that it is full again, as a new one is.
    fn was_left(&self, rate: Rate, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at);
        passed > LONGEST_WAIT + Duration::from_secs_f64(rate.burst_secs)
    }

    /// How long the sender has to wait. `None` where that is longer than `longest`; nothing is taken then.
    fn take(
        &mut self,
        rate: Rate,
        now: Instant,
        messages: usize,
        bytes: usize,
        longest: Duration,
    ) -> Option<Duration> {
        self.refill(rate, now);
        let (messages, bytes) = (self.messages - messages as f64, self.bytes - bytes as f64);
        let missing_secs = (-messages / rate.messages).max(-bytes / rate.bytes).max(0.0);
        if missing_secs > longest.as_secs_f64() {
            return None;
        }
        (self.messages, self.bytes) = (messages, bytes);
        Some(Duration::from_secs_f64(missing_secs))
    }

    fn give_back(&mut self, messages: usize, bytes: usize) {
        self.messages += messages as f64;
        self.bytes += bytes as f64;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn limits(clock: &Clock) -> Limits {
        let config = ClientLogConfig {
            messages_per_second: 10.0,
            anonymous_per_minute: 6.0,
            node_messages_per_second: 100.0,
            pending_bytes: 1000,
            ..ClientLogConfig::default()
        };
        Limits::new(&config, clock.clone())
    }

    #[test]
    fn a_session_may_send_a_burst_then_waits_then_is_refused_and_recovers() {
        let clock = Clock::movable();
        let limits = limits(&clock);
        let one = Sender::Session(SessionId(Uuid::from_u128(1)));
        assert_eq!(limits.count(one, 200, 1000), Ok(Duration::ZERO));
        let wait = limits.count(one, 30, 10).expect("a short wait");
        assert!((2.0..=3.1).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(limits.count(one, 30, 10), Err(Refused::TooFast));
        let other = Sender::Session(SessionId(Uuid::from_u128(2)));
        assert_eq!(limits.count(other, 100, 10), Ok(Duration::ZERO), "others are not held up");
        clock.advance(Duration::from_secs(10));
        assert_eq!(limits.count(one, 30, 10), Ok(Duration::ZERO));
    }

    #[test]
    fn bytes_count_as_well_as_messages() {
        let limits = limits(&Clock::movable());
        let one = Sender::Session(SessionId(Uuid::from_u128(1)));
        assert_eq!(limits.count(one, 1, 900_000), Err(Refused::TooFast));
    }

    #[test]
    fn who_is_not_signed_in_may_send_little_from_a_whole_network() {
        let clock = Clock::movable();
        let limits = limits(&clock);
        let at = |text: &str| Sender::Address(text.parse().expect("an address"));
        assert_eq!(limits.count(at("2001:db8::1"), 6, 10), Ok(Duration::ZERO));
        assert_eq!(limits.count(at("2001:db8::2"), 6, 10), Err(Refused::TooFast));
        assert_eq!(limits.count(at("2001:db8:1::1"), 6, 10), Ok(Duration::ZERO));
    }

    #[test]
    fn all_together_are_bounded_in_rate_and_in_memory() {
        let limits = limits(&Clock::movable());
        for number in 0..5 {
            let sender = Sender::Session(SessionId(Uuid::from_u128(number)));
            assert_eq!(limits.count(sender, 100, 10), Ok(Duration::ZERO));
        }
        let next = Sender::Session(SessionId(Uuid::from_u128(9)));
        assert_eq!(limits.count(next, 100, 10), Err(Refused::Full));

        let room = limits.room(200).expect("room");
        assert_eq!(limits.room(200).map(drop), Err(Refused::Full));
        drop(room);
        assert!(limits.room(200).is_ok());
    }
}
