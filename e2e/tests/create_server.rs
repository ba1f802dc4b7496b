//! Making servers: one, many, those that are refused, and what a form helps with.

use anyhow::{Context, Result};
use e2e::{
    Setup, axe,
    components::{Dialog, toast},
    pages::{CreateServerPage, ServersPage},
    scene, until,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::{By, Key, prelude::*};

#[test]
fn a_server_is_made_and_stands_in_the_list_at_once() {
    scene(Setup::default(), async |scene| {
        let servers = ServersPage::of(scene, "alice", "alpha").await?;
        servers.complete_table().await?;
        let create = By::XPath("//main//a[normalize-space()='Create']");
        scene.browser.query(create).and_displayed().first().await?.click().await?;
        let form = CreateServerPage::shown(scene).await?;
        form.fill("fresh").await?;
        form.summary_says("m1.small").await?;
        form.press_create().await?;
        toast(&scene.browser, "fresh is being created").await?;
        let table = ServersPage::shown(scene).await?.table().await?;
        table.has("fresh", "to be there", |_| true).await?;
        table.has("fresh", "to run", |row| row.status == "Active").await?;
        assert_eq!(form.made("RegionOne", "fresh"), ["fresh"]);
        Ok(())
    });
}

#[test]
fn a_new_servers_history_says_once_who_created_it_under_both_ids() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("fresh").await?;
        form.press_create().await?;
        let list = ServersPage::shown(scene).await?;
        list.table().await?.has("fresh", "to run", |row| row.status == "Active").await?;
        let page = list.open_server("fresh").await?;
        page.choose_tab("Action history").await?;
        let script = "
            return [...document.querySelectorAll('main tbody tr')].map(row => [
                row.innerText, row.querySelectorAll('button.copy-button').length]);";
        until("who created it", async || {
            let rows: Vec<(String, usize)> = scene.browser.run(script, Vec::new()).await?;
            let [(text, ids)] = &rows[..] else { return Ok(None) };
            Ok((text.starts_with("Create") && text.contains("alice") && *ids == 2).then_some(()))
        })
        .await
    });
}

#[test]
fn a_pattern_makes_many_and_a_double_click_makes_them_once() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("node-{08..10}").await?;
        assert_eq!(form.resulting_names().await?, ["node-08", "node-09", "node-10"]);
        form.summary_says("Create 3 servers").await?;
        form.press_create_twice().await?;
        toast(&scene.browser, "3 servers are being created").await?;
        ServersPage::shown(scene).await?.table().await?.has("node-10", "to be there", |_| true).await?;
        assert_eq!(form.made("RegionOne", "node-"), ["node-08", "node-09", "node-10"]);
        assert_eq!(form.create_calls().len(), 3);
        Ok(())
    });
}

#[test]
fn what_is_refused_stays_on_the_page_with_its_reason_and_is_tried_again() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("quota-exceeded").await?;
        form.press_create().await?;
        let told = form.progress_says("1 server could not be created").await?;
        assert!(told.contains("quota"), "{told}");
        // Nothing that was filled in is lost, and the way on is the same button.
        assert_eq!(form.typed_name().await?, "quota-exceeded");
        form.summary_says("Try 1 server again").await?;
        form.name("allowed").await?;
        form.summary_says("Create server").await?;
        form.press_create().await?;
        toast(&scene.browser, "allowed is being created").await?;
        assert_eq!(form.made("RegionOne", "allowed"), ["allowed"]);
        Ok(())
    });
}

#[test]
fn an_answer_that_is_lost_is_looked_for_before_it_is_asked_for_again() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "2"), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("lost").await?;
        // Nova takes it on and does not get to say so.
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::CutInTheMiddle));
        form.press_create().await?;
        form.progress_says("No answer came").await?;
        scene.control().clear_faults();
        assert_eq!(form.made("RegionOne", "lost"), ["lost"]);
        let before = form.create_calls().len();
        form.press_create().await?;
        toast(&scene.browser, "lost is being created").await?;
        assert_eq!((form.made("RegionOne", "lost").len(), form.create_calls().len()), (1, before));
        Ok(())
    });
}

#[test]
fn what_is_missing_is_told_where_it_is_missing_and_nothing_is_sent() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.press_create().await?;
        assert_eq!(form.problem("Name").await?, "Give it a name.");
        assert_eq!(form.problem("Image").await?, "Choose an image.");
        assert_eq!(form.problem("Flavor").await?, "Choose a flavor.");
        let focused = "return document.activeElement.name;";
        assert_eq!(scene.browser.run::<String>(focused, Vec::new()).await?, "server-name");
        form.name("web-{a..3}").await?;
        assert!(form.problem("Name").await?.contains("is no range"));
        assert_eq!(form.create_calls().len(), 0);
        Ok(())
    });
}

#[test]
fn flavors_that_do_not_fit_say_why_and_the_table_can_be_sorted() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.choose_image("windows-server-2022").await?;
        until("m1.tiny to be too small", async || {
            Ok(form.why_unfit("m1.tiny").await?.filter(|why| why.contains("needs")))
        })
        .await?;
        assert_eq!(form.why_unfit("m1.large").await?, None);
        form.name("many-{001..200}").await?;
        until("200 servers to be too many", async || {
            Ok(form.why_unfit("m1.large").await?.filter(|why| why.contains("quota")))
        })
        .await?;
        form.sort_flavors("Name").await?;
        let names = until("the names in their order", async || {
            let names = form.flavors().await?;
            Ok(names.is_sorted().then_some(names))
        })
        .await?;
        form.sort_flavors("Name").await?;
        until("the other way round", async || {
            Ok(form.flavors().await?.iter().eq(names.iter().rev()).then_some(()))
        })
        .await
    });
}

#[test]
fn user_data_is_looked_over_while_it_is_typed() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.user_data("packages: [nginx]").await?;
        form.finding("cloud-init does not know what this is").await?;
        form.user_data("#cloud-config\npackage: [nginx").await?;
        form.finding("this is not YAML").await?;
        form.fill("with-data").await?;
        form.press_create().await?;
        assert!(form.problem("UserData").await?.contains("cannot be used"));
        form.user_data("#cloud-config\npackage: [nginx]").await?;
        form.finding("Is packages meant?").await?;
        form.press_create().await?;
        toast(&scene.browser, "with-data is being created").await.map(drop)
    });
}

#[test]
fn a_clone_begins_with_what_the_original_is_made_of() {
    scene(Setup::default(), async |scene| {
        let id = scene.control().add_server(
            "RegionTwo",
            "alpha",
            NewServer { name: "original".to_owned(), tags: vec!["blue".to_owned()], ..NewServer::default() },
        );
        let form = CreateServerPage::of(scene, "alice", "alpha", &format!("?clone=RegionTwo/{id}")).await?;
        until("the copy\u{2019}s name", async || {
            Ok((form.typed_name().await? == "original-copy").then_some(()))
        })
        .await?;
        let summary = form.summary_says("RegionTwo").await?;
        assert!(!summary.contains("Flavor\nnot chosen yet"), "{summary}");
        Ok(())
    });
}

#[test]
fn a_key_pair_is_made_in_place_and_its_private_key_is_not_lost_by_mistake() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.press("Create…").await?;
        let dialog = Dialog::with_text(&scene.browser, "Create a key pair").await?;
        dialog.fill("text", "in-place").await?;
        dialog.press("Create key pair").await?;
        let once = By::Testid("private-key");
        scene.browser.query(once.clone()).and_displayed().first().await?;
        form.summary_says("in-place").await?;
        let here = scene.browser.current_url().await?;
        // The browser closes a dialog on the second Escape whatever the page says.
        for _ in 0..3 {
            scene.browser.active_element().await?.send_keys(Key::Escape + "").await?;
            scene.browser.query(once.clone()).and_displayed().first().await?;
        }
        for _ in 0..2 {
            scene.browser.back().await?;
            scene.browser.query(once.clone()).and_displayed().first().await?;
            assert_eq!(scene.browser.current_url().await?, here);
        }
        Dialog::with_text(&scene.browser, "in-place").await?.press("Close without saving").await?;
        until(
            "the dialog to close",
            async || Ok((!Dialog::is_any_open(&scene.browser).await?).then_some(())),
        )
        .await?;
        form.fill("keyed").await?;
        form.press_create().await?;
        toast(&scene.browser, "keyed is being created").await.map(drop)
    });
}

#[test]
fn user_data_that_is_packed_is_sent_as_it_is() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("user-data.gz");
        std::fs::write(&path, b"\x1f\x8b\x08\x00\xff\xfe")?;
        form.user_data("echo").await?;
        form.user_data_file(path.to_str().context("a path")?).await?;
        let told = form.user_data_says("Packed (gzip)").await?;
        assert!(told.contains("user-data.gz") && told.contains("8 of 65,535"), "{told}");
        form.fill("packed").await?;
        form.press_create().await?;
        toast(&scene.browser, "packed is being created").await?;
        let servers = scene.control().servers("RegionOne", "alpha");
        let server = servers.into_iter().find(|server| server.name == "packed").context("the server")?;
        let mut sent = None;
        scene.control().update_server("RegionOne", &server.id, |server| {
            sent = server.rare.as_ref().and_then(|rare| rare.user_data.clone());
        });
        assert_eq!(sent.as_deref(), Some("H4sIAP/+"));
        Ok(())
    });
}

#[test]
fn the_same_can_be_had_as_commands_without_secrets() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("it-{1..2}").await?;
        form.user_data("#!/bin/sh\necho geheim").await?;
        let press = async |label: &str| -> Result<()> {
            let path = format!("//button[normalize-space()='{label}']");
            Ok(scene.browser.query(By::XPath(path)).and_displayed().first().await?.click().await?)
        };
        press("As curl, CLI, Terraform").await?;
        let command = async |part: &str| {
            until(&format!("a command with {part:?}"), async || {
                let text = scene.browser.query(By::Testid("command")).first().await?.text().await?;
                Ok(text.contains(part).then_some(text))
            })
            .await
        };
        let curl = command("curl -sS -X POST").await?;
        assert!(curl.contains("base64 < user-data") && !curl.contains("geheim"), "{curl}");
        press("openstack").await?;
        command("for name in it-1 it-2; do").await?;
        press("Terraform").await?;
        command("for_each = toset([\"it-1\", \"it-2\"])").await?;
        Dialog::with_text(&scene.browser, "The same without the panel").await?.press("Close").await
    });
}

#[test]
fn a_part_of_the_offer_that_fails_leaves_the_others_usable() {
    scene(Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1"), async |scene| {
        scene.control().set_fault("RegionTwo", Service::Network, Some(Fault::Status(503)));
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.name("partly").await?;
        let region = By::XPath("//*[@data-section='Region']//label[normalize-space()='RegionTwo']");
        scene.browser.query(region).first().await?.click().await?;
        let gap = By::Css("[data-section=Networks] .offer-failed");
        let gap = scene.browser.query(gap).and_displayed().first().await?;
        scene.browser.query(By::Css("[data-testid=flavor-table] input")).first().await?;
        assert!(gap.text().await?.contains("could not be loaded"));
        scene.control().clear_faults();
        // The region may be left alone for a moment after it failed.
        until("the networks after asking again", async || {
            let retry = By::XPath("//*[@data-section='Networks']//button[normalize-space()='Retry']");
            for button in scene.browser.find_all(retry).await? {
                // It goes when the answer comes, which may be now.
                _ = button.click().await;
            }
            let networks = scene
                .browser
                .find_all(By::Css("[data-section=Networks] [aria-label=Networks] input"))
                .await?;
            Ok((!networks.is_empty()).then_some(()))
        })
        .await?;
        form.choose_network("private").await
    });
}

#[test]
fn the_page_has_no_violations() {
    scene(Setup::default(), async |scene| {
        let form = CreateServerPage::of(scene, "alice", "alpha", "").await?;
        form.fill("look-{1..3}").await?;
        form.user_data("#cloud-config\nrun_cmd: [a]").await?;
        axe::assert_everywhere(&scene.browser, "create").await
    });
}
