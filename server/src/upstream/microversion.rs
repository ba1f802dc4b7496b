//! Which version of the compute API to ask for, and which ones an endpoint has.

use std::{collections::HashMap, fmt, str::FromStr, time::Duration};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{Call, Target, UpstreamClient, UpstreamError};

/// A version of the compute API: `2.79`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Microversion {
    pub major: u16,
    pub minor: u16,
}

impl Microversion {
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// What the panel is written for. It has all a row shows (2.9 locked, 2.26 tags, 2.47 the flavor's values, 2.69
    /// rows of a cell that is down, 2.79 whether a volume goes with its server), and a page costs a fifth less than
    /// at 2.96.
    pub const WANTED: Self = Self::new(2, 79);

    /// What every Nova of the last ten years has.
    pub const LOWEST: Self = Self::new(2, 1);

    /// The best version to ask an endpoint for: the wanted one, else the highest below it.
    /// `None`: the endpoint has neither it nor anything lower.
    pub fn choose(wanted: Self, supported: Supported) -> Option<Self> {
        let best = wanted.min(supported.highest);
        (best >= supported.lowest).then_some(best)
    }
}

/// The versions an endpoint has, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supported {
    pub lowest: Microversion,
    pub highest: Microversion,
}

impl Supported {
    /// Reads a version document: `{"version": {…}}` below `/v2.1/`, `{"versions": […]}` at the root.
    pub fn parse(document: &Value) -> Option<Self> {
        let list = document.get("versions").and_then(Value::as_array).into_iter().flatten();
        let of = |entry: &Value| {
            let number = |key: &str| entry.get(key)?.as_str()?.parse().ok();
            Some(Self { lowest: number("min_version")?, highest: number("version")? })
        };
        document.get("version").into_iter().chain(list).filter_map(of).max_by_key(|range| range.highest)
    }
}

/// What is known of the endpoints' versions.
///
/// The wanted version is asked for straight away, since nearly every endpoint has it and the question would delay
/// the first rows; only when an endpoint refuses it (406) is it asked what it has.
#[derive(Default)]
pub struct Microversions {
    known: Mutex<HashMap<Url, Known>>,
}

impl Microversions {
    /// The version to ask this endpoint for.
    pub fn of(&self, endpoint: &Url, now: Instant) -> Microversion {
        let known = self.known.lock();
        known
            .get(endpoint)
            .filter(|known| now < known.until)
            .map_or(Microversion::WANTED, |known| known.version)
    }

    /// Asks an endpoint what it has, after it refused a version, and remembers it for an hour: a Nova is upgraded
    /// now and then.
    ///
    /// Errors: those of the call; [`UpstreamError::Malformed`] when the document says nothing usable.
    pub async fn negotiate(
        &self,
        client: &UpstreamClient,
        target: &Target,
        endpoint: &Url,
    ) -> Result<Microversion, UpstreamError> {
        let mut url = endpoint.clone();
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let answer = client.send(target, Call::get(url)).await?;
        let supported = Supported::parse(&answer.json()?).ok_or_else(|| UpstreamError::Malformed {
            reason: "the version document names no versions".into(),
        })?;
        let version = Microversion::choose(Microversion::WANTED, supported).ok_or_else(|| {
            UpstreamError::Malformed { reason: "the service is too new for this panel".into() }
        })?;
        self.remember(endpoint, version, Instant::now());
        Ok(version)
    }

    pub fn remember(&self, endpoint: &Url, version: Microversion, now: Instant) {
        let mut known = self.known.lock();
        // Endpoints come from catalogs, so they are few; a bound all the same.
        if known.len() >= MOST_ENDPOINTS {
            known.clear();
        }
        known.insert(endpoint.clone(), Known { version, until: now + KNOWN_FOR });
    }
}

const KNOWN_FOR: Duration = Duration::from_secs(3600);
const MOST_ENDPOINTS: usize = 1024;

#[derive(Clone, Copy)]
struct Known {
    version: Microversion,
    until: Instant,
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Text that is no microversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a microversion")]
pub struct InvalidMicroversion;

impl FromStr for Microversion {
    type Err = InvalidMicroversion;

    fn from_str(text: &str) -> Result<Self, InvalidMicroversion> {
        let (major, minor) = text.split_once('.').ok_or(InvalidMicroversion)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidMicroversion);
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(text: &str) -> Microversion {
        text.parse().expect("a microversion")
    }

    fn supported(lowest: &str, highest: &str) -> Supported {
        Supported { lowest: version(lowest), highest: version(highest) }
    }

    #[test]
    fn versions_compare_by_number_not_by_text() {
        assert!(version("2.9") < version("2.79"));
        assert!("2".parse::<Microversion>().is_err());
        assert!("two.one".parse::<Microversion>().is_err());
    }

    #[test]
    fn the_wanted_version_is_taken_where_it_exists_and_the_best_below_it_elsewhere() {
        let choose = |lowest, highest| Microversion::choose(Microversion::WANTED, supported(lowest, highest));
        assert_eq!(choose("2.1", "2.103"), Some(version("2.79")));
        assert_eq!(choose("2.1", "2.60"), Some(version("2.60")));
        assert_eq!(choose("2.1", "2.1"), Some(version("2.1")));
        assert_eq!(choose("2.90", "2.200"), None);
    }

    #[test]
    fn both_version_documents_are_read() {
        let root = json!({"versions": [
            {"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": ""},
            {"id": "v2.1", "status": "CURRENT", "version": "2.103", "min_version": "2.1"},
        ]});
        let below =
            json!({"version": {"id": "v2.1", "status": "CURRENT", "version": "2.60", "min_version": "2.1"}});
        assert_eq!(Supported::parse(&root), Some(supported("2.1", "2.103")));
        assert_eq!(Supported::parse(&below), Some(supported("2.1", "2.60")));
        assert_eq!(Supported::parse(&json!({"versions": "none"})), None);
    }

    #[test]
    fn what_an_endpoint_has_is_remembered_for_an_hour() {
        let endpoint = Url::parse("http://one/v2.1").expect("a url");
        let versions = Microversions::default();
        let now = Instant::now();
        assert_eq!(versions.of(&endpoint, now), Microversion::WANTED);
        versions.remember(&endpoint, version("2.60"), now);
        assert_eq!(versions.of(&endpoint, now), version("2.60"));
        assert_eq!(versions.of(&endpoint, now + KNOWN_FOR), Microversion::WANTED);
    }
}
