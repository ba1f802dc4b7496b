//! Keeps the keys to consoles from the browser: whoever has one is in front of the server's screen.
//!
//! The panel opens consoles itself, in [`features::servers`](crate::features::servers), and shows the screen alone.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::path::CloudPath;
use crate::{
    error::ApiError,
    upstream::{Microversion, ServiceType},
};

/// Errors: 400 `console_not_passed_on` for what Nova would answer with such a key.
pub fn refuse(path: &CloudPath<'_>) -> Result<(), ApiError> {
    let is_key = |segment: &Cow<'_, str>| KEYS.iter().any(|name| segment.eq_ignore_ascii_case(name));
    if path.service != ServiceType::Compute || !path.segments.iter().any(is_key) {
        return Ok(());
    }
    Err(ApiError::Invalid {
        code: "console_not_passed_on",
        message: "A console is opened on the page of its server; its address is not given out.".to_owned(),
    })
}

/// Lifts a server's action to the version in which Nova has no actions for consoles any more. The actions of the
/// versions before, 2.1 to 2.5, are otherwise the same. Takes the headers that go to Nova, not those that came.
pub fn lift(method: &Method, path: &CloudPath<'_>, headers: &mut HeaderMap) {
    let is_action = path.service == ServiceType::Compute
        && *method == Method::POST
        && path.segments.last().is_some_and(|last| last.eq_ignore_ascii_case("action"));
    if is_action && version(headers).is_none_or(|version| version < WITHOUT_CONSOLES) {
        headers.remove(&LEGACY_VERSION);
        headers.insert(VERSION, HeaderValue::from_static("compute 2.6"));
    }
}

/// The version a request asks for, as Nova reads it; the lowest, where it names several. `None` where it names none.
fn version(headers: &HeaderMap) -> Option<Microversion> {
    let texts = |name: &HeaderName| {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','))
    };
    let of_compute = |entry: &str| {
        let (service, version) = entry.trim().split_once(' ')?;
        service.eq_ignore_ascii_case("compute").then(|| read(version))
    };
    let lowest = if headers.contains_key(&VERSION) {
        texts(&VERSION).filter_map(of_compute).min()
    } else {
        texts(&LEGACY_VERSION).map(read).min()
    };
    lowest.flatten()
}

fn read(version: &str) -> Option<Microversion> {
    match version.trim() {
        "latest" => Some(Microversion::WANTED),
        number => number.parse().ok(),
    }
}

const KEYS: [&str; 2] = ["remote-consoles", "os-console-auth-tokens"];
const WITHOUT_CONSOLES: Microversion = Microversion::new(2, 6);
const VERSION: HeaderName = HeaderName::from_static("openstack-api-version");
const LEGACY_VERSION: HeaderName = HeaderName::from_static("x-openstack-nova-api-version");

#[cfg(test)]
mod tests {
    use axum::http::{Uri, Version};

    use super::*;

    fn refused(path: &str) -> bool {
        let uri: Uri = format!("/api/cloud/RegionOne/{path}").parse().expect("a uri");
        refuse(&CloudPath::parse(&uri, Version::HTTP_11).expect("a path")).is_err()
    }

    fn lifted(path: &str, headers: &[(&'static str, &str)]) -> Vec<(String, String)> {
        let uri: Uri = format!("/api/cloud/RegionOne/{path}").parse().expect("a uri");
        let path = CloudPath::parse(&uri, Version::HTTP_11).expect("a path");
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        let mut headers: HeaderMap = headers.iter().map(header).collect();
        lift(&Method::POST, &path, &mut headers);
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    #[test]
    fn what_would_answer_with_a_key_is_refused_however_it_is_written() {
        for path in [
            "compute/servers/1/remote-consoles",
            "compute/servers/1/Remote-Consoles",
            "compute/servers/1/remote%2Dconsoles",
            "compute/os-console-auth-tokens/abc",
        ] {
            assert!(refused(path), "{path}");
        }
        assert!(!refused("compute/servers/remote"));
        assert!(!refused("image/images/remote-consoles"));
    }

    #[test]
    fn actions_are_asked_for_in_a_version_without_consoles() {
        let lowest = [("openstack-api-version".to_owned(), "compute 2.6".to_owned())];
        for headers in [
            &[][..],
            &[("openstack-api-version", "compute 2.1")],
            &[("openstack-api-version", "volume 3.60, compute 2.5")],
            &[("openstack-api-version", "volume 3.60")],
            &[("x-openstack-nova-api-version", "2.5")],
            &[("openstack-api-version", "compute two")],
            &[("openstack-api-version", "compute 2.79, Compute 2.1")],
        ] {
            assert_eq!(lifted("compute/servers/1/action", headers), lowest, "{headers:?}");
        }
        for headers in [
            &[("openstack-api-version", "compute 2.79")][..],
            &[("openstack-api-version", "volume 3.60,compute 2.10")],
            &[("openstack-api-version", "compute latest")],
            &[("x-openstack-nova-api-version", "2.79")],
        ] {
            let kept: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(lifted("compute/servers/1/action", headers), kept);
        }
        assert_eq!(lifted("compute/servers", &[]), []);
    }
}
