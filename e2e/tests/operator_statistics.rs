//! Statistics: what was measured goes through the real statsd and Graphite and is seen as graphs, exact to the count;
//! without them the page says how to have them.

use anyhow::{Result, ensure};
use e2e::{
    Scene, Setup, axe,
    harness::graphite::Graphite,
    pages::{OperatorStatisticsPage, SignInPage},
    scene, until_equal,
};
use thirtyfour::prelude::*;

/// The pair of this run; `None` where the tests that need it were allowed to be left out.
fn graphite() -> Option<&'static Graphite> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(Graphite::of_this_run()).expect("statsd and Graphite start")
}

fn measured(graphite: &Graphite, prefix: &str) -> Setup {
    let mut setup = Setup::default().with("NODE_NAME", "panel-1");
    setup.settings.extend(graphite.settings(prefix));
    setup
}

#[test]
fn every_request_is_counted_in_graphite_and_none_twice() {
    let Some(graphite) = graphite() else { return };
    scene(measured(graphite, "exact"), async |scene| {
        const ASKED: usize = 1_000;
        let url = scene.url(api_types::routes::SESSION);
        let client = reqwest::Client::new();
        let ask = |_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                for _ in 0..ASKED / 10 {
                    let answer = client.get(&url).send().await?;
                    ensure!(answer.status().as_u16() == 401, "{}", answer.status());
                }
                Ok(())
            })
        };
        for asking in (0..10).map(ask).collect::<Vec<_>>() {
            asking.await??;
        }
        let of = |target: &'static str| async move {
            Ok(graphite.sums(target).await?.into_values().sum::<f64>() as usize)
        };
        let counter = "stats.counters.exact.http.request.api-session.refused.count";
        until_equal("the counter in Graphite", ASKED, async || of(counter).await).await?;
        let timer = "stats.timers.exact.http.request_duration.api-session.count";
        until_equal("the timer's values in Graphite", ASKED, async || of(timer).await).await?;
        // What comes later is counted later, and leaves what was.
        ensure!(client.get(&url).send().await?.status().as_u16() == 401);
        until_equal("one more", ASKED + 1, async || of(counter).await).await?;
        let datagrams = of("stats.counters.exact.metrics.datagrams.count").await?;
        ensure!(datagrams > 0, "no datagram was counted");
        let gauges = graphite.sums("stats.gauges.exact.process.threads.panel-1").await?;
        ensure!(gauges.len() == 1, "the node's own gauges have its name: {gauges:?}");
        Ok(())
    });
}

#[test]
fn the_sign_ins_just_made_are_on_the_page_and_can_be_read_by_keyboard() {
    let Some(graphite) = graphite() else { return };
    scene(measured(graphite, "page"), async |scene| {
        let sign_in = SignInPage::open(scene).await?;
        for _ in 0..2 {
            sign_in.submit("alice", "not-the-password").await?;
            sign_in.problem().await?;
        }
        SignInPage::open(scene).await?.sign_in("operator").await?;
        let page = OperatorStatisticsPage::open(scene, "?last=900").await?;
        let expected = ["succeeded 1 in all", "wrong credentials 2 in all"];
        page.wait_for_legend("sign_ins", "?last=900", &expected).await?;

        // One crosshair for all graphs: a key in one changes the values of the others too.
        let plot = page.plot("sign_ins").await?;
        plot.send_keys(Key::End + "").await?;
        let said = plot.attr("aria-valuetext").await?.unwrap_or_default();
        ensure!(said.contains("succeeded") && said.contains("wrong credentials"), "{said}");
        ensure!(!page.legend("sign_ins").await?.iter().any(|line| line.contains("in all")));
        plot.send_keys(Key::Home + "").await?;
        ensure!(plot.attr("aria-valuenow").await?.as_deref() == Some("0"));
        let other = page.plot("requests").await?;
        ensure!(other.attr("aria-valuenow").await?.as_deref() == Some("0"), "the crosshair is shared");
        plot.send_keys(Key::Escape + "").await?;

        let rows = page.table("sign_ins").await?;
        let sum =
            |column: usize| rows.iter().filter_map(|row| row[column].parse::<usize>().ok()).sum::<usize>();
        ensure!((rows.len(), sum(1) + sum(2)) == (30, 3), "{rows:?}");

        axe::assert_everywhere(&scene.browser, "operator, statistics").await?;
        page.choose("24 h").await?;
        page.choose("99th percentile").await?;
        until_equal("the address to say what is shown", true, async || {
            let url = scene.browser.current_url().await?;
            Ok(url.query() == Some("last=86400&percentile=99"))
        })
        .await
    });
}

#[test]
fn without_graphite_the_page_says_how_to_have_one_and_a_slow_one_is_no_end() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("operator").await?;
        let said = OperatorStatisticsPage::open(scene, "").await?.empty_state("no-graphite").await?;
        ensure!(said.contains("graphite") && said.contains("[statsd]"), "{said}");
        axe::assert_everywhere(&scene.browser, "operator, statistics without Graphite").await
    });
    // Somebody who takes the question and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let slow = Setup::default().with("GRAPHITE_URL", &url).with("GRAPHITE_TIMEOUT_SECS", "0.5");
    scene(slow, async |scene: &Scene| -> Result<()> {
        SignInPage::open(scene).await?.sign_in("operator").await?;
        let page = OperatorStatisticsPage::open(scene, "").await?;
        let said = page.empty_state("could-not-load").await?;
        ensure!(said.contains("did not answer within 0.5 seconds") && said.contains("Retry"), "{said}");
        Ok(())
    });
}
