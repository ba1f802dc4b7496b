//! What a request's address names: a region, a service, and a path below the service's endpoint.

use std::borrow::Cow;

use api_types::{InvalidId, ProjectId, Region, routes};
use axum::http::{Uri, Version};
use percent_encoding::percent_decode_str;

use crate::{error::ApiError, upstream::ServiceType};

/// An address that was read and found harmless.
#[derive(Debug, PartialEq, Eq)]
pub struct CloudPath<'a> {
    pub region: Region,
    pub service: ServiceType,
    /// The path below the endpoint, decoded. None is empty, `.` or `..`, and none holds a slash, a backslash or a
    /// control character, so that joining them cannot leave the endpoint.
    pub segments: Vec<Cow<'a, str>>,
}

/// The part of a query that is sent on, and the project our own parameter named.
#[derive(Debug, PartialEq, Eq)]
pub struct CloudQuery<'a> {
    pub rest: Option<Cow<'a, str>>,
    pub project: Option<Result<ProjectId, InvalidId>>,
}

impl<'a> CloudPath<'a> {
    /// Reads a request's address as it was sent, without any decoding or tidying before.
    ///
    /// Errors: 400 `invalid_path` with what is wrong about it; 404 `not_found` for a service that is not passed on
    /// to.
    pub fn parse(uri: &'a Uri, version: Version) -> Result<Self, ApiError> {
        // HTTP/2 sends the host as part of the address; HTTP/1 does it to proxies, and of that kind we are none.
        if version < Version::HTTP_2 && uri.authority().is_some() {
            return Err(invalid("It names a host, and only a path belongs there."));
        }
        let path = uri.path().strip_prefix(routes::CLOUD_PREFIX);
        let mut parts = path.ok_or_else(|| invalid("It is not one of the cloud."))?.split('/');
        let region = parts.next().unwrap_or_default();
        let service = parts.next().unwrap_or_default();
        let region = region.parse().map_err(|_| invalid("It names no region."))?;
        let service = passed_on(service)?;
        let segments = parts.map(segment).collect::<Result<Vec<_>, _>>()?;
        match segments.first() {
            None => return Err(invalid("It ends before it says what is asked for.")),
            // No collection's name has one, and an address that begins so is meant for another host.
            Some(first) if first.contains('@') => return Err(invalid("It holds a user.")),
            Some(_) => {}
        }
        Ok(Self { region, service, segments })
    }
}

impl<'a> CloudQuery<'a> {
    /// Takes our own parameter out of a query; the rest stays as it was sent.
    pub fn parse(query: Option<&'a str>) -> Self {
        let Some(query) = query.filter(|query| !query.is_empty()) else {
            return Self { rest: None, project: None };
        };
        let own = query.split('&').find(|pair| is_own(pair));
        let Some(own) = own else { return Self { rest: Some(Cow::Borrowed(query)), project: None } };
        let value = own.split_once('=').map_or("", |(_, value)| value);
        let project = percent_decode_str(value).decode_utf8_lossy().parse();
        let rest: Vec<&str> = query.split('&').filter(|pair| !is_own(pair)).collect();
        Self { rest: (!rest.is_empty()).then(|| Cow::Owned(rest.join("&"))), project: Some(project) }
    }
}

/// The services requests are passed on to. Identity is none of them: its answers carry tokens.
const SERVICES: [ServiceType; 4] =
    [ServiceType::Compute, ServiceType::Image, ServiceType::Network, ServiceType::BlockStorage];

fn passed_on(name: &str) -> Result<ServiceType, ApiError> {
    if name.is_empty() {
        return Err(invalid("It names no service."));
    }
    let service = SERVICES.into_iter().find(|service| service.tag() == name);
    service.ok_or_else(|| ApiError::NotFound { kind: "service", id: name.chars().take(60).collect() })
}

/// One segment, decoded once. What would mean something else to whoever decodes it a second time is refused.
fn segment(raw: &str) -> Result<Cow<'_, str>, ApiError> {
    if raw.is_empty() {
        return Err(invalid("It has an empty part."));
    }
    if !raw.contains('%') {
        return check(raw).map(|()| Cow::Borrowed(raw));
    }
    if has_broken_escape(raw) {
        return Err(invalid("It has a percent sign that encodes nothing."));
    }
    let decoded =
        percent_decode_str(raw).decode_utf8().map_err(|_| invalid("It is no text once it is decoded."))?;
    check(&decoded)?;
    Ok(decoded)
}

fn check(segment: &str) -> Result<(), ApiError> {
    // `..;x` is `..` to some servers, and so is `.. ` to others.
    let name = segment.split(';').next().unwrap_or_default().trim();
    if matches!(name, "." | "..") || name.is_empty() {
        return Err(invalid("It leads out of the place it names."));
    }
    if segment.contains(['/', '\\']) {
        return Err(invalid("It holds an encoded slash."));
    }
    if segment.chars().any(char::is_control) {
        return Err(invalid("It holds a control character."));
    }
    let is_encoded_twice = segment.match_indices('%').any(|(at, _)| is_escape(&segment.as_bytes()[at..]));
    if is_encoded_twice {
        return Err(invalid("It is encoded twice."));
    }
    Ok(())
}

fn has_broken_escape(raw: &str) -> bool {
    raw.match_indices('%').any(|(at, _)| !is_escape(&raw.as_bytes()[at..]))
}

fn is_escape(text: &[u8]) -> bool {
    matches!(text, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

fn is_own(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    name == routes::PROJECT_PARAMETER
        || name.contains('%') && percent_decode_str(name).eq(routes::PROJECT_PARAMETER.bytes())
}

fn invalid(why: &str) -> ApiError {
    ApiError::Invalid { code: "invalid_path", message: format!("The address cannot be passed on. {why}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::proxy::endpoint::Endpoint;

    const BASE: &str = "https://nova.internal:8774/compute/v2.1";

    fn endpoint() -> Endpoint {
        Endpoint::of_addresses("/api/cloud/RegionOne/compute", &[BASE])
    }

    fn sent(address: &str) -> Option<Url> {
        let uri: Uri = address.parse().ok()?;
        let path = CloudPath::parse(&uri, Version::HTTP_11).ok()?;
        Some(endpoint().url(&path.segments, CloudQuery::parse(uri.query()).rest.as_deref()))
    }

    #[test]
    fn an_ordinary_path_comes_out_as_it_went_in() {
        for path in [
            "servers",
            "servers/detail?limit=1000&marker=a%26b&sort_key=id",
            "os-keypairs/user@laptop%20(work)",
            "servers/1/tags/k%C3%B6ln%20%F0%9F%98%80",
            "servers/1/metadata/a:b.c-d_e~f",
        ] {
            let url = sent(&format!("/api/cloud/RegionOne/compute/{path}")).expect("a url");
            let expected = Url::parse(&format!("{BASE}/{path}")).expect("a url");
            assert_eq!(url, expected);
        }
    }

    #[test]
    fn our_own_parameter_is_taken_out_wherever_it_stands_and_however_it_is_written() {
        let parsed = |query| {
            let parsed = CloudQuery::parse(Some(query));
            (parsed.rest.map(Cow::into_owned), parsed.project)
        };
        let alpha = || Some("alpha".parse::<ProjectId>());
        assert_eq!(parsed("a=1&meridian_project=alpha&b"), (Some("a=1&b".into()), alpha()));
        assert_eq!(parsed("meridian_project=alpha"), (None, alpha()));
        assert_eq!(parsed("meridian%5fproject=%61lpha&meridian_project=beta"), (None, alpha()));
        assert!(parsed("meridian_project=../x").1.is_some_and(|project| project.is_err()));
        assert_eq!(parsed("meridian_projects=a&%"), (Some("meridian_projects=a&%".into()), None));
        assert_eq!(parsed(""), (None, None));
    }

    #[test]
    fn an_address_with_a_host_is_refused_where_only_proxies_get_one() {
        let uri: Uri = "http://evil.example/api/cloud/RegionOne/compute/servers".parse().expect("a uri");
        assert!(CloudPath::parse(&uri, Version::HTTP_11).is_err());
        assert!(CloudPath::parse(&uri, Version::HTTP_10).is_err());
        assert!(CloudPath::parse(&uri, Version::HTTP_2).is_ok(), "it always has one there");
    }

    /// Pieces of which tricks are made, and harmless ones.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "/",
                "//",
                ".",
                "..",
                "%2e",
                "%2E%2e",
                "%2f",
                "%2F",
                "%5c",
                "\\",
                "%252f",
                "%25",
                "%00",
                "%0d%0a",
                "%0a",
                "%09",
                "%20",
                "%7f",
                "%85",
                "%c2%85",
                "%ff",
                "%zz",
                "%",
                ";",
                ";x",
                "@",
                "user:pw@",
                "http:",
                "http://evil.example",
                "evil.example",
                ":8080",
                "?",
                "#",
                "&",
                "=",
                "meridian_project=",
                "servers",
                "detail",
                "~",
                "..;",
                "%e2%80%ae",
                "%ef%bc%8f",
                "v3",
                "compute",
                "RegionOne",
            ])
            .prop_map(str::to_owned),
            "[ -~]{0,6}",
        ]
    }

    proptest! {
        /// Whatever is asked for, it is refused or it stays below the endpoint: the same host, the same path before
        /// it, and part by part what was asked for.
        #[test]
        fn no_path_leaves_the_endpoint(pieces in prop::collection::vec(piece(), 0..12)) {
            let address = format!("/api/cloud/RegionOne/compute/{}", pieces.concat());
            if let Some(url) = sent(&address) {
                let base = Url::parse(BASE).expect("a url");
                prop_assert_eq!(url.origin(), base.origin());
                prop_assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None));
                let below = url.path().strip_prefix("/compute/v2.1/").expect("below the endpoint");
                // What follows `#` is no part of a request.
                let asked = address.split(['?', '#']).next().expect("a path").split('/').skip(5);
                let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
                prop_assert_eq!(below.split('/').map(decode).collect::<Vec<_>>(), asked.map(decode).collect::<Vec<_>>());
                for part in below.split('/').map(decode) {
                    prop_assert!(!part.is_empty() && !matches!(part.trim(), "." | ".."), "{}", url);
                    prop_assert!(!part.contains(['/', '\\']) && !part.chars().any(char::is_control), "{}", url);
                    // Nothing is left that a second decoding would find.
                    prop_assert!(!decode(&part).contains(['/', '\\', '\0', '\r', '\n']), "{}", url);
                }
                // And it reads the same to whoever parses it again.
                prop_assert_eq!(&Url::parse(url.as_str()).expect("a url"), &url);
                prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }

        /// Any text at all as an address: no panic, and no other service.
        #[test]
        fn no_address_names_what_is_not_passed_on(address in "[ -~]{0,60}", prefix in "(/api/cloud/)?[A-Za-z.%/]{0,30}") {
            for address in [address, prefix] {
                let Ok(uri) = address.parse::<Uri>() else { continue };
                if let Ok(path) = CloudPath::parse(&uri, Version::HTTP_11) {
                    prop_assert_ne!(path.service, ServiceType::Identity);
                    prop_assert!(!path.segments.is_empty());
                }
            }
        }

        #[test]
        fn our_parameter_is_never_sent_on(pieces in prop::collection::vec(piece(), 0..10), value in "[a-z0-9]{1,8}") {
            let query = format!("{}&meridian_project={value}&{}", pieces.concat(), pieces.concat());
            let rest = CloudQuery::parse(Some(&query)).rest.unwrap_or_default().into_owned();
            let names = rest.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
            prop_assert!(!names.into_iter().any(|name| percent_decode_str(name).decode_utf8_lossy() == "meridian_project"));
        }
    }
}
