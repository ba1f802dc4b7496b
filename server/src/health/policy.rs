//! Whether a node that lacks something goes out of service: values in, a conclusion out.
//!
//! What only this node lacks is a reason to send people elsewhere. What every node lacks is none: if all of them went
//! out, nobody could even see what is the matter, and what still works would be gone too.

use crate::config::{HealthConfig, Need, WhenBadEverywhere, WhenDatabaseIsGone};

/// What another node says of one need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It could use it a moment ago.
    Good,
    /// It cannot use it, or its last check failed.
    Bad,
}

/// What is known of the other nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// What they say of the need: in the table of nodes, where it can be read, and as next hops.
    pub opinions: Vec<Opinion>,
    /// The table cannot be read.
    pub is_table_gone: bool,
    /// Some were alive when the table was last read, and no next hop is configured that could tell whether they are.
    pub were_alive: bool,
}

/// What follows for this node from lacking one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    Out(Why),
    Stay(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Another node can use it.
    OnlyHere,
    /// Whoever could be asked lacks it as well.
    Everywhere,
    /// There is nobody to ask.
    NobodyToAsk,
    /// There were others a moment ago, and no way to ask them now.
    CannotAsk,
    /// The configuration says so, whatever others see.
    Configured,
}

/// How to conclude.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub when_bad_everywhere: WhenBadEverywhere,
    pub when_database_is_gone: WhenDatabaseIsGone,
}

impl Policy {
    pub fn of(config: &HealthConfig) -> Self {
        Self {
            when_bad_everywhere: config.when_bad_everywhere,
            when_database_is_gone: config.when_database_is_gone,
        }
    }

    /// What follows from lacking `need`.
    pub fn conclude(&self, need: Need, others: &Others) -> Conclusion {
        if need == Need::Database {
            match self.when_database_is_gone {
                WhenDatabaseIsGone::Fail => return Conclusion::Out(Why::Configured),
                WhenDatabaseIsGone::Stay => return Conclusion::Stay(Why::Configured),
                WhenDatabaseIsGone::Ask => {}
            }
        }
        if others.opinions.is_empty() {
            return self.conclude_unheard(others);
        }
        if others.opinions.contains(&Opinion::Good) {
            return Conclusion::Out(Why::OnlyHere);
        }
        match self.when_bad_everywhere {
            WhenBadEverywhere::Stay => Conclusion::Stay(Why::Everywhere),
            WhenBadEverywhere::Fail => Conclusion::Out(Why::Everywhere),
        }
    }

    /// What follows where nobody says anything.
    fn conclude_unheard(&self, others: &Others) -> Conclusion {
        let stays = self.when_bad_everywhere == WhenBadEverywhere::Stay;
        match self.when_database_is_gone {
            // Staying without the database is worth nothing to anybody if the next thing that is lacking ends it.
            WhenDatabaseIsGone::Stay if others.is_table_gone => Conclusion::Stay(Why::Configured),
            // The others are most likely in the same place, and all of them would go out together.
            _ if stays && others.is_table_gone && others.were_alive => Conclusion::Stay(Why::CannotAsk),
            // Cut off from everybody, or alone: whoever asks can judge better than we can.
            _ => Conclusion::Out(Why::NobodyToAsk),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::health::steady::{Steady, Thresholds};

    const DEFAULT: Policy = Policy {
        when_bad_everywhere: WhenBadEverywhere::Stay,
        when_database_is_gone: WhenDatabaseIsGone::Ask,
    };

    fn say(opinions: &[Opinion]) -> Others {
        Others { opinions: opinions.to_vec(), ..Others::default() }
    }

    #[test]
    fn what_only_this_node_lacks_takes_it_out() {
        for need in [Need::Keystone, Need::Database, Need::Compute] {
            for others in [&[Opinion::Good][..], &[Opinion::Bad, Opinion::Good]] {
                assert_eq!(DEFAULT.conclude(need, &say(others)), Conclusion::Out(Why::OnlyHere));
            }
        }
    }

    #[test]
    fn what_every_node_lacks_takes_none_out_unless_it_is_configured() {
        let others = say(&[Opinion::Bad, Opinion::Bad]);
        assert_eq!(DEFAULT.conclude(Need::Keystone, &others), Conclusion::Stay(Why::Everywhere));
        let strict = Policy { when_bad_everywhere: WhenBadEverywhere::Fail, ..DEFAULT };
        assert_eq!(strict.conclude(Need::Keystone, &others), Conclusion::Out(Why::Everywhere));
    }

    #[test]
    fn a_node_that_can_ask_nobody_goes_out() {
        let cut_off = Others { is_table_gone: true, ..Others::default() };
        for others in [Others::default(), cut_off] {
            assert_eq!(DEFAULT.conclude(Need::Keystone, &others), Conclusion::Out(Why::NobodyToAsk));
            assert_eq!(DEFAULT.conclude(Need::Database, &others), Conclusion::Out(Why::NobodyToAsk));
        }
    }

    #[test]
    fn nodes_that_lose_their_only_way_to_ask_each_other_do_not_go_out_together() {
        let others = Others { is_table_gone: true, were_alive: true, opinions: Vec::new() };
        for need in [Need::Database, Need::Keystone] {
            assert_eq!(DEFAULT.conclude(need, &others), Conclusion::Stay(Why::CannotAsk));
            let strict = Policy { when_bad_everywhere: WhenBadEverywhere::Fail, ..DEFAULT };
            assert_eq!(strict.conclude(need, &others), Conclusion::Out(Why::NobodyToAsk));
        }
        let silent = Others { is_table_gone: false, ..others };
        assert_eq!(DEFAULT.conclude(Need::Keystone, &silent), Conclusion::Out(Why::NobodyToAsk));
    }

    #[test]
    fn without_the_database_the_configured_word_goes_before_what_others_see() {
        let stay = Policy { when_database_is_gone: WhenDatabaseIsGone::Stay, ..DEFAULT };
        let fail = Policy { when_database_is_gone: WhenDatabaseIsGone::Fail, ..DEFAULT };
        for opinions in [&[][..], &[Opinion::Good], &[Opinion::Bad]] {
            let others = Others { is_table_gone: true, ..say(opinions) };
            assert_eq!(stay.conclude(Need::Database, &others), Conclusion::Stay(Why::Configured));
            assert_eq!(fail.conclude(Need::Database, &others), Conclusion::Out(Why::Configured));
            // To fail is about the database alone.
            assert_eq!(fail.conclude(Need::Keystone, &others), DEFAULT.conclude(Need::Keystone, &others));
        }
    }

    #[test]
    fn a_node_that_stays_without_the_database_stays_without_what_else_it_cannot_ask_about() {
        let stay = Policy { when_database_is_gone: WhenDatabaseIsGone::Stay, ..DEFAULT };
        let cut_off = Others { is_table_gone: true, ..Others::default() };
        assert_eq!(stay.conclude(Need::Keystone, &cut_off), Conclusion::Stay(Why::Configured));
        let next_hop_has_it = Others { is_table_gone: true, ..say(&[Opinion::Good]) };
        assert_eq!(stay.conclude(Need::Keystone, &next_hop_has_it), Conclusion::Out(Why::OnlyHere));
        assert_eq!(stay.conclude(Need::Keystone, &Others::default()), Conclusion::Out(Why::NobodyToAsk));
    }

    /// Some nodes with rounds of checks at different moments, that read of each other what was last written down.
    struct Nodes {
        steady: Vec<Steady>,
        written: Vec<Option<Opinion>>,
    }

    impl Nodes {
        const PERIOD_MS: u64 = 2_000;

        fn new(count: usize) -> Self {
            let steady = Steady::new(Thresholds { fall: 3, rise: 2 });
            Self { steady: vec![steady; count], written: vec![None; count] }
        }

        /// One round of one node; whether it is in service after it.
        fn round(&mut self, node: usize, is_good: bool, now: Instant) -> bool {
            self.steady[node].note(is_good, now);
            let opinion = if self.steady[node].is_surely_good() { Opinion::Good } else { Opinion::Bad };
            self.written[node] = Some(opinion);
            let others = self.written.iter().enumerate().filter(|(other, _)| *other != node);
            let others = say(&others.filter_map(|(_, opinion)| *opinion).collect::<Vec<_>>());
            self.steady[node].is_good()
                || matches!(DEFAULT.conclude(Need::Keystone, &others), Conclusion::Stay(_))
        }
    }

    /// Runs nodes whose rounds begin `phases` after each other; `is_good` says what a node finds when. Gives the
    /// rounds after which a node was out of service.
    fn run(phases: &[u64], is_good: impl Fn(usize, u64) -> bool) -> Vec<(usize, u64)> {
        let (start, mut nodes, mut out) = (Instant::now(), Nodes::new(phases.len()), Vec::new());
        for ms in 0..60_000 {
            for (node, phase) in phases.iter().enumerate() {
                if ms % Nodes::PERIOD_MS == *phase {
                    let is_in = nodes.round(node, is_good(node, ms), start + Duration::from_millis(ms));
                    if !is_in {
                        out.push((node, ms));
                    }
                }
            }
        }
        out
    }

    #[test]
    fn however_their_rounds_fall_no_node_goes_out_when_something_fails_and_recovers_for_all() {
        for phases in [[0, 1, 2], [0, 1_000, 1_999], [0, 0, 1_500], [1_999, 1, 1_000]] {
            for begins in [10_000, 10_001, 10_999, 11_500, 11_999] {
                for lasts in [1_000, 3_000, 6_001, 20_500] {
                    let out = run(&phases, |_, ms| !(begins..begins + lasts).contains(&ms));
                    assert_eq!(out, [], "{phases:?} from {begins} for {lasts}");
                }
            }
        }
    }

    #[test]
    fn however_their_rounds_fall_the_one_that_lacks_something_alone_goes_out_and_comes_back() {
        for phases in [[0, 1, 2], [0, 1_000, 1_999], [1_999, 1, 1_000]] {
            let out = run(&phases, |node, ms| node != 1 || !(20_000..40_000).contains(&ms));
            assert!(out.iter().all(|(node, _)| *node == 1), "{out:?}");
            let (first, last) = (out[0].1, out[out.len() - 1].1);
            assert!((24_000..=26_000).contains(&first), "{phases:?} out at {first}");
            assert!((40_000..=42_000).contains(&last), "{phases:?} last out at {last}");
        }
    }
}
