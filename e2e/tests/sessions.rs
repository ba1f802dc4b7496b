//! Sessions: where one is signed in, ending them, and going on before they end by themselves.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::{Dialog, Menu, toast},
    harness::browser::{Browser, DESKTOP},
    pages::{ServersPage, SessionsPage, SignInPage},
    scene, until,
};
use simcloud::TEST_PASSWORD;
use thirtyfour::{By, prelude::*};

#[test]
fn the_sessions_are_listed_and_one_can_be_ended_from_another() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let other = elsewhere(scene, "alice").await?;
        let page = SessionsPage::open(scene).await?;
        page.has_sessions(2).await?;
        let sessions = page.sessions().await?;
        assert_eq!(sessions.iter().filter(|session| session.is_current).count(), 1);
        assert!(sessions.iter().all(|session| session.text.contains("127.0.0.1")), "{sessions:?}");
        assert!(sessions.iter().all(|session| session.text.contains("on Linux")), "{sessions:?}");
        page.end_other().await?;
        page.has_sessions(1).await?;
        assert_signed_out(scene, &other).await?;
        other.quit().await
    });
}

#[test]
fn signing_out_everywhere_ends_every_session() {
    scene(Setup::default(), async |scene| {
        let servers = SignInPage::open(scene).await?.sign_in("alice").await?;
        servers.complete_table().await?;
        let other = elsewhere(scene, "alice").await?;
        Menu::open(&scene.browser, "Account").await?.press("Sign out everywhere").await?;
        SignInPage::shown(scene).await?;
        assert_signed_out(scene, &other).await?;
        other.quit().await
    });
}

#[test]
fn signing_out_here_leaves_the_other_sessions() {
    scene(Setup::default(), async |scene| {
        let servers = SignInPage::open(scene).await?.sign_in("alice").await?;
        servers.complete_table().await?;
        let other = elsewhere(scene, "alice").await?;
        Menu::open(&scene.browser, "Account").await?.press("Sign out").await?;
        SignInPage::shown(scene).await?;
        other.refresh().await?;
        other.query(By::Testid("server-table")).first().await?;
        // The way back shows no list that works: the page knows, from the server, that it is over.
        scene.browser.back().await?;
        until("going back to lead nowhere", async || {
            let is_sign_in = scene.browser.current_url().await?.path().starts_with("/sign-in");
            let is_told = Dialog::is_any_open(&scene.browser).await?;
            Ok((is_sign_in || is_told).then_some(()))
        })
        .await?;
        other.quit().await
    });
}

#[test]
fn before_the_token_expires_one_goes_on_with_the_password_and_the_page_stays() {
    let setup = Setup::default().with("SESSION_WARN_BEFORE_EXPIRY_SECS", "3600");
    scene(setup, async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        page.search("status:active").await?;
        until("the search to take hold", async || Ok((table.matching().await? < 12).then_some(()))).await?;
        let matching = table.matching().await?;
        let opened: f64 = scene.browser.run("return performance.timeOrigin;", Vec::new()).await?;
        page.press("Stay signed in").await?;
        let dialog = Dialog::with_text(&scene.browser, "Password").await?;
        dialog.fill("password", "not-the-password").await?;
        dialog.press("Continue").await?;
        until("the dialog to say that it is wrong", async || {
            Ok(dialog.text().await?.contains("not the right password").then_some(()))
        })
        .await?;
        dialog.fill("password", TEST_PASSWORD).await?;
        dialog.press("Continue").await?;
        toast(&scene.browser, "still signed in").await?;
        assert_eq!(scene.browser.run::<f64>("return performance.timeOrigin;", Vec::new()).await?, opened);
        assert_eq!(table.matching().await?, matching);
        assert_eq!(page.search_field().await?.value().await?.as_deref(), Some("status:active"));
        Ok(())
    });
}

#[test]
fn a_session_outlives_its_node_and_any_node_serves_it() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.panel.kill()?;
        scene.panel.start_again().await?;
        scene.browser.refresh().await?;
        let table = ServersPage::shown(scene).await?.complete_table().await?;
        assert_eq!(table.total().await?, 12);
        Ok(())
    });
}

/// Signs somebody in with another browser.
async fn elsewhere(scene: &Scene, user: &str) -> Result<Browser> {
    let other = Browser::start(DESKTOP).await?;
    other.goto(scene.url("/sign-in")).await?;
    other.find(By::Name("user")).await?.send_keys(user).await?;
    other.find(By::Name("password")).await?.send_keys(TEST_PASSWORD).await?;
    other.find(By::Css("button[type=submit]")).await?.click().await?;
    other.query(By::Testid("server-table")).first().await?;
    Ok(other)
}

async fn assert_signed_out(scene: &Scene, other: &Browser) -> Result<()> {
    until("the other session to have ended", async || {
        other.goto(scene.url("/")).await?;
        Ok(other.current_url().await?.path().starts_with("/sign-in").then_some(()))
    })
    .await
}
