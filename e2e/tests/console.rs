//! A server's console: its log, its serial line and its screen.

use e2e::{
    Scene, Setup,
    pages::{ServerPage, SignInPage},
    scene, until,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::{By, Key, prelude::*};

/// A server with its page open at the console's tab.
async fn console(scene: &Scene) -> anyhow::Result<ServerPage<'_>> {
    let server = NewServer { name: "talks".to_owned(), ..NewServer::default() };
    let id = scene.control().add_server("RegionOne", "alpha", server);
    SignInPage::open(scene).await?.sign_in("alice").await?;
    let page = ServerPage::open(scene, "alpha", "RegionOne", &id).await?;
    page.choose_tab("Console").await?;
    Ok(page)
}

async fn terminal_text(scene: &Scene) -> anyhow::Result<String> {
    Ok(scene.browser.query(By::Testid("terminal")).first().await?.text().await?)
}

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
fn a_log_that_cannot_be_read_says_why() {
    let setup = Setup::default().with("UPSTREAM_BREAKER_FAILURES", "100");
    scene(setup, async |scene| {
        let page = console(scene).await?;
        page.shows("login:").await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(409)));
        page.shows("This is what was known before.").await?;
        page.shows("login:").await
    });
}

#[test]
fn what_is_typed_on_the_serial_line_is_answered_there() {
    scene(Setup::default(), async |scene| {
        let page = console(scene).await?;
        page.choose_tab("Serial line").await?;
        page.shows("Connected").await?;
        let terminal = scene.browser.query(By::Testid("terminal")).first().await?;
        terminal.click().await?;
        terminal.send_keys("echo it-works" + Key::Enter).await?;
        until("the line's answer", async || {
            // Once as it was typed, once as the answer.
            Ok((terminal_text(scene).await?.matches("it-works").count() >= 2).then_some(()))
        })
        .await?;
        // A keyboard is not caught.
        terminal.send_keys(Key::Control + Key::Alt + Key::Escape).await?;
        until("the focus to be given back", async || {
            let focused = scene.browser.active_element().await?.attr("data-testid").await?;
            Ok((focused.as_deref() != Some("terminal")).then_some(()))
        })
        .await
    });
}

#[test]
fn a_serial_line_that_ended_is_connected_to_again() {
    scene(Setup::default(), async |scene| {
        let page = console(scene).await?;
        page.choose_tab("Serial line").await?;
        page.shows("Connected").await?;
        let terminal = scene.browser.query(By::Testid("terminal")).first().await?;
        terminal.click().await?;
        terminal.send_keys("exit" + Key::Enter).await?;
        page.shows("The console has ended.").await?;
        page.press("Connect again").await?;
        page.shows("Connected").await
    });
}

#[test]
fn the_screen_is_drawn() {
    scene(Setup::default(), async |scene| {
        let page = console(scene).await?;
        page.choose_tab("Screen").await?;
        page.shows("Connected").await?;
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
