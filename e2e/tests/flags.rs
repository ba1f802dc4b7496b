//! Flags: an operator decides who has a part of the panel, and pages that are opened after it are so.

use anyhow::Result;
use e2e::{
    Setup, axe,
    components::{Dialog, dismiss_toasts, toast},
    harness::browser::{Browser, DESKTOP, PHONE},
    pages::{OperatorCustomersPage, OperatorHealthPage, SignInPage},
    scene, until, until_equal,
};
use serde_json::Value;
use simcloud::TEST_PASSWORD;
use thirtyfour::{By, prelude::*};

use super::client_log::{count, line, lines};

/// Notes where a page sends its log, past all of its documents.
const WATCH: &str = "
    {
        const note = text => { sessionStorage.sent = (sessionStorage.sent ?? '') + text + ' '; };
        const Real = WebSocket;
        window.WebSocket = class extends Real {
            constructor(url, ...more) {
                super(url, ...more);
                note(`socket:${new URL(url).pathname}`);
            }
        };
        const send = navigator.sendBeacon;
        navigator.sendBeacon = function (url, ...more) {
            note(`beacon:${url}`);
            return send.call(navigator, url, ...more);
        };
    }";

async fn sent(browser: &Browser) -> Result<String> {
    browser.run("return sessionStorage.sent ?? '';", vec![]).await
}

/// Names of what the log keeps in the browser.
async fn kept(browser: &Browser) -> Result<Vec<String>> {
    let script = "return Object.keys(localStorage).filter(name => name.startsWith('meridian.log.'));";
    browser.run(script, vec![]).await
}

async fn throw(browser: &Browser, message: &str) -> Result<()> {
    let script = "dispatchEvent(new ErrorEvent('error', { message: arguments[0] }));";
    browser.run::<Value>(script, vec![message.into()]).await?;
    Ok(())
}

/// Alice in a browser of her own, whose page has come to rest: what waits until then has come, or never will.
async fn alice_at_rest(browser: &Browser) -> Result<()> {
    browser.query(By::Testid("server-table")).first().await?;
    browser.query(By::Testid("analytics-notice")).and_displayed().first().await?;
    Ok(())
}

#[test]
fn the_page_of_who_does_not_have_the_log_sends_and_keeps_nothing_until_it_is_given_back() {
    scene(Setup::lively().with("ANALYTICS_CONSENT", "ask"), async |scene| {
        SignInPage::open(scene).await?.sign_in("operator").await?.complete_table().await?;
        let page = OperatorHealthPage::open(scene).await?;
        page.state_is("flag-table", "client_log", "Everybody").await?;
        page.set_flag("client_log", "100", "alice", "ticket 17").await?;
        toast(&scene.browser, "The flag was changed").await?;
        page.state_is("flag-table", "client_log", "Everybody but 1 user").await?;
        let row = page.row("flag-table", "client_log").await?;
        assert_eq!(row.0[3], "ticket 17 (operator)");

        let alice = Browser::start(DESKTOP).await?;
        alice.on_every_document(WATCH).await?;
        alice.goto(scene.url("/sign-in")).await?;
        alice.query(By::Name("user")).first().await?.send_keys("alice").await?;
        alice.find(By::Name("password")).await?.send_keys(TEST_PASSWORD).await?;
        alice.find(By::Css("button[type=submit]")).await?.click().await?;
        alice_at_rest(&alice).await?;
        throw(&alice, "while she does not have it").await?;
        assert_eq!(kept(&alice).await?, Vec::<String>::new());
        alice.refresh().await?;
        alice_at_rest(&alice).await?;
        assert_eq!(kept(&alice).await?, Vec::<String>::new());
        let sent_so_far = sent(&alice).await?;
        assert!(!sent_so_far.contains("client-log"), "{sent_so_far}");
        assert!(sent_so_far.contains("/servers/live"), "other sockets are seen: {sent_so_far}");

        let customers = OperatorCustomersPage::open(scene).await?;
        customers.find("alice").await?;
        customers.open_customer("alice").await?;
        let flags = customers.table("customer-flags").await?;
        assert!(flags.contains("Off") && flags.contains("Named by operators"), "{flags}");

        let page = OperatorHealthPage::open(scene).await?;
        page.change_flag("client_log").await?.press("Take back (everybody)").await?;
        page.state_is("flag-table", "client_log", "Everybody").await?;
        until_equal("it to be as configured", "As configured".to_owned(), async || {
            Ok(page.row("flag-table", "client_log").await?.0[2].clone())
        })
        .await?;
        // The page that is open stays as it is.
        throw(&alice, "on the old page").await?;
        assert_eq!(kept(&alice).await?, Vec::<String>::new());
        alice.refresh().await?;
        alice_at_rest(&alice).await?;
        throw(&alice, "now that she has it").await?;
        let told = line(scene, "now that she has it").await?;
        assert_eq!(told.user.as_deref(), Some("alice"));
        assert!(sent(&alice).await?.contains("socket:/api/client-log"));
        let early = ["while she does not have it", "on the old page"];
        for message in early {
            assert_eq!(count(scene, message).await?, 0, "{message}");
        }
        let of_alice = |line: &&super::client_log::Line| line.user.as_deref() == Some("alice");
        let opened = lines(scene).await?;
        let opened = opened.iter().filter(of_alice).filter(|line| line.description.starts_with("Opened "));
        assert_eq!(opened.count(), 1, "the page that has it, and neither of those before");
        alice.quit().await
    });
}

#[test]
fn a_flag_is_changed_by_keyboard_and_what_is_refused_stays_in_the_dialog() {
    scene(Setup::lively(), async |scene| {
        SignInPage::open(scene).await?.sign_in("operator").await?.complete_table().await?;
        let page = OperatorHealthPage::open(scene).await?;
        let dialog = page.change_flag("client_log").await?;
        axe::assert_everywhere(&scene.browser, "changing a flag").await?;
        page.fill("On for these users", "bob, alice").await?;
        page.fill("Off for these users", "alice").await?;
        page.fill("Percent of users", "25").await?;
        page.fill("Why", "ticket 18").await?;
        dialog.press("Set").await?;
        until("it to be said what is wrong", async || {
            Ok(dialog.text().await?.contains("alice cannot have it and not have it").then_some(()))
        })
        .await?;
        page.fill("Off for these users", "carol").await?;
        // As a form is sent from a line of it.
        page.field("Why").await?.send_keys(Key::Enter + "").await?;
        page.state_is("flag-table", "client_log", "25 % of users, and 2 users besides, 1 without").await?;
        assert!(!Dialog::is_any_open(&scene.browser).await?);
        let focused = "return document.activeElement?.getAttribute('aria-label')";
        let focused: Option<String> = scene.browser.run(focused, Vec::new()).await?;
        assert_eq!(focused.as_deref(), Some("Change client_log"), "the keyboard is where it was");
        dismiss_toasts(&scene.browser).await?;

        // Who opens it again finds what is so, and no reason yet.
        let dialog = page.change_flag("client_log").await?;
        let value = async |label: &str| -> Result<String> {
            Ok(page.field(label).await?.prop("value").await?.unwrap_or_default())
        };
        assert_eq!((value("Percent of users").await?, value("Why").await?), ("25".into(), String::new()));
        assert_eq!(value("On for these users").await?, "bob\nalice");
        dialog.press("Cancel").await?;
        scene.browser.resize(PHONE).await?;
        let overflow =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth <= 0";
        until_equal("whether it fits", true, async || scene.browser.run(overflow, Vec::new()).await).await
    });
}
