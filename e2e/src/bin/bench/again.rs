//! The list once more: loaded again in the same process, and reached from another page of the panel; and what of the
//! time is spent on receiving alone.

use anyhow::Result;
use e2e::until;
use serde_json::Value;

use crate::{
    report::{Figure, Report, median},
    world::{Opening, World},
};

/// `alone` is what receiving the stream takes by itself, in milliseconds.
pub async fn measure(
    report: &mut Report,
    world: &World,
    servers: usize,
    rounds: usize,
    alone: f64,
) -> Result<()> {
    let (mut ours, mut react) = (Vec::new(), Vec::new());
    for (url, seen) in [(world.our_list(), &mut ours), (world.reference("list"), &mut react)] {
        world.open(&url).await?;
        for _ in 0..rounds {
            world.browser().refresh().await?;
            seen.push(world.opening().await?);
        }
    }
    let name = format!("list {servers}: loaded again in the same process, to first row painted");
    let first = |of: &[Opening]| median(of.iter().map(|opening| opening.first_row).collect());
    report.add(Figure::new(name, first(&ours), "ms").against(first(&react)));
    let name =
        format!("list {servers}: from another page of the panel, fetch to complete, against receiving alone");
    report.add(Figure::new(name, from_another_page(world, rounds).await?, "ms").against(alone));
    Ok(())
}

/// From the sessions page to the list by its link: the program runs already.
async fn from_another_page(world: &World, rounds: usize) -> Result<f64> {
    let browser = world.browser();
    let mut took = Vec::new();
    for _ in 0..rounds {
        browser.goto(world.proxy.url("/account/sessions")).await?;
        until("the sessions", async || {
            Ok(browser
                .run::<bool>("return !!document.querySelector('main table');", Vec::new())
                .await?
                .then_some(()))
        })
        .await?;
        // The session is of another project, and the link in the page leads there.
        let script = "
            const list = document.querySelector('nav.products a');
            list.setAttribute('href', arguments[0]);
            performance.clearMarks();
            list.click();
            return true;";
        let path = format!("/projects/{}/servers", world.project);
        let _: bool = browser.run(script, vec![path.into()]).await?;
        let ms: f64 = until("the list to be complete", async || {
            let script = "
                const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
                const [fetch, complete] = [at('servers:fetch'), at('servers:complete')];
                return complete === undefined ? null : complete - fetch;";
            browser.run::<Option<f64>>(script, Vec::new()).await
        })
        .await?;
        took.push(ms);
    }
    Ok(median(took))
}

/// How long the browser takes to receive the stream and do nothing, in milliseconds; and the bytes.
pub async fn receive_alone(world: &World, rounds: usize) -> Result<(f64, f64)> {
    let script = "
        const done = arguments[arguments.length - 1];
        (async () => {
            const start = performance.now();
            const answer = await fetch(arguments[0], { headers: { accept: arguments[1] } });
            const reader = answer.body.getReader();
            let bytes = 0;
            for (let read; !(read = await reader.read()).done; ) bytes += read.value.length;
            done([performance.now() - start, bytes]);
        })();";
    let path = world.proxy.url(&format!("/api/projects/{}/servers?follow=false", world.project));
    let mut took = Vec::new();
    let mut bytes = 0.0;
    for _ in 0..=rounds {
        world.browser().goto(world.reference("receive")).await?;
        let arguments: Vec<Value> = vec![path.clone().into(), api_types::routes::FRAMES_MEDIA_TYPE.into()];
        let (ms, received): (f64, f64) = world.browser().run_async(script, arguments).await?;
        took.push(ms);
        bytes = received;
    }
    // The first has the connection to make.
    took.remove(0);
    Ok((median(took), bytes))
}
