//! When a call is made a second time.

use std::time::Duration;

use super::UpstreamError;

/// How long to wait before the one repetition of a read; `None`: do not repeat.
///
/// `left` is what is left of the deadline, `jitter` is from 0 up to 1, drawn by the caller. Writes are never
/// repeated: the first may have arrived.
pub fn pause_before_retry(
    error: &UpstreamError,
    is_repeatable: bool,
    attempts_made: u32,
    left: Duration,
    jitter: f64,
) -> Option<Duration> {
    if !is_repeatable || attempts_made > 1 || !error.is_retryable() {
        return None;
    }
    let pause = SHORTEST_PAUSE + SPREAD.mul_f64(jitter.clamp(0.0, 1.0));
    (pause + WORTH_TRYING <= left).then_some(pause)
}

/// A service that restarts behind its proxy is back within about this time; many clients spread over it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const SPREAD: Duration = Duration::from_millis(200);
/// With less time than this left, a second attempt only adds load.
const WORTH_TRYING: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> UpstreamError {
        UpstreamError::Unreachable { source: "reset".into() }
    }

    const PLENTY: Duration = Duration::from_secs(10);

    #[test]
    fn a_read_that_broke_is_repeated_once() {
        assert_eq!(pause_before_retry(&broken(), true, 1, PLENTY, 0.0), Some(Duration::from_millis(50)));
        assert_eq!(pause_before_retry(&broken(), true, 1, PLENTY, 1.0), Some(Duration::from_millis(250)));
        assert_eq!(pause_before_retry(&broken(), true, 2, PLENTY, 0.0), None);
    }

    #[test]
    fn a_write_is_never_repeated() {
        assert_eq!(pause_before_retry(&broken(), false, 1, PLENTY, 0.0), None);
    }

    #[test]
    fn a_repetition_that_cannot_be_in_time_is_left_out() {
        assert_eq!(pause_before_retry(&broken(), true, 1, Duration::from_millis(299), 0.0), None);
        assert!(pause_before_retry(&broken(), true, 1, Duration::from_millis(300), 0.0).is_some());
    }

    #[test]
    fn a_refusal_is_final() {
        let open = UpstreamError::CircuitOpen { retry_in: Duration::from_secs(1) };
        assert_eq!(pause_before_retry(&open, true, 1, PLENTY, 0.0), None);
        assert_eq!(pause_before_retry(&UpstreamError::TooBusy, true, 1, PLENTY, 0.0), None);
    }
}
