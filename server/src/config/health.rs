//! What this node needs, how soon it says that it lacks it, and what it does when every node lacks it.

use std::time::Duration;

use url::Url;

use super::reader::{Reader, name_of};

/// What `/health` answers with, and when.
#[derive(Clone, Debug)]
pub struct HealthConfig {
    /// What this node must be able to use to be of use. `health.needs`, `HEALTH_NEEDS`, default `database,keystone`;
    /// also `compute`, `image`, `network` and `block-storage`, which are lacking when no region has them.
    pub needs: Vec<Need>,
    /// Between two rounds of checks. `health.every_secs`, `HEALTH_EVERY_SECS`, default 2.
    pub every: Duration,
    /// Longest wait for one check. `health.timeout_secs`, `HEALTH_TIMEOUT_SECS`, default 2.
    pub timeout: Duration,
    /// So many bad checks in a row make something bad. `health.fall`, `HEALTH_FALL`, default 3.
    pub fall: u32,
    /// So many good checks in a row make it good again. `health.rise`, `HEALTH_RISE`, default 2.
    pub rise: u32,
    /// What this node does about something that every other node it hears of lacks as well.
    /// `health.when_bad_everywhere`, `HEALTH_WHEN_BAD_EVERYWHERE`, default `stay`.
    pub when_bad_everywhere: WhenBadEverywhere,
    /// What this node does without its database, through which nodes tell each other what they see.
    /// `health.when_database_is_gone`, `HEALTH_WHEN_DATABASE_IS_GONE`, default `ask`.
    pub when_database_is_gone: WhenDatabaseIsGone,
    /// After SIGTERM `/health` says for so long that this node is going away, before anything closes.
    /// `health.drain_for_secs`, `HEALTH_DRAIN_FOR_SECS`, default 5.
    pub drain_for: Duration,
    /// Addresses of other nodes, whose `/health/live` is looked at: a second opinion beside the database.
    /// `health.next_hops`, `HEALTH_NEXT_HOPS`, default none.
    pub next_hops: Vec<Url>,
}

/// Something a node may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    Database,
    Keystone,
    Compute,
    Image,
    Network,
    BlockStorage,
}

/// What to do about something that is bad for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBadEverywhere {
    /// Taking nodes out would help nobody: stay, and say so.
    Stay,
    /// Let the traffic manager show its own page.
    Fail,
}

/// What to do without the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDatabaseIsGone {
    /// Ask the next hops: fail when one of them has it or none answers, otherwise it is gone everywhere. Without next
    /// hops fail only where no other node was alive when it was last there.
    Ask,
    Fail,
    Stay,
}

/// Other nodes that are looked at; each looks at all of them.
const MOST_HOPS: usize = 50;

impl HealthConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let seconds = Duration::from_secs;
        let mut needs = reader.list("health.needs", "HEALTH_NEEDS", Need::parse);
        needs.sort_unstable();
        needs.dedup();
        if needs.is_empty() {
            needs = vec![Need::Database, Need::Keystone];
        }
        let when_bad_everywhere =
            reader.parse("health.when_bad_everywhere", "HEALTH_WHEN_BAD_EVERYWHERE", |text| match text {
                "stay" => Ok(WhenBadEverywhere::Stay),
                "fail" => Ok(WhenBadEverywhere::Fail),
                _ => Err("is neither stay nor fail".to_owned()),
            });
        let when_database_is_gone =
            reader.parse("health.when_database_is_gone", "HEALTH_WHEN_DATABASE_IS_GONE", |text| match text {
                "ask" => Ok(WhenDatabaseIsGone::Ask),
                "fail" => Ok(WhenDatabaseIsGone::Fail),
                "stay" => Ok(WhenDatabaseIsGone::Stay),
                _ => Err("is none of ask, fail and stay".to_owned()),
            });
        let next_hops = reader.list("health.next_hops", "HEALTH_NEXT_HOPS", parse_hop);
        if next_hops.len() > MOST_HOPS {
            let name = name_of("health.next_hops", "HEALTH_NEXT_HOPS");
            reader.problem(name, format!("are more than {MOST_HOPS}"));
        }
        Self {
            needs,
            every: reader.seconds("health.every_secs", "HEALTH_EVERY_SECS", seconds(2), 0.05..=3600.0),
            timeout: reader.seconds("health.timeout_secs", "HEALTH_TIMEOUT_SECS", seconds(2), 0.05..=60.0),
            fall: reader.number("health.fall", "HEALTH_FALL", 3, 1..=100),
            rise: reader.number("health.rise", "HEALTH_RISE", 2, 1..=100),
            when_bad_everywhere: when_bad_everywhere.unwrap_or(WhenBadEverywhere::Stay),
            when_database_is_gone: when_database_is_gone.unwrap_or(WhenDatabaseIsGone::Ask),
            drain_for: reader.seconds(
                "health.drain_for_secs",
                "HEALTH_DRAIN_FOR_SECS",
                seconds(5),
                0.0..=3600.0,
            ),
            next_hops,
        }
    }
}

impl Need {
    /// As it is configured, shown and told to traffic managers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Keystone => "keystone",
            Self::Compute => "compute",
            Self::Image => "image",
            Self::Network => "network",
            Self::BlockStorage => "block-storage",
        }
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        use Need::*;
        let all = [Database, Keystone, Compute, Image, Network, BlockStorage];
        all.into_iter().find(|need| need.as_str() == text).ok_or_else(|| {
            "is none of database, keystone, compute, image, network and block-storage".to_owned()
        })
    }
}

fn parse_hop(text: &str) -> Result<Url, String> {
    let refusal = || "is no address such as http://10.0.0.2:8080".to_owned();
    let url = Url::parse(text).map_err(|_| refusal())?;
    let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_usable = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty();
    if is_plain && is_usable { Ok(url) } else { Err(refusal()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;

    fn read(source: &Source) -> (HealthConfig, Vec<String>) {
        let mut reader = Reader::new(source);
        let config = HealthConfig::read(&mut reader);
        (config, reader.finish().into_iter().map(|problem| problem.to_string()).collect())
    }

    #[test]
    fn without_a_word_a_node_needs_database_and_keystone() {
        let (config, problems) = read(&Source::from_map([]));
        assert_eq!((config.needs, problems), (vec![Need::Database, Need::Keystone], vec![]));
    }

    #[test]
    fn an_address_of_a_next_hop_is_an_origin_and_nothing_more() {
        for good in ["http://10.0.0.2:8080", "https://b.example.net", "http://[fd00::2]:8080/"] {
            assert!(parse_hop(good).is_ok(), "{good}");
        }
        for bad in ["10.0.0.2:8080", "http://a/health", "ftp://a", "http://user@a", "http://a/?b", ""] {
            assert!(parse_hop(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_policy_and_no_need_is_named() {
        let source =
            Source::from_map([("HEALTH_NEEDS", "database,disk"), ("HEALTH_WHEN_DATABASE_IS_GONE", "pray")]);
        let (_, problems) = read(&source);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("health.needs (HEALTH_NEEDS): \"disk\""), "{problems:?}");
        assert!(problems[1].contains("none of ask, fail and stay"), "{problems:?}");
    }
}
