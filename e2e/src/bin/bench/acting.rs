//! Acting on servers: how soon a row shows what was asked of it, and what a job over thousands does to the list.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::{Setup, components::ActionMenu, pages::ServersPage};
use thirtyfour::By;

use crate::{
    report::{Figure, Report, median, worst},
    world::World,
};

/// From the click on an action to its row's pending state.
pub async fn pending(report: &mut Report, rounds: usize) -> Result<()> {
    report.section("An action on one of 10000 servers: from the click to the row that shows it");
    // The region's own word must not be what is seen.
    let world = World::start(Setup::web_shop(10_000).with("INDEX_POLL_TRANSITION_SECS", "3600")).await?;
    world.warm_up().await?;
    let mut shown = Vec::new();
    world.open(&world.our_list()).await?;
    let browser = world.browser();
    for _ in 0..rounds * 2 {
        let table = ServersPage::shown(&world.scene).await?.complete_table().await?;
        let rows = table.rows().await?;
        let off = rows.iter().find(|row| row.status == "Shut off").context("no server is shut off")?;
        let menu = ActionMenu::of_row(browser, &table, &off.name).await?;
        let _: bool = browser.run(ARM, vec![off.id.clone().into()]).await?;
        // It can be undone, so it asks nothing and begins with the click.
        menu.choose("start").await?;
        let script = "window.meridianMeasured.then(arguments[arguments.length - 1]);";
        shown.push(browser.run_async::<f64>(script, Vec::new()).await?);
    }
    report.add(Figure::new("action: click to the row's pending state, median", median(shown.clone()), "ms"));
    let name = "action: click to the row's pending state, worst";
    report.add(Figure::new(name, worst(&shown), "ms").at_most(50.0));
    world.stop().await
}

/// A job over half of the servers while the list is looked at.
pub async fn bulk(report: &mut Report) -> Result<()> {
    const SERVERS: usize = 5_000;
    report.section(&format!(
        "A job over {SERVERS} servers at ten times the ordinary rate, seen from the list of 10000"
    ));
    let world = World::start(Setup::web_shop(2 * SERVERS).with("JOBS_PER_SECOND", "100")).await?;
    world.warm_up().await?;
    world.open(&world.our_list()).await?;
    let browser = world.browser();
    let page = ServersPage::shown(&world.scene).await?;
    let table = page.complete_table().await?;
    page.search("region:RegionOne").await?;
    table.has_matching(SERVERS).await?;
    table.toggle_sight().await?;
    let all =
        By::XPath("//*[@data-testid='selection-bar']//button[starts-with(normalize-space(), 'Select all')]");
    browser.find(all).await?.click().await?;
    let menu = ActionMenu::of_ticked(browser).await?;
    let _: bool = browser.run("window.meridianProbe.longTasks.length = 0; return true;", Vec::new()).await?;
    let start = Instant::now();
    menu.choose("lock").await?;
    let script = "
        const done = arguments[arguments.length - 1];
        fetch('/api/jobs').then((answer) => answer.json()).then(({ jobs }) => done(jobs[0]?.state ?? ''));";
    while browser.run_async::<String>(script, Vec::new()).await? != "done" {
        ensure!(start.elapsed() < Duration::from_secs(300), "the job takes longer than five minutes");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let took = start.elapsed().as_secs_f64();
    let script = "return window.meridianProbe.longTasks.map(([, duration]) => duration);";
    let tasks: Vec<f64> = browser.run(script, Vec::new()).await?;
    let name = "bulk job: longest task of the list meanwhile (0: none over 50)";
    report.add(Figure::new(name, if tasks.is_empty() { 0.0 } else { worst(&tasks) }, "ms").at_most(50.0));
    report.add(Figure::new("bulk job: from the click to every result", took, "s"));
    world.stop().await
}

/// From the next click to the first paint in which the row's status reads otherwise.
const ARM: &str = "
    const [id] = arguments;
    const word = () => document.querySelector(`[role=row][data-id='${id}'] [data-column=status]`)?.textContent;
    const before = word();
    window.meridianMeasured = new Promise((resolve) => {
        let start = null;
        addEventListener('click', (event) => (start = event.timeStamp), { capture: true, once: true });
        const look = () => {
            if (start !== null && word() !== before) {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => resolve(performance.now() - start);
                port2.postMessage(0);
            } else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
    return true;";
