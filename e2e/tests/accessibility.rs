//! axe on every page, light and dark, on a desk and in a hand.

use e2e::{
    Setup, axe,
    components::Dialog,
    pages::{ServerPage, ServersPage, SessionsPage, SignInPage},
    scene,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::{By, prelude::*};

#[test]
fn the_sign_in_pages_have_no_violations() {
    scene(Setup::default().with("SIGN_IN_HELP_URL", "https://example.org/help"), async |scene| {
        let page = SignInPage::open(scene).await?;
        axe::assert_everywhere(&scene.browser, "sign-in").await?;
        page.submit("alice", "not-the-password").await?;
        page.problem().await?;
        axe::assert_everywhere(&scene.browser, "sign-in, refused").await?;
        page.submit_of("mfa").await?;
        scene.browser.query(By::Css("input[autocomplete=one-time-code]")).first().await?;
        axe::assert_everywhere(&scene.browser, "second factor").await
    });
}

#[test]
fn the_list_has_no_violations() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        scene.control().add_server(
            "RegionOne",
            "alpha",
            NewServer {
                name: "failed".to_owned(),
                status: "ERROR".to_owned(),
                fault: Some("No valid host was found.".to_owned()),
                tags: vec!["one".to_owned(), "two".to_owned(), "three".to_owned()],
                is_locked: true,
                ..NewServer::default()
            },
        );
        scene.control().set_fault("RegionThree", Service::Compute, Some(Fault::Refuse));
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        page.banner("RegionThree").await?;
        table.toggle("failed").await?;
        page.selection_bar().await?;
        axe::assert_everywhere(&scene.browser, "servers, with a banner and a selection").await
    });
}

#[test]
fn the_empty_list_has_no_violations() {
    scene(Setup::default(), async |scene| {
        ServersPage::of(scene, "demo", "empty").await?.empty_state("nothing-yet").await?;
        axe::assert_everywhere(&scene.browser, "servers, none").await
    });
}

#[test]
fn the_page_of_a_server_has_no_violations() {
    scene(Setup::default(), async |scene| {
        let server = NewServer { name: "the-one".to_owned(), volumes: 1, ..NewServer::default() };
        let id = scene.control().add_server("RegionOne", "alpha", server);
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let page = ServerPage::open(scene, "alpha", "RegionOne", &id).await?;
        page.shows("the-one").await?;
        axe::assert_everywhere(&scene.browser, "server, overview").await?;
        for tab in ["Addresses", "Volumes", "Security", "Metadata", "Action history", "JSON"] {
            page.choose_tab(tab).await?;
            axe::assert_no_violations(&scene.browser, &format!("server, {tab}")).await?;
        }
        Ok(())
    });
}

#[test]
fn sessions_help_and_the_project_switcher_have_no_violations() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        page.complete_table().await?;
        scene.browser.action_chain().send_keys("?").perform().await?;
        Dialog::with_text(&scene.browser, "Keyboard").await?;
        axe::assert_everywhere(&scene.browser, "keyboard help").await?;
        SessionsPage::open(scene).await?.has_sessions(1).await?;
        axe::assert_everywhere(&scene.browser, "sessions").await?;
        scene.browser.find(By::Css(".switcher-button")).await?.click().await?;
        scene.browser.query(By::Css("[role=option]")).and_displayed().first().await?;
        axe::assert_no_violations(&scene.browser, "the project switcher").await
    });
}

#[test]
fn pages_that_do_not_exist_have_no_violations() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?;
        scene.browser.goto(scene.url("/no/such/page")).await?;
        axe::assert_everywhere(&scene.browser, "not found").await
    });
}
