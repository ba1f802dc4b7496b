//! A form that is left: by a reload, a lost session, another page while its servers are being made.

use std::time::Duration;

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::{Dialog, Menu, toast},
    pages::{CreateServerPage, ServersPage, SignInPage},
    scene, until,
};
use simcloud::{Fault, Service};
use thirtyfour::{By, prelude::*};

/// Nova takes this long for each answer: long enough to leave a page and come back meanwhile.
const SLOW: Fault = Fault::Slow(Duration::from_secs(6));

fn slow_down(scene: &Scene) {
    scene.control().set_fault("RegionOne", Service::Compute, Some(SLOW));
}

/// Ends all sessions of who is signed in, as another machine would: the page finds out by itself.
async fn end_sessions(scene: &Scene) -> Result<()> {
    let script = "
        const done = arguments[0];
        fetch('/api/session').then(answer => answer.json())
            .then(session => fetch('/api/sessions?include_current=true', {
                method: 'DELETE', headers: { 'x-csrf-token': session.csrf_token } }))
            .then(answer => done(answer.ok));";
    assert!(scene.browser.run_async::<bool>(script, Vec::new()).await?);
    Ok(())
}

/// Everything this tab keeps, as one text.
async fn kept(scene: &Scene) -> Result<String> {
    scene.browser.run("return JSON.stringify(Object.entries(sessionStorage));", Vec::new()).await
}

async fn page_errors(scene: &Scene) -> Result<String> {
    let script = "return window.pageErrors.join('\\n');";
    scene.browser.run(script, Vec::new()).await
}

/// Remembers whatever the page throws from now on.
async fn watch_errors(scene: &Scene) -> Result<()> {
    let script = "
        window.pageErrors = [];
        window.addEventListener('error', event => window.pageErrors.push(event.message));
        window.addEventListener('unhandledrejection', event => window.pageErrors.push(String(event.reason)));
        return true;";
    scene.browser.run::<bool>(script, Vec::new()).await.map(drop)
}

#[test]
fn a_draft_outlives_a_reload_and_says_so() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("kept-{1..3}").await?;
        form.summary_says("Create 3 servers").await?;
        scene.browser.refresh().await?;
        let form = CreateServerPage::shown(scene).await?;
        form.is_restored().await?;
        assert_eq!(form.typed_name().await?, "kept-{1..3}");
        form.summary_says("m1.small").await?;
        form.press("Start afresh").await?;
        until("an empty form", async || Ok(form.typed_name().await?.is_empty().then_some(()))).await?;
        let focused = "return document.activeElement.name;";
        assert_eq!(scene.browser.run::<String>(focused, Vec::new()).await?, "server-name");
        scene.browser.refresh().await?;
        let form = CreateServerPage::shown(scene).await?;
        assert_eq!(form.typed_name().await?, "");
        Ok(())
    });
}

#[test]
fn a_draft_outlives_a_session_that_was_ended_elsewhere() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("kept").await?;
        form.user_data("#!/bin/sh\necho kept").await?;
        form.summary_says("m1.small").await?;
        end_sessions(scene).await?;
        Dialog::with_text(&scene.browser, "Your session has ended").await?;
        let again = By::XPath("//dialog[@open]//a[normalize-space()='Sign in again']");
        scene.browser.query(again).and_displayed().first().await?.click().await?;
        SignInPage::shown(scene).await?.submit_of("alice").await?;
        let form = CreateServerPage::shown(scene).await?;
        form.is_restored().await?;
        assert_eq!(form.typed_name().await?, "kept");
        form.summary_says("Create server").await?;
        form.press_create().await?;
        toast(&scene.browser, "kept is being created").await?;
        assert_eq!(form.made("RegionOne", "kept"), ["kept"]);
        Ok(())
    });
}

#[test]
fn a_draft_goes_when_its_owner_signs_out_and_when_another_person_signs_in() {
    scene(Setup::default(), async |scene| {
        let secret = "the-password-in-it";
        let draft = async || -> Result<()> {
            let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
            form.fill("mine").await?;
            form.user_data(&format!("#!/bin/sh\necho {secret}")).await?;
            until("the draft to be kept", async || Ok(kept(scene).await?.contains(secret).then_some(())))
                .await
        };
        draft().await?;
        Menu::open(&scene.browser, "Account").await?.press("Sign out").await?;
        SignInPage::shown(scene).await?;
        assert!(!kept(scene).await?.contains(secret));
        draft().await?;
        end_sessions(scene).await?;
        let form = CreateServerPage::of(scene, "bob", "alpha", "").await?;
        assert_eq!(form.typed_name().await?, "");
        assert!(!kept(scene).await?.contains(secret));
        Ok(())
    });
}

#[test]
fn servers_are_made_to_the_end_and_once_when_the_page_is_left() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        watch_errors(scene).await?;
        form.fill("left-{1..6}").await?;
        slow_down(scene);
        form.press_create().await?;
        form.is_asking().await?;
        form.leave().await?;
        scene.control().clear_faults();
        toast(&scene.browser, "6 servers are being created").await?;
        let names = ["left-1", "left-2", "left-3", "left-4", "left-5", "left-6"];
        assert_eq!(
            (form.made("RegionOne", "left"), form.create_calls().len()),
            (names.map(String::from).into(), 6)
        );
        // The draft has become servers.
        form.come_back().await?;
        assert_eq!(form.typed_name().await?, "");
        assert!(!kept(scene).await?.contains("left-"));
        assert_eq!(page_errors(scene).await?, "");
        Ok(())
    });
}

#[test]
fn a_form_that_is_come_back_to_shows_what_is_being_made_and_makes_it_once() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("back-{1..3}").await?;
        slow_down(scene);
        form.press_create().await?;
        form.is_asking().await?;
        form.leave().await?;
        form.come_back().await?;
        form.progress_says("are being created").await?;
        form.summary_says("Creating 3 servers").await?;
        form.press_create().await?;
        scene.control().clear_faults();
        toast(&scene.browser, "3 servers are being created").await?;
        ServersPage::shown(scene).await?;
        assert_eq!((form.made("RegionOne", "back").len(), form.create_calls().len()), (3, 3));
        Ok(())
    });
}

#[test]
fn what_fails_after_the_page_was_left_is_told_and_waits_in_the_form() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("quota-exceeded").await?;
        slow_down(scene);
        form.press_create().await?;
        form.is_asking().await?;
        form.leave().await?;
        scene.control().clear_faults();
        let told = toast(&scene.browser, "1 server could not be created").await?;
        assert!(told.to_lowercase().contains("quota"), "{told}");
        form.come_back().await?;
        form.is_restored().await?;
        form.progress_says("1 server could not be created").await?;
        form.summary_says("Try 1 server again").await?;
        Ok(())
    });
}

#[test]
fn a_reload_in_the_middle_leaves_in_doubt_what_is_looked_for_before_it_is_made() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("again-{1..5}").await?;
        slow_down(scene);
        form.press_create().await?;
        form.is_asking().await?;
        scene.browser.refresh().await?;
        scene.control().clear_faults();
        let form = CreateServerPage::shown(scene).await?;
        form.is_restored().await?;
        form.progress_says("may or may not have been created").await?;
        form.press_create().await?;
        toast(&scene.browser, "5 servers are being created").await?;
        assert_eq!(form.made("RegionOne", "again"), ["again-1", "again-2", "again-3", "again-4", "again-5"]);
        Ok(())
    });
}

#[test]
fn nothing_starts_afresh_while_servers_are_being_made() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("busy-{1..2}").await?;
        scene.browser.refresh().await?;
        let form = CreateServerPage::shown(scene).await?;
        form.is_restored().await?;
        form.summary_says("m1.small").await?;
        slow_down(scene);
        form.press_create().await?;
        form.is_asking().await?;
        form.press("Start afresh").await?;
        assert_eq!(form.typed_name().await?, "busy-{1..2}");
        form.progress_says("are being created").await?;
        scene.control().clear_faults();
        toast(&scene.browser, "2 servers are being created").await?;
        assert_eq!((form.made("RegionOne", "busy").len(), form.create_calls().len()), (2, 2));
        Ok(())
    });
}
