//! Regions that fail: one banner with the reason, a way to ask again, and everything else works.

use e2e::{
    Setup,
    pages::{ServerPage, SignInPage},
    scene, until_equal,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::Key;

/// Servers of `alpha` outside the region that fails, RegionTwo.
const OTHERS: usize = 8;

/// Deadlines short, and no second try by itself while the test looks.
fn setup() -> Setup {
    Setup::default()
        .with("UPSTREAM_TIMEOUT_SECS", "1")
        .with("UPSTREAM_BREAKER_FAILURES", "100")
        .with("INDEX_POLL_IDLE_SECS", "600")
        .with("INDEX_BACK_OFF_MAX_SECS", "600")
}

fn a_region_that_fails_is_named_and_the_others_are_complete(fault: Fault) {
    scene(setup(), async |scene| {
        let control = scene.control();
        control.set_fault("RegionTwo", Service::Compute, Some(fault));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        page.region_is("RegionOne", "complete").await?;
        page.region_is("RegionThree", "complete").await?;
        page.region_is("RegionTwo", "unreachable").await?;
        let table = page.complete_table().await?;
        assert_eq!(table.total().await?, OTHERS);
        let banner = page.banner("RegionTwo").await?;
        assert!(banner.contains("RegionTwo"), "the banner names the region: {banner:?}");
        // It can be searched and sorted as ever.
        table.sort_by("name").await?;
        control.set_fault("RegionTwo", Service::Compute, None);
        page.retry("RegionTwo").await?;
        page.region_is("RegionTwo", "complete").await?;
        page.no_banner().await?;
        table.has_matching(12).await
    });
}

#[test]
fn a_region_that_hangs_is_named_and_the_others_are_complete() {
    a_region_that_fails_is_named_and_the_others_are_complete(Fault::Hang);
}

#[test]
fn a_list_is_drawn_to_its_end_and_opened_by_keys_while_a_region_hangs() {
    scene(setup().with("UPSTREAM_TIMEOUT_SECS", "300"), async |scene| {
        let control = scene.control();
        control.set_fault("RegionTwo", Service::Compute, Some(Fault::Hang));
        for number in 0..150 {
            let name = format!("more-{number:03}");
            control.add_server("RegionOne", "alpha", NewServer { name, ..NewServer::default() });
        }
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.table().await?;
        table.has_matching(OTHERS + 150).await?;
        page.region_is("RegionTwo", "loading").await?;
        until_equal("the rows out of sight to be there too", OTHERS + 150, async || {
            Ok(table.rows().await?.len())
        })
        .await?;
        scene.browser.action_chain().send_keys("j").perform().await?;
        let first = table.rows().await?.into_iter().min_by_key(|row| row.index).expect("rows");
        until_equal("the first row to be the one", Some(first.id.clone()), async || table.cursor().await)
            .await?;
        scene.browser.action_chain().send_keys(Key::Enter).perform().await?;
        assert_eq!(ServerPage::shown(scene).await?.title().await?, first.name);
        Ok(())
    });
}

#[test]
fn a_region_that_refuses_connections_is_named_and_the_others_are_complete() {
    a_region_that_fails_is_named_and_the_others_are_complete(Fault::Refuse);
}

#[test]
fn a_region_with_an_error_is_named_and_the_others_are_complete() {
    a_region_that_fails_is_named_and_the_others_are_complete(Fault::Status(500));
}

#[test]
fn a_region_that_is_forbidden_is_named_and_the_others_are_complete() {
    a_region_that_fails_is_named_and_the_others_are_complete(Fault::Status(403));
}

#[test]
fn a_region_that_answers_nonsense_is_named_and_the_others_are_complete() {
    a_region_that_fails_is_named_and_the_others_are_complete(Fault::MalformedJson);
}

#[test]
fn one_malformed_row_costs_no_other_row() {
    scene(setup(), async |scene| {
        scene.control().set_fault("RegionTwo", Service::Compute, Some(Fault::MalformedRow));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        assert_eq!(table.total().await?, 12);
        page.region_is("RegionTwo", "complete").await
    });
}

#[test]
fn a_region_that_fails_later_keeps_its_rows_and_says_how_old_they_are() {
    let setup = setup().with("INDEX_POLL_IDLE_SECS", "0.3").with("INDEX_BACK_OFF_MAX_SECS", "0.5");
    scene(setup, async |scene| {
        let control = scene.control();
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        control.set_fault("RegionOne", Service::Compute, Some(Fault::Status(503)));
        page.region_is("RegionOne", "stale").await?;
        let banner = page.banner("RegionOne").await?;
        assert!(banner.contains("RegionOne"), "{banner}");
        assert_eq!(table.total().await?, 12, "the rows stay");
        let new = NewServer { name: "after-the-outage".to_owned(), ..NewServer::default() };
        control.add_server("RegionOne", "alpha", new);
        control.set_fault("RegionOne", Service::Compute, None);
        table.row("after-the-outage").await?;
        page.no_banner().await
    });
}
