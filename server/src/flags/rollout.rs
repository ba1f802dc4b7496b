//! Which users are in a share: the same ones on every node, in every release, and more of them as it grows.

use api_types::flags::Flag;
use sha2::{Digest, Sha256};

/// A user, as flags tell them apart.
#[derive(Clone, Copy, Debug)]
pub struct Whom<'a> {
    /// Decides whether a share has them in it.
    pub id: &'a str,
    /// As operators name them.
    pub name: &'a str,
}

/// Places there are: a hundred for each percent.
const PLACES: u64 = 10_000;

pub fn is_in(flag: Flag, percent: u8, user_id: &str) -> bool {
    place(flag.name(), user_id) < u64::from(percent) * (PLACES / 100)
}

/// Where a user stands among all, for one flag. Another flag has another order, or the same people would try everything.
fn place(flag: &str, user_id: &str) -> u64 {
    let digest = Sha256::digest(format!("{flag}:{user_id}"));
    digest[..8].iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte)) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> impl Iterator<Item = String> {
        (0..10_000).map(|number| format!("user-{number}"))
    }

    #[test]
    fn at_0_percent_nobody_has_it_and_at_100_everybody() {
        for user in users() {
            assert!(!is_in(Flag::ClientLog, 0, &user) && is_in(Flag::ClientLog, 100, &user), "{user}");
        }
    }

    #[test]
    fn a_user_has_it_from_the_percentage_on_that_reaches_their_place() {
        let at = |wanted: u64| {
            let has_place = |user: &String| place(Flag::ClientLog.name(), user) == wanted;
            let found = (0..).map(|number| format!("user-{number}")).find(has_place);
            found.expect("somebody stands there")
        };
        let (last_in, first_out, last) = (at(2_499), at(2_500), at(9_999));
        assert!(is_in(Flag::ClientLog, 25, &last_in) && !is_in(Flag::ClientLog, 24, &last_in));
        assert!(is_in(Flag::ClientLog, 26, &first_out) && !is_in(Flag::ClientLog, 25, &first_out));
        assert!(is_in(Flag::ClientLog, 100, &last) && !is_in(Flag::ClientLog, 99, &last));
        let first = at(0);
        assert!(is_in(Flag::ClientLog, 1, &first) && !is_in(Flag::ClientLog, 0, &first));
    }

    #[test]
    fn raising_the_percentage_takes_it_from_nobody_and_gives_it_to_about_that_share() {
        let mut before = 0;
        for percent in 0..=100 {
            let has = |percent: u8| move |user: &String| is_in(Flag::ClientLog, percent, user);
            let count = users().filter(has(percent)).count();
            let kept = users().filter(has(percent.saturating_sub(1))).filter(has(percent)).count();
            assert!(percent == 0 || kept == before, "{percent} % took it from somebody");
            let expected = usize::from(percent) * 100;
            assert!(count.abs_diff(expected) < 200, "{percent} % gave it to {count} of 10,000");
            before = count;
        }
    }

    #[test]
    fn two_flags_divide_the_users_independently() {
        let half = |flag: &str, user: &str| place(flag, user) < PLACES / 2;
        let both = users().filter(|user| half("client_log", user) && half("another", user)).count();
        assert!(both.abs_diff(2_500) < 200, "a quarter has both halves: {both} of 10,000");
    }

    /// Whoever changes these takes flags from users who have them.
    #[test]
    fn the_places_of_known_users_are_fixed() {
        let places = ["", "alice", "ec1ab63e26035464830bee84d9d50fe3"].map(|id| place("client_log", id));
        assert_eq!(places, [5_418, 5_015, 4_326]);
    }
}
