//! Jobs: they go on without the page, and the tray shows them on every page.

use anyhow::Result;
use e2e::{
    Scene, Setup, axe,
    components::{ActionMenu, Dialog, JobTray, Menu, Table},
    harness::browser::PHONE,
    pages::{ServersPage, SessionsPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::{By, prelude::*};

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
fn a_job_goes_on_when_its_owner_signs_out_and_its_end_waits_for_them() {
    scene(slow(16), async |scene| {
        lock_all(scene, 16).await?;
        let locked = || {
            let servers = servers_of(scene);
            let is_locked = |(region, id): &(String, String)| {
                let mut is_locked = false;
                scene.control().label_server(region, id, |server| is_locked = server.is_locked);
                is_locked
            };
            servers.iter().filter(|server| is_locked(server)).count()
        };
        Menu::open(&scene.browser, "Account").await?.press("Sign out").await?;
        SignInPage::shown(scene).await?;
        assert!(locked() < 16, "it was under way when its owner left");
        until_equal("the locked servers", 16, async || Ok(locked())).await?;
        signed_in(scene).await?.complete_table().await?;
        let tray = JobTray::open(&scene.browser).await?;
        tray.becomes("Lock 16 servers", "done").await?;
        tray.says("Lock 16 servers", "16 done").await
    });
}

#[test]
fn the_calls_of_a_job_are_shown_with_what_became_of_them_and_both_ids() {
    scene(Setup::lively(), async |scene| {
        let new = NewServer { name: "the-one".to_owned(), ..NewServer::default() };
        let id = scene.control().add_server("RegionOne", "alpha", new);
        let table = SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.control().set_fault("RegionOne", Service::Compute, Some(Fault::Status(409)));
        let dialog = ActionMenu::of_row(&scene.browser, &table, "the-one").await?.ask("stop").await?;
        dialog.submit().await?;
        dialog.fails().await?;
        // From where it failed.
        dialog.press("Show the calls").await?;
        let calls = scene.browser.query(By::Testid("calls")).and_displayed().first().await?;
        let text = calls.text().await?;
        assert!(text.contains(&format!("compute/servers/{id}/action")), "{text}");
        let open =
            scene.browser.query(By::XPath("//dialog[@open][.//*[@data-testid='calls']]//header/button"));
        open.and_displayed().first().await?.click().await?;
        dialog.press("Cancel").await?;
        dialog.closes().await?;
        // And from its line in the tray.
        let text = JobTray::open(&scene.browser).await?.calls("Stop the-one").await?;
        for part in ["POST", "curl", "os-stop", "failed", "failed with 409", "Request req-", "request req-"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        Ok(())
    });
}

#[test]
fn the_calls_of_a_servers_page_are_those_it_was_made_of() {
    scene(Setup::lively(), async |scene| {
        let page = SignInPage::open(scene).await?.sign_in("alice").await?;
        let table = page.complete_table().await?;
        // The key works on the list as well, where others have their own meaning.
        scene.browser.action_chain().send_keys("a").perform().await?;
        let dialog = Dialog::with_text(&scene.browser, "Calls to the cloud").await?;
        assert!(dialog.text().await?.contains("compute/servers/detail?limit=1000"));
        dialog.press("Close").await?;
        let name = table.names().await?.remove(0);
        page.open_server(&name).await?.shows("Flavor").await?;
        scene.browser.action_chain().send_keys("a").perform().await?;
        let calls = scene.browser.query(By::Testid("calls")).and_displayed().first().await?;
        let text = calls.text().await?;
        for part in
            ["os-interface", "os-instance-actions", "os-security-groups", "os-volume_attachments", "200 ·"]
        {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        calls.find(By::XPath(".//button[contains(., 'os-interface')]")).await?.click().await?;
        let text = calls.text().await?;
        assert!(text.contains("Request req-") && text.contains("request req-"), "both ids: {text}");
        axe::assert_everywhere(&scene.browser, "the calls of a page").await
    });
}

/// The servers of the project, with their regions.
fn servers_of(scene: &Scene) -> Vec<(String, String)> {
    let of_region = |region: &str| {
        let servers = scene.control().servers(region, "web-shop");
        servers.into_iter().map(|server| (region.to_owned(), server.id)).collect::<Vec<_>>()
    };
    ["RegionOne", "RegionTwo", "RegionThree"].into_iter().flat_map(of_region).collect()
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
