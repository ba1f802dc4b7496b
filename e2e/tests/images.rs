//! Images: uploaded through lost connections, refused, changed, shared, deleted.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, Result};
use e2e::{
    Scene, Setup, axe,
    components::{Dialog, Menu, toast},
    harness::browser::PHONE,
    pages::{CreateServerPage, OffersPage},
    scene, until, until_equal,
};
use serde_json::json;
use simcloud::{Fault, Service};
use thirtyfour::{By, prelude::*};

/// A file of so many bytes that begins so.
fn file(name: &str, start: &[u8], size: usize) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("meridian-e2e-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    let mut file = std::fs::File::create(&path)?;
    file.write_all(start)?;
    file.set_len(size as u64)?;
    Ok(path)
}

/// Opens the dialog, chooses a file, and sends it.
async fn upload(scene: &Scene, page: &OffersPage<'_>, path: &std::path::Path) -> Result<()> {
    page.press("Upload").await?;
    let input = scene.browser.query(By::Testid("image-file")).first().await?;
    input.send_keys(path.to_str().context("a path")?).await?;
    until("a name taken from the file", async || {
        let name = page.field("Name").await?.prop("value").await?.unwrap_or_default();
        Ok((!name.is_empty()).then_some(()))
    })
    .await?;
    Dialog::with_text(&scene.browser, "Upload an image").await?.press("Upload").await
}

async fn my_images<'s>(scene: &'s Scene) -> Result<OffersPage<'s>> {
    let page = OffersPage::images(scene, "alice", "alpha").await?;
    page.row_says("debian-13", "RegionOne", "Ready").await?;
    let mine = By::XPath("//nav[@aria-label='Whose images']//a[starts-with(normalize-space(), 'Mine')]");
    scene.browser.query(mine).first().await?.click().await?;
    Ok(page)
}

#[test]
fn an_upload_that_loses_its_connection_begins_again_by_itself() {
    scene(Setup::default(), async |scene| {
        let page = my_images(scene).await?;
        scene.control().set_fault(
            "RegionOne",
            Service::Image,
            Some(Fault::CutUpload { after_bytes: 1_000_000 }),
        );
        upload(scene, &page, &file("base.raw", b"", 4_000_000)?).await?;
        page.upload_says("base", "The connection was lost").await?;
        scene.control().clear_faults();
        let told = page.upload_says("base", "uploaded").await?;
        assert!(told.contains("began again"), "{told}");
        page.row_says("base", "RegionOne", "Ready").await.map(drop)
    });
}

#[test]
fn a_file_the_service_refuses_says_why_and_a_packed_one_is_not_sent() {
    scene(Setup::default(), async |scene| {
        let page = my_images(scene).await?;
        upload(scene, &page, &file("packed.img", b"\x1f\x8b\x08", 1_000)?).await?;
        let dialog = Dialog::with_text(&scene.browser, "This file is packed").await?;
        dialog.press("Cancel").await?;
        upload(scene, &page, &file("storage-full.raw", b"", 2_000)?).await?;
        scene.browser.query(By::Css("[data-upload=storage-full] [data-testid=explained]")).first().await?;
        page.press("Dismiss").await
    });
}

#[test]
fn an_upload_that_is_cancelled_leaves_nothing_behind() {
    scene(Setup::default(), async |scene| {
        let page = my_images(scene).await?;
        scene.control().set_fault(
            "RegionOne",
            Service::Image,
            Some(Fault::CutUpload { after_bytes: 1_000_000 }),
        );
        upload(scene, &page, &file("unwanted.raw", b"", 4_000_000)?).await?;
        page.upload_says("unwanted", "The connection was lost").await?;
        page.press("Cancel").await?;
        page.upload_says("unwanted", "Cancelled").await?;
        page.lacks("unwanted", "RegionOne").await
    });
}

#[test]
fn an_upload_is_cancelled_while_its_bytes_flow() {
    scene(Setup::default(), async |scene| {
        let page = my_images(scene).await?;
        scene.browser.cdp("Network.enable", json!({})).await?;
        let slow =
            json!({"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000});
        scene.browser.cdp("Network.emulateNetworkConditions", slow).await?;
        upload(scene, &page, &file("flowing.raw", b"", 40_000_000)?).await?;
        let told = page.upload_says("flowing", "/s").await?;
        let cancel = By::XPath("//*[@data-upload='flowing']//button[normalize-space()='Cancel']");
        let cancel = scene.browser.query(cancel).and_displayed().first().await?;
        cancel.focus().await?;
        until("more bytes to be on their way", async || {
            let now = page.upload_says("flowing", "/s").await?;
            Ok((now != told).then_some(()))
        })
        .await?;
        // The same button is still there, and still has the focus.
        assert_eq!(scene.browser.active_element().await?.text().await?, "Cancel");
        cancel.click().await?;
        page.upload_says("flowing", "Cancelled").await?;
        page.lacks("flowing", "RegionOne").await
    });
}

#[test]
fn an_image_is_changed_shared_and_deleted() {
    scene(Setup::default(), async |scene| {
        let page = my_images(scene).await?;
        upload(scene, &page, &file("draft.raw", b"", 2_000)?).await?;
        page.row_says("draft", "RegionOne", "Ready").await?;
        let menu = async |name: &str, entry: &str| -> Result<()> {
            let label = format!("Actions on {name} in RegionOne");
            Menu::open(&scene.browser, &label).await?.press(entry).await
        };
        menu("draft", "Edit").await?;
        page.fill("Name", "final").await?;
        page.fill("Tags", "golden").await?;
        Dialog::with_text(&scene.browser, "Edit draft").await?.press("Save").await?;
        page.row_says("final", "RegionOne", "Ready").await?;
        menu("final", "Share").await?;
        let dialog = Dialog::with_text(&scene.browser, "Share final").await?;
        dialog.press("Open it for sharing").await?;
        page.fill("Project\u{2019}s id", &scene.project("beta")).await?;
        Dialog::with_text(&scene.browser, "Share final").await?.press("Share").await?;
        let members = By::Css("[data-testid=image-members] li");
        let member = scene.browser.query(members).and_displayed().first().await?;
        assert!(member.text().await?.contains("has not answered"));
        Dialog::with_text(&scene.browser, "Share final").await?.press("Close").await?;
        menu("final", "Delete").await?;
        Dialog::with_text(&scene.browser, "Delete image final?").await?.press("Delete image").await?;
        toast(&scene.browser, "final was deleted").await?;
        page.lacks("final", "RegionOne").await
    });
}

#[test]
fn a_server_is_begun_from_an_image() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::images(scene, "alice", "alpha").await?;
        page.row_says("debian-12", "RegionTwo", "Ready").await?;
        let menu = Menu::open(&scene.browser, "Actions on debian-12 in RegionTwo").await?;
        menu.press("Create server from this").await?;
        let form = CreateServerPage::shown(scene).await?;
        let summary = form.summary_says("debian-12").await?;
        assert!(summary.contains("RegionTwo"), "{summary}");
        Ok(())
    });
}

#[test]
fn a_region_without_an_answer_is_a_gap_and_not_an_empty_list() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        scene.control().set_fault("RegionTwo", Service::Image, Some(Fault::Refuse));
        let page = OffersPage::images(scene, "alice", "alpha").await?;
        page.gap_says("The images of RegionTwo are missing here").await?;
        page.row_says("debian-13", "RegionOne", "Ready").await?;
        let empty_says = async |words: &str| {
            until(words, async || {
                let empty = scene.browser.query(By::Testid("no-images")).first().await?;
                Ok(empty.text().await?.contains(words).then_some(()))
            })
            .await
        };
        let search = scene.browser.find(By::Css("[aria-label='Search images']")).await?;
        search.send_keys("nothing-is-called-so").await?;
        empty_says("None in the regions that answered").await?;
        empty_says("The images of RegionTwo are not known yet").await?;
        scene.control().clear_faults();
        page.press("Retry").await?;
        empty_says("No image matches").await?;
        search.send_keys(Key::Control + "a").await?;
        search.send_keys(Key::Delete + "").await?;
        page.row_says("debian-13", "RegionTwo", "Ready").await.map(drop)
    });
}

#[test]
fn the_page_has_no_violations() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::images(scene, "alice", "alpha").await?;
        page.row_says("debian-13", "RegionOne", "Ready").await?;
        axe::assert_everywhere(&scene.browser, "images").await
    });
}

#[test]
fn all_of_a_menu_is_on_the_screen_of_a_phone() {
    scene(Setup::default().window(PHONE), async |scene| {
        let page = OffersPage::images(scene, "alice", "alpha").await?;
        page.row_says("debian-13", "RegionOne", "Ready").await?;
        Menu::open(&scene.browser, "Actions on debian-13 in RegionOne").await?;
        let is_whole = "const place = document.querySelector('.popover-panel').getBoundingClientRect();
            return place.left >= 0 && place.right <= document.documentElement.clientWidth;";
        until_equal("whether the menu is whole", true, async || scene.browser.run(is_whole, Vec::new()).await)
            .await
    });
}
