//! Where a message of the log could be lost or told twice, it is not: tabs beside each other, tabs that crash, bursts.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    pages::{ServersPage, SignInPage},
    scene, until_equal,
};
use serde_json::{Value, json};
use thirtyfour::WindowHandle;

use super::client_log::{count, line, throw, waits};

/// The list of servers in a tab of its own, which is in use then, once its log is sent.
async fn logging_tab(scene: &Scene, name: &str) -> Result<WindowHandle> {
    let tab = scene.browser.new_tab().await?;
    scene.browser.switch_to_window(tab.clone()).await?;
    ServersPage::open(scene, "alpha", "").await?.complete_table().await?;
    throw(scene, &format!("{name} is there")).await?;
    line(scene, &format!("{name} is there")).await?;
    Ok(tab)
}

#[test]
fn two_tabs_tell_everything_once_while_the_panel_comes_and_goes() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let tabs = [logging_tab(scene, "tab-0").await?, logging_tab(scene, "tab-1").await?];
        let mut told = Vec::new();
        let throw_in_both = async |when: &str| -> Result<Vec<String>> {
            let mut told = Vec::new();
            for (at, tab) in tabs.iter().enumerate() {
                scene.browser.switch_to_window(tab.clone()).await?;
                told.push(format!("tab-{at} {when}."));
                throw(scene, &told[at]).await?;
            }
            Ok(told)
        };
        for round in 0..3 {
            // On its way, with or without an answer, when the panel goes.
            told.extend(throw_in_both(&format!("in round {round}, before")).await?);
            scene.panel.kill()?;
            told.extend(throw_in_both(&format!("in round {round}, meanwhile")).await?);
            scene.panel.start_again().await?;
        }
        for message in &told {
            line(scene, message).await?;
        }
        until_equal("the messages to be forgotten", false, async || waits(scene, "in round").await).await?;
        for message in &told {
            assert_eq!(count(scene, message).await?, 1, "{message}");
        }
        Ok(())
    });
}

#[test]
fn a_tab_that_crashes_has_told_its_last_error_and_tells_it_once() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let first = scene.browser.window().await?;
        // It hangs: nothing of it ever comes to its turn again.
        let hanging = logging_tab(scene, "the tab that hangs").await?;
        scene.browser.run::<Value>("window.setTimeout = () => 0;", vec![]).await?;
        let warn = "window.meridian.log('warn', 'action', 'last but one', '');";
        scene.browser.run::<Value>(warn, vec![]).await?;
        throw(scene, "last words").await?;
        assert!(waits(scene, "last but one").await? && waits(scene, "last words").await?);
        // It is on its way.
        let sending = logging_tab(scene, "the tab that sends").await?;
        throw(scene, "sent or not").await?;
        scene.browser.switch_to_window(first).await?;
        for tab in [hanging, sending] {
            scene.browser.crash(&tab).await?;
        }
        scene.browser.refresh().await?;
        for description in ["last but one", "last words", "sent or not"] {
            assert_eq!(line(scene, description).await?.user.as_deref(), Some("alice"));
        }
        until_equal("the messages to be forgotten", false, async || {
            Ok(waits(scene, "last").await? || waits(scene, "sent or not").await?)
        })
        .await?;
        let all = ["last but one", "last words", "sent or not", "that hangs is there", "that sends is there"];
        for description in all {
            assert_eq!(count(scene, description).await?, 1, "{description}");
        }
        Ok(())
    });
}

#[test]
fn of_a_burst_the_error_stays_and_what_was_dropped_is_counted() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        line(scene, "Opened /projects/").await?;
        let burst = "
            for (let at = 0; at < 100; at += 1) window.meridian.log('info', 'action', `burst ${at}.`, '');
            dispatchEvent(new ErrorEvent('error', { message: 'what the burst led to' }));
            return Object.entries(localStorage).some(([name, text]) =>
                name.startsWith('meridian.log.') && text.includes('what the burst led to'));";
        let is_kept: bool = scene.browser.run(burst, vec![]).await?;
        assert!(is_kept, "it is written down before anything else happens");
        line(scene, "what the burst led to").await?;
        let lost = line(scene, "came too fast").await?;
        assert_eq!(lost.fields["dropped"], json!(101 - count(scene, "burst").await?));
        assert_eq!((count(scene, "burst 0.").await?, count(scene, "burst 99.").await?), (0, 1));
        Ok(())
    });
}

#[test]
fn a_quiet_page_whose_socket_was_closed_was_not_away() {
    scene(Setup::default(), async |scene| {
        let remember = "
            const Real = window.WebSocket;
            window.WebSocket = class extends Real {
                constructor(url) {
                    super(url);
                    if (url.includes('client-log')) window.logSocket = this;
                }
            };";
        scene.browser.on_every_document(remember).await?;
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        line(scene, "Opened /projects/").await?;
        until_equal("everything to be stored", false, async || waits(scene, "\"messages\"").await).await?;
        scene.browser.run::<Value>("window.logSocket.close();", vec![]).await?;
        throw(scene, "after the quiet").await?;
        line(scene, "after the quiet").await?;
        let again = line(scene, "The log is connected again").await?;
        assert_eq!(again.fields.get("away_ms"), None, "nobody tried");
        Ok(())
    });
}

#[test]
fn the_part_that_sends_is_fetched_until_it_comes() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.browser.cdp("Network.enable", json!({})).await?;
        scene.browser.cdp("Network.setCacheDisabled", json!({ "cacheDisabled": true })).await?;
        scene.browser.cdp("Network.setBlockedURLs", json!({ "urls": ["*/split_actions-*"] })).await?;
        scene.browser.refresh().await?;
        throw(scene, "before the part").await?;
        until_equal("the failure to be kept", true, async || waits(scene, "sends the log").await).await?;
        assert_eq!(count(scene, "before the part").await?, 0);
        scene.browser.cdp("Network.setBlockedURLs", json!({ "urls": [] })).await?;
        scene.browser.run::<Value>("dispatchEvent(new Event('online'));", vec![]).await?;
        let failed = line(scene, "What sends the log could not be loaded").await?;
        assert_eq!(failed.level, 4);
        line(scene, "before the part").await?;
        assert_eq!(count(scene, "before the part").await?, 1);
        Ok(())
    });
}

#[test]
fn a_page_that_is_left_tells_how_slow_it_was() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        line(scene, "Opened /projects/").await?;
        // It is told to the page's own observers first: they are older.
        let long_task = "
            const done = arguments[0];
            new PerformanceObserver(() => done(true)).observe({ type: 'longtask' });
            setTimeout(() => {
                for (const begin = performance.now(); performance.now() - begin < 700; );
            });";
        let _: bool = scene.browser.run_async(long_task, vec![]).await?;
        scene.browser.goto("about:blank").await?;
        let slow = line(scene, "The page was slow to react").await?;
        assert_eq!((slow.level, slow.user.as_deref()), (4, Some("alice")));
        assert!(slow.fields["longest_ms"].as_f64().is_some_and(|longest_ms| longest_ms >= 600.0), "{slow:?}");
        Ok(())
    });
}
