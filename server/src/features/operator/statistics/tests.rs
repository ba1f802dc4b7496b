//! Graphs read from a Graphite that behaves, and from one that does not.

use std::{sync::Arc, time::Duration};

use api_types::{
    operator::statistics::{RANGES, Statistics},
    routes,
};
use axum::{
    Form, Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use simcloud::CloudConfig;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::testing::TestApp;

/// What the stand-in for Graphite does with a question.
#[derive(Clone, Copy, Debug)]
enum Does {
    Answer,
    Nothing,
    Nonsense,
    TooMuch,
    Refuse,
}

/// The form of one question.
type Asked = Vec<(String, String)>;

/// Somebody who takes what Graphite takes, and remembers it.
#[derive(Clone)]
struct Stand {
    does: Does,
    asked: Arc<Mutex<Vec<Asked>>>,
    address: String,
}

impl Stand {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}/graphite/", listener.local_addr().expect("an address"));
        let stand = Self { does, asked: Arc::default(), address };
        let router = Router::new().route("/graphite/render", post(render)).with_state(stand.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        stand
    }

    async fn panel(&self, db: PgPool) -> TestApp {
        TestApp::with(db, CloudConfig::default(), |source| {
            source.with_env("GRAPHITE_URL", &self.address).with_env("GRAPHITE_TIMEOUT_SECS", "2")
        })
        .await
    }
}

async fn render(State(stand): State<Stand>, Form(asked): Form<Asked>) -> Response {
    let from: i64 = value(&asked, "from").parse().expect("a second");
    stand.asked.lock().push(asked);
    match stand.does {
        Does::Answer => Json(json!([
            { "target": "0|success", "tags": {}, "datapoints": [[3.0, from], [null, from + 60], [2, from + 120]] },
            { "target": "5|compute.RegionOne", "datapoints": [[12.5, from]] },
        ]))
        .into_response(),
        Does::Nothing => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            StatusCode::OK.into_response()
        }
        Does::Nonsense => "<html>It works!</html>".into_response(),
        Does::TooMuch => {
            let piece = "[".repeat(65_536);
            let pieces = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
            Body::from_stream(pieces).into_response()
        }
        Does::Refuse => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn value<'a>(asked: &'a [(String, String)], name: &str) -> &'a str {
    asked.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

#[sqlx::test(migrations = "../migrations")]
async fn graphs_have_the_values_that_graphite_has_and_marks_of_releases(db: PgPool) {
    let graphite = Stand::start(Does::Answer).await;
    let app = graphite.panel(db).await;
    app.app.health.store().note_release().await.expect("noted");
    let answer = app.signed_in("operator").get(routes::OPERATOR_STATISTICS).await;
    answer.assert_status(StatusCode::OK);
    let statistics: Statistics = answer.json();
    assert!(statistics.is_configured);
    assert_eq!((statistics.step_secs, statistics.at.len()), (60, 60));
    let graph = |id: &str| statistics.graphs.iter().find(|graph| graph.id == id).expect("the graph");
    let sign_ins = &graph("sign_ins").series[0];
    assert_eq!(
        (&*sign_ins.name, &sign_ins.values[..4]),
        ("success", &[Some(3.0), None, Some(2.0), None][..])
    );
    let latency = &graph("upstream_latency").series[0];
    assert_eq!((&*latency.name, latency.values[0]), ("compute RegionOne", Some(12.5)));
    assert!(graph("errors").series.is_empty());
    let releases: Vec<_> = statistics.releases.iter().map(|mark| mark.release.as_str()).collect();
    assert_eq!(releases, [crate::RELEASE]);
}

#[sqlx::test(migrations = "../migrations")]
async fn graphite_is_asked_for_our_own_list_whatever_the_browser_says(db: PgPool) {
    let graphite = Stand::start(Does::Answer).await;
    let app = graphite.panel(db).await;
    let operator = app.signed_in("operator");
    let hostile = "target=secret.*&format=pickle&from=-10y&prefix=other&percentile=99&last=900";
    let answer = operator.get(&format!("{}?{hostile}", routes::OPERATOR_STATISTICS)).await;
    answer.assert_status(StatusCode::OK);
    let statistics: Statistics = answer.json();
    assert_eq!((statistics.percentile, statistics.step_secs), (99, 30), "what the graphs are labelled from");
    let asked = graphite.asked.lock().pop().expect("a question");
    assert_eq!(value(&asked, "format"), "json");
    let targets: Vec<_> = asked.iter().filter(|(key, _)| key == "target").map(|(_, target)| target).collect();
    assert!(targets.len() > 15, "{targets:?}");
    for target in targets {
        assert!(target.contains("stats.") && target.contains(".meridian."), "{target}");
        assert!(!target.contains("secret") && !target.contains("other"), "{target}");
    }
    assert!(asked.iter().any(|(_, target)| target.contains("upstream.duration.*.*.upper_99")));
    let seconds = |name| value(&asked, name).parse::<i64>().expect("a second");
    assert!((870..=930).contains(&(seconds("until") - seconds("from"))), "{asked:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_range_or_percentile_that_is_not_offered_is_refused(db: PgPool) {
    let graphite = Stand::start(Does::Answer).await;
    let app = graphite.panel(db).await;
    let operator = app.signed_in("operator");
    for (query, code) in [
        ("last=0", "invalid_range"),
        ("last=-1", "invalid_range"),
        ("last=900000000", "invalid_range"),
        ("last=x", "invalid_range"),
        ("percentile=96", "invalid_percentile"),
    ] {
        let answer = operator.get(&format!("{}?{query}", routes::OPERATOR_STATISTICS)).await;
        answer.assert_error(StatusCode::BAD_REQUEST, code);
    }
    assert!(graphite.asked.lock().is_empty(), "Graphite is not asked what cannot be drawn");
    for (last, step) in RANGES {
        let answer = operator.get(&format!("{}?last={last}", routes::OPERATOR_STATISTICS)).await;
        let statistics: Statistics = answer.json();
        assert_eq!((statistics.step_secs, statistics.at.len()), (step, (last / step) as usize));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn each_way_in_which_graphite_fails_has_a_code_of_its_own(db: PgPool) {
    for (does, status, code) in [
        (Does::Nothing, StatusCode::GATEWAY_TIMEOUT, "graphite_timeout"),
        (Does::Nonsense, StatusCode::BAD_GATEWAY, "graphite_malformed"),
        (Does::TooMuch, StatusCode::BAD_GATEWAY, "graphite_too_large"),
        (Does::Refuse, StatusCode::BAD_GATEWAY, "graphite_refused"),
    ] {
        let graphite = Stand::start(does).await;
        let app = graphite.panel(db.clone()).await;
        app.signed_in("operator").get(routes::OPERATOR_STATISTICS).await.assert_error(status, code);
    }
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("GRAPHITE_URL", &address)).await;
    let answer = app.signed_in("operator").get(routes::OPERATOR_STATISTICS).await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "graphite_unreachable");
}

#[sqlx::test(migrations = "../migrations")]
async fn without_graphite_the_answer_says_so(db: PgPool) {
    let app = TestApp::new(db).await;
    let answer = app.signed_in("operator").get(routes::OPERATOR_STATISTICS).await;
    answer.assert_status(StatusCode::OK);
    let statistics: Statistics = answer.json();
    assert_eq!(statistics, Statistics::default());
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_else_is_told_that_there_are_statistics(db: PgPool) {
    let graphite = Stand::start(Does::Answer).await;
    let app = graphite.panel(db).await;
    let strange = "/api/operator/nothing-of-that-name";
    for browser in [app.browser(), app.signed_in("alice")] {
        let ours = browser.get(routes::OPERATOR_STATISTICS).await;
        let (status, ours): (_, Value) = (ours.status, ours.json());
        let theirs = browser.get(strange).await;
        assert_eq!((status, ours["code"].clone()), (theirs.status, theirs.json::<Value>()["code"].clone()));
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    assert!(graphite.asked.lock().is_empty());
}
