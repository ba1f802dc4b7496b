//! Parts of the panel's program that travel on their own.

use e2e::{
    Scene, Setup,
    pages::{ServerPage, SessionsPage, SignInPage},
    scene, until_equal,
};
use simcloud::NewServer;
use thirtyfour::{By, prelude::*};

fn server() -> NewServer {
    NewServer { name: "the-one".to_owned(), ..NewServer::default() }
}

#[test]
fn a_servers_page_waits_for_nothing_once_the_list_is_at_rest() {
    scene(Setup::default(), async |scene| {
        scene.control().add_server("RegionTwo", "alpha", server());
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        until_equal("the server's page to be fetched", true, async || {
            has_fetched(scene, "split_details").await
        })
        .await?;
        // Whatever would be fetched from here on does not come.
        blocks(scene, &["*.wasm"]).await?;
        list.open_server("the-one").await?.shows("m1.small").await
    });
}

#[test]
fn a_part_that_does_not_come_says_so_and_comes_with_the_next_try() {
    scene(Setup::default(), async |scene| {
        let id = scene.control().add_server("RegionTwo", "alpha", server());
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        blocks(scene, &["*/split_details-*"]).await?;
        scene
            .browser
            .goto(scene.url(&format!("/projects/{}/servers/RegionTwo/{id}", scene.project("alpha"))))
            .await?;
        let note = By::Css("[data-testid=part-not-here]");
        let text = scene.browser.query(note).and_displayed().first().await?.text().await?;
        assert!(text.contains("could not be loaded"), "{text}");
        // The rest of the panel is as it was.
        SessionsPage::open(scene).await?.has_sessions(1).await?;
        scene.browser.back().await?;
        let note =
            scene.browser.query(By::Css("[data-testid=part-not-here]")).and_displayed().first().await?;
        blocks(scene, &[]).await?;
        note.find(By::Css("button")).await?.click().await?;
        ServerPage::shown(scene).await?.shows("m1.small").await
    });
}

/// Keeps the browser from fetching these.
async fn blocks(scene: &Scene, urls: &[&str]) -> anyhow::Result<()> {
    scene.browser.cdp("Network.enable", serde_json::json!({})).await?;
    scene.browser.cdp("Network.setCacheDisabled", serde_json::json!({ "cacheDisabled": true })).await?;
    scene.browser.cdp("Network.setBlockedURLs", serde_json::json!({ "urls": urls })).await?;
    Ok(())
}

async fn has_fetched(scene: &Scene, name: &str) -> anyhow::Result<bool> {
    let script = "return performance.getEntriesByType('resource').some(entry =>
        entry.name.includes(arguments[0]) && entry.responseEnd > 0);";
    scene.browser.run(script, vec![name.into()]).await
}
