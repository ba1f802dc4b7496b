//! A resize that waits to be confirmed: what becomes of it when nobody says anything.

use leptos::prelude::use_context;

use crate::{session::Session, ui::format};

/// Seconds after which the cloud confirms it by itself, as the panel is configured; `None`: never.
pub fn use_window() -> Option<u32> {
    use_context::<Session>().and_then(window_of)
}

/// The same of a session that was found before.
pub fn window_of(session: Session) -> Option<u32> {
    session.current()?.resize_confirm_secs
}

/// One sentence. `ended_at` is when the resize ended, in seconds since 1970.
pub fn what_becomes(ended_at: i64, window: Option<u32>, now: i64) -> String {
    let Some(window) = window.map(i64::from) else { return WAITS.to_owned() };
    // The clocks of browser and cloud differ.
    match (ended_at + window - now).min(window) {
        left @ 1.. => format!("The cloud confirms it by itself in {}.", spelled(left.unsigned_abs())),
        _ => ANY_MOMENT.to_owned(),
    }
}

fn spelled(seconds: u64) -> String {
    match seconds {
        0..3_600 => format::countdown(seconds),
        hours => format!("{} h {} min", hours / 3_600, hours % 3_600 / 60),
    }
}

const WAITS: &str = "It waits until it is confirmed or reverted.";
const ANY_MOMENT: &str = "The cloud confirms it by itself any moment.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_counts_down_to_the_clouds_own_confirmation() {
        let at = |now| what_becomes(1_000, Some(600), now);
        assert_eq!(at(1_000), "The cloud confirms it by itself in 10:00.");
        assert_eq!(at(1_355), "The cloud confirms it by itself in 4:05.");
        assert_eq!(at(900), "The cloud confirms it by itself in 10:00.", "the browser's clock is late");
        assert_eq!(at(1_600), ANY_MOMENT);
        let day = what_becomes(0, Some(86_400), 60);
        assert_eq!(day, "The cloud confirms it by itself in 23 h 59 min.");
    }

    #[test]
    fn without_a_window_it_waits_for_a_person() {
        assert_eq!(what_becomes(1_000, None, 9_000_000), WAITS);
    }
}
