//! Health: what is broken shows, a probe after the repair brings it back, and the page does not get in the way.

use e2e::{
    Setup, axe,
    components::{dismiss_toasts, toast},
    harness::browser::PHONE,
    pages::{OperatorHealthPage, SignInPage},
    scene, until,
};
use simcloud::{Fault, Service};

/// Circuits open with the first failure and stay so, and checks follow each other.
fn watchful() -> Setup {
    Setup::default()
        .with("NODE_NAME", "panel-1")
        .with("UPSTREAM_BREAKER_FAILURES", "1")
        .with("UPSTREAM_BREAKER_OPEN_SECS", "600")
        .with("UPSTREAM_BREAKER_OPEN_MAX_SECS", "600")
        .with("HEALTH_EVERY_SECS", "0.2")
}

#[test]
fn a_regions_broken_compute_is_an_open_circuit_and_a_probe_after_the_repair_closes_it() {
    scene(watchful(), async |scene| {
        let control = scene.control();
        control.set_fault("RegionTwo", Service::Compute, Some(Fault::Status(503)));
        let servers = SignInPage::open(scene).await?.sign_in("operator").await?;
        servers.banner("RegionTwo").await?;
        let page = OperatorHealthPage::open(scene).await?;
        page.state_is("service-table", "Compute RegionTwo", "Open, next try in").await?;
        page.state_is("service-table", "Compute RegionOne", "Closed").await?;
        let broken = page.row("service-table", "Compute RegionTwo").await?;
        assert!(broken.0[3].contains("out of order (503)"), "{broken:?}");

        page.probe("Compute in RegionTwo").await?;
        let said = toast(&scene.browser, "Compute in RegionTwo was probed and failed").await?;
        assert!(said.contains("out of order (503)"), "{said}");
        page.state_is("service-table", "Compute RegionTwo", "Open").await?;
        dismiss_toasts(&scene.browser).await?;

        control.clear_faults();
        // One probe follows another after a pause.
        until("a probe to be answered", async || {
            page.probe("Compute in RegionTwo").await?;
            let state = page.row("service-table", "Compute RegionTwo").await?.0[1].clone();
            Ok((!state.contains("Open")).then_some(()))
        })
        .await?;
        page.state_is("service-table", "Compute RegionTwo", "Closed").await
    });
}

#[test]
fn a_node_shows_its_release_what_it_lacks_and_whom_it_sees() {
    // A service that is no node of ours, and one that nobody runs.
    let setup = watchful().with("NODE_ZONE", "az-2").with("HEALTH_NEXT_HOPS", "http://127.0.0.1:9");
    scene(setup, async |scene| {
        SignInPage::open(scene).await?.sign_in("operator").await?.complete_table().await?;
        let page = OperatorHealthPage::open(scene).await?;
        page.state_is("node-table", "panel-1 This node", "In service").await?;
        let node = page.row("node-table", "panel-1").await?;
        assert_eq!((node.0[2].as_str(), node.0[3].as_str()), (env!("CARGO_PKG_VERSION"), "az-2"));
        let hops = page.rows("hop-table").await?;
        assert!(hops[0].0[1].contains("no connection"), "{hops:?}");
        page.state_is("need-table", "Database", "Works").await?;
        assert_eq!(page.own_state().await?.trim(), "In service");

        scene.control().set_fault("*", Service::Identity, Some(Fault::Refuse));
        page.state_is("need-table", "Keystone", "Lacking").await?;
        let keystone = page.row("need-table", "Keystone").await?;
        assert!(keystone.0[4].contains("no other node to ask"), "{keystone:?}");
        page.state_is("node-table", "panel-1", "Out of service: without keystone").await?;
        scene.control().clear_faults();
        page.state_is("need-table", "Keystone", "Works").await?;
        page.state_is("node-table", "panel-1", "In service").await
    });
}

#[test]
fn the_page_keeps_the_focus_while_it_renews_itself_and_fits_a_hand() {
    scene(watchful(), async |scene| {
        let control = scene.control();
        control.set_fault("RegionTwo", Service::Compute, Some(Fault::Status(503)));
        SignInPage::open(scene).await?.sign_in("operator").await?.banner("RegionTwo").await?;
        let page = OperatorHealthPage::open(scene).await?;
        page.state_is("service-table", "Compute RegionTwo", "Open").await?;
        axe::assert_everywhere(&scene.browser, "health").await?;
        let button = page.probe_button("Compute in RegionTwo").await?;
        button.focus().await?;
        let first = page.row("service-table", "Compute RegionTwo").await?.0[1].clone();
        until("the page to renew itself", async || {
            let now = page.row("service-table", "Compute RegionTwo").await?.0[1].clone();
            Ok((now != first).then_some(()))
        })
        .await?;
        let focused = "return document.activeElement?.getAttribute('aria-label')";
        let focused: Option<String> = scene.browser.run(focused, Vec::new()).await?;
        assert_eq!(focused.as_deref(), Some("Probe Compute in RegionTwo"));

        scene.browser.resize(PHONE).await?;
        let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        until("nothing to stand out at the side", async || {
            let overflow: i64 = scene.browser.run(overflow, Vec::new()).await?;
            Ok((overflow <= 0).then_some(()))
        })
        .await
    });
}
