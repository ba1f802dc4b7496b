//! Things that may be done only so often: a probe of a service, a line that says that somebody looks.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// When each of them may be done again.
#[derive(Default)]
pub struct Pauses(Mutex<HashMap<String, Instant>>);

/// Keys come from what exists, and of those that are over none is kept beyond this.
const MOST: usize = 1_000;

impl Pauses {
    /// Takes one turn, the next of which comes after `pause`.
    ///
    /// Errors: how long it is until then.
    pub fn take(&self, key: &str, pause: Duration, now: Instant) -> Result<(), Duration> {
        let mut until = self.0.lock();
        if let Some(until) = until.get(key)
            && *until > now
        {
            return Err(*until - now);
        }
        if until.len() >= MOST {
            until.retain(|_, until| *until > now);
        }
        until.insert(key.to_owned(), now + pause);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_pause() {
        let (pauses, now, second) = (Pauses::default(), Instant::now(), Duration::from_secs(1));
        assert_eq!(pauses.take("a", second * 2, now), Ok(()));
        assert_eq!(pauses.take("a", second * 2, now + second), Err(second));
        assert_eq!(pauses.take("b", second * 2, now + second), Ok(()));
        assert_eq!(pauses.take("a", second * 2, now + second * 2), Ok(()));
    }

    #[test]
    fn what_is_over_is_forgotten_before_there_is_too_much() {
        let (pauses, now) = (Pauses::default(), Instant::now());
        for key in 0..MOST * 3 {
            let at = now + Duration::from_secs(key as u64);
            assert_eq!(pauses.take(&key.to_string(), Duration::from_secs(1), at), Ok(()));
        }
        assert!(pauses.0.lock().len() <= MOST);
    }
}
