//! A bucket that fills at a rate: what may be sent.

use std::time::{Duration, Instant};

/// What may still be sent; negative while somebody waits.
pub struct Bucket {
    messages: f64,
    bytes: f64,
    at: Instant,
}

/// How fast it fills, in a second, and when it is full.
#[derive(Clone, Copy)]
pub struct Rate {
    pub messages: f64,
    pub bytes: f64,
    /// Seconds of the rate that may come at once.
    pub burst_secs: f64,
}

impl Rate {
    /// So much in this time, all of which may come at once.
    pub fn within(messages: f64, bytes: f64, time: Duration) -> Self {
        let secs = time.as_secs_f64();
        Self { messages: messages / secs, bytes: bytes / secs, burst_secs: secs }
    }

    /// A part of it.
    pub fn of(self, part: f64) -> Self {
        Self { messages: self.messages * part, bytes: self.bytes * part, ..self }
    }
}

impl Bucket {
    pub fn full(rate: Rate, at: Instant) -> Self {
        Self { messages: rate.messages * rate.burst_secs, bytes: rate.bytes * rate.burst_secs, at }
    }

    /// Whether it holds this part of what it can.
    pub fn holds(&self, part: f64, rate: Rate, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let full = Self::full(rate, now);
        self.messages + passed * rate.messages >= full.messages * part
            && self.bytes + passed * rate.bytes >= full.bytes * part
    }

    /// How long the sender has to wait. `None` where that is longer than `longest`; nothing is taken then.
    pub fn take(
        &mut self,
        rate: Rate,
        now: Instant,
        (messages, bytes): (usize, usize),
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

    pub fn give_back(&mut self, (messages, bytes): (usize, usize)) {
        self.messages += messages as f64;
        self.bytes += bytes as f64;
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let full = Self::full(rate, now);
        self.messages = (self.messages + passed * rate.messages).min(full.messages);
        self.bytes = (self.bytes + passed * rate.bytes).min(full.bytes);
        self.at = now;
    }
}
