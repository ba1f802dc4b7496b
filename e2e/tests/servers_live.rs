//! The list while it is looked at: what changes in the cloud changes on the page, and nothing jumps.

use anyhow::Result;
use e2e::{Setup, pages::SignInPage, scene, until, until_equal};
use simcloud::NewServer;
use thirtyfour::{By, prelude::*};

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}

#[test]
fn servers_come_change_and_go_while_one_looks() {
    scene(Setup::lively(), async |scene| {
        let control = scene.control();
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let building = NewServer {
            status: "BUILD".to_owned(),
            task_state: Some("spawning".to_owned()),
            ..named("just-made")
        };
        let id = control.add_server("RegionThree", "alpha", building);
        table.has("just-made", "that it builds", |row| row.status.contains("Building")).await?;
        assert_eq!(table.total().await?, 13);
        control.update_server("RegionThree", &id, |server| {
            server.status = "ACTIVE".into();
            server.vm_state = "active".into();
            server.task_state = None;
        });
        table.has("just-made", "that it runs", |row| row.status == "Active").await?;
        control.delete_server("RegionThree", &id);
        table.lacks("just-made").await?;
        until_equal("the number of servers", 12, async || table.total().await).await
    });
}

#[test]
fn a_row_keeps_its_place_and_its_tick_when_it_changes() {
    scene(Setup::lively(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        table.sort_by("name").await?;
        page.search("-name:zzz").await?;
        let rows = table.rows().await?;
        let watched = rows.first().cloned().expect("a row");
        table.toggle(&watched.name).await?;
        // Sorted and searched anew it would be elsewhere, or gone.
        scene
            .control()
            .update_server(&watched.region, &watched.id, |server| server.name = "zzz-last".to_owned());
        let changed = table.has("zzz-last", "its new name", |_| true).await?;
        assert_eq!(changed.index, watched.index, "it stays where it was");
        assert!(changed.is_selected, "it stays ticked");
        assert_eq!(changed.id, watched.id);
        // Asked anew, the list obeys.
        page.search("-name:zzz ").await?;
        page.search("-name:zzz").await?;
        table.sort_by("name").await?;
        table.lacks("zzz-last").await
    });
}

#[test]
fn nothing_moves_under_the_pointer_until_one_asks_for_the_new_servers() {
    scene(Setup::lively(), async |scene| {
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let before = table.names().await?;
        let row = table.rows().await?.remove(2);
        let element = table.row_element(&row.id).await?;
        scene.browser.action_chain().move_to_element_center(&element).perform().await?;
        let id = scene.control().add_server("RegionOne", "alpha", named("newest-of-all"));
        let pill = scene.browser.query(By::Testid("new-rows-pill")).and_displayed().first().await?;
        assert_eq!(table.names().await?, before, "the rows stay as they were");
        pill.click().await?;
        let rows = table.has("newest-of-all", "at the top", |row| row.index == 2).await?;
        assert_eq!(rows.id, id);
        // A server that goes stays in sight, greyed, as long as somebody points at the list.
        let element = table.row_element(&row.id).await?;
        scene.browser.action_chain().move_to_element_center(&element).perform().await?;
        scene.control().delete_server(&row.region, &row.id);
        table.has(&row.name, "that it is gone", |row| row.is_gone).await?;
        let search = scene.browser.find(By::Css("input[type=search]")).await?;
        scene.browser.action_chain().move_to_element_center(&search).perform().await?;
        table.lacks(&row.name).await
    });
}

#[test]
fn a_lost_connection_is_resumed_and_brings_what_was_missed() {
    scene(Setup::lively(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        let rows = table.rows().await?;
        let opened: f64 = time_origin(scene).await?;
        scene.panel.kill()?;
        until("the page to notice", async || {
            let text = scene.browser.find(By::Id("main")).await?.text().await?;
            Ok(text.contains("Connection lost").then_some(()))
        })
        .await?;
        assert_eq!(table.rows().await?, rows, "what is known stays in sight");
        scene.control().add_server("RegionOne", "alpha", named("made-meanwhile"));
        scene.panel.start_again().await?;
        table.row("made-meanwhile").await?;
        until_equal("the number of servers", 13, async || table.total().await).await?;
        assert_eq!(time_origin(scene).await?, opened, "the page was not loaded again");
        Ok(())
    });
}

#[test]
fn nobody_is_asked_when_nobody_looks() {
    scene(Setup::lively(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let control = scene.control();
        let calls = || control.calls().len();
        let before = calls();
        until("the list to be kept true while one looks", async || Ok((calls() > before).then_some(())))
            .await?;
        scene.browser.goto("about:blank").await?;
        // Forty looks are a second, three of the panel's intervals.
        let (mut last, mut quiet_looks) = (calls(), 0);
        until("the calls to end once the page is left", async || {
            let now = calls();
            quiet_looks = if now == last { quiet_looks + 1 } else { 0 };
            last = now;
            Ok((quiet_looks == 40).then_some(()))
        })
        .await
    });
}

async fn time_origin(scene: &e2e::Scene) -> Result<f64> {
    scene.browser.run("return performance.timeOrigin;", Vec::new()).await
}
