//! Quotas: bars for each region and service, and a service that says nothing.

use e2e::{Setup, axe, pages::OffersPage, scene, until};
use simcloud::{Fault, Service};
use thirtyfour::{By, prelude::*};

#[test]
fn every_region_shows_what_is_in_use_of_what_may_be() {
    scene(Setup::default(), async |scene| {
        OffersPage::quotas(scene, "alice", "alpha").await?;
        for region in ["RegionOne", "RegionTwo", "RegionThree"] {
            let used = scene.control().servers(region, "alpha").len();
            let row = By::Css(format!("[data-region={region}] [data-quota=Servers]"));
            let row = scene.browser.query(row).first().await?;
            let text = row.text().await?;
            assert!(text.contains(&format!("{used} of ")), "{region}: {text}");
            row.query(By::Css("progress")).first().await?;
        }
        Ok(())
    });
}

#[test]
fn a_service_that_says_nothing_takes_nothing_from_the_others() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        scene.control().set_fault("RegionTwo", Service::Network, Some(Fault::Status(503)));
        OffersPage::quotas(scene, "alice", "alpha").await?;
        let gap = By::Css("[data-region=RegionTwo] .offer-failed");
        let gap = scene.browser.query(gap).and_displayed().first().await?;
        scene.browser.query(By::Css("[data-region=RegionTwo] [data-quota=vCPUs]")).first().await?;
        scene.control().clear_faults();
        gap.query(By::Css("button")).first().await?.click().await?;
        scene.browser.query(By::Css("[data-region=RegionTwo] [data-quota=Routers]")).first().await?;
        Ok(())
    });
}

#[test]
fn the_calls_of_a_page_are_shown_as_commands() {
    scene(Setup::default(), async |scene| {
        OffersPage::quotas(scene, "alice", "alpha").await?;
        scene.browser.query(By::Css("[data-region=RegionOne] [data-quota=vCPUs]")).first().await?;
        scene.browser.find(By::Tag("body")).await?.send_keys("a").await?;
        let calls = scene.browser.query(By::Testid("calls")).and_displayed().first().await?;
        let path = By::XPath(".//button[contains(., 'compute/os-quota-sets/')]");
        calls.query(path).first().await?.click().await?;
        until("the command", async || {
            let text = scene.browser.query(By::Testid("command")).first().await?.text().await?;
            Ok(text.contains("curl -sS -X GET \"$COMPUTE\"/os-quota-sets/").then_some(()))
        })
        .await
    });
}

#[test]
fn the_page_has_no_violations() {
    scene(Setup::default(), async |scene| {
        OffersPage::quotas(scene, "alice", "alpha").await?;
        scene.browser.query(By::Css("[data-region=RegionTwo] [data-quota=Routers]")).first().await?;
        axe::assert_everywhere(&scene.browser, "quotas").await
    });
}
