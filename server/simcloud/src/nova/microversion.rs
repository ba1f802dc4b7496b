//! Which version of Nova's API a request asks for, and what Nova says to one it does not have.

use crate::errors::nova as errors;
use crate::http::{Answer, Call};

/// A microversion's second number: 2.79 is 79. The first is always 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Microversion(pub u16);

pub const OLDEST: Microversion = Microversion(1);
pub const NEWEST: Microversion = Microversion(103);

impl std::fmt::Display for Microversion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "2.{}", self.0)
    }
}

/// The microversion of a request: the oldest when it asks for none, or only for another service's.
///
/// Errors: 400 for what is no version, 406 for one out of range.
pub fn negotiate(call: &Call) -> Result<Microversion, Answer> {
    let Some(asked) = asked(call) else { return Ok(OLDEST) };
    if asked == "latest" {
        return Ok(NEWEST);
    }
    let numbers = asked.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    let Some((major, minor)) = numbers else {
        let message =
            format!("API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum.");
        return Err(errors::bad_request(&message));
    };
    match u16::try_from(minor) {
        Ok(minor) if major == 2 && (OLDEST..=NEWEST).contains(&Microversion(minor)) => {
            Ok(Microversion(minor))
        }
        _ => {
            let message = format!(
                "Version {major}.{minor} is not supported by the API. Minimum is {OLDEST} and maximum is {NEWEST}."
            );
            let refusal = errors::error("computeFault", 406, &message);
            Err(with_headers(refusal, &format!("{major}.{minor}")))
        }
    }
}

/// Says in an answer which version it was given in.
pub fn with_headers(answer: Answer, version: &str) -> Answer {
    answer
        .header("openstack-api-version", format!("compute {version}"))
        .header("x-openstack-nova-api-version", version)
        .header("vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version")
}

/// The version in `OpenStack-API-Version: compute 2.79`, among other services' versions maybe, or in
/// the older header.
fn asked(call: &Call) -> Option<&str> {
    if let Some(header) = call.header("openstack-api-version") {
        let of_compute = |part: &'_ str| part.trim().strip_prefix("compute ").is_some();
        let part = header.split(',').find(|part| of_compute(part))?;
        return part.trim().strip_prefix("compute ").map(str::trim);
    }
    call.header("x-openstack-nova-api-version").map(str::trim)
}

/// A number without sign and leading zero.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}
