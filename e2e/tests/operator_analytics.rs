//! How the panel is used, as an operator sees it: what was done in another browser, once somebody agreed.

use anyhow::Result;
use e2e::{
    Scene, Setup, axe,
    components::ActionMenu,
    harness::browser::{Browser, DESKTOP, PHONE},
    pages::{CreateServerPage, ServersPage, SessionsPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{OPERATOR_USER, ProjectSeed, TEST_PASSWORD};
use thirtyfour::{By, prelude::*};

fn counting(consent: &str) -> Setup {
    let mut setup = Setup::lively().with("ANALYTICS_CONSENT", consent);
    let regions = setup.cloud.regions.clone();
    setup.cloud.projects.push(ProjectSeed::split("alpha", 3, &regions));
    setup
}

/// An operator in a browser of their own, on the section.
async fn operator(scene: &Scene) -> Result<Browser> {
    let browser = Browser::start(DESKTOP).await?;
    sign_in(scene, &browser, OPERATOR_USER, "/operator/analytics").await?;
    browser.query(By::Testid("analytics")).first().await?;
    Ok(browser)
}

async fn sign_in(scene: &Scene, browser: &Browser, user: &str, next: &str) -> Result<()> {
    browser.goto(scene.url(&format!("/sign-in?next={next}"))).await?;
    browser.query(By::Name("user")).first().await?.send_keys(user).await?;
    browser.find(By::Name("password")).await?.send_keys(TEST_PASSWORD).await?;
    Ok(browser.find(By::Css("button[type=submit]")).await?.click().await?)
}

/// The part that asks and counts came.
const IS_HERE: &str =
    "return performance.getEntriesByType('resource').some(it => /later.*wasm/.test(it.name))";

/// Loads the page again until it says this.
async fn reads(browser: &Browser, part: &str) -> Result<()> {
    until(&format!("{part:?}"), async || {
        browser.refresh().await?;
        let page = browser.query(By::Css("[data-testid=analytics] .customer-parts")).first().await?;
        Ok(page.text().await?.contains(part).then_some(()))
    })
    .await
}

#[test]
fn a_page_view_and_a_dialog_of_another_browser_are_counted_once_somebody_agreed() {
    scene(counting("ask"), async |scene| {
        let operator = operator(scene).await?;
        reads(&operator, "Nothing was counted in these days").await?;
        let servers = ServersPage::of(scene, "alice", "alpha").await?;
        let table = servers.complete_table().await?;
        let notice = scene.browser.query(By::Testid("analytics-notice")).and_displayed().first().await?;
        assert!(notice.text().await?.contains("400 days"), "{}", notice.text().await?);
        let said = "return document.querySelector('.unseen[aria-live=polite]').textContent";
        let said: String = scene.browser.run(said, Vec::new()).await?;
        assert!(said.contains("May the panel count"), "it is said to those who do not see it: {said}");
        axe::assert_everywhere(&scene.browser, "the question about counting").await?;
        notice.find(By::XPath(".//button[normalize-space()='Allow']")).await?.click().await?;
        let names = table.names().await?;
        let menu = ActionMenu::of_row(&scene.browser, &table, &names[0]).await?;
        menu.ask("delete").await?.press("Cancel").await?;
        scene.follow("/account/sessions").await?;
        let choice = scene.browser.query(By::Css("[data-testid=analytics-choice] input")).first().await?;
        assert!(choice.is_selected().await?);
        // Leaving the page sends what is left.
        scene.browser.goto(scene.url("/sign-in")).await?;
        reads(&operator, "My sessions").await?;
        let pages = operator.query(By::Testid("page-table")).first().await?.text().await?;
        assert!(pages.contains("Servers"), "{pages}");
        let dialogs = operator.query(By::Testid("popover-table")).first().await?.text().await?;
        assert!(dialogs.contains("Delete"), "{dialogs}");
        let browsers = operator.query(By::Testid("browser-table")).first().await?.text().await?;
        assert!(browsers.contains("Chrome "), "{browsers}");
        operator.query(By::Testid("no-address-database")).and_displayed().first().await?;

        let chart = operator.query(By::Css("svg.bar-chart-drawing")).first().await?;
        chart.focus().await?;
        let told = operator.query(By::Css(".bar-chart-told")).first().await?;
        until("the day's value to be told", async || Ok(told.text().await?.contains(": ").then_some(())))
            .await?;
        axe::assert_everywhere(&operator, "analytics").await?;
        operator.resize(PHONE).await?;
        let overflow =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth <= 0";
        until_equal("whether it fits", true, async || operator.run(overflow, Vec::new()).await).await?;
        operator.quit().await
    });
}

#[test]
fn who_does_not_agree_is_not_counted_nor_asked_again() {
    scene(counting("ask"), async |scene| {
        ServersPage::of(scene, "alice", "alpha").await?.complete_table().await?;
        let notice = scene.browser.query(By::Testid("analytics-notice")).and_displayed().first().await?;
        notice.find(By::XPath(".//button[normalize-space()='No, thanks']")).await?.click().await?;
        let page = SessionsPage::open(scene).await?;
        page.has_sessions(1).await?;
        let choice = scene.browser.query(By::Css("[data-testid=analytics-choice] input")).first().await?;
        assert!(!choice.is_selected().await?);
        // Leaving the page sends what there is, as it does below for somebody who agreed.
        scene.browser.goto("about:blank").await?;
        let agrees = Browser::start(DESKTOP).await?;
        sign_in(scene, &agrees, "bob", "/").await?;
        agrees.query(By::Testid("server-table")).first().await?;
        let notice = agrees.query(By::Testid("analytics-notice")).and_displayed().first().await?;
        notice.find(By::XPath(".//button[normalize-space()='Allow']")).await?.click().await?;
        agrees.goto("about:blank").await?;
        // What was sent before him is written with his page or before it.
        let operator = operator(scene).await?;
        reads(&operator, "1 page view").await?;
        let pages = operator.query(By::Testid("page-table")).first().await?.text().await?;
        assert!(pages.contains("Servers") && !pages.contains("My sessions"), "{pages}");
        // Nobody is asked twice.
        let page = SessionsPage::open(scene).await?;
        page.has_sessions(1).await?;
        until_equal("the part to be here", true, async || scene.browser.run(IS_HERE, Vec::new()).await)
            .await?;
        assert!(scene.browser.find_all(By::Testid("analytics-notice")).await?.is_empty());
        agrees.quit().await?;
        operator.quit().await
    });
}

#[test]
fn where_nothing_is_counted_nobody_is_asked_and_the_section_says_so() {
    scene(counting("off"), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let mark = "return document.documentElement.hasAttribute('data-analytics')";
        assert!(!scene.browser.run::<bool>(mark, Vec::new()).await?);
        let operator = operator(scene).await?;
        operator.query(By::Testid("analytics-off")).and_displayed().first().await?;
        axe::assert_everywhere(&operator, "analytics that are off").await?;
        operator.quit().await
    });
}

#[test]
fn the_question_covers_nothing_and_is_not_asked_in_the_console() {
    scene(counting("ask").window(PHONE), async |scene| {
        let console = Browser::start(PHONE).await?;
        sign_in(scene, &console, OPERATOR_USER, "/operator/analytics").await?;
        console.query(By::Testid("analytics")).first().await?;
        let is_seen = "
            const place = document.querySelector('.operator-sections [aria-current]').getBoundingClientRect();
            return place.left >= 0 && place.right <= document.documentElement.clientWidth;";
        until_equal("the section to be in sight", true, async || console.run(is_seen, Vec::new()).await)
            .await?;
        CreateServerPage::of(scene, "alice", "alpha", "").await?;
        scene.browser.query(By::Testid("analytics-notice")).and_displayed().first().await?;
        let is_clear = "
            const place = id => document.querySelector(`[data-testid=${id}]`).getBoundingClientRect();
            return place('create-servers').bottom <= place('analytics-notice').top;";
        until_equal("the button to be clear of it", true, async || {
            scene.browser.run(is_clear, Vec::new()).await
        })
        .await?;
        // Both pages are as old by now.
        until_equal("the part to be here", true, async || console.run(IS_HERE, Vec::new()).await).await?;
        assert!(console.find_all(By::Testid("analytics-notice")).await?.is_empty());
        console.quit().await
    });
}
