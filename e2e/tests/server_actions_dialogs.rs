//! The dialogs that ask before something is done: what they name, what they begin with, what has to be typed, and
//! what comes of an answer that is late or lost.

use anyhow::{Context, Result};
use e2e::{
    Scene, Setup,
    components::{ActionDialog, ActionMenu, Dialog, Table, toast},
    pages::{OffersPage, ServerPage, ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewAddress, NewServer, Service, SimServer};
use thirtyfour::{By, Key, prelude::*};

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}

/// Servers, and the list with them. Gives their ids too.
async fn list_with<'s>(
    scene: &'s Scene,
    servers: impl IntoIterator<Item = NewServer>,
) -> Result<(ServersPage<'s>, Table<'s>, Vec<String>)> {
    let add = |new| scene.control().add_server("RegionOne", "alpha", new);
    let ids = servers.into_iter().map(add).collect();
    let page = SignInPage::open(scene).await?.sign_in("alice").await?;
    let table = page.complete_table().await?;
    Ok((page, table, ids))
}

/// A server as the cloud has it.
fn truth<T>(scene: &Scene, id: &str, read: impl FnOnce(&SimServer) -> T) -> Result<T> {
    let mut found = None;
    scene.control().label_server("RegionOne", id, |server| found = Some(read(server)));
    found.context("a server of the cloud")
}

fn name_of(scene: &Scene, id: &str) -> Result<String> {
    truth(scene, id, |server| server.name.clone())
}

/// From now on the page's calls by this method to this path wait, unsent, until [`let_go`].
async fn hold_back(scene: &Scene, method: &str, path: &str) -> Result<()> {
    let script = "
        const [method, part] = arguments;
        const fetch = window.fetch;
        window.held = 0;
        window.let_go = new Promise(resolve => { window.resolve_held = resolve; });
        window.fetch = async (...of) => {
            if ((of[1]?.method ?? 'GET') === method && String(of[0]).includes(part)) {
                window.held += 1;
                await window.let_go;
            }
            return fetch(...of);
        };
        return true;";
    scene.browser.run::<bool>(script, vec![method.into(), path.into()]).await.map(drop)
}

async fn let_go(scene: &Scene) -> Result<()> {
    let is_held = "return window.held > 0;";
    until("a call to wait", async || Ok(scene.browser.run::<bool>(is_held, Vec::new()).await?.then_some(())))
        .await?;
    scene.browser.run::<bool>("window.resolve_held(); return true;", Vec::new()).await.map(drop)
}

/// The next answer to what is asked for is lost on its way: the panel has it, the page hears nothing.
async fn lose_an_answer(scene: &Scene) -> Result<()> {
    let script = "
        const fetch = window.fetch;
        window.fetch = async (...of) => {
            const answer = await fetch(...of);
            if (of[1]?.method === 'POST' && /\\/jobs$/.test(String(of[0]))) {
                window.fetch = fetch;
                throw new TypeError('the connection was lost');
            }
            return answer;
        };
        return true;";
    scene.browser.run::<bool>(script, Vec::new()).await.map(drop)
}

async fn press_escape(scene: &Scene, dialog: &ActionDialog<'_>) -> Result<()> {
    scene.browser.action_chain().send_keys(Key::Escape).perform().await?;
    dialog.closes().await
}

/// Waits until the dialog that is open says this.
async fn says(dialog: &ActionDialog<'_>, part: &str) -> Result<String> {
    until(&format!("the dialog to say {part:?}"), async || {
        let text = dialog.text().await?;
        Ok(text.contains(part).then_some(text))
    })
    .await
}

#[test]
fn a_server_that_is_deleted_is_named_with_what_goes_and_what_stays() {
    scene(Setup::lively(), async |scene| {
        let new = NewServer {
            volumes: 1,
            addresses: Some(vec![
                NewAddress::fixed("private", [10, 0, 0, 77]),
                NewAddress::floating("private", [203, 0, 113, 77]),
            ]),
            ..named("the-one")
        };
        let (_, table, ids) = list_with(scene, [new]).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("delete").await?;
        let text = says(&dialog, "stays with the project").await?;
        for part in [
            "Delete the-one?",
            "gone for good",
            "Its own disk of 20 GiB is deleted, with everything on it.",
            "203.0.113.77",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(text.contains("stays as it is."), "its volume: {text}");
        let word = "Type “the-one” to confirm";
        dialog.submit().await?;
        says(&dialog, "Type “the-one” to confirm.").await?;
        dialog.fill(word, "delete").await?;
        dialog.submit().await?;
        assert_eq!(dialog.value(word).await?, "delete", "it asks for the name");
        assert_eq!(name_of(scene, &ids[0])?, "the-one");
        dialog.fill(word, "the-one").await?;
        dialog.confirm().await?;
        until_equal("the number of servers of this name", 0, async || {
            scene.pass();
            let servers = scene.control().servers("RegionOne", "alpha");
            Ok(servers.iter().filter(|server| server.name == "the-one").count())
        })
        .await
    });
}

#[test]
fn a_rebuild_runs_from_no_image_that_nobody_chose() {
    scene(Setup::lively(), async |scene| {
        let (_, table, ids) = list_with(scene, [named("the-one")]).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("snapshot").await?;
        dialog.fill("Name of the image", "the-only-saved").await?;
        dialog.confirm().await?;
        table.becomes(scene, "the-one", "Active").await?;
        let before = truth(scene, &ids[0], |server| server.image_id.clone())?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("rebuild").await?;
        // The saved one is the only one of its tab, and is seen before anybody presses it.
        dialog.press("Saved").await?;
        dialog.line_reads("the-only-saved").await?;
        dialog.press("Provided").await?;
        dialog.line_reads("debian-12").await?;
        dialog.type_the_word().await?;
        for tab in ["Provided", "Saved"] {
            dialog.press(tab).await?;
            dialog.submit().await?;
            says(&dialog, "Choose an image.").await?;
        }
        // What was chosen in a tab one does not see is not what one means.
        dialog.choose("the-only-saved").await?;
        dialog.press("Provided").await?;
        dialog.submit().await?;
        says(&dialog, "Choose an image.").await?;
        assert_eq!(truth(scene, &ids[0], |server| server.image_id.clone())?, before);
        Ok(())
    });
}

#[test]
fn an_answer_that_comes_late_leaves_the_next_dialog_alone() {
    scene(Setup::lively(), async |scene| {
        let (_, table, ids) = list_with(scene, [named("first-one"), named("second-one")]).await?;
        hold_back(scene, "POST", "/jobs").await?;
        let first = ActionMenu::of_row(&scene.browser, &table, "first-one").await?.ask("rename").await?;
        first.fill("New name", "first-renamed").await?;
        first.submit().await?;
        press_escape(scene, &first).await?;
        let second = ActionMenu::of_row(&scene.browser, &table, "second-one").await?.ask("rename").await?;
        second.fill("New name", "second-renamed").await?;
        // What came of it is read before its dialog would close.
        let watch = "
            const fetch = window.fetch;
            window.has_read = false;
            window.fetch = async (...of) => {
                const answer = await fetch(...of);
                if (/\\/jobs\\/[^/]+\\/items/.test(String(of[0]))) { window.has_read = true; }
                return answer;
            };
            return true;";
        scene.browser.run::<bool>(watch, Vec::new()).await?;
        let_go(scene).await?;
        until("the outcome to be read", async || {
            let has_read: bool = scene.browser.run("return window.has_read;", Vec::new()).await?;
            Ok((has_read && name_of(scene, &ids[0])? == "first-renamed").then_some(()))
        })
        .await?;
        let two_frames = "
            const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => done(true)));";
        scene.browser.run_async::<bool>(two_frames, Vec::new()).await?;
        assert_eq!(second.value("New name").await?, "second-renamed", "nothing typed is lost");
        second.confirm().await?;
        table.has("second-renamed", "its new name", |_| true).await?;
        Ok(())
    });
}

#[test]
fn a_failure_whose_dialog_is_closed_is_told_all_the_same() {
    scene(Setup::lively(), async |scene| {
        let (_, table, _) = list_with(scene, [named("the-one")]).await?;
        hold_back(scene, "POST", "/jobs").await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("rename").await?;
        dialog.fill("New name", "the-other").await?;
        dialog.submit().await?;
        press_escape(scene, &dialog).await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(403)));
        let_go(scene).await?;
        let said = toast(&scene.browser, "Rename the-one: ").await?;
        assert!(said.contains("req-"), "whom to ask, and about what: {said}");
        table.has("the-one", "its own name", |_| true).await.map(drop)
    });
}

#[test]
fn what_is_confirmed_elsewhere_is_told_when_its_dialog_is_closed() {
    scene(Setup::default(), async |scene| {
        let page = OffersPage::server_groups(scene, "alice", "alpha").await?;
        for name in ["first", "second"] {
            page.press("Create").await?;
            page.fill("Name", name).await?;
            let dialog = Dialog::with_text(&scene.browser, "Create a server group").await?;
            dialog.press("Create server group").await?;
            page.row_says(name, "RegionOne", "On different hosts").await?;
        }
        let escape = async || -> Result<()> {
            scene.browser.action_chain().send_keys(Key::Escape).perform().await?;
            until("the dialog to close", async || {
                Ok((!Dialog::is_any_open(&scene.browser).await?).then_some(()))
            })
            .await
        };
        hold_back(scene, "DELETE", "os-server-groups").await?;
        page.press("Delete first in RegionOne").await?;
        let dialog = Dialog::with_text(&scene.browser, "Delete server group first?").await?;
        dialog.press("Delete server group").await?;
        escape().await?;
        page.press("Delete second in RegionOne").await?;
        let other = Dialog::with_text(&scene.browser, "Delete server group second?").await?;
        let_go(scene).await?;
        toast(&scene.browser, "first was deleted in RegionOne.").await?;
        assert!(other.text().await?.contains("second"), "another dialog stays");
        // And a failure.
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(409)));
        hold_back(scene, "DELETE", "os-server-groups").await?;
        other.press("Delete server group").await?;
        escape().await?;
        let_go(scene).await?;
        let said = toast(&scene.browser, "Delete server group second: ").await?;
        assert!(said.contains("req-"), "whom to ask: {said}");
        Ok(())
    });
}

#[test]
fn what_is_corrected_after_a_lost_answer_is_not_taken_for_the_first() {
    scene(Setup::lively(), async |scene| {
        let (_, table, ids) = list_with(scene, [named("the-one")]).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("rename").await?;
        dialog.fill("New name", "too-hasty").await?;
        lose_an_answer(scene).await?;
        dialog.submit().await?;
        says(&dialog, "No answer came from the panel.").await?;
        dialog.fill("New name", "well-chosen").await?;
        dialog.submit().await?;
        says(&dialog, "Your first press arrived after all").await?;
        until_equal("the name it was given first", "too-hasty".to_owned(), async || name_of(scene, &ids[0]))
            .await?;
        assert_eq!(dialog.value("New name").await?, "well-chosen", "nothing typed is lost");
        dialog.confirm().await?;
        until_equal("the name it was given then", "well-chosen".to_owned(), async || name_of(scene, &ids[0]))
            .await
    });
}

#[test]
fn the_same_sent_again_after_a_lost_answer_is_done_once() {
    scene(Setup::lively(), async |scene| {
        let (_, table, ids) = list_with(scene, [named("the-one")]).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("snapshot").await?;
        dialog.fill("Name of the image", "once").await?;
        scene.control().reset_calls();
        lose_an_answer(scene).await?;
        dialog.submit().await?;
        says(&dialog, "No answer came from the panel.").await?;
        dialog.confirm().await?;
        let calls = scene.control().calls();
        let path = format!("{}/action", ids[0]);
        assert_eq!(calls.iter().filter(|call| call.path_and_query.ends_with(&path)).count(), 1, "{calls:?}");
        Ok(())
    });
}

#[test]
fn a_form_begins_with_what_the_server_has_though_no_list_is_there() {
    // The one stream of the session is the first tab's: the second has no list.
    let setup = Setup::lively().with("INDEX_STREAMS_PER_SESSION", "1");
    scene(setup, async |scene| {
        let new = NewServer {
            tags: vec!["blue".to_owned(), "green".to_owned()],
            metadata: vec![("team".to_owned(), "shop".to_owned())],
            description: Some("Answers the phone".to_owned()),
            ..named("the-one")
        };
        let (_, _, ids) = list_with(scene, [new]).await?;
        let tab = scene.browser.new_tab().await?;
        scene.browser.switch_to_window(tab).await?;
        let page = ServerPage::open(scene, "alpha", "RegionOne", &ids[0]).await?;
        page.shows("Answers the phone").await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("resize").await?;
        assert!(dialog.line_reads("m1.small").await?.contains("It has this size now."));
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("set_metadata").await?;
        let key = scene.browser.query(By::Css("dialog[open] .entry input")).first().await?;
        assert_eq!(key.prop("value").await?.as_deref(), Some("team"));
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        let dialog = ActionMenu::of_page(&scene.browser).await?.ask("tag").await?;
        dialog.press("Remove blue").await?;
        dialog.confirm().await?;
        until_equal("its tags", vec!["green".to_owned()], async || {
            truth(scene, &ids[0], |server| server.tags.iter().map(|tag| tag.to_string()).collect())
        })
        .await
    });
}

#[test]
fn a_form_whose_beginning_is_not_known_cannot_be_saved() {
    scene(Setup::default(), async |scene| {
        let new = NewServer { description: Some("Answers the phone".to_owned()), ..named("the-one") };
        let (_, table, ids) = list_with(scene, [new]).await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(503)));
        let dialog = menu.ask("describe").await?;
        says(&dialog, "This could not be loaded").await?;
        let save = scene.browser.find(By::Css("dialog[open] [data-testid=do-it]")).await?;
        assert_eq!(save.attr("aria-disabled").await?.as_deref(), Some("true"));
        dialog.submit().await?;
        scene.control().clear_faults();
        // The service is given a pause after failures; whoever goes on pressing gets there.
        until("what it begins with", async || {
            if let Some(area) = scene.browser.find_all(By::Css("dialog[open] textarea")).await?.first() {
                let value = area.prop("value").await?;
                return Ok((value.as_deref() == Some("Answers the phone")).then_some(()));
            }
            dialog.press("Retry").await?;
            Ok(None)
        })
        .await?;
        let description = truth(scene, &ids[0], |server| {
            server.rare.as_ref().and_then(|rare| rare.description.as_deref().map(str::to_owned))
        })?;
        assert_eq!(description.as_deref(), Some("Answers the phone"), "nothing was saved");
        assert_eq!(save.attr("aria-disabled").await?, None, "now it can be");
        Ok(())
    });
}

#[test]
fn a_save_that_changes_nothing_says_so_at_the_field() {
    scene(Setup::lively(), async |scene| {
        let new = NewServer { metadata: vec![("team".to_owned(), "shop".to_owned())], ..named("the-one") };
        let (_, table, ids) = list_with(scene, [new]).await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("tag").await?;
        dialog.value("Tags").await?;
        dialog.submit().await?;
        says(&dialog, "Nothing was changed yet.").await?;
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("set_metadata").await?;
        let fields = scene.browser.query(By::Css("dialog[open] .entry input")).all_from_selector().await?;
        dialog.submit().await?;
        says(&dialog, "Nothing was changed yet.").await?;
        // A value without a name is not dropped silently.
        fields[3].send_keys("front").await?;
        dialog.submit().await?;
        says(&dialog, "Give it a name.").await?;
        assert_eq!(fields[2].attr("aria-invalid").await?.as_deref(), Some("true"));
        fields[2].send_keys("tier").await?;
        dialog.confirm().await?;
        until_equal("its entries", 2, async || truth(scene, &ids[0], |server| server.metadata.len())).await
    });
}

#[test]
fn a_resize_that_waits_counts_down_to_the_clouds_own_confirmation() {
    let setup = Setup::lively().with("CLOUD_RESIZE_CONFIRM_SECS", "3600");
    scene(setup, async |scene| {
        let waiting = NewServer { status: "VERIFY_RESIZE".to_owned(), ..named("the-one") };
        let (page, table, _) = list_with(scene, [waiting]).await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, "the-one").await?;
        let confirm = By::Css("[data-testid=action-menu] [data-action=confirm_resize]");
        let hint = scene.browser.query(confirm).first().await?.attr("aria-description").await?;
        assert!(hint.is_some_and(|hint| hint.starts_with("The cloud confirms it by itself in ")));
        menu.leave().await?;
        page.open_server("the-one").await?;
        let timer = || By::Css("[data-testid=resize-note] [role=timer]");
        let left =
            async || -> Result<String> { Ok(scene.browser.query(timer()).first().await?.text().await?) };
        let first = left().await?;
        assert!(first.starts_with("The cloud confirms it by itself in "), "{first}");
        until("it to count down", async || Ok((left().await? != first).then_some(()))).await
    });
}

#[test]
fn a_resize_that_nobody_else_confirms_says_that_it_waits() {
    scene(Setup::lively(), async |scene| {
        let waiting = NewServer { status: "VERIFY_RESIZE".to_owned(), ..named("the-one") };
        let (page, _, _) = list_with(scene, [waiting]).await?;
        let server = page.open_server("the-one").await?;
        server.shows("It waits until it is confirmed or reverted.").await
    });
}
