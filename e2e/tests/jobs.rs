//! Jobs: they go on without the page, and the tray shows them on every page.

use anyhow::Result;
use e2e::{
    Scene, Setup,
    components::{ActionMenu, JobTray, Table},
    harness::browser::PHONE,
    pages::{ServersPage, SessionsPage},
    scene, until,
};
use thirtyfour::By;

/// Servers enough that a job takes a while at this rate.
fn slow(servers: usize) -> Setup {
    Setup::web_shop(servers).with("JOBS_PER_SECOND", "2")
}

/// Asks for a lock on every server of the list, which nobody notices.
async fn lock_all<'s>(scene: &'s Scene, servers: usize) -> Result<(ServersPage<'s>, Table<'s>)> {
    let page = signed_in(scene).await?;
    let table = page.complete_table().await?;
    table.has_matching(servers).await?;
    scene.browser.find(By::Testid("server-table")).await?.click().await?;
    scene
        .browser
        .action_chain()
        .key_down(thirtyfour::Key::Control)
        .send_keys("a")
        .key_up(thirtyfour::Key::Control)
        .perform()
        .await?;
    ActionMenu::of_ticked(&scene.browser).await?.choose("lock").await?;
    until("the job to run", async || {
        Ok(JobTray::button_name(&scene.browser).await?.contains("1 running").then_some(()))
    })
    .await?;
    Ok((page, table))
}

async fn signed_in(scene: &Scene) -> Result<ServersPage<'_>> {
    ServersPage::of(scene, "demo", "web-shop").await
}

#[test]
fn a_job_is_paused_goes_on_and_is_canceled() {
    scene(slow(60), async |scene| {
        lock_all(scene, 60).await?;
        let tray = JobTray::open(&scene.browser).await?;
        let title = "Lock 60 servers";
        tray.becomes(title, "running").await?;
        tray.press(title, "Pause").await?;
        tray.becomes(title, "paused").await?;
        tray.press(title, "Resume").await?;
        tray.becomes(title, "running").await?;
        tray.press(title, "Cancel").await?;
        tray.becomes(title, "canceled").await?;
        tray.says(title, "not begun").await
    });
}

#[test]
fn a_job_goes_on_when_the_page_is_closed_and_is_there_again_after_a_reload() {
    scene(slow(20), async |scene| {
        lock_all(scene, 20).await?;
        // Nobody looks for a while.
        scene.browser.goto("about:blank").await?;
        let page = ServersPage::open(scene, "web-shop", "").await?;
        page.complete_table().await?;
        let tray = JobTray::open(&scene.browser).await?;
        tray.becomes("Lock 20 servers", "done").await?;
        tray.says("Lock 20 servers", "20 done").await?;
        let result = tray.result("Lock 20 servers").await?;
        result.lines(20).await?;
        assert!(result.file().await?.ends_with("/result.csv"));
        Ok(())
    });
}

#[test]
fn the_tray_is_on_every_page_and_takes_nobody_away() {
    scene(slow(12), async |scene| {
        lock_all(scene, 12).await?;
        SessionsPage::open(scene).await?;
        let before = scene.browser.current_url().await?;
        let tray = JobTray::open(&scene.browser).await?;
        tray.becomes("Lock 12 servers", "done").await?;
        assert_eq!(scene.browser.current_url().await?, before);
        Ok(())
    });
}

#[test]
fn the_tray_and_the_menu_fit_a_phone() {
    scene(slow(4).window(PHONE), async |scene| {
        let page = signed_in(scene).await?;
        let table = page.complete_table().await?;
        let name = table.names().await?.remove(0);
        ActionMenu::of_row(&scene.browser, &table, &name).await?.choose("lock").await?;
        let title = format!("Lock {name}");
        let tray = JobTray::open(&scene.browser).await?;
        tray.becomes(&title, "done").await?;
        let wider: bool = scene
            .browser
            .run("return document.documentElement.scrollWidth > window.innerWidth;", Vec::new())
            .await?;
        assert!(!wider, "nothing sticks out at the side");
        Ok(())
    });
}
