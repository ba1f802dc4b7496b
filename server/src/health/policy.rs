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

    /// What follows from lacking `need`. `others`: the opinions there are about it, from the table of nodes where the
    /// database can be used, and from the next hops.
    pub fn conclude(&self, need: Need, others: &[Opinion]) -> Conclusion {
        if need == Need::Database {
            match self.when_database_is_gone {
                WhenDatabaseIsGone::Fail => return Conclusion::Out(Why::Configured),
                WhenDatabaseIsGone::Stay => return Conclusion::Stay(Why::Configured),
                WhenDatabaseIsGone::Ask => {}
            }
        }
        if others.is_empty() {
            // Cut off from everybody, or alone: whoever asks can judge better than we can.
            return Conclusion::Out(Why::NobodyToAsk);
        }
        if others.contains(&Opinion::Good) {
            return Conclusion::Out(Why::OnlyHere);
        }
        match self.when_bad_everywhere {
            WhenBadEverywhere::Stay => Conclusion::Stay(Why::Everywhere),
            WhenBadEverywhere::Fail => Conclusion::Out(Why::Everywhere),
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

    #[test]
    fn what_only_this_node_lacks_takes_it_out() {
        for need in [Need::Keystone, Need::Database, Need::Compute] {
            for others in [&[Opinion::Good][..], &[Opinion::Bad, Opinion::Good]] {
                assert_eq!(DEFAULT.conclude(need, others), Conclusion::Out(Why::OnlyHere));
            }
        }
    }

    #[test]
    fn what_every_node_lacks_takes_none_out_unless_it_is_configured() {
        let others = [Opinion::Bad, Opinion::Bad];
        assert_eq!(DEFAULT.conclude(Need::Keystone, &others), Conclusion::Stay(Why::Everywhere));
        let strict = Policy { when_bad_everywhere: WhenBadEverywhere::Fail, ..DEFAULT };
        assert_eq!(strict.conclude(Need::Keystone, &others), Conclusion::Out(Why::Everywhere));
    }

    #[test]
    fn a_node_that_can_ask_nobody_goes_out() {
        assert_eq!(DEFAULT.conclude(Need::Keystone, &[]), Conclusion::Out(Why::NobodyToAsk));
        assert_eq!(DEFAULT.conclude(Need::Database, &[]), Conclusion::Out(Why::NobodyToAsk));
    }

    #[test]
    fn without_the_database_the_configured_word_goes_before_what_others_see() {
        for others in [&[][..], &[Opinion::Good], &[Opinion::Bad]] {
            let stay = Policy { when_database_is_gone: WhenDatabaseIsGone::Stay, ..DEFAULT };
            assert_eq!(stay.conclude(Need::Database, others), Conclusion::Stay(Why::Configured));
            let fail = Policy { when_database_is_gone: WhenDatabaseIsGone::Fail, ..DEFAULT };
            assert_eq!(fail.conclude(Need::Database, others), Conclusion::Out(Why::Configured));
            // And it is about the database alone.
            assert_eq!(fail.conclude(Need::Keystone, others), DEFAULT.conclude(Need::Keystone, others));
        }
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
            let others: Vec<Opinion> = others.filter_map(|(_, opinion)| *opinion).collect();
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
