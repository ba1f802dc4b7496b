//! When to warn, when it is over: values in, values out.

use std::time::Duration;

use api_types::session::CurrentSession;

/// When the upstream token runs out, by the browser's clock, and how long before to warn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expiry {
    expires_at_ms: f64,
    warn_before_ms: f64,
}

/// How the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The server has not said yet.
    Unknown,
    Fresh,
    /// The upstream token runs out in so many seconds.
    EndingSoon {
        seconds: u64,
    },
    /// The upstream token has run out; the password brings another.
    Expired,
    /// The server knows this session no more.
    Ended,
}

impl Expiry {
    /// `now_ms` in milliseconds since 1970: durations travel, so the two clocks need not agree.
    pub fn of(current: &CurrentSession, now_ms: f64) -> Self {
        Self {
            expires_at_ms: now_ms + current.token_expires_in_secs as f64 * 1000.0,
            warn_before_ms: current.warn_before_expiry_secs as f64 * 1000.0,
        }
    }

    /// The same, over by now.
    pub fn over(self, now_ms: f64) -> Self {
        Self { expires_at_ms: self.expires_at_ms.min(now_ms), ..self }
    }

    pub fn standing(&self, now_ms: f64) -> Standing {
        let left_ms = self.expires_at_ms - now_ms;
        if left_ms <= 0.0 {
            Standing::Expired
        } else if left_ms <= self.warn_before_ms {
            Standing::EndingSoon { seconds: (left_ms / 1000.0).ceil() as u64 }
        } else {
            Standing::Fresh
        }
    }

    /// How long until the standing may be another; `None` once it is over. Never more than a minute, since a
    /// machine that sleeps holds its timers.
    pub fn next_look_in(&self, now_ms: f64) -> Option<Duration> {
        const MINUTE_MS: f64 = 60_000.0;
        let left_ms = self.expires_at_ms - now_ms;
        match self.standing(now_ms) {
            Standing::Fresh => Some(millis((left_ms - self.warn_before_ms).min(MINUTE_MS))),
            // To the next whole second of the countdown.
            Standing::EndingSoon { seconds } => Some(millis(left_ms - (seconds - 1) as f64 * 1000.0)),
            _ => None,
        }
    }
}

fn millis(value: f64) -> Duration {
    // Browsers may wake a timer a little early: a whole millisecond more spares a second look.
    Duration::from_millis(value.max(0.0).ceil() as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_760_000_000_000.0;

    fn expiry() -> Expiry {
        Expiry { expires_at_ms: NOW + 3_600_000.0, warn_before_ms: 300_000.0 }
    }

    #[test]
    fn the_warning_begins_when_the_last_minutes_do() {
        assert_eq!(expiry().standing(NOW), Standing::Fresh);
        assert_eq!(expiry().standing(NOW + 3_299_999.0), Standing::Fresh);
        assert_eq!(expiry().standing(NOW + 3_300_000.0), Standing::EndingSoon { seconds: 300 });
        assert_eq!(expiry().standing(NOW + 3_599_001.0), Standing::EndingSoon { seconds: 1 });
        assert_eq!(expiry().standing(NOW + 3_600_000.0), Standing::Expired);
    }

    #[test]
    fn a_machine_that_slept_through_the_warning_wakes_to_the_end() {
        assert_eq!(expiry().standing(NOW + 90_000_000.0), Standing::Expired);
        assert_eq!(expiry().next_look_in(NOW + 90_000_000.0), None);
    }

    #[test]
    fn what_the_server_calls_over_is_over_before_the_clock_says_so() {
        assert_eq!(expiry().over(NOW).standing(NOW), Standing::Expired);
        let over = expiry().over(NOW + 9_000_000.0);
        assert_eq!(over, expiry(), "over already");
    }

    #[test]
    fn looks_follow_the_countdown_to_its_end_and_never_stand_still() {
        let mut now = NOW;
        let mut looks = 0;
        while let Some(pause) = expiry().next_look_in(now) {
            assert!(pause > Duration::ZERO && pause <= Duration::from_millis(60_001), "{pause:?}");
            now += pause.as_secs_f64() * 1000.0;
            looks += 1;
        }
        assert_eq!(expiry().standing(now), Standing::Expired);
        assert!((355..=365).contains(&looks), "{looks} looks: each minute, then each second");
    }
}
