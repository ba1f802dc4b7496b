//! Key pairs: made with a private key that is shown once, imported, deleted, and refused.

use anyhow::Result;
use e2e::{
    Setup, axe,
    components::{Dialog, toast},
    pages::OffersPage,
    scene, until,
};
use simcloud::{Fault, Service};
use thirtyfour::{By, Key, prelude::*};

const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4pQ2o1kz5mC0dQxG4N2Q8wq3m8b9J0sX7aV5tY1u2E me@here";

#[test]
fn a_key_pair_is_made_and_its_private_key_is_shown_once() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::key_pairs(scene, "alice", "alpha").await?;
        page.press("Create").await?;
        page.choose("Region", "RegionTwo").await?;
        page.fill("Name", "fresh").await?;
        Dialog::with_text(&scene.browser, "Create a key pair").await?.press("Create key pair").await?;
        let once = scene.browser.query(By::Testid("private-key")).and_displayed().first().await?;
        assert!(once.text().await?.contains("nobody can show it again"));
        // Nothing but a decision takes it away.
        for _ in 0..3 {
            scene.browser.active_element().await?.send_keys(Key::Escape + "").await?;
            assert!(once.is_displayed().await?);
        }
        let cross = By::Css("dialog[open] [aria-label=Close]");
        assert!(scene.browser.find_all(cross).await?.is_empty());
        scene.browser.back().await?;
        assert!(once.is_displayed().await?);
        scene.browser.query(By::Testid("save-private-key")).first().await?.click().await?;
        Dialog::with_text(&scene.browser, "fresh").await?.press("Done").await?;
        page.row_says("fresh", "RegionTwo", "ssh").await?;
        let is_kept = "return document.documentElement.innerHTML.includes('PRIVATE KEY');";
        assert!(!scene.browser.run::<bool>(is_kept, Vec::new()).await?);
        Ok(())
    });
}

#[test]
fn a_public_key_is_imported_a_private_one_is_not_and_a_name_is_taken_once() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::key_pairs(scene, "alice", "alpha").await?;
        let import = async |name: &str, key: &str| -> Result<()> {
            page.fill("Name", name).await?;
            page.fill("Public key", key).await?;
            Dialog::with_text(&scene.browser, "Import a key pair").await?.press("Import key pair").await
        };
        page.press("Import").await?;
        import("mine", "-----BEGIN OPENSSH PRIVATE KEY-----").await?;
        Dialog::with_text(&scene.browser, "This is a private key").await?;
        import("mine", PUBLIC_KEY).await?;
        page.row_says("mine", "RegionOne", "ssh").await?;
        page.press("Import").await?;
        import("mine", PUBLIC_KEY).await?;
        let dialog = Dialog::with_text(&scene.browser, "Import a key pair").await?;
        scene.browser.query(By::Css("dialog[open] [data-testid=explained]")).and_displayed().first().await?;
        assert_eq!(page.field("Name").await?.prop("value").await?.as_deref(), Some("mine"));
        dialog.press("Cancel").await
    });
}

#[test]
fn a_key_pair_is_deleted_after_it_was_named() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::key_pairs(scene, "alice", "alpha").await?;
        page.press("Import").await?;
        page.fill("Name", "old").await?;
        page.fill("Public key", PUBLIC_KEY).await?;
        Dialog::with_text(&scene.browser, "Import a key pair").await?.press("Import key pair").await?;
        page.row_says("old", "RegionOne", "ssh").await?;
        page.press("Delete old in RegionOne").await?;
        Dialog::with_text(&scene.browser, "Delete key pair old?").await?.press("Delete key pair").await?;
        toast(&scene.browser, "old was deleted").await?;
        page.lacks("old", "RegionOne").await
    });
}

#[test]
fn a_region_that_does_not_answer_is_one_gap_that_can_be_asked_again() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        scene.control().set_fault("RegionThree", Service::Compute, Some(Fault::Status(503)));
        let page = OffersPage::flavors(scene, "alice", "alpha").await?;
        page.gap_says("The flavors of RegionThree are missing here").await?;
        page.row_says("m1.small", "RegionOne, RegionTwo", "2 GiB").await?;
        scene.control().clear_faults();
        page.press("Retry").await?;
        page.row_says("m1.small", "RegionOne, RegionThree, RegionTwo", "2 GiB").await.map(drop)
    });
}

#[test]
fn a_server_group_is_made_and_deleted() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::server_groups(scene, "alice", "alpha").await?;
        page.press("Create").await?;
        page.fill("Name", "apart").await?;
        Dialog::with_text(&scene.browser, "Create a server group")
            .await?
            .press("Create server group")
            .await?;
        page.row_says("apart", "RegionOne", "On different hosts").await?;
        page.press("Delete apart in RegionOne").await?;
        Dialog::with_text(&scene.browser, "Delete server group apart?")
            .await?
            .press("Delete server group")
            .await?;
        page.lacks("apart", "RegionOne").await
    });
}

#[test]
fn the_pages_have_no_violations() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::key_pairs(scene, "alice", "alpha").await?;
        page.press("Import").await?;
        axe::assert_everywhere(&scene.browser, "key pairs").await
    });
}

#[test]
fn where_a_region_is_missing_nobody_is_said_to_have_no_key_pair() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        scene.control().set_fault("RegionThree", Service::Compute, Some(Fault::Status(503)));
        let page = OffersPage::key_pairs(scene, "alice", "alpha").await?;
        page.gap_says("The key pairs of RegionThree are missing here").await?;
        page.gap_says("Nothing was changed. Try again").await?;
        let says = async |words: &str| {
            until(words, async || {
                let empty = scene.browser.query(By::Testid("no-key-pairs")).first().await?;
                Ok(empty.text().await?.contains(words).then_some(()))
            })
            .await
        };
        says("None in the regions that answered").await?;
        scene.control().clear_faults();
        page.press("Retry").await?;
        says("You have no key pair yet").await
    });
}
