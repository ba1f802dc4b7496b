//! Customers found by an operator, helped, and looked at without changing anything.

use anyhow::Result;
use e2e::{
    Scene, Setup, axe,
    components::{ActionMenu, Dialog},
    harness::browser::{Browser, DESKTOP, PHONE},
    pages::{OperatorCustomersPage, ServersPage, SignInPage, SupportBanner},
    scene, until, until_equal,
};
use simcloud::{Fault, ProjectSeed, Service, TEST_PASSWORD};
use thirtyfour::{By, prelude::*};

/// A cloud in which the project `alpha`, of alice, has servers.
fn with_servers() -> Setup {
    let mut setup = Setup::lively();
    let regions = setup.cloud.regions.clone();
    setup.cloud.projects.push(ProjectSeed::split("alpha", 6, &regions));
    setup
}

/// Alice in a browser of her own, on her list.
async fn alice(scene: &Scene) -> Result<Browser> {
    let browser = Browser::start(DESKTOP).await?;
    browser.goto(scene.url("/sign-in")).await?;
    browser.query(By::Name("user")).first().await?.send_keys("alice").await?;
    browser.find(By::Name("password")).await?.send_keys(TEST_PASSWORD).await?;
    browser.find(By::Css("button[type=submit]")).await?.click().await?;
    browser.query(By::Testid("server-table")).first().await?;
    Ok(browser)
}

const REASON: &str = "Ticket 4711: her list stays empty";

#[test]
fn a_customers_panel_is_looked_at_with_a_banner_and_nothing_can_be_changed_until_it_ends() {
    scene(with_servers(), async |scene| {
        let alice = alice(scene).await?;
        SignInPage::open(scene).await?.sign_in("operator").await?.complete_table().await?;
        let page = OperatorCustomersPage::open(scene).await?;
        assert!(page.find("ali").await?.contains("alice"));
        page.open_customer("alice").await?;
        let sessions = page.table("customer-sessions").await?;
        assert!(sessions.contains("on Linux") && sessions.contains("127.0.0.1"), "{sessions}");
        assert!(page.table("project-table").await?.contains("You have no role in this project"), "in beta");

        let dialog = page.ask_for_view("beta").await?;
        dialog.press("Begin support view").await?;
        until("a reason to be asked for", async || {
            Ok(dialog.text().await?.contains("Please say why").then_some(()))
        })
        .await?;
        page.give_reason(REASON).await?;
        dialog.press("Begin support view").await?;
        until("it to be said what is missing", async || {
            let text = dialog.text().await?;
            Ok((text.contains("You have no role") && text.contains("openstack role add")).then_some(()))
        })
        .await?;
        dialog.press("Cancel").await?;

        // Nobody's clock has to be right for the banner to count the time.
        scene
            .browser
            .on_every_document("{ const now = Date.now; Date.now = () => now() + 2_400_000; }")
            .await?;
        let dialog = page.ask_for_view("alpha").await?;
        page.give_reason(REASON).await?;
        dialog.press("Begin support view").await?;
        let servers = ServersPage::shown(scene).await?;
        let table = servers.complete_table().await?;
        let banner = SupportBanner::shown(scene).await?;
        let said = banner.text().await?;
        for part in ["Support view of alpha", "for alice", "change nothing", REASON, "End support view"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        axe::assert_everywhere(&scene.browser, "a support view").await?;

        let names = table.names().await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, &names[0]).await?;
        let why = menu.reason("stop").await?.unwrap_or_default();
        assert!(why.contains("support view"), "{why}");
        menu.leave().await?;
        // Whoever gets around the page is refused by the panel.
        let script = "
            const [path, done] = arguments;
            const token = document.querySelector('meta[name=csrf-token]').content;
            const headers = { 'x-csrf-token': token, 'content-type': 'application/json' };
            fetch(path, { method: 'POST', headers, body: '{}' })
                .then(async answer => done([answer.status, (await answer.json()).code]));";
        let path = format!("/api/projects/{}/jobs", scene.project("alpha"));
        let refused: (u16, String) = scene.browser.run_async(script, vec![path.clone().into()]).await?;
        assert_eq!(refused, (403, "support_view_read_only".to_owned()));

        // Whatever else would change something says the same, and does nothing.
        for (page, button) in [
            ("servers", "//main//a[normalize-space()='Create']"),
            ("servers/new", "//main//button[@data-testid='create-servers']"),
            ("key-pairs", "//main//button[normalize-space()='Create']"),
            ("server-groups", "//main//button[normalize-space()='Create']"),
            ("images", "//main//button[normalize-space()='Upload']"),
        ] {
            scene.follow(&format!("/projects/{}/{page}", scene.project("alpha"))).await?;
            let button = scene.browser.query(By::XPath(button)).and_displayed().first().await?;
            let said = (button.attr("aria-disabled").await?, button.attr("aria-description").await?);
            assert_eq!(said.0.as_deref(), Some("true"), "{page}");
            assert!(said.1.is_some_and(|why| why.contains("support view")), "{page}");
            button.click().await?;
            assert!(scene.browser.find_all(By::Css("dialog[open]")).await?.is_empty(), "{page}");
            assert!(scene.browser.current_url().await?.path().ends_with(page), "{page}");
            if page == "key-pairs" {
                let about = scene.browser.find(By::Css("main .page-about")).await?.text().await?;
                assert!(about.contains("these are your own"), "{about}");
            }
        }
        scene.browser.query(By::XPath("//h1[normalize-space()='Images']")).first().await?;
        assert!(SupportBanner::shown(scene).await?.text().await?.contains("alpha"), "over every page");
        scene.browser.resize(PHONE).await?;
        let button = banner.element().await?.find(By::Css("button")).await?;
        assert!(button.is_displayed().await?, "the way out is there on a phone too");
        fits(scene).await?;
        scene.browser.resize(DESKTOP).await?;

        banner.end().await?;
        let text = until("it to be told who looked at it, and why", async || {
            let text = page.text().await?;
            Ok(text.contains(REASON).then_some(text))
        })
        .await?;
        assert!(
            text.contains("alice") && !text.contains("Not told"),
            "nobody asked Keystone about them: {text}"
        );
        let answered: (u16, String) = scene.browser.run_async(script, vec![path.into()]).await?;
        assert_ne!(answered.1, "support_view_read_only");
        alice.quit().await
    });
}

#[test]
fn a_session_is_ended_and_a_lockout_lifted_for_a_customer() {
    scene(Setup::lively().with("SIGN_IN_LOCKOUT_USER_FAILURES", "2"), async |scene| {
        let alice = alice(scene).await?;
        for _ in 0..3 {
            SignInPage::open(scene).await?.submit("bob", "wrong").await?;
            SignInPage::shown(scene).await?;
        }
        SignInPage::open(scene).await?.sign_in("operator").await?.complete_table().await?;
        let page = OperatorCustomersPage::open(scene).await?;
        page.find("bob").await?;
        assert!(page.text().await?.contains("Locked out for another"));
        // Another search shows nothing of whom the one before was about, whether it is answered or not.
        scene.control().set_fault("*", Service::Identity, Some(Fault::Hang));
        page.ask("alice").await?;
        until_equal("bob's lockout", false, async || Ok(page.text().await?.contains("Locked out"))).await?;
        scene.browser.query(By::Css("main [aria-label=Loading]")).first().await?;
        scene.control().clear_faults();
        page.find("bob").await?;
        page.press("Lift the lockout").await?;
        until("the lockout to be gone", async || {
            Ok((!page.text().await?.contains("Locked out")).then_some(()))
        })
        .await?;
        let focused =
            async || scene.browser.run::<String>("return document.activeElement.innerText", Vec::new()).await;
        // The button is gone, and the keyboard is where it was.
        until_equal("the focus", true, async || Ok(focused().await?.starts_with("1 person"))).await?;

        page.find("alice").await?;
        page.open_customer("alice").await?;
        let end = By::Css("[data-testid=customer-sessions] button[aria-label^='End session of']");
        scene.browser.query(end).and_displayed().first().await?.click().await?;
        let dialog = Dialog::with_text(&scene.browser, "alice is signed out").await?;
        axe::assert_everywhere(&scene.browser, "ending a session").await?;
        dialog.press("End session").await?;
        until("the session to be gone", async || {
            Ok(page.text().await?.contains("Nobody is signed in under this name").then_some(()))
        })
        .await?;
        until_equal("the focus", "Sessions".to_owned(), focused).await?;
        alice.refresh().await?;
        alice.query(By::Name("password")).and_displayed().first().await?;
        alice.quit().await
    });
}

#[test]
fn the_pages_can_be_read_by_everybody_and_fit_a_hand() {
    scene(Setup::lively(), async |scene| {
        let alice = alice(scene).await?;
        SignInPage::open(scene).await?.sign_in("operator").await?.complete_table().await?;
        let page = OperatorCustomersPage::open(scene).await?;
        axe::assert_everywhere(&scene.browser, "customers, nothing asked").await?;
        page.find("al").await?;
        axe::assert_everywhere(&scene.browser, "customers found").await?;
        page.open_customer("alice").await?;
        axe::assert_everywhere(&scene.browser, "a customer").await?;
        page.open_customer("alpha").await?;
        axe::assert_everywhere(&scene.browser, "a customer's project").await?;
        scene.browser.resize(PHONE).await?;
        fits(scene).await?;
        alice.quit().await
    });
}

/// Nothing stands out at the side.
async fn fits(scene: &Scene) -> Result<()> {
    let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth <= 0";
    until_equal("whether it fits", true, async || scene.browser.run(overflow, Vec::new()).await).await
}
