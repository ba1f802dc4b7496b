//! The checks themselves: each ends in time, whatever it looks at.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use url::Url;

use super::{Opinion, Shared};
use crate::{
    config::Need,
    upstream::{ServiceType, Target, circuit_breaker::CircuitState, heard::ServiceState},
};

/// How one check ended.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    pub took: Duration,
    /// Why it failed, as a code.
    pub error: Option<&'static str>,
}

/// How a look at another node ended.
#[derive(Clone, Debug)]
pub struct LookedAtHop {
    pub looked: Looked,
    pub says: BTreeMap<String, Opinion>,
}

/// Things another node may say of itself; more is none of ours.
const MOST_SAID: usize = 20;

impl Shared {
    /// Keystone, by its front page; nobody signs in while its circuit is open either.
    pub async fn look_at_keystone(&self) -> Looked {
        self.look_at(&Target::identity(), self.keystone.auth_url()).await
    }

    /// A service in all regions: good where one of them has it, or where none is known yet.
    pub async fn look_at_service(&self, need: Need) -> Looked {
        let Some(service) = service_of(need) else { return Looked { took: Duration::ZERO, error: None } };
        let states = self.upstream.services();
        let of_service = states.iter().filter(|state| state.target.service == service);
        let looks = join_all(of_service.filter_map(|state| {
            let url = self.upstream.known_endpoint(&state.target)?;
            Some(self.look_unless_heard(state, url))
        }))
        .await;
        let best = looks.iter().find(|looked| looked.error.is_none()).or(looks.first());
        best.copied().unwrap_or(Looked { took: Duration::ZERO, error: None })
    }

    /// Another node, by its `/health/live`, which says what it can use.
    pub async fn look_at_hop(&self, hop: &Url) -> LookedAtHop {
        let mut url = hop.clone();
        url.set_path(api_types::routes::HEALTH_LIVE);
        let started_at = Instant::now();
        let answer = self.upstream.ask(&url, self.config.timeout).await;
        let took = started_at.elapsed();
        match answer {
            Ok(answer) if answer.status.is_success() && answer.body.starts_with(b"OK") => {
                let says = said(&String::from_utf8_lossy(&answer.body));
                LookedAtHop { looked: Looked { took, error: None }, says }
            }
            // Somebody is there, and it is no node of ours.
            Ok(_) => LookedAtHop {
                looked: Looked { took, error: Some("unexpected_answer") },
                says: BTreeMap::new(),
            },
            Err(error) => {
                LookedAtHop { looked: Looked { took, error: Some(error.code()) }, says: BTreeMap::new() }
            }
        }
    }

    async fn look_unless_heard(&self, state: &ServiceState, url: Url) -> Looked {
        let now = tokio::time::Instant::now();
        let heard = state.heard.answered_at.filter(|at| now.duration_since(*at) <= self.config.every);
        let failed = state.heard.failure.as_ref().map(|failure| failure.at);
        // A call of a moment ago says more than another look.
        if heard.is_some() && heard > failed && state.circuit == CircuitState::Closed {
            return Looked { took: Duration::ZERO, error: None };
        }
        self.look_at(&state.target, &url).await
    }

    async fn look_at(&self, target: &Target, url: &Url) -> Looked {
        let started_at = Instant::now();
        let looked = self.upstream.look(target, url, self.config.timeout).await;
        Looked { took: started_at.elapsed(), error: looked.err().map(|error| error.code()) }
    }
}

fn service_of(need: Need) -> Option<ServiceType> {
    match need {
        Need::Database | Need::Keystone => None,
        Need::Compute => Some(ServiceType::Compute),
        Need::Image => Some(ServiceType::Image),
        Need::Network => Some(ServiceType::Network),
        Need::BlockStorage => Some(ServiceType::BlockStorage),
    }
}

/// The lines `database: good` of a node's answer.
fn said(text: &str) -> BTreeMap<String, Opinion> {
    let lines = text.lines().skip(1).take(MOST_SAID);
    let opinions = lines.filter_map(|line| {
        let (need, state) = line.split_once(": ")?;
        let opinion = match state {
            "good" => Opinion::Good,
            "bad" => Opinion::Bad,
            _ => return None,
        };
        Some((Need::parse(need).ok()?.as_str().to_owned(), opinion))
    });
    opinions.collect()
}

/// How a node says it.
pub fn line(need: Need, is_good: bool) -> String {
    format!("{}: {}\n", need.as_str(), if is_good { "good" } else { "bad" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_says_is_read_by_the_others_and_nonsense_is_not() {
        let own = format!("OK\n{}{}", line(Need::Database, true), line(Need::Keystone, false));
        let expected = [("database".to_owned(), Opinion::Good), ("keystone".to_owned(), Opinion::Bad)];
        assert_eq!(said(&own), BTreeMap::from(expected));
        assert_eq!(said("OK\ndatabase\n: good\ndisk: good\nkeystone: maybe\n"), BTreeMap::new());
        assert_eq!(said("OK"), BTreeMap::new());
    }
}
