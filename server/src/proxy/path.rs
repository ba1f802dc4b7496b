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
