//! Doing something to many servers at once: who can, who is left out, and what asks before.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::{ActionDialog, ActionMenu, JobTray, Table, toast},
    pages::{ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::{By, Key};

/// Three servers of one name that differ: two that run, one that is shut off; ticked together.
async fn three_ticked(scene: &Scene) -> Result<(ServersPage<'_>, Table<'_>)> {
    for (name, status) in [("batch-1", "ACTIVE"), ("batch-2", "ACTIVE"), ("batch-3", "SHUTOFF")] {
        let new = NewServer { name: name.to_owned(), status: status.to_owned(), ..NewServer::default() };
        scene.control().add_server("RegionOne", "alpha", new);
    }
    let page = SignInPage::open(scene).await?.sign_in("alice").await?;
    let table = page.complete_table().await?;
    page.search("name:batch").await?;
    table.has_matching(3).await?;
    for name in ["batch-1", "batch-2", "batch-3"] {
        table.toggle(name).await?;
    }
    Ok((page, table))
}

#[test]
fn the_menu_says_how_many_of_the_ticked_can_and_why_the_others_cannot() {
    scene(Setup::lively(), async |scene| {
        let (_, table) = three_ticked(scene).await?;
        let menu = ActionMenu::of_ticked(&scene.browser).await?;
        assert_eq!(menu.reads("start").await?, "Start 1 of 3");
        assert_eq!(menu.reads("stop").await?, "Stop 2 of 3");
        assert_eq!(menu.reads("delete").await?, "Delete");
        let why = menu.reason("attach_volume").await?.unwrap_or_default();
        assert!(why.contains("one server at a time"), "{why}");
        let dialog = menu.ask("stop").await?;
        let text = dialog.text().await?;
        for part in
            ["Stop 2 servers?", "batch-1", "batch-2", "They are left out:", "1 server: it is shut off"]
        {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        dialog.confirm().await?;
        for name in ["batch-1", "batch-2"] {
            table.becomes(scene, name, "Shut off").await?;
        }
        let result = JobTray::open(&scene.browser).await?.result("Stop 3 servers").await?;
        result.filter("skipped").await?;
        let lines = result.lines(1).await?;
        assert!(lines[0].contains("batch-3") && lines[0].contains("shut off"), "{lines:?}");
        Ok(())
    });
}

#[test]
fn nothing_ticked_is_said_and_nothing_can_be_pressed() {
    scene(Setup::lively(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        page.complete_table().await?;
        let menu = ActionMenu::of_ticked(&scene.browser).await?;
        assert_eq!(menu.reason("start").await?.as_deref(), Some("Tick the servers first."));
        Ok(())
    });
}

#[test]
fn deleting_many_needs_the_word() {
    scene(Setup::lively(), async |scene| {
        let (_, table) = three_ticked(scene).await?;
        let dialog = ActionMenu::of_ticked(&scene.browser).await?.ask("delete").await?;
        dialog.submit().await?;
        assert!(dialog.text().await?.contains("Type “delete” to confirm."), "it asks for the word");
        dialog.fill("Type “delete” to confirm", "remove").await?;
        dialog.submit().await?;
        assert_eq!(dialog.value("Type “delete” to confirm").await?, "remove");
        assert_eq!(
            scene
                .control()
                .servers("RegionOne", "alpha")
                .iter()
                .filter(|it| it.name.starts_with("batch"))
                .count(),
            3
        );
        dialog.fill("Type “delete” to confirm", "delete").await?;
        dialog.confirm().await?;
        until_equal("the number of servers", 0, async || {
            scene.pass();
            let servers = scene.control().servers("RegionOne", "alpha");
            Ok(servers.iter().filter(|server| server.name.starts_with("batch")).count())
        })
        .await?;
        table.has_matching(0).await
    });
}

#[test]
fn what_fails_for_some_is_told_and_taken_back_on_their_rows() {
    scene(Setup::lively(), async |scene| {
        let (_, table) = three_ticked(scene).await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(403)));
        let dialog = ActionMenu::of_ticked(&scene.browser).await?.ask("stop").await?;
        dialog.confirm().await?;
        let said = toast(&scene.browser, "Stop 3 servers").await?;
        assert!(said.contains("2 failed"), "{said}");
        for name in ["batch-1", "batch-2"] {
            table.has(name, "what it was", |row| row.status == "Active").await?;
        }
        scene.control().clear_faults();
        let tray = JobTray::open(&scene.browser).await?;
        tray.press("Stop 3 servers", "Try the failed again").await?;
        tray.says("Stop 3 servers", "2 done").await
    });
}

#[test]
fn of_hundreds_that_fail_no_row_goes_on_saying_what_does_not_happen() {
    const SERVERS: usize = 800;
    let setup = Setup::web_shop(SERVERS).with("JOBS_PER_SECOND", "1000").with("JOBS_CONCURRENCY", "16");
    scene(setup, async |scene| {
        let page = ServersPage::of(scene, "demo", "web-shop").await?;
        let table = page.complete_table().await?;
        table.has_matching(SERVERS).await?;
        page.search("status:active").await?;
        until("those that run", async || Ok((table.matching().await? < SERVERS).then_some(()))).await?;
        let running = table.matching().await?;
        assert!(running > 550, "more than the panel tells at once: {running}");
        scene.browser.find(By::Testid("server-table")).await?.click().await?;
        let keys = scene.browser.action_chain();
        keys.key_down(Key::Control).send_keys("a").key_up(Key::Control).perform().await?;
        for region in ["RegionOne", "RegionTwo", "RegionThree"] {
            scene.control().set_fault(region, Service::Compute, Some(Fault::Status(409)));
        }
        let dialog = ActionMenu::of_ticked(&scene.browser).await?.ask("stop").await?;
        dialog.type_the_word().await?;
        dialog.confirm().await?;
        let said = toast(&scene.browser, &format!("Stop {running} servers")).await?;
        assert!(said.contains("failed"), "{said}");
        page.search("task:powering").await?;
        table.has_matching(0).await?;
        // The result has all of them, each once, however impatiently one asks for more.
        let result = JobTray::open(&scene.browser).await?.result(&format!("Stop {running} servers")).await?;
        result.lines(500).await?;
        result.more_twice().await?;
        let lines = result.lines(running).await?;
        let failed =
            lines.iter().filter(|line| line.contains("There was a conflict") && line.contains("req-"));
        assert!(failed.count() > 500, "more than one page of them");
        Ok(())
    });
}

#[test]
fn tags_of_many_come_and_go_together() {
    scene(Setup::lively(), async |scene| {
        let (_, table) = three_ticked(scene).await?;
        let dialog = ActionMenu::of_ticked(&scene.browser).await?.ask("tag").await?;
        dialog.fill("Tags to add", "nightly").await?;
        dialog.confirm().await?;
        for name in ["batch-1", "batch-2", "batch-3"] {
            table.has(name, "its tag", |row| row.tags == "nightly").await?;
        }
        Ok(())
    });
}

#[test]
fn a_ticked_row_stands_for_all_that_are_ticked() {
    scene(Setup::lively(), async |scene| {
        let (_, table) = three_ticked(scene).await?;
        let menu = ActionMenu::by_other_button(&scene.browser, &table, "batch-2").await?;
        let dialog = menu.ask("hard_reboot").await?;
        assert!(dialog.text().await?.contains("Hard reboot 3 servers?"));
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, "batch-2").await?;
        menu.ask("hard_reboot").await?;
        assert!(ActionDialog::shown(&scene.browser).await?.text().await?.contains("Hard reboot batch-2?"));
        Ok(())
    });
}
