//! Opening the list and looking at it: cold, warm, while a region hangs, while something changes.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use e2e::{Setup, pages::ServersPage, until};
use simcloud::{Fault, Latency, NewServer, Service};
use thirtyfour::By;

use crate::{
    report::{Figure, Report, median, worst},
    world::World,
};

/// API workers per region and service in the cold runs; the panel may keep all of them busy.
const WORKERS: usize = 8;

/// A cold index, an API that takes its time.
pub async fn cold(report: &mut Report, rounds: usize) -> Result<()> {
    const SERVERS: usize = 10_000;
    report.section(&format!(
        "Cold opening of {SERVERS} servers in three regions on the realistic latency model, {WORKERS} API workers \
         per region"
    ));
    let mut first = Vec::new();
    let mut all_in = Vec::new();
    let mut complete = Vec::new();
    let mut fewest_ms = 0.0;
    for _ in 0..rounds {
        let mut setup = Setup::web_shop(SERVERS).with("UPSTREAM_CONCURRENCY", &WORKERS.to_string());
        let seeds = &setup.cloud.projects;
        let project = seeds.iter().find(|seed| seed.name == "web-shop").context("there is no web-shop")?;
        let largest = project.servers.values().max().copied().unwrap_or_default();
        let latency = Latency::realistic(WORKERS);
        fewest_ms = largest as f64 * latency.detail_row.as_secs_f64() * 1000.0 / WORKERS as f64;
        setup.cloud.latency = latency;
        let world = World::start(setup).await?;
        world.sign_in().await?;
        let opening = world.open(&world.our_list()).await?;
        first.push(opening.first_row);
        all_in.push(opening.all_in);
        complete.push(opening.complete);
        world.stop().await?;
    }
    report.add(Figure::new("cold: navigation to first rows", median(first), "ms").at_most(800.0));
    let name = "cold: navigation to all rows in, against all workers of the largest region busy";
    report.add(Figure::new(name, median(all_in), "ms").against(fewest_ms).ratio_at_most(1.3));
    let name = "cold: navigation to all rows in the document";
    report.add(Figure::new(name, median(complete), "ms").against(fewest_ms));
    Ok(())
}

/// One region that never answers, and when the others are complete.
pub async fn hanging(report: &mut Report, rounds: usize) -> Result<()> {
    report.section("Cold opening of 10000 servers with and without one hanging region");
    let mut without = Vec::new();
    let mut with = Vec::new();
    for _ in 0..rounds {
        without.push(others_complete(false).await?);
        with.push(others_complete(true).await?);
    }
    let name = "hanging region: the last of the others complete, against no region hanging";
    report.add(Figure::new(name, median(with), "ms").against(median(without)).ratio_at_most(1.1));
    Ok(())
}

async fn others_complete(hangs: bool) -> Result<f64> {
    let mut setup = Setup::web_shop(10_000).with("UPSTREAM_CONCURRENCY", &WORKERS.to_string());
    setup.cloud.latency = Latency::realistic(WORKERS);
    let world = World::start(setup).await?;
    world.sign_in().await?;
    if hangs {
        world.scene.control().set_fault("RegionThree", Service::Compute, Some(Fault::Hang));
    }
    world.browser().goto(world.our_list()).await?;
    let complete = until("the other regions to be complete", async || {
        let script = "return window.meridianProbe.regions;";
        let at: HashMap<String, f64> = world.browser().run(script, Vec::new()).await?;
        Ok(at.get("RegionOne").zip(at.get("RegionTwo")).map(|(one, two)| one.max(*two)))
    })
    .await?;
    world.stop().await?;
    Ok(complete)
}

/// Leaving the list and coming back inside the panel.
pub async fn warm(report: &mut Report, rounds: usize) -> Result<()> {
    report.section("Warm opening of 10000 servers inside the panel");
    // The background refresh is no call of the opening; it would be counted by chance.
    let setup = Setup::web_shop(10_000)
        .with("INDEX_POLL_IDLE_SECS", "3600")
        .with("INDEX_POLL_TRANSITION_SECS", "3600");
    let world = World::start(setup).await?;
    world.warm_up().await?;
    let mut first = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..rounds {
        world.open(&world.our_list()).await?;
        let browser = world.browser();
        browser.find(By::Css("[role=row][data-id] [data-column=name] a")).await?.click().await?;
        until("the server's page", async || {
            let is_quiet = ["RegionOne", "RegionTwo", "RegionThree"].iter().all(|region| {
                [Service::Compute, Service::Network, Service::Image]
                    .iter()
                    .all(|service| world.scene.control().in_flight(region, *service) == 0)
            });
            let script = "return !document.querySelector('[data-testid=server-table]');";
            Ok((browser.run::<bool>(script, Vec::new()).await? && is_quiet).then_some(()))
        })
        .await?;
        world.scene.control().reset_calls();
        let script = "
            window.meridianMeasured = window.meridianProbe.untilRows();
            document.querySelector('nav a[href$=\"/servers\"]').click();
            return true;";
        let _: bool = browser.run(script, Vec::new()).await?;
        let script = "window.meridianMeasured.then(arguments[arguments.length - 1]);";
        first.push(browser.run_async(script, Vec::new()).await?);
        ServersPage::shown(&world.scene).await?.complete_table().await?;
        calls.push(world.scene.control().calls().len() as f64);
    }
    report.add(Figure::new("warm: click to first rows painted", median(first), "ms").at_most(100.0));
    report.add(Figure::new("warm: upstream calls, worst round", worst(&calls), "calls").at_most(0.0));
    world.stop().await
}

/// From a change in the cloud to its row.
pub async fn change(report: &mut Report, rounds: usize) -> Result<()> {
    report.section("A change in the cloud, while a server is in transition");
    let world = World::start(Setup::web_shop(1000)).await?;
    world.sign_in().await?;
    let control = world.scene.control();
    let building = NewServer {
        name: "builds".into(),
        status: "BUILD".into(),
        task_state: Some("spawning".into()),
        ..NewServer::default()
    };
    control.add_server("RegionOne", "web-shop", building);
    let id = control.add_server(
        "RegionOne",
        "web-shop",
        NewServer { name: "watched".into(), ..NewServer::default() },
    );
    world.open(&world.our_list()).await?;
    let mut seen = Vec::new();
    for round in 0..rounds {
        let name = format!("changed-{round}");
        let script = "window.meridianMeasured = window.meridianProbe.untilRow(...arguments); return true;";
        let arguments = vec![id.clone().into(), name.clone().into()];
        let _: bool = world.browser().run(script, arguments).await?;
        // At another moment of the panel's interval each time.
        tokio::time::sleep(Duration::from_millis(370 * (round as u64 + 1) % 2000)).await;
        let start = Instant::now();
        control.update_server("RegionOne", &id, |server| server.name.clone_from(&name));
        let script = "window.meridianMeasured.then(arguments[arguments.length - 1]);";
        let _: bool = world.browser().run_async(script, Vec::new()).await?;
        seen.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    report.add(Figure::new("change: visible in the list, median", median(seen.clone()), "ms"));
    report.add(Figure::new("change: visible in the list, worst", worst(&seen), "ms").at_most(2000.0));
    world.stop().await
}
