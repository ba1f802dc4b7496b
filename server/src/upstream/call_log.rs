//! The line in the log that every call made for a user has, whoever in the panel makes it.

use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use axum::http::{Method, StatusCode};
use url::Url;

use super::{Answer, Call, Target, UpstreamError, circuit_breaker::CircuitState};

/// For whom a call is made, and where it comes from. With it, [`UpstreamClient`](super::UpstreamClient) writes the
/// call's line.
#[derive(Clone, Debug, Default)]
pub struct OnBehalf {
    pub user: String,
    pub user_id: String,
    pub project: String,
    /// The session's short name.
    pub session: String,
    pub job: Option<String>,
    /// The id of the request that led to the call.
    pub request_id: String,
}

/// What one line says. Fields that are not known are left out.
#[derive(Debug, Default)]
pub struct CallLine<'a> {
    pub user: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub project: Option<&'a str>,
    pub session: Option<&'a str>,
    pub job: Option<&'a str>,
    /// Who made it: `upstream`, or `proxy` where a request was passed on.
    pub facility: &'a str,
    /// The cloud's region; that of the node is another one.
    pub region: &'a str,
    pub service: &'a str,
    pub method: &'a str,
    /// Without secrets; see [`without_secrets`].
    pub url: &'a str,
    pub status: Option<u16>,
    pub outcome: &'a str,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub took: Duration,
    /// Where the answer came from: `upstream`, or `shared` and `memory` where no call of its own was made.
    pub source: &'a str,
    pub upstream_request_id: Option<&'a str>,
    pub request_id: &'a str,
    pub client_request_id: Option<&'a str>,
    pub address: Option<IpAddr>,
    pub cause: Option<&'a str>,
    /// What happened, in words: those before the service's name and those after it. The address and the status follow.
    pub what: (&'static str, &'static str),
}

impl CallLine<'_> {
    /// Writes the line: at level ERROR when something is wrong with the service or with us, else INFO.
    pub fn write(&self, is_failure: bool) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    facility = self.facility,
                    user = self.user,
                    user_id = self.user_id,
                    project = self.project,
                    session = self.session,
                    job = self.job,
                    upstream_region = self.region,
                    service = self.service,
                    method = self.method,
                    url = self.url,
                    status = self.status,
                    outcome = self.outcome,
                    sent_bytes = self.sent_bytes,
                    received_bytes = self.received_bytes,
                    duration_ms = milliseconds(self.took),
                    source = self.source,
                    upstream_request_id = self.upstream_request_id,
                    request_id = self.request_id,
                    client_request_id = self.client_request_id,
                    address = self.address.map(tracing::field::display),
                    cause = self.cause,
                    "{self}"
                )
            };
        }
        if is_failure { line!(error) } else { line!(info) }
    }
}

/// Its description.
impl fmt::Display for CallLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.what;
        for part in [before, self.service, after, " - ", self.method, " ", self.url] {
            f.write_str(part)?;
        }
        self.status.map_or(Ok(()), |status| write!(f, " {status}"))
    }
}

/// Writes the line of a call that was made whole.
pub(super) fn log_call(
    behalf: &OnBehalf,
    target: &Target,
    method: &Method,
    url: &Url,
    sent_bytes: usize,
    took: Duration,
    result: &Result<Answer, UpstreamError>,
) {
    let (service, answer) = (target.service.tag(), result.as_ref().ok());
    let status = answer.map(|answer| answer.status);
    let before = if answer.is_some() { "received " } else { "received no " };
    // Of a refusal, the service's own words.
    let refusal = answer.and_then(UpstreamError::of);
    let error = result.as_ref().err();
    let cause = error.or(refusal.as_ref()).map(chain);
    let upstream_request_id = answer.and_then(Answer::request_id);
    let line = CallLine {
        user: Some(&behalf.user),
        user_id: Some(&behalf.user_id),
        project: Some(&behalf.project),
        session: Some(&behalf.session),
        job: behalf.job.as_deref(),
        facility: "upstream",
        region: target.region_tag(),
        service,
        method: method.as_str(),
        url: &without_secrets(url),
        status: status.map(|status| status.as_u16()),
        outcome: error.map(UpstreamError::code).or(status.map(outcome_of)).unwrap_or("ok"),
        sent_bytes: sent_bytes as u64,
        received_bytes: answer.map_or(0, |answer| answer.body.len()) as u64,
        took,
        source: "upstream",
        upstream_request_id: upstream_request_id.as_deref(),
        request_id: &behalf.request_id,
        cause: cause.as_deref(),
        what: (before, " response"),
        ..CallLine::default()
    };
    // Too many requests at a time are the cloud's limit at work, and so is a circuit that was opened before.
    let is_limit = matches!(error, Some(UpstreamError::TooBusy | UpstreamError::CircuitOpen { .. }));
    line.write(status.map_or(!is_limit, |status| status.is_server_error()));
}

/// For whoever looks closely: a call is about to be made.
pub(super) fn tell_begin(target: &Target, call: &Call) {
    tracing::debug!(
        service = target.service.tag(),
        upstream_region = target.region_tag(),
        method = call.method.as_str(),
        url = &*without_secrets(&call.url),
        "asking {target} - {} {}",
        call.method,
        without_secrets(&call.url)
    );
}

/// The same for the end of a call that is made for nobody in particular, and so has no line of its own.
pub(super) fn tell_end(target: &Target, call: &Call, took: Duration, result: &Result<Answer, UpstreamError>) {
    tracing::debug!(
        service = target.service.tag(),
        upstream_region = target.region_tag(),
        method = call.method.as_str(),
        url = &*without_secrets(&call.url),
        status = result.as_ref().ok().map(|answer| answer.status.as_u16()),
        upstream_request_id = result.as_ref().ok().and_then(Answer::request_id),
        duration_ms = milliseconds(took),
        cause = result.as_ref().err().map(chain),
        "asked {target} - {} {}",
        call.method,
        without_secrets(&call.url)
    );
}

/// A call is made once more.
pub(super) fn tell_again(target: &Target, attempts: u32, pause: Duration) {
    tracing::debug!(
        service = target.service.tag(),
        upstream_region = target.region_tag(),
        attempts,
        pause_ms = milliseconds(pause),
        "asking {target} again"
    );
}

/// A call is not made, because its service did not answer others.
pub(super) fn tell_refused(target: &Target, retry_in: Duration) {
    tracing::debug!(
        service = target.service.tag(),
        upstream_region = target.region_tag(),
        retry_in_ms = milliseconds(retry_in),
        "{target} is left alone"
    );
}

/// A circuit changed.
pub(super) fn tell_circuit(target: &Target, state: CircuitState) {
    let (service, upstream_region) = (target.service.tag(), target.region_tag());
    let circuit = state.as_str();
    match state {
        CircuitState::Open => {
            tracing::warn!(service, upstream_region, circuit, "{target} fails; it is left alone for a while");
        }
        CircuitState::Closed => {
            tracing::info!(service, upstream_region, circuit, "{target} answers again");
        }
        CircuitState::HalfOpen | CircuitState::Reintroducing => {
            tracing::debug!(service, upstream_region, circuit, "{target} is tried again");
        }
    }
}

/// What became of a call that was answered.
pub fn outcome_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        500.. => "failed",
        400..500 => "refused",
        _ => "ok",
    }
}

/// An address for the log: without a user, and without the values of parameters that are secrets.
pub fn without_secrets(url: &Url) -> Cow<'_, str> {
    let is_plain = url.username().is_empty() && url.password().is_none();
    let Some(query) = url.query().filter(|query| query.split('&').any(is_secret)) else {
        if is_plain {
            return Cow::Borrowed(url.as_str());
        }
        return Cow::Owned(masked(url, url.query().map(str::to_owned)));
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(pair) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    Cow::Owned(masked(url, Some(pairs.collect::<Vec<_>>().join("&"))))
}

/// An error with all its causes.
pub fn chain<E: std::error::Error + ?Sized>(error: &E) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A tenth of a millisecond is as fine as anybody reads it.
pub fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

fn masked(url: &Url, query: Option<String>) -> String {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}{query}", url.scheme(), url.path())
}

fn is_secret(pair: &str) -> bool {
    const WORDS: [&str; 6] = ["token", "passw", "secret", "signature", "credential", "temp_url_sig"];
    let name = pair.split('=').next().unwrap_or_default();
    // Without a copy, but for the few names that are encoded.
    let name = Cow::from(percent_encoding::percent_decode_str(name));
    let holds = |word: &str| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    WORDS.into_iter().any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_the_log_has_no_secrets() {
        let logged = |text: &str| without_secrets(&Url::parse(text).expect("a url")).into_owned();
        assert_eq!(logged("http://one:8774/v2.1/servers?limit=5"), "http://one:8774/v2.1/servers?limit=5");
        assert_eq!(logged("http://u:p@one/v2?a=1"), "http://one/v2?a=1");
        assert_eq!(logged("http://one/x?token=abc&a=1&%74oken=d"), "http://one/x?token=***&a=1&%74oken=***");
        assert_eq!(logged("http://one/x?X-%54OKEN=abc&t=1"), "http://one/x?X-%54OKEN=***&t=1");
        assert_eq!(
            logged("http://one/x?adminPass=&admin_Password=x"),
            "http://one/x?adminPass=&admin_Password=***"
        );
    }
}
