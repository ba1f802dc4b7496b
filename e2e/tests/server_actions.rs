//! Doing something to one server: from its row, by the keyboard, on its page; what is not possible, and what fails.

use anyhow::{Context, Result};
use e2e::{
    Scene, Setup,
    components::{ActionDialog, ActionMenu, Table, toast},
    pages::{ServerPage, ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewServer, Service, SimServer};
use thirtyfour::{By, Key, prelude::*};

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}

/// A server of this status, and the list with it.
async fn list_with<'s>(scene: &'s Scene, new: NewServer) -> Result<(ServersPage<'s>, Table<'s>, String)> {
    let id = scene.control().add_server("RegionOne", "alpha", new);
    let page = SignInPage::open(scene).await?.sign_in("alice").await?;
    let table = page.complete_table().await?;
    Ok((page, table, id))
}

/// The server as the cloud has it.
fn truth<T>(scene: &Scene, id: &str, read: impl FnOnce(&SimServer) -> T) -> Result<T> {
    let mut found = None;
    scene.control().label_server("RegionOne", id, |server| found = Some(read(server)));
    found.context("a server of the cloud")
}

/// A status, where an action leads from it, and the word of the row afterwards.
async fn leads(scene: &Scene, table: &Table<'_>, name: &str, action: &str, to: &str) -> Result<()> {
    let menu = ActionMenu::of_row(&scene.browser, table, name).await?;
    menu.choose(action).await?;
    // What is dangerous asks first.
    if matches!(action, "stop" | "reboot" | "hard_reboot" | "pause" | "suspend" | "shelve" | "revert_resize")
    {
        let dialog = ActionDialog::shown(&scene.browser).await?;
        dialog.type_the_word().await?;
        dialog.confirm().await?;
    }
    table.becomes(scene, name, to).await.with_context(|| format!("after {action}")).map(drop)
}

#[test]
fn a_server_goes_through_every_state_of_power_and_back() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) = list_with(scene, named("the-one")).await?;
        for (action, to) in [
            ("stop", "Shut off"),
            ("start", "Active"),
            ("pause", "Paused"),
            ("unpause", "Active"),
            ("suspend", "Suspended"),
            ("resume", "Active"),
            ("reboot", "Active"),
            ("hard_reboot", "Active"),
            ("shelve", "Shelved, offloaded"),
            ("unshelve", "Active"),
        ] {
            leads(scene, &table, "the-one", action, to).await?;
        }
        Ok(())
    });
}

#[test]
fn a_row_shows_at_once_what_was_asked_and_takes_it_back_when_it_is_refused() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) =
            list_with(scene, NewServer { status: "SHUTOFF".to_owned(), ..named("the-one") }).await?;
        // What the row says is looked at in every frame: the region itself never gets to say anything.
        let watch = "
            window.seen = [];
            const row = document.querySelector(`[role=row][data-id=\"${arguments[0]}\"] [data-column=status]`);
            new MutationObserver(() => window.seen.push(row.textContent.trim()))
                .observe(row, { childList: true, subtree: true, characterData: true });
            return true;";
        let row = table.row("the-one").await?;
        let _: bool = scene.browser.run(watch, vec![row.id.clone().into()]).await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(409)));
        let menu = ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        menu.choose("start").await?;
        let said = toast(&scene.browser, "Start the-one").await?;
        assert!(said.len() > "Start the-one: ".len(), "why, and what now: {said}");
        table.has("the-one", "what it was before", |row| row.status == "Shut off").await?;
        let seen: Vec<String> = scene.browser.run("return window.seen;", Vec::new()).await?;
        assert!(seen.iter().any(|text| text.contains("Powering on")), "{seen:?}");
        Ok(())
    });
}

#[test]
fn a_row_changes_in_the_frame_after_the_press() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) =
            list_with(scene, NewServer { status: "SHUTOFF".to_owned(), ..named("the-one") }).await?;
        ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        let frames = "
            const [id, done] = arguments;
            const status = () => document.querySelector(`[role=row][data-id=\"${id}\"] [data-column=status]`).textContent;
            document.querySelector('[data-testid=action-menu] [data-action=start]').click();
            let frames = 0;
            const look = () => {
                frames += 1;
                if (status().includes('Powering on') || frames > 60) done(frames); else requestAnimationFrame(look);
            };
            requestAnimationFrame(look);";
        let row = table.row("the-one").await?;
        let frames: u32 = scene.browser.run_async(frames, vec![row.id.into()]).await?;
        assert!(frames <= 2, "it took {frames} frames");
        Ok(())
    });
}

#[test]
fn what_is_not_possible_says_why_and_does_nothing() {
    scene(Setup::lively(), async |scene| {
        let locked = NewServer { is_locked: true, ..named("the-one") };
        let (_, table, id) = list_with(scene, locked).await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        assert_eq!(menu.reason("stop").await?.as_deref(), Some("It is locked; unlock it first."));
        assert_eq!(menu.reason("unlock").await?, None);
        let why = menu.reason("unpause").await?.unwrap_or_default();
        assert!(why.contains("locked"), "{why}");
        menu.choose("delete").await?;
        assert!(table.names().await?.contains(&"the-one".to_owned()));
        menu.leave().await?;
        leads(scene, &table, "the-one", "unlock", "Active").await?;
        until_equal("whether it is locked", false, async || truth(scene, &id, |server| server.is_locked))
            .await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        assert_eq!(menu.reason("stop").await?, None);
        assert_eq!(menu.reason("start").await?.as_deref(), Some("It is active; this needs shut off."));
        Ok(())
    });
}

#[test]
fn deleting_asks_and_the_server_goes() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) = list_with(scene, named("the-one")).await?;
        let menu = ActionMenu::by_other_button(&scene.browser, &table, "the-one").await?;
        let dialog = menu.ask("delete").await?;
        let text = dialog.text().await?;
        assert!(text.contains("Delete the-one?") && text.contains("gone for good"), "{text}");
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        assert!(table.names().await?.contains(&"the-one".to_owned()), "nothing happened");
        let menu = ActionMenu::by_other_button(&scene.browser, &table, "the-one").await?;
        let dialog = menu.ask("delete").await?;
        dialog.type_the_word().await?;
        dialog.confirm().await?;
        until("the server to go", async || {
            scene.pass();
            Ok(scene
                .control()
                .servers("RegionOne", "alpha")
                .iter()
                .all(|server| server.name != "the-one")
                .then_some(()))
        })
        .await
    });
}

#[test]
fn the_keyboard_does_it_all_and_gets_the_focus_back() {
    scene(Setup::lively(), async |scene| {
        let (page, table, id) = list_with(scene, named("the-one")).await?;
        page.search("the-one").await?;
        table.has_matching(1).await?;
        scene.browser.action_chain().send_keys(Key::Escape).perform().await?;
        let _: bool = scene.browser.run("document.activeElement.blur(); return true;", Vec::new()).await?;
        scene.browser.action_chain().send_keys("j").perform().await?;
        until_equal("j to go to the first row", Some(id), async || table.cursor().await).await?;
        scene.browser.action_chain().send_keys(".").perform().await?;
        let menu = ActionMenu::shown(&scene.browser).await?;
        menu.leave().await?;
        until_equal("the focus to be back in the list", true, async || table.has_focus().await).await?;
        scene.browser.action_chain().send_keys(".").perform().await?;
        ActionMenu::shown(&scene.browser).await?;
        // By its first letters, as in every menu: Stop is the first that can be reached.
        scene.browser.action_chain().send_keys("s").perform().await?;
        until("a letter to lead to an action", async || {
            let at = "return document.activeElement.dataset.action ?? null;";
            scene.browser.run::<Option<String>>(at, Vec::new()).await
        })
        .await?;
        Ok(())
    });
}

#[test]
fn a_name_is_changed_and_one_that_is_refused_stays_in_the_dialog() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) = list_with(scene, named("the-one")).await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        let dialog = menu.ask("rename").await?;
        assert_eq!(dialog.value("New name").await?, "the-one");
        dialog.fill("New name", "").await?;
        dialog.submit().await?;
        assert!(dialog.text().await?.contains("Type a name."));
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(403)));
        dialog.fill("New name", "the-other").await?;
        dialog.submit().await?;
        let why = dialog.fails().await?;
        assert!(!why.is_empty());
        assert_eq!(dialog.value("New name").await?, "the-other", "nothing typed is lost");
        table.has("the-one", "its own name", |_| true).await?;
        scene.control().clear_faults();
        dialog.confirm().await?;
        table.has("the-other", "its new name", |_| true).await?;
        Ok(())
    });
}

#[test]
fn tags_and_metadata_come_and_go() {
    scene(Setup::lively(), async |scene| {
        let tagged = NewServer {
            tags: vec!["blue".to_owned(), "green".to_owned()],
            metadata: vec![("team".to_owned(), "shop".to_owned())],
            ..named("the-one")
        };
        let (page, table, _) = list_with(scene, tagged).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("tag").await?;
        dialog.press("Remove blue").await?;
        dialog.fill("Tags", "red").await?;
        dialog.confirm().await?;
        table.has("the-one", "its tags", |row| row.tags == "green red").await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("set_metadata").await?;
        let entries = scene.browser.query(By::Css("dialog[open] .entry input")).all_from_selector().await?;
        assert_eq!(entries[0].prop("value").await?.as_deref(), Some("team"));
        entries[1].send_keys(Key::Control + "a").await?;
        entries[1].send_keys("search").await?;
        entries[2].send_keys("tier").await?;
        entries[3].send_keys("front").await?;
        dialog.confirm().await?;
        let page = page.open_server("the-one").await?;
        page.choose_tab("Metadata").await?;
        page.shows("search").await?;
        page.shows("front").await
    });
}

#[test]
fn a_resize_is_chosen_from_what_fits_and_confirmed() {
    scene(Setup::lively(), async |scene| {
        let (page, table, _) = list_with(scene, named("the-one")).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("resize").await?;
        let now = dialog.line_reads("m1.small").await?;
        assert!(now.contains("It has this size now."), "{now}");
        dialog.submit().await?;
        assert!(dialog.text().await?.contains("Choose a flavor."));
        dialog.choose("m1.medium").await?;
        dialog.confirm().await?;
        table.becomes(scene, "the-one", "Confirm resize").await?;
        let page = page.open_server("the-one").await?;
        page.shows("The server runs with its new size.").await?;
        page.press("Confirm resize").await?;
        until("the resize to be confirmed", async || {
            scene.pass();
            Ok((!page.text().await?.contains("The server runs with its new size.")).then_some(()))
        })
        .await?;
        page.shows("m1.medium").await
    });
}

#[test]
fn a_resize_is_taken_back() {
    scene(Setup::lively(), async |scene| {
        let waiting = NewServer { status: "VERIFY_RESIZE".to_owned(), ..named("the-one") };
        let (_, table, _) = list_with(scene, waiting).await?;
        leads(scene, &table, "the-one", "revert_resize", "Active").await
    });
}

#[test]
fn a_rebuild_offers_images_in_two_tabs_and_warns() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) = list_with(scene, named("the-one")).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("snapshot").await?;
        dialog.fill("Name of the image", "before-the-storm").await?;
        dialog.confirm().await?;
        table.becomes(scene, "the-one", "Active").await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("rebuild").await?;
        assert!(dialog.text().await?.contains("destroys all data"));
        dialog.line_reads("debian-12").await?;
        dialog.press("Saved").await?;
        dialog.choose("before-the-storm").await?;
        dialog.type_the_word().await?;
        dialog.confirm().await?;
        table.has("the-one", "what is done to it", |row| row.status.contains("ebuild")).await?;
        table.becomes(scene, "the-one", "Active").await?;
        table.has("the-one", "its new image", |row| row.image == "before-the-storm").await?;
        Ok(())
    });
}

#[test]
fn a_server_is_rescued_and_let_go_again() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) = list_with(scene, named("the-one")).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("rescue").await?;
        dialog.fill("Password of the rescue system (may be left empty)", "hunter2").await?;
        dialog.confirm().await?;
        table.becomes(scene, "the-one", "Rescue").await?;
        leads(scene, &table, "the-one", "unrescue", "Active").await?;
        assert!(!scene.panel.log().contains("hunter2"), "no password is logged");
        Ok(())
    });
}

#[test]
fn a_password_is_set_and_never_logged() {
    scene(Setup::lively(), async |scene| {
        let (_, table, id) = list_with(scene, named("the-one")).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("set_password").await?;
        dialog.submit().await?;
        assert!(dialog.text().await?.contains("Type a password."));
        dialog.fill("New password of the administrator", " hunter2-hunter2 ").await?;
        dialog.confirm().await?;
        // What the cloud was given, with the blanks that were typed.
        until_equal("the password of the server", Some(" hunter2-hunter2 ".to_owned()), async || {
            truth(scene, &id, |server| server.rare.as_ref().and_then(|rare| rare.admin_password.clone()))
        })
        .await?;
        assert!(!scene.panel.log().contains("hunter2"), "no password is logged");
        Ok(())
    });
}

#[test]
fn a_description_is_written() {
    scene(Setup::lively(), async |scene| {
        let described = NewServer { description: Some("Answers the phone".to_owned()), ..named("the-one") };
        let (page, table, _) = list_with(scene, described).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("describe").await?;
        until("what it is to be there", async || {
            Ok((dialog.value("Description").await? == "Answers the phone").then_some(()))
        })
        .await?;
        dialog.fill("Description", "Answers the door").await?;
        dialog.confirm().await?;
        page.open_server("the-one").await?.shows("Answers the door").await
    });
}

#[test]
fn a_volume_comes_and_goes() {
    scene(Setup::lively(), async |scene| {
        let (page, table, _) = list_with(scene, NewServer { volumes: 1, ..named("the-one") }).await?;
        let dialog =
            ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("detach_volume").await?;
        let lines = scene.browser.query(By::Css("dialog[open] tbody tr:not(.off)"));
        let volume = lines.and_displayed().first().await?.attr("data-value").await?.unwrap_or_default();
        scene.browser.find(By::Css(format!("dialog[open] tr[data-value='{volume}']"))).await?.click().await?;
        dialog.confirm().await?;
        scene.pass();
        let server = page.open_server("the-one").await?;
        server.choose_tab("Volumes").await?;
        server.shows("No volume is attached.").await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("attach_volume").await?;
        let line = scene.browser.query(By::Css(format!("dialog[open] tr[data-value='{volume}']")));
        line.and_displayed().first().await?.click().await?;
        dialog.confirm().await?;
        until("the volume to be there again", async || {
            scene.pass();
            server.press("Refresh").await?;
            Ok(server.text().await?.contains(&volume).then_some(()))
        })
        .await
    });
}

#[test]
fn networks_addresses_and_groups_come_and_go() {
    scene(Setup::lively(), async |scene| {
        let (page, _, id) = list_with(scene, named("the-one")).await?;
        let server = page.open_server("the-one").await?;
        let ports = async || truth(scene, &id, |server| server.nics.len());
        let floating = async || {
            truth(scene, &id, |server| server.nics.iter().filter(|nic| nic.floating.is_some()).count())
        };
        // A port on another network.
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("attach_interface").await?;
        dialog.choose("backend").await?;
        dialog.confirm().await?;
        until_equal("its ports", 2, ports).await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("detach_interface").await?;
        dialog.choose("backend").await?;
        dialog.confirm().await?;
        until_equal("its ports", 1, ports).await?;
        // A floating IP, made on the spot.
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("attach_floating_ip").await?;
        let new = By::XPath("//dialog[@open]//button[starts-with(normalize-space(), 'Get a new one from')]");
        scene.browser.query(new).and_displayed().first().await?.click().await?;
        let free = By::Css("dialog[open] [aria-label='Floating IPs'] tbody tr:not(.off)");
        scene.browser.query(free).and_displayed().first().await?.click().await?;
        dialog.choose("private").await?;
        dialog.confirm().await?;
        until_equal("its floating IPs", 1, floating).await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("detach_floating_ip").await?;
        let own = By::Css("dialog[open] [aria-label='Floating IPs'] tbody tr");
        scene.browser.query(own).and_displayed().first().await?.click().await?;
        dialog.confirm().await?;
        until_equal("its floating IPs", 0, floating).await?;
        // A security group.
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("remove_security_group").await?;
        dialog.choose("default").await?;
        dialog.confirm().await?;
        server.choose_tab("Security").await?;
        server.shows("It is in no security group.").await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("add_security_group").await?;
        dialog.choose("default").await?;
        dialog.confirm().await?;
        until("the group to be there", async || {
            server.press("Refresh").await?;
            Ok((!server.text().await?.contains("It is in no security group.")).then_some(()))
        })
        .await
    });
}

#[test]
fn the_page_of_a_server_has_its_actions_as_buttons_and_in_a_menu() {
    scene(Setup::lively(), async |scene| {
        let (page, _, id) = list_with(scene, named("the-one")).await?;
        page.open_server("the-one").await?;
        let server = ServerPage::open(scene, "alpha", "RegionOne", &id).await?;
        let start = scene.browser.query(By::Css("main [data-action=Start]")).first().await?;
        assert_eq!(start.attr("aria-disabled").await?.as_deref(), Some("true"));
        server.press("Stop").await?;
        ActionDialog::shown(&scene.browser).await?.confirm().await?;
        until("the server to be off", async || {
            scene.pass();
            Ok(server.text().await?.contains("Shut off").then_some(()))
        })
        .await?;
        let menu = ActionMenu::of_page(&scene.browser).await?;
        assert_eq!(menu.reason("start").await?, None);
        assert!(menu.reason("stop").await?.is_some());
        Ok(())
    });
}

#[test]
fn a_second_press_sends_nothing_twice() {
    scene(Setup::lively(), async |scene| {
        let (_, table, id) = list_with(scene, named("the-one")).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("stop").await?;
        scene.control().reset_calls();
        let twice = "
            const button = document.querySelector('dialog[open] [data-testid=do-it]');
            button.click(); button.click(); button.form.requestSubmit();
            return true;";
        let _: bool = scene.browser.run(twice, Vec::new()).await?;
        dialog.closes().await?;
        let calls = scene.control().calls();
        let stops =
            calls.iter().filter(|call| call.path_and_query.ends_with(&format!("{id}/action"))).count();
        assert_eq!(stops, 1, "{calls:?}");
        Ok(())
    });
}
