//! Leaves a failing service alone, tries it with one call, and brings the calls back slowly.

use std::time::Duration;

use tokio::time::Instant;

/// Decides whether a call may be made. Pure: the time is passed in.
///
/// *Closed* lets calls through; some failures in a row open it. *Open* refuses them for a while. Then, *half-open*,
/// one probe goes through: if it fails the circuit is open for twice as long, if it succeeds a growing share of the
/// calls is let through until the circuit is closed.
#[derive(Debug)]
pub struct CircuitBreaker {
    settings: BreakerSettings,
    state: State,
    /// Openings since the last time the circuit was closed: the exponent of the waiting time.
    openings: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open the circuit.
    pub failures_to_open: u32,
    /// How long it stays open the first time; doubles with each failed probe.
    pub open_for: Duration,
    pub open_for_at_most: Duration,
    /// After a good probe: the time over which the share of calls let through grows to all.
    pub reintroduce_over: Duration,
}

/// What a call that was let through is: tells how its end is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    Ordinary,
    Probe,
}

/// A call that is not to be made, and when asking again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub retry_in: Duration,
}

/// What became of a call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The service answered, be it with a refusal.
    Answered,
    /// The service did not answer, or with an error of its own.
    Failed,
    /// Nobody waited for the end of the call.
    Abandoned,
}

/// For the metrics and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    Closed,
    Open,
    HalfOpen,
    Reintroducing,
}

impl CircuitState {
    /// Stable and meant for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Reintroducing => "reintroducing",
        }
    }
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { probing: bool },
    Reintroducing { since: Instant, credit: f64 },
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_to_open: 5,
            open_for: Duration::from_secs(5),
            open_for_at_most: Duration::from_secs(60),
            reintroduce_over: Duration::from_secs(10),
        }
    }
}

impl CircuitBreaker {
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: 0 }, openings: 0 }
    }

    /// Asks to make a call. Whoever gets a pass reports the call's end with [`CircuitBreaker::record`].
    pub fn admit(&mut self, now: Instant) -> Result<Pass, Refused> {
        if let State::Open { until } = self.state {
            if now < until {
                return Err(Refused { retry_in: until - now });
            }
            self.state = State::HalfOpen { probing: false };
        }
        match &mut self.state {
            State::Closed { .. } => Ok(Pass::Ordinary),
            State::HalfOpen { probing: true } => Err(Refused { retry_in: PROBE_PAUSE }),
            State::HalfOpen { probing } => {
                *probing = true;
                Ok(Pass::Probe)
            }
            State::Reintroducing { since, credit } => {
                let progress = share_of(now.duration_since(*since), self.settings.reintroduce_over);
                if progress >= 1.0 {
                    self.close();
                    return Ok(Pass::Ordinary);
                }
                // Each call brings the present share of a call; whenever that makes a whole one, it goes through.
                *credit += FIRST_SHARE + (1.0 - FIRST_SHARE) * progress;
                if *credit >= 1.0 {
                    *credit -= 1.0;
                    Ok(Pass::Ordinary)
                } else {
                    Err(Refused { retry_in: REINTRODUCTION_PAUSE })
                }
            }
            State::Open { .. } => Err(Refused { retry_in: self.settings.open_for }),
        }
    }

    /// Reports how a call that was let through ended.
    pub fn record(&mut self, pass: Pass, outcome: CallOutcome, now: Instant) {
        match (&mut self.state, pass, outcome) {
            (State::HalfOpen { probing }, Pass::Probe, CallOutcome::Abandoned) => *probing = false,
            (State::HalfOpen { .. }, Pass::Probe, CallOutcome::Answered) => {
                self.state = State::Reintroducing { since: now, credit: 0.0 };
            }
            (State::HalfOpen { .. }, Pass::Probe, CallOutcome::Failed) => self.open(now),
            (State::Closed { failures }, _, CallOutcome::Answered) => *failures = 0,
            (State::Closed { failures }, _, CallOutcome::Failed) => {
                *failures += 1;
                if *failures >= self.settings.failures_to_open {
                    self.open(now);
                }
            }
            // One failure is enough to say that it came back too soon.
            (State::Reintroducing { .. }, _, CallOutcome::Failed) => self.open(now),
            // A late end of a call from before says nothing about now.
            _ => {}
        }
    }

    /// Ends the waiting: the next call is the probe. For a person who asks to try again.
    pub fn try_now(&mut self, now: Instant) {
        if let State::Open { until } = &mut self.state {
            *until = now;
        }
    }

    /// How long an open circuit stays open yet; `None` where it is not.
    pub fn retry_in(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Open { until } if now < until => Some(until - now),
            _ => None,
        }
    }

    /// As [`state`](Self::state), for people: a circuit that lets all calls through again is closed, though none has
    /// come since to find it so.
    pub fn shown(&self, now: Instant) -> CircuitState {
        match self.state {
            State::Reintroducing { since, .. }
                if share_of(now.duration_since(since), self.settings.reintroduce_over) >= 1.0 =>
            {
                CircuitState::Closed
            }
            _ => self.state(now),
        }
    }

    pub fn state(&self, now: Instant) -> CircuitState {
        match self.state {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until } if now < until => CircuitState::Open,
            State::Open { .. } | State::HalfOpen { .. } => CircuitState::HalfOpen,
            State::Reintroducing { .. } => CircuitState::Reintroducing,
        }
    }

    fn open(&mut self, now: Instant) {
        let doubled = self.settings.open_for.saturating_mul(1 << self.openings.min(16));
        self.openings += 1;
        self.state = State::Open { until: now + doubled.min(self.settings.open_for_at_most) };
    }

    fn close(&mut self) {
        self.openings = 0;
        self.state = State::Closed { failures: 0 };
    }
}

/// The share of calls let through right after a good probe.
const FIRST_SHARE: f64 = 0.2;
/// When to ask again while the probe is under way.
const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// When to ask again while only a share of the calls is let through.
const REINTRODUCTION_PAUSE: Duration = Duration::from_millis(250);

fn share_of(passed: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 1.0 } else { passed.as_secs_f64() / whole.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures_to_open: 3,
        open_for: Duration::from_secs(4),
        open_for_at_most: Duration::from_secs(10),
        reintroduce_over: Duration::from_secs(10),
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(breaker: &mut CircuitBreaker, now: Instant) {
        let pass = breaker.admit(now).expect("let through");
        breaker.record(pass, CallOutcome::Failed, now);
    }

    fn opened(now: Instant) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::new(SETTINGS);
        for _ in 0..SETTINGS.failures_to_open {
            fail(&mut breaker, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_good_call_between_starts_the_count_again() {
        let now = Instant::now();
        let mut breaker = CircuitBreaker::new(SETTINGS);
        fail(&mut breaker, now);
        fail(&mut breaker, now);
        let pass = breaker.admit(now).expect("closed");
        breaker.record(pass, CallOutcome::Answered, now);
        fail(&mut breaker, now);
        fail(&mut breaker, now);
        assert_eq!(breaker.state(now), CircuitState::Closed);
        fail(&mut breaker, now);
        assert_eq!(breaker.state(now), CircuitState::Open);
        assert_eq!(breaker.admit(now + seconds(1)), Err(Refused { retry_in: seconds(3) }));
    }

    #[test]
    fn after_the_wait_exactly_one_probe_goes_through() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + seconds(4);
        assert_eq!(breaker.admit(later), Ok(Pass::Probe));
        assert!(breaker.admit(later).is_err());
        assert!(breaker.admit(later).is_err());
    }

    #[test]
    fn each_failed_probe_doubles_the_wait_up_to_the_limit() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for wait in [4, 8, 10, 10] {
            assert!(breaker.admit(now + seconds(wait) - Duration::from_millis(1)).is_err(), "{wait}");
            now += seconds(wait);
            let pass = breaker.admit(now).expect("the probe");
            breaker.record(pass, CallOutcome::Failed, now);
        }
    }

    #[test]
    fn a_probe_that_nobody_waited_for_makes_way_for_another() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + seconds(4);
        let pass = breaker.admit(later).expect("the probe");
        breaker.record(pass, CallOutcome::Abandoned, later);
        assert_eq!(breaker.admit(later), Ok(Pass::Probe));
    }

    #[test]
    fn after_a_good_probe_the_share_of_calls_rises_until_all_go_through() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let start = now + seconds(4);
        let pass = breaker.admit(start).expect("the probe");
        breaker.record(pass, CallOutcome::Answered, start);

        let mut share_at = |at: Duration| {
            let passed = (0..100).filter(|_| breaker.admit(start + at).is_ok()).count();
            passed as f64 / 100.0
        };
        let (first, middle, late) = (share_at(seconds(0)), share_at(seconds(5)), share_at(seconds(9)));
        assert!((0.15..=0.25).contains(&first), "{first}");
        assert!((0.55..=0.65).contains(&middle), "{middle}");
        assert!((0.87..=0.95).contains(&late), "{late}");
        assert_eq!(share_at(seconds(10)), 1.0);
        assert_eq!(breaker.state(start + seconds(10)), CircuitState::Closed);
    }

    #[test]
    fn a_circuit_nobody_has_called_since_it_came_back_is_shown_as_closed() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!((breaker.shown(now), breaker.retry_in(now)), (CircuitState::Open, Some(seconds(4))));
        let start = now + seconds(4);
        assert_eq!((breaker.shown(start), breaker.retry_in(start)), (CircuitState::HalfOpen, None));
        let pass = breaker.admit(start).expect("the probe");
        breaker.record(pass, CallOutcome::Answered, start);
        assert_eq!(breaker.shown(start + seconds(9)), CircuitState::Reintroducing);
        assert_eq!(breaker.shown(start + seconds(10)), CircuitState::Closed);
    }

    #[test]
    fn a_failure_while_calls_come_back_opens_it_for_longer() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let start = now + seconds(4);
        let pass = breaker.admit(start).expect("the probe");
        breaker.record(pass, CallOutcome::Answered, start);
        breaker.record(Pass::Ordinary, CallOutcome::Failed, start);
        assert_eq!(breaker.admit(start), Err(Refused { retry_in: seconds(8) }));
    }

    #[test]
    fn a_person_can_end_the_wait() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.try_now(now);
        assert_eq!(breaker.admit(now), Ok(Pass::Probe));
    }

    #[test]
    fn a_late_failure_from_before_does_not_disturb_the_probe() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + seconds(4);
        assert_eq!(breaker.admit(later), Ok(Pass::Probe));
        breaker.record(Pass::Ordinary, CallOutcome::Failed, later);
        assert_eq!(breaker.state(later), CircuitState::HalfOpen);
    }
}
