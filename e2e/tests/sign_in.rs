//! Signing in: who gets in, what the others are told, and where one lands.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    pages::{ServersPage, SignInPage},
    scene,
};
use simcloud::{Fault, Service, TEST_PASSWORD};
use thirtyfour::By;

const WRONG: &str = "not-the-password";

#[test]
fn a_person_signs_in_and_lands_on_the_servers_of_their_project() {
    scene(Setup::default(), async |scene| {
        let servers = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = servers.complete_table().await?;
        assert_eq!(table.total().await?, 12);
        let path = scene.browser.current_url().await?.path().to_owned();
        assert_eq!(path, format!("/projects/{}/servers", scene.project("alpha")));
        Ok(())
    });
}

#[test]
fn wrong_unknown_and_disabled_users_are_told_the_same() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?;
        page.submit("alice", WRONG).await?;
        let wrong_password = page.problem().await?;
        assert_eq!(page.user().await?, "alice", "the name is kept, so that only the password is typed again");
        page.submit("no-such-user", TEST_PASSWORD).await?;
        assert_eq!(page.problem().await?, wrong_password);
        page.submit("disabled", TEST_PASSWORD).await?;
        assert_eq!(page.problem().await?, wrong_password);
        Ok(())
    });
}

#[test]
fn wrong_locked_out_keystone_down_and_keystone_slow_are_four_sentences() {
    let setup = Setup::default()
        .with("SIGN_IN_LOCKOUT_USER_FAILURES", "3")
        .with("UPSTREAM_SIGN_IN_TIMEOUT_SECS", "0.5");
    scene(setup, async |scene| {
        let page = SignInPage::open(scene).await?;
        page.submit("alice", WRONG).await?;
        let wrong = page.problem().await?;
        let down = told_while(scene, Fault::Refuse).await?;
        let slow = told_while(scene, Fault::Hang).await?;
        for _ in 0..3 {
            page.submit("alice", WRONG).await?;
        }
        // Even the right password: a lockout that lets it through would be an oracle.
        page.submit("alice", TEST_PASSWORD).await?;
        let locked_out = page.problem().await?;
        assert!(locked_out.contains("minute"), "a lockout says how long it lasts: {locked_out:?}");
        let mut sentences = vec![wrong, down, slow, locked_out];
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), 4, "{sentences:?}");
        Ok(())
    });
}

#[test]
fn a_second_factor_is_asked_for_when_keystone_asks_for_it() {
    scene(Setup::default(), async |scene| {
        let page = SignInPage::open(scene).await?;
        page.submit_of("mfa").await?;
        page.submit_code("000000").await?;
        let problem = page.problem().await?;
        assert!(problem.contains("code"), "{problem}");
        page.submit_code(&scene.control().totp_code("mfa")).await?;
        let table = ServersPage::shown(scene).await?.complete_table().await?;
        assert_eq!(table.total().await?, 2);
        Ok(())
    });
}

#[test]
fn after_signing_in_the_page_that_was_asked_for_opens() {
    scene(Setup::default(), async |scene| {
        let path = format!("/projects/{}/servers?q=name%3Aweb", scene.project("beta"));
        scene.browser.goto(scene.url(&path)).await?;
        SignInPage::shown(scene).await?.sign_in("alice").await?;
        let url = scene.browser.current_url().await?;
        assert_eq!(format!("{}?{}", url.path(), url.query().unwrap_or_default()), path);
        Ok(())
    });
}

#[test]
fn a_page_of_another_site_is_never_what_opens() {
    scene(Setup::default(), async |scene| {
        for next in ["//example.org/", "https://example.org/", "/\\example.org", "javascript:alert(1)"] {
            scene.browser.delete_all_cookies().await?;
            // Only what would end the parameter needs escaping.
            let next_escaped = next.replace('\\', "%5C");
            scene.browser.goto(scene.url(&format!("/sign-in?next={next_escaped}"))).await?;
            SignInPage::shown(scene).await?.sign_in("alice").await?;
            let landed = scene.browser.current_url().await?;
            assert!(landed.as_str().starts_with(&scene.panel.url()), "{next} led to {landed}");
        }
        Ok(())
    });
}

#[test]
fn the_page_works_without_javascript_and_loads_in_one_round_trip() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?;
        let resources = "return performance.getEntriesByType('resource').map(entry => entry.name);";
        let resources: Vec<String> = scene.browser.run(resources, Vec::new()).await?;
        assert_eq!(resources, Vec::<String>::new(), "everything is in the page itself");
        assert_eq!(scene.browser.find_all(By::Tag("script")).await?.len(), 0);
        let off = serde_json::json!({ "value": true });
        scene.browser.cdp("Emulation.setScriptExecutionDisabled", off).await?;
        let browser = &scene.browser;
        browser.goto(scene.url("/sign-in")).await?;
        browser.find(By::Name("user")).await?.send_keys("alice").await?;
        browser.find(By::Name("password")).await?.send_keys(TEST_PASSWORD).await?;
        browser.find(By::Css("button[type=submit]")).await?.click().await?;
        e2e::until("the way to the servers", async || {
            Ok(browser.current_url().await?.path().ends_with("/servers").then_some(()))
        })
        .await
    });
}

#[test]
fn the_domain_is_asked_for_only_where_there_are_several() {
    scene(Setup::default(), async |scene| {
        assert!(!SignInPage::open(scene).await?.asks_for_domain().await?);
        Ok(())
    });
    scene(Setup::default().with("SIGN_IN_DOMAINS", "Default,partners"), async |scene| {
        let page = SignInPage::open(scene).await?;
        assert!(page.asks_for_domain().await?);
        page.fill_domain("partners").await?;
        page.submit_of("pat").await?;
        assert_eq!(
            scene.browser.current_url().await?.path(),
            format!("/projects/{}/servers", scene.project("gamma"))
        );
        Ok(())
    });
}

#[test]
fn somebody_without_a_project_is_told_so() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.submit_of("nobody").await?;
        let text = scene.browser.find(By::Tag("main")).await?.text().await?;
        assert!(text.contains("project"), "{text}");
        Ok(())
    });
}

#[test]
fn a_forged_session_leads_to_the_sign_in_page() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let cookies = scene.browser.get_all_cookies().await?;
        let session = cookies.iter().find(|cookie| cookie.name.contains("meridian")).expect("a session");
        let mut forged =
            thirtyfour::Cookie::new(session.name.clone(), session.value.chars().rev().collect::<String>());
        forged.set_path("/");
        scene.browser.delete_all_cookies().await?;
        scene.browser.add_cookie(forged).await?;
        scene.browser.goto(scene.url("/")).await?;
        SignInPage::shown(scene).await?;
        Ok(())
    });
}

/// What somebody with the right password is told while Keystone misbehaves.
async fn told_while(scene: &Scene, fault: Fault) -> Result<String> {
    let control = scene.control();
    let page = SignInPage::open(scene).await?;
    control.set_fault("*", Service::Identity, Some(fault));
    page.submit("alice", TEST_PASSWORD).await?;
    control.set_fault("*", Service::Identity, None);
    page.problem().await
}
