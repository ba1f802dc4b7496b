//! A server's console: its log, its serial line and its screen.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{
    Scene, Setup,
    components::Menu,
    pages::{ConsoleTab, ServerPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewServer, ScreenKey, Service};
use thirtyfour::{By, Key, prelude::*};

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}

/// A server with its page open at the console's tab.
async fn console(scene: &Scene) -> Result<ServerPage<'_>> {
    let id = scene.control().add_server("RegionOne", "alpha", named("talks"));
    SignInPage::open(scene).await?.sign_in("alice").await?;
    let page = ServerPage::open(scene, "alpha", "RegionOne", &id).await?;
    page.choose_tab("Console").await?;
    Ok(page)
}

/// A server with one view of its console open, and its id.
async fn opened<'s>(scene: &'s Scene, new: NewServer, view: &str) -> Result<(ConsoleTab<'s>, String)> {
    let id = scene.control().add_server("RegionOne", "alpha", new);
    SignInPage::open(scene).await?.sign_in("alice").await?;
    Ok((ConsoleTab::open(scene, "RegionOne", &id, view).await?, id))
}

/// The same for a live view, once it is connected.
async fn connected<'s>(scene: &'s Scene, view: &str) -> Result<(ConsoleTab<'s>, String)> {
    let (tab, id) = opened(scene, named("talks"), view).await?;
    tab.says("Connected").await?;
    Ok((tab, id))
}

/// How often the cloud was asked for the way to a console: each answer is a token that is good once.
fn consoles_asked(scene: &Scene) -> usize {
    let calls = scene.control().calls();
    calls.iter().filter(|call| call.path_and_query.ends_with("/remote-consoles")).count()
}

/// The keys that went down on a screen, as X11 numbers them.
fn pressed(scene: &Scene, id: &str) -> Vec<u32> {
    let keys = scene.control().screen_keys(id);
    keys.into_iter().filter(|key| key.is_down).map(|key| key.keysym).collect()
}

/// The keys that are down on a screen.
fn held(scene: &Scene, id: &str) -> Vec<u32> {
    let mut held = Vec::new();
    for ScreenKey { keysym, is_down } in scene.control().screen_keys(id) {
        held.retain(|other| *other != keysym);
        if is_down {
            held.push(keysym);
        }
    }
    held
}

const CONTROL: u32 = 0xffe3;
const ALT: u32 = 0xffe9;
const SHIFT: u32 = 0xffe1;
const ENTER: u32 = 0xff0d;

#[test]
fn the_log_is_shown_and_searched() {
    scene(Setup::default(), async |scene| {
        let page = console(scene).await?;
        page.shows("login:").await?;
        let find = scene.browser.query(By::Testid("console-find")).first().await?;
        find.send_keys("login").await?;
        let log = scene.browser.query(By::Testid("console-log")).first().await?;
        until("only the lines that match", async || {
            let text = log.text().await?;
            let is_found = !text.is_empty() && text.lines().all(|line| line.contains("login"));
            Ok(is_found.then_some(()))
        })
        .await?;
        find.send_keys(" no such words").await?;
        page.shows("No line has this text.").await
    });
}

#[test]
fn new_lines_of_the_log_come_by_themselves_and_disturb_nobody_who_reads_further_up() {
    scene(Setup::default(), async |scene| {
        let control = scene.control();
        let long_ago = control.now() - Duration::from_secs(2 * 60 * 60);
        let (tab, _) =
            opened(scene, NewServer { created_at: Some(long_ago), ..named("talks") }, "log").await?;
        tab.page.shows("200 of 200 lines").await?;
        let first = tab.log().await?;
        assert!(first.is_at_end && first.scrolled > 0.0, "{first:?}");
        tab.read_the_beginning().await?;
        let before = tab.log().await?;
        assert!(before.marked.contains("systemd") || before.marked.contains("chronyd"), "{before:?}");
        // What runs says something every twenty seconds.
        control.advance(Duration::from_secs(60));
        let after = until("more lines", async || {
            let now = tab.log().await?;
            Ok((now.lines >= before.lines + 3).then_some(now))
        })
        .await?;
        assert_eq!((after.scrolled, &after.marked, &after.focused), (0.0, &before.marked, &before.focused));
        assert_eq!(after.focused.as_deref(), Some("Copy log"));
        // Who is at the end stays there.
        tab.read_the_end().await?;
        control.advance(Duration::from_secs(60));
        until("the last of even more lines", async || {
            let now = tab.log().await?;
            Ok((now.lines >= after.lines + 3 && now.is_at_end).then_some(()))
        })
        .await?;
        // However often it is read, it is one call to show.
        Menu::open(&scene.browser, "Help").await?.press("Show the calls").await?;
        let calls = scene.browser.query(By::Testid("calls")).and_displayed().first().await?;
        let reads = control.calls().iter().filter(|call| call.path_and_query.ends_with("/action")).count();
        assert!(reads >= 3, "{reads}");
        assert_eq!(calls.text().await?.matches("/action").count(), 1);
        Ok(())
    });
}

#[test]
fn a_log_that_cannot_be_read_says_why_and_goes_on_by_itself() {
    let setup = Setup::default().with("UPSTREAM_BREAKER_FAILURES", "100");
    scene(setup, async |scene| {
        let page = console(scene).await?;
        page.shows("login:").await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(409)));
        page.shows("This is what was known before.").await?;
        page.shows("login:").await?;
        scene.control().set_fault("RegionOne", Service::Compute, None);
        until("the note to go", async || {
            Ok((!page.text().await?.contains("This is what was known before.")).then_some(()))
        })
        .await?;
        page.shows("login:").await
    });
}

#[test]
fn what_is_typed_on_the_serial_line_is_answered_there() {
    scene(Setup::default(), async |scene| {
        let (tab, _) = connected(scene, "serial").await?;
        tab.answers("it-works").await?;
        // A keyboard is not caught.
        tab.terminal().await?.send_keys(Key::Control + Key::Alt + Key::Escape).await?;
        until("the focus to be given back", async || {
            let focused = scene.browser.active_element().await?.attr("data-testid").await?;
            Ok((focused.as_deref() != Some("terminal")).then_some(()))
        })
        .await
    });
}

#[test]
fn a_finger_on_the_serial_line_brings_a_keyboard_that_writes_there() {
    scene(Setup::default(), async |scene| {
        let (tab, _) = connected(scene, "serial").await?;
        tab.touch(&tab.terminal().await?).await?;
        until("the field that brings the keyboard", async || {
            let focused = scene.browser.active_element().await?.attr("data-testid").await?;
            Ok((focused.as_deref() == Some("touch-keyboard")).then_some(()))
        })
        .await?;
        tab.write_by_touch("echo by-").await?;
        // The keyboard thinks better of a word.
        tab.compose("hnad").await?;
        tab.compose("hand").await?;
        tab.write_by_touch("hand").await?;
        tab.write_by_touch("\n").await?;
        tab.shows("by-hand", 2).await?;
        // Keys that are there are not lost.
        scene.browser.active_element().await?.send_keys("echo by-keys" + Key::Enter).await?;
        tab.shows("by-keys", 2).await
    });
}

#[test]
fn a_serial_line_that_ended_is_connected_to_again() {
    scene(Setup::default(), async |scene| {
        let (tab, _) = connected(scene, "serial").await?;
        let terminal = tab.terminal().await?;
        terminal.click().await?;
        terminal.send_keys("exit" + Key::Enter).await?;
        tab.says("The console has ended.").await?;
        tab.page.press("Connect again").await?;
        tab.says("Connected").await
    });
}

#[test]
fn a_console_connects_again_by_itself_with_a_token_of_its_own_when_the_panel_comes_back() {
    scene(Setup::default(), async |scene| {
        let (tab, _) = connected(scene, "serial").await?;
        tab.answers("before").await?;
        let opened = time_origin(scene).await?;
        scene.panel.kill()?;
        tab.says("The connection was lost. Connecting again").await?;
        scene.panel.start_again().await?;
        tab.says("Connected").await?;
        tab.answers("afterwards").await?;
        assert_eq!(consoles_asked(scene), 2);
        assert_eq!(time_origin(scene).await?, opened, "the page was not loaded again");
        Ok(())
    });
}

#[test]
fn a_console_whose_way_through_the_cloud_breaks_connects_again_by_itself() {
    scene(Setup::default(), async |scene| {
        let (tab, _) = connected(scene, "serial").await?;
        tab.answers("before").await?;
        scene.control().cut_consoles();
        until_equal("tokens asked for", 2, async || Ok(consoles_asked(scene))).await?;
        tab.says("Connected").await?;
        tab.answers("afterwards").await?;
        assert_eq!(scene.control().open_consoles(), 1);
        Ok(())
    });
}

#[test]
fn a_refresh_that_fails_leaves_an_open_console_alone() {
    let setup = Setup::default().with("UPSTREAM_BREAKER_FAILURES", "100");
    scene(setup, async |scene| {
        let (tab, _) = connected(scene, "serial").await?;
        let terminal = tab.terminal().await?;
        terminal.click().await?;
        terminal.send_keys("echo half-a-li").await?;
        tab.shows("half-a-li", 1).await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(500)));
        tab.page.press("Refresh").await?;
        scene.browser.query(By::Css(".notes .banner")).and_displayed().first().await?;
        scene.control().set_fault("RegionOne", Service::Compute, None);
        tab.page.press("Retry").await?;
        until("the note to go", async || {
            Ok(scene.browser.find_all(By::Css(".notes .banner")).await?.is_empty().then_some(()))
        })
        .await?;
        // The same terminal, with what was written there, on the same connection.
        assert!(terminal.text().await?.contains("half-a-li"));
        terminal.send_keys("ne" + Key::Enter).await?;
        tab.shows("half-a-line", 2).await?;
        assert_eq!(consoles_asked(scene), 1);
        Ok(())
    });
}

#[test]
fn going_to_another_server_leads_to_its_console() {
    scene(Setup::default(), async |scene| {
        let (tab, _) = opened(scene, named("first"), "serial").await?;
        tab.shows("root@first", 1).await?;
        let second = scene.control().add_server("RegionTwo", "alpha", named("second"));
        scene.follow(&ConsoleTab::path(scene, "RegionTwo", &second, "serial")).await?;
        until_equal("the title", "second".to_owned(), async || tab.page.title().await).await?;
        tab.shows("root@second", 1).await?;
        tab.answers("on-the-second").await?;
        assert!(!tab.terminal().await?.text().await?.contains("root@first"));
        scene.browser.back().await?;
        tab.shows("root@first", 1).await?;
        tab.answers("on-the-first").await?;
        let text = tab.terminal().await?.text().await?;
        assert!(!text.contains("on-the-second") && !text.contains("root@second"), "{text}");
        until_equal("one open console", 1, async || Ok(scene.control().open_consoles())).await
    });
}

#[test]
fn the_screen_is_drawn() {
    scene(Setup::default(), async |scene| {
        connected(scene, "screen").await?;
        until("something on the screen", async || {
            let script = "
                const canvas = document.querySelector('[data-testid=screen]');
                const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                return pixels.some((value, at) => at % 4 !== 3 && value > 0);";
            let is_drawn: bool = scene.browser.run(script, Vec::new()).await?;
            Ok(is_drawn.then_some(()))
        })
        .await
    });
}

#[test]
fn keys_and_what_is_pasted_reach_the_servers_screen() {
    scene(Setup::default(), async |scene| {
        let id = scene.control().add_server("RegionOne", "alpha", named("talks"));
        SignInPage::open(scene).await?.sign_in("alice").await?;
        ServerPage::open(scene, "alpha", "RegionOne", &id).await?;
        let copy = format!("main button.copy-button[aria-label$='{id}']");
        scene.browser.query(By::Css(&copy)).and_displayed().first().await?.click().await?;
        scene.browser.query(By::Css(format!("{copy}.done"))).first().await?;
        let tab = ConsoleTab::open(scene, "RegionOne", &id, "screen").await?;
        tab.says("Connected").await?;
        let screen = tab.screen().await?;
        // What is typed before both sides have shaken hands is typed to nobody.
        until("the first key to arrive", async || {
            screen.send_keys(" ").await?;
            Ok((!pressed(scene, &id).is_empty()).then_some(()))
        })
        .await?;
        let typed = || pressed(scene, &id).into_iter().filter(|keysym| *keysym != 0x20).collect::<Vec<_>>();
        screen.send_keys("ls" + Key::Enter).await?;
        until_equal("what was typed", vec![0x6c, 0x73, ENTER], async || Ok(typed())).await?;

        let grant = serde_json::json!({ "origin": scene.panel.url(), "permissions": ["clipboardReadWrite"] });
        scene.browser.cdp("Browser.grantPermissions", grant).await?;
        tab.page.press("Paste").await?;
        let pasted: Vec<u32> = [0x6c, 0x73, ENTER].into_iter().chain(id.chars().map(u32::from)).collect();
        until_equal("what was pasted", pasted, async || Ok(typed())).await?;
        until_equal("all keys to be up", Vec::new(), async || Ok(held(scene, &id))).await
    });
}

#[test]
fn no_key_stays_down_on_the_screen_when_the_focus_leaves_it() {
    scene(Setup::default(), async |scene| {
        let (tab, id) = connected(scene, "screen").await?;
        let screen = tab.screen().await?;
        screen.click().await?;
        until("a shift that is held", async || {
            scene.browser.action_chain().key_up(Key::Shift).key_down(Key::Shift).perform().await?;
            Ok(held(scene, &id).contains(&SHIFT).then_some(()))
        })
        .await?;
        // As another window does that comes before this one.
        scene.browser.run::<serde_json::Value>("document.activeElement.blur();", Vec::new()).await?;
        until_equal("all keys to be up", Vec::new(), async || Ok(held(scene, &id))).await?;
        scene.browser.action_chain().key_up(Key::Shift).perform().await?;

        // The keys that lead out are let go of, too.
        screen.send_keys(Key::Control + Key::Alt + Key::Escape).await?;
        until("both to have been pressed", async || {
            let pressed = pressed(scene, &id);
            Ok([CONTROL, ALT].iter().all(|key| pressed.contains(key)).then_some(()))
        })
        .await?;
        until_equal("all keys to be up", Vec::new(), async || Ok(held(scene, &id))).await?;
        assert_ne!(
            scene.browser.active_element().await?.attr("data-testid").await?.as_deref(),
            Some("screen")
        );
        Ok(())
    });
}

#[test]
fn a_console_that_is_refused_says_why_and_what_to_do() {
    let setup = Setup::default().with("UPSTREAM_BREAKER_FAILURES", "100");
    scene(setup, async |scene| {
        let page = console(scene).await?;
        page.shows("login:").await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(403)));
        page.choose_tab("Serial line").await?;
        page.shows("Your role in this project does not allow it.").await?;
        scene.control().set_fault("RegionOne", Service::Compute, None);
        page.press("Connect again").await?;
        page.shows("Connected").await
    });
}

#[test]
fn a_console_that_is_refused_before_it_has_a_socket_says_why() {
    scene(Setup::default().with("INDEX_STREAMS_PER_SESSION", "3"), async |scene| {
        let id = scene.control().add_server("RegionOne", "alpha", named("talks"));
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        // From a page that shows no servers: the list gives back what it held, and something else takes it all.
        scene.follow("/account/sessions").await?;
        scene.browser.query(By::Css("[data-testid=session-table] tbody tr")).first().await?;
        let script = "
            const [path, done] = arguments;
            window.held = [];
            const take = async () => {
                const held = new AbortController();
                const answer = await fetch(path, { signal: held.signal });
                if (answer.ok) window.held.push(held);
                if (window.held.length < 3) setTimeout(take, 100); else done(true);
            };
            take();";
        let path = format!("/api/projects/{}/servers?follow=true", scene.project("alpha"));
        let is_taken: bool = scene.browser.run_async(script, vec![path.into()]).await?;
        assert!(is_taken);
        scene.follow(&ConsoleTab::path(scene, "RegionOne", &id, "serial")).await?;
        let tab = ConsoleTab { page: ServerPage::shown(scene).await? };
        tab.says("You have 3 lists and consoles open").await.context("why it is refused")?;
        scene
            .browser
            .run::<serde_json::Value>("window.held.forEach(held => held.abort());", Vec::new())
            .await?;
        until("the console to be connected", async || {
            let state = scene.browser.find(By::Testid("console-state")).await?;
            if state.text().await?.contains("Connected") {
                return Ok(Some(()));
            }
            // The panel may not have heard yet that the others have gone.
            tab.page.press("Connect again").await?;
            Ok(None)
        })
        .await
    });
}

async fn time_origin(scene: &Scene) -> Result<f64> {
    scene.browser.run("return performance.timeOrigin;", Vec::new()).await
}
