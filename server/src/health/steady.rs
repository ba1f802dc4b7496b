//! Hysteresis: one odd check changes nothing, some in a row do.

use std::time::Instant;

/// How many checks in a row change a state.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Bad ones that make a good thing bad.
    pub fall: u32,
    /// Good ones that make a bad thing good.
    pub rise: u32,
}

/// Something that is good or bad, as many checks in a row say. Pure: the time is passed in.
///
/// The very first check decides at once: a node that has just started has nothing older to believe.
#[derive(Clone, Debug)]
pub struct Steady {
    thresholds: Thresholds,
    state: Option<State>,
    /// Checks in a row that said otherwise.
    against: u32,
}

#[derive(Clone, Copy, Debug)]
struct State {
    is_good: bool,
    last_was_good: bool,
    since: Instant,
}

impl Steady {
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, state: None, against: 0 }
    }

    /// Takes one check in; tells whether the state changed with it.
    pub fn note(&mut self, is_good: bool, now: Instant) -> bool {
        let Some(state) = &mut self.state else {
            self.state = Some(State { is_good, last_was_good: is_good, since: now });
            return true;
        };
        state.last_was_good = is_good;
        if is_good == state.is_good {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let needed = if is_good { self.thresholds.rise } else { self.thresholds.fall };
        if self.against < needed {
            return false;
        }
        self.against = 0;
        *state = State { is_good, last_was_good: is_good, since: now };
        true
    }

    /// Good until a check says otherwise.
    pub fn is_good(&self) -> bool {
        self.state.is_none_or(|state| state.is_good)
    }

    /// Good, and the last check said so too: what may be told to others as "I can use it".
    pub fn is_surely_good(&self) -> bool {
        self.state.is_some_and(|state| state.is_good && state.last_was_good)
    }

    /// Since when it is as it is; `None` before the first check.
    pub fn since(&self) -> Option<Instant> {
        self.state.map(|state| state.since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn steady() -> Steady {
        Steady::new(Thresholds { fall: 3, rise: 2 })
    }

    /// The state after each of these checks, a second apart.
    fn states(steady: &mut Steady, start: Instant, checks: &[bool]) -> Vec<bool> {
        let note = |(at, good): (usize, &bool)| {
            steady.note(*good, start + Duration::from_secs(at as u64));
            steady.is_good()
        };
        checks.iter().enumerate().map(note).collect()
    }

    #[test]
    fn the_first_check_decides_at_once_either_way() {
        let now = Instant::now();
        for good in [true, false] {
            let mut steady = steady();
            assert!(steady.note(good, now));
            assert_eq!((steady.is_good(), steady.since()), (good, Some(now)));
        }
    }

    #[test]
    fn it_falls_with_the_third_bad_check_in_a_row_and_rises_with_the_second_good_one() {
        let start = Instant::now();
        let mut steady = steady();
        let checks = [true, false, false, true, false, false, false, true, false, true, true];
        let expected = [true, true, true, true, true, true, false, false, false, false, true];
        assert_eq!(states(&mut steady, start, &checks), expected);
        assert_eq!(steady.since(), Some(start + Duration::from_secs(10)));
    }

    #[test]
    fn a_thing_that_flickers_stays_what_it_was() {
        let start = Instant::now();
        let flicker: Vec<bool> = (0..100).map(|at| at % 2 == 0).collect();
        let mut was_good = steady();
        assert!(states(&mut was_good, start, &flicker).iter().all(|good| *good));
        let mut was_bad = steady();
        was_bad.note(false, start);
        assert!(states(&mut was_bad, start, &flicker).iter().all(|good| !*good));
    }

    #[test]
    fn only_what_is_good_and_was_good_a_moment_ago_is_surely_good() {
        let now = Instant::now();
        let mut steady = steady();
        assert!(!steady.is_surely_good());
        steady.note(true, now);
        assert!(steady.is_surely_good());
        steady.note(false, now);
        assert!(steady.is_good() && !steady.is_surely_good());
    }
}
