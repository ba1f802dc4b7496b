//! From the page as it is sent to the page alive: what may come between, and what a person does meanwhile.

use e2e::{
    Setup,
    pages::{ServersPage, SignInPage},
    scene, until,
};
use serde_json::json;
use simcloud::NewServer;
use thirtyfour::{By, prelude::*};

#[test]
fn a_panel_that_cannot_be_loaded_says_so_and_is_tried_again() {
    scene(Setup::default(), async |scene| {
        scene.browser.cdp("Network.enable", json!({})).await?;
        scene.browser.cdp("Network.setBlockedURLs", json!({ "urls": ["*.wasm"] })).await?;
        SignInPage::open(scene).await?.submit_of("alice").await?;
        let alert = scene.browser.query(By::Css("main [role=alert]")).and_displayed().first().await?;
        assert!(alert.text().await?.contains("could not be loaded"));
        scene.browser.cdp("Network.setBlockedURLs", json!({ "urls": [] })).await?;
        alert.find(By::Tag("button")).await?.click().await?;
        ServersPage::shown(scene).await?.complete_table().await?;
        Ok(())
    });
}

#[test]
fn what_is_typed_before_the_panel_lives_is_searched_for() {
    scene(Setup::default(), async |scene| {
        let hold_back = "
            const compile = WebAssembly.compileStreaming;
            const released = new Promise(release => { window.release = release; });
            WebAssembly.compileStreaming = source => released.then(() => compile.call(WebAssembly, source));";
        scene.browser.on_every_document(hold_back).await?;
        scene.control().add_server("RegionOne", "alpha", named("the-one"));
        SignInPage::open(scene).await?.submit_of("alice").await?;
        let field = scene.browser.query(By::Css("input[type=search]")).and_displayed().first().await?;
        field.send_keys("the-o").await?;
        scene.browser.run::<()>("window.release();", Vec::new()).await?;
        let page = ServersPage::shown(scene).await?;
        let table = page.complete_table().await?;
        table.has_matching(1).await?;
        // The field is another one now, and it is where one goes on typing.
        scene.browser.action_chain().send_keys("ne").perform().await?;
        page.query_has("q=the-one", true).await?;
        assert_eq!(page.search_field().await?.prop("value").await?.as_deref(), Some("the-one"));
        Ok(())
    });
}

#[test]
fn a_change_waits_for_no_socket() {
    let setup =
        Setup::default().with("INDEX_POLL_IDLE_SECS", "0.2").with("INDEX_POLL_TRANSITION_SECS", "0.2");
    scene(setup, async |scene| {
        // Sockets that are made and never open.
        let silent = "window.sockets = 0;
            window.WebSocket = class extends EventTarget { constructor() { super(); sockets += 1; } close() {} };";
        scene.browser.on_every_document(silent).await?;
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        until("a socket to be asked for", async || {
            let sockets: u32 = scene.browser.run("return window.sockets;", Vec::new()).await?;
            Ok((sockets > 0).then_some(()))
        })
        .await?;
        scene.control().add_server("RegionOne", "alpha", named("made-meanwhile"));
        table.row("made-meanwhile").await?;
        Ok(())
    });
}

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}
