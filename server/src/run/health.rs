//! `meridian health`: asks a node how it is, for agents that check services.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use clap::Args;
use url::Url;

use crate::{
    config::UpstreamConfig,
    metrics::Metrics,
    upstream::{Answer, UpstreamClient, UpstreamError},
};

#[derive(Debug, Args)]
pub struct HealthOptions {
    /// The panel's address; `/health` is asked where it has no path.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Seconds to wait for the answer.
    #[arg(long, default_value = "5")]
    timeout: String,
}

/// As Nagios, and what has followed it, reads exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    Unknown = 3,
}

/// Prints one line and gives its exit code: 0 in service, 1 in service without something or going away as it was told
/// to, 2 out of service or not answering, 3 it cannot be known.
pub async fn run(options: HealthOptions) -> ExitCode {
    let (state, sentence) = match parse(&options) {
        Ok((url, timeout)) => ask(&url, timeout).await,
        Err(problem) => (State::Unknown, problem),
    };
    say(state, &sentence)
}

/// For whoever called it in a way that cannot be understood: to an agent that is "unknown", not "critical".
pub fn misunderstood(error: &clap::Error) -> ExitCode {
    let first = error.to_string();
    let first = first.lines().next().unwrap_or("the command cannot be understood");
    say(State::Unknown, first.trim_start_matches("error: "))
}

fn say(state: State, sentence: &str) -> ExitCode {
    let word = match state {
        State::Ok => "OK",
        State::Warning => "WARNING",
        State::Critical => "CRITICAL",
        State::Unknown => "UNKNOWN",
    };
    println!("MERIDIAN {word} - {sentence}");
    ExitCode::from(state as u8)
}

fn parse(options: &HealthOptions) -> Result<(Url, Duration), String> {
    let mut url = Url::parse(&options.url).map_err(|_| format!("{:?} is no URL", options.url))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{url} is neither http nor https"));
    }
    if url.path() == "/" {
        url.set_path(api_types::routes::HEALTH);
    }
    let seconds = options.timeout.parse::<f64>().ok().filter(|seconds| (0.01..=600.0).contains(seconds));
    let timeout = seconds.map(Duration::from_secs_f64);
    Ok((url, timeout.ok_or_else(|| format!("{:?} is no time from 0.01 to 600 s", options.timeout))?))
}

async fn ask(url: &Url, timeout: Duration) -> (State, String) {
    let config = UpstreamConfig { connect_timeout: timeout, ..UpstreamConfig::default() };
    let client = match UpstreamClient::new(&config, Metrics::nowhere()) {
        Ok(client) => client,
        Err(error) => return (State::Unknown, format!("no request can be made: {error}")),
    };
    let started_at = Instant::now();
    let answer = client.ask(url, timeout).await;
    judge(url, answer, started_at.elapsed())
}

/// What an answer means.
fn judge(url: &Url, answer: Result<Answer, UpstreamError>, took: Duration) -> (State, String) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(UpstreamError::Timeout { after }) => {
            return (State::Critical, format!("{url} did not answer within {} s", after.as_secs_f64()));
        }
        Err(error) => return (State::Critical, format!("{url} cannot be reached: {}", chain(&error))),
    };
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(400).collect();
    let mut lines = text.lines().map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let is_ours = first == "OK" || first.starts_with("NOT ");
    match (answer.status, first.as_str()) {
        (StatusCode::OK, "OK") if second.starts_with("in service without") => (State::Warning, second),
        (StatusCode::OK, "OK") => {
            let seconds = took.as_secs_f64();
            (State::Ok, format!("{url} answers OK after {seconds:.3} s | time={seconds:.6}s"))
        }
        (StatusCode::SERVICE_UNAVAILABLE, "NOT OK: draining") => {
            (State::Warning, "the node is going away: draining".to_owned())
        }
        (StatusCode::SERVICE_UNAVAILABLE, _) if is_ours => (State::Critical, first),
        (status, _) => (State::Unknown, format!("{url} is no panel: it answers {}", status.as_u16())),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    fn judged(status: u16, body: &str) -> (State, String) {
        let url = Url::parse("http://node/health").expect("a URL");
        let status = StatusCode::from_u16(status).expect("a status");
        let answer = Answer { status, headers: HeaderMap::new(), body: body.to_owned().into() };
        judge(&url, Ok(answer), Duration::from_millis(12))
    }

    #[test]
    fn each_answer_has_its_state() {
        assert_eq!(judged(200, "OK\n").0, State::Ok);
        assert_eq!(judged(200, "OK\ndatabase: good\n").0, State::Ok, "that of /health/live");
        assert_eq!(judged(200, "OK\nin service without: keystone\n").0, State::Warning);
        assert_eq!(judged(503, "NOT OK: draining\n").0, State::Warning);
        assert_eq!(
            judged(503, "NOT OK: database, keystone\n"),
            (State::Critical, "NOT OK: database, keystone".to_owned())
        );
        assert_eq!(judged(503, "NOT OK: draining, database\n").0, State::Critical);
        assert_eq!(judged(503, "NOT READY\n").0, State::Critical);
    }

    #[test]
    fn what_is_no_panel_is_unknown_and_its_words_are_not_repeated() {
        for (status, body) in [(200, "<html>"), (301, ""), (404, "NOT here"), (503, "<html>Sorry"), (200, "")]
        {
            let (state, sentence) = judged(status, body);
            assert_eq!(state, State::Unknown, "{status} {body}");
            assert!(!sentence.contains("html"), "{sentence}");
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_line() {
        let (_, sentence) = judged(503, "NOT OK: a\u{1b}[31mb\n");
        assert_eq!(sentence, "NOT OK: a[31mb");
    }

    #[test]
    fn an_address_without_a_path_means_health() {
        let options = |url: &str| HealthOptions { url: url.to_owned(), timeout: "2.5".to_owned() };
        let (url, timeout) = parse(&options("http://node:8080")).expect("understood");
        assert_eq!((url.as_str(), timeout), ("http://node:8080/health", Duration::from_millis(2500)));
        let (url, _) = parse(&options("https://node/health/ready")).expect("understood");
        assert_eq!(url.as_str(), "https://node/health/ready");
        assert!(parse(&options("node")).is_err() && parse(&options("ftp://node")).is_err());
        let slow = HealthOptions { url: "http://node".to_owned(), timeout: "soon".to_owned() };
        assert!(parse(&slow).is_err());
    }
}
