//! `/metrics`: where it is, who is shown it, and that Prometheus can read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};

use server::{
    metrics::{Metric, page, prometheus},
    shutdown::Shutdown,
    testing::TestApp,
};
use simcloud::CloudConfig;
use sqlx::PgPool;
use tokio::net::TcpListener;

const TOKEN: &str = "0123456789abcdef-token";

async fn with_token(db: PgPool) -> TestApp {
    TestApp::with(db, CloudConfig::default(), |source| source.with_env("METRICS_TOKEN", TOKEN)).await
}

/// Status, type and body of the page on the panel's own address.
async fn read(url: &str, authorization: Option<&str>) -> (u16, String, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.get(format!("{url}/metrics"));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let answer = request.send().await.expect("an answer");
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let (status, kind) = (answer.status().as_u16(), kind.to_owned());
    (status, kind, answer.text().await.expect("text"))
}

#[sqlx::test(migrations = "../migrations")]
async fn without_address_and_token_there_is_no_page(db: PgPool) {
    let app = TestApp::new(db).await;
    let served = app.serve().await;
    for authorization in [None, Some("Bearer "), Some("Bearer 0123456789abcdef-token")] {
        assert_eq!(read(&served.url(), authorization).await.0, 404);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_page_is_shown_to_who_has_the_token_and_to_nobody_else(db: PgPool) {
    let app = with_token(db).await;
    let served = app.serve().await;
    let almost = format!("Bearer {}", &TOKEN[1..]);
    let longer = format!("Bearer {TOKEN}x");
    let wrong = ["", "Bearer", "Bearer ", &almost, &longer, "Basic 0123456789abcdef-token", TOKEN];
    for authorization in wrong {
        let (status, _, body) = read(&served.url(), Some(authorization)).await;
        assert!(status == 401 && !body.contains("meridian_"), "{authorization:?}: {status} {body}");
    }
    assert_eq!(read(&served.url(), None).await.0, 401);
    for scheme in ["Bearer", "bearer"] {
        let (status, kind, body) = read(&served.url(), Some(&format!("{scheme} {TOKEN}"))).await;
        assert_eq!((status, &*kind), (200, prometheus::CONTENT_TYPE));
        assert!(
            body.contains("meridian_http_request_total{route=\"metrics\",outcome=\"refused\"} 8"),
            "{body}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_of_its_own_shows_the_page_and_nothing_else(db: PgPool) {
    let app = TestApp::new(db).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (metrics, config) = (app.app.metrics.clone(), app.app.config.clone());
    let shutdown = Shutdown::default();
    let (page, listen) = (config.metrics.clone(), config.listen.clone());
    let serving = tokio::spawn(page::serve(listener, metrics, page, listen, shutdown.clone()));
    app.signed_in("demo").get("/api/session").await;
    let (status, _, body) = read(&url, None).await;
    assert_eq!(status, 200);
    assert!(body.contains("meridian_auth_login_success_total 1\n"), "{body}");
    let elsewhere = reqwest::get(format!("{url}/sign-in")).await.expect("an answer");
    assert_eq!(elsewhere.status().as_u16(), 404);
    shutdown.begin();
    serving.await.expect("it ends");
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_on_the_page_is_what_prometheus_reads(db: PgPool) {
    let app = with_token(db).await;
    let served = app.serve().await;
    app.signed_in("demo").get("/api/session").await;
    app.app.metrics.count(Metric::ErrorAnswered, &["with \"quotes\"\\ and\na line"]);
    let (_, _, text) = read(&served.url(), Some(&format!("Bearer {TOKEN}"))).await;
    let families = parse(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    for name in ["meridian_http_request_total", "meridian_upstream_duration_seconds"] {
        assert!(families.contains(name), "{name} is not in {families:?}");
    }
    accepted_by_promtool(&text);
}

/// Prometheus's own judgement, where it is installed (Debian's `prometheus`).
fn accepted_by_promtool(text: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else { return };
    promtool.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "promtool: {said}");
}

/// A strict reader of the text format, version 0.0.4: help and type once and first, every series once and of its
/// family, names and labels as they may be, histograms that only grow and agree with their count.
fn parse(text: &str) -> Result<BTreeSet<String>, String> {
    let mut families = BTreeSet::new();
    let mut family: Option<(String, String)> = None;
    let mut helped = None::<String>;
    let mut seen = BTreeMap::<String, f64>::new();
    let mut steps: Option<(String, f64, f64)> = None;
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines() {
        let wrong = |what: &str| Err(format!("{what}: {line}"));
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, says) = help.split_once(' ').ok_or("no help")?;
            if !is_name(name) || says.is_empty() || !families.insert(name.to_owned()) {
                return wrong("help of nothing, or twice");
            }
            helped = Some(name.to_owned());
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').ok_or("no type")?;
            if helped.take().as_deref() != Some(name) || !["counter", "gauge", "histogram"].contains(&kind) {
                return wrong("a type without help before it, or an unknown one");
            }
            family = Some((name.to_owned(), kind.to_owned()));
            continue;
        }
        let (name, labels, value) = sample(line).ok_or(format!("no sample: {line}"))?;
        let Some((family, kind)) = &family else { return wrong("a sample without a family") };
        let suffix = name.strip_prefix(family.as_str()).ok_or(format!("of another family: {line}"))?;
        let is_histogram = kind == "histogram";
        if (is_histogram && !["_bucket", "_sum", "_count"].contains(&suffix))
            || (!is_histogram && !suffix.is_empty())
        {
            return wrong("not a name of its family");
        }
        if kind == "counter" && (!family.ends_with("_total") || value < 0.0) {
            return wrong("not a counter");
        }
        let set: BTreeMap<_, _> = labels.iter().cloned().collect();
        if set.len() != labels.len() || seen.insert(format!("{name}{set:?}"), value).is_some() {
            return wrong("twice");
        }
        let others = set.iter().filter(|(label, _)| *label != "le").collect::<Vec<_>>();
        let of = format!("{others:?}");
        match suffix {
            "_bucket" => {
                let bound = set.get("le").ok_or("a bucket without a bound")?;
                let bound =
                    if bound == "+Inf" { f64::INFINITY } else { bound.parse().map_err(|_| "no bound")? };
                if let Some((last_of, last_bound, last)) = &steps
                    && *last_of == of
                    && (bound <= *last_bound || value < *last)
                {
                    return wrong("a bucket that is out of order or smaller than the one before");
                }
                steps = Some((of, bound, value));
            }
            "_count" => match steps.take() {
                Some((last_of, bound, last)) if last_of == of && bound.is_infinite() && last == value => {}
                _ => return wrong("a count that is not the last bucket's"),
            },
            _ => {}
        }
    }
    if families.is_empty() { Err("nothing there".to_owned()) } else { Ok(families) }
}

type Sample = (String, Vec<(String, String)>, f64);

/// `name{label="value",…} number`
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"")?;
            if !is_name(label) || label.contains(':') {
                return None;
            }
            let (value, after) = quoted(value)?;
            labels.push((label.to_owned(), value));
            rest = after;
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}')?;
    }
    let number = rest.strip_prefix(' ')?;
    is_name(name).then_some(())?;
    Some((name.to_owned(), labels, number.parse().ok()?))
}

/// What is quoted up to the closing quote, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[test]
fn the_reader_refuses_what_prometheus_would() {
    let good = "# HELP a_total Says.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n";
    assert!(parse(good).is_ok());
    for (from, to) in [
        ("# HELP a_total Says.\n", ""),
        ("# TYPE a_total counter\n", ""),
        ("counter", "count"),
        ("{x=\"1\"} 2", "{x=\"1} 2"),
        ("{x=\"1\"} 2", "{x=\"1\",x=\"2\"} 2"),
        ("{x=\"1\"} 2", "{x=\"1\"} two"),
        ("{x=\"1\"} 2\n", "{x=\"1\"} 2\na_total{x=\"1\"} 3\n"),
        ("{x=\"1\"} 2\n", "{x=\"1\"} 2"),
        ("{x=\"1\"} 2", "{x=\"\\q\"} 2"),
        ("{x=\"1\"} 2", "{1x=\"1\"} 2"),
    ] {
        assert!(parse(&good.replace(from, to)).is_err(), "{from:?} as {to:?}");
    }
    let histogram = |counts: [u64; 3]| {
        let [low, all, count] = counts;
        format!(
            "# HELP t_seconds Says.\n# TYPE t_seconds histogram\nt_seconds_bucket{{le=\"0.1\"}} {low}\n\
             t_seconds_bucket{{le=\"+Inf\"}} {all}\nt_seconds_sum 0.5\nt_seconds_count {count}\n"
        )
    };
    assert!(parse(&histogram([1, 2, 2])).is_ok());
    assert!(parse(&histogram([3, 2, 2])).is_err() && parse(&histogram([1, 2, 3])).is_err());
}
