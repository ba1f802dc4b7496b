//! A server's page: there at once, then complete, each part by itself.

use e2e::{
    Setup,
    components::ActionMenu,
    harness::browser::PHONE,
    pages::{ServerPage, ServersPage, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, NewServer, Service};
use thirtyfour::{By, prelude::*};

fn server() -> NewServer {
    NewServer {
        name: "the-one".to_owned(),
        tags: vec!["blue".to_owned()],
        metadata: vec![("team".to_owned(), "shop".to_owned())],
        description: Some("Answers the phone".to_owned()),
        volumes: 1,
        ..NewServer::default()
    }
}

#[test]
fn everything_nova_says_about_a_server_is_on_its_page() {
    scene(Setup::default(), async |scene| {
        let id = scene.control().add_server("RegionTwo", "alpha", server());
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        let page = list.open_server("the-one").await?;
        assert_eq!(page.title().await?, "the-one");
        for text in [id.as_str(), "RegionTwo", "m1.small", "debian-12", "Answers the phone"] {
            page.shows(text).await?;
        }
        for (tab, text) in [
            ("Addresses", "private"),
            ("Volumes", "/dev/"),
            ("Security", "default"),
            ("Metadata", "team"),
            ("Action history", "reate"),
            ("JSON", "OS-EXT-STS:vm_state"),
        ] {
            page.choose_tab(tab).await?;
            page.shows(text).await?;
        }
        // The tab is in the address: a link leads to it.
        let address = scene.browser.current_url().await?;
        assert!(address.query().unwrap_or_default().contains("tab=json"), "{address}");
        scene.browser.refresh().await?;
        ServerPage::shown(scene).await?.shows("OS-EXT-STS:vm_state").await
    });
}

#[test]
fn the_page_is_there_from_the_row_before_the_cloud_answers() {
    scene(Setup::default().with("INDEX_POLL_IDLE_SECS", "600"), async |scene| {
        let control = scene.control();
        control.add_server("RegionTwo", "alpha", server());
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        // From here on the region never answers; what the row knows is there all the same.
        control.set_fault("RegionTwo", Service::Compute, Some(Fault::Hang));
        let page = list.open_server("the-one").await?;
        assert_eq!(page.title().await?, "the-one");
        page.shows("m1.small").await?;
        page.shows("RegionTwo").await?;
        // What it does not know is on its way, which is not the same as not there.
        scene.browser.query(By::Css(".fact-skeleton")).and_displayed().first().await?;
        Ok(())
    });
}

#[test]
fn a_refresh_that_fails_keeps_the_page_and_says_so() {
    let setup = Setup::default().with("UPSTREAM_TIMEOUT_SECS", "1").with("UPSTREAM_BREAKER_FAILURES", "100");
    scene(setup, async |scene| {
        let control = scene.control();
        let id = control.add_server("RegionTwo", "alpha", server());
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let page = ServerPage::open(scene, "alpha", "RegionTwo", &id).await?;
        page.shows("Answers the phone").await?;
        control.set_fault("RegionTwo", Service::Compute, Some(Fault::Status(500)));
        page.press("Refresh").await?;
        let note = scene.browser.query(By::Css("main .banner")).and_displayed().first().await?;
        assert_ne!(note.text().await?, "");
        page.shows("Answers the phone").await?;
        control.set_fault("RegionTwo", Service::Compute, None);
        page.press("Retry").await?;
        until("the note to go", async || {
            Ok(scene.browser.find_all(By::Css("main .banner")).await?.is_empty().then_some(()))
        })
        .await
    });
}

#[test]
fn a_part_that_fails_is_a_gap_and_the_other_parts_are_there() {
    // Nova asks the region's Neutron about ports and security groups.
    let setup = Setup::default().with("UPSTREAM_BREAKER_FAILURES", "100");
    scene(setup, async |scene| {
        let control = scene.control();
        let id = control.add_server("RegionTwo", "alpha", server());
        control.set_fault("RegionTwo", Service::Network, Some(Fault::Status(500)));
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let page = ServerPage::open(scene, "alpha", "RegionTwo", &id).await?;
        page.shows("Answers the phone").await?;
        assert_eq!(page.gaps().await?, [""; 0]);
        for (tab, text) in [("Volumes", "/dev/"), ("Action history", "reate"), ("JSON", "OS-EXT-STS")] {
            page.choose_tab(tab).await?;
            page.shows(text).await?;
            assert_eq!(page.gaps().await?, [""; 0], "{tab}");
        }
        page.choose_tab("Addresses").await?;
        page.shows("private").await?;
        until("the ports to be a gap", async || Ok((page.gaps().await?.len() == 1).then_some(()))).await?;
        page.choose_tab("Security").await?;
        page.shows("Security groups could not be loaded.").await?;
        control.set_fault("RegionTwo", Service::Network, None);
        page.press("Retry").await?;
        page.shows("default").await?;
        assert_eq!(page.gaps().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn a_tab_says_why_it_is_empty_when_the_region_never_answered() {
    let setup = Setup::default().with("UPSTREAM_BREAKER_FAILURES", "100").with("INDEX_POLL_IDLE_SECS", "600");
    scene(setup, async |scene| {
        let control = scene.control();
        control.add_server("RegionTwo", "alpha", server());
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        control.set_fault("RegionTwo", Service::Compute, Some(Fault::Status(500)));
        let page = list.open_server("the-one").await?;
        for (tab, title) in [("JSON", "JSON"), ("Volumes", "Attached volumes")] {
            page.choose_tab(tab).await?;
            page.shows(&format!("{title} could not be loaded.")).await?;
            let gap = page.gaps().await?.remove(0);
            assert!(gap.contains("RegionTwo") && gap.contains("Retry"), "{gap}");
        }
        control.set_fault("RegionTwo", Service::Compute, None);
        page.press("Retry").await?;
        page.shows("/dev/").await
    });
}

#[test]
fn a_server_deleted_while_one_looks_at_it_is_said_to_be_gone() {
    let setup =
        Setup::default().with("INDEX_POLL_IDLE_SECS", "0.3").with("INDEX_POLL_TRANSITION_SECS", "0.2");
    scene(setup, async |scene| {
        let id = scene.control().add_server("RegionTwo", "alpha", server());
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        let page = list.open_server("the-one").await?;
        page.shows("Answers the phone").await?;
        scene.control().delete_server("RegionTwo", &id);
        let gone = scene.browser.query(By::Testid("server-gone")).and_displayed().first().await?;
        gone.find(By::Tag("a")).await?.click().await?;
        let table = ServersPage::shown(scene).await?.complete_table().await?;
        table.lacks("the-one").await?;
        table.has_matching(table.total().await?).await
    });
}

#[test]
fn a_server_that_does_not_exist_says_so_and_leads_to_the_list() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        let project = scene.project("alpha");
        let address = format!("/projects/{project}/servers/RegionOne/00000000-0000-4000-8000-000000000000");
        scene.browser.goto(scene.url(&address)).await?;
        let gone = scene.browser.query(By::Testid("server-gone")).and_displayed().first().await?;
        gone.find(By::Tag("a")).await?.click().await?;
        ServersPage::shown(scene).await?.complete_table().await?;
        Ok(())
    });
}

#[test]
fn the_history_has_both_ids_of_what_was_done_here() {
    scene(Setup::default(), async |scene| {
        let id = scene.control().add_server("RegionTwo", "alpha", server());
        SignInPage::open(scene).await?.sign_in("alice").await?;
        let page = ServerPage::open(scene, "alpha", "RegionTwo", &id).await?;
        ActionMenu::of_page(&scene.browser).await?.ask("reboot").await?.confirm().await?;
        page.choose_tab("Action history").await?;
        let ids = until("both ids of the reboot", async || {
            let script = "
                const row = [...document.querySelectorAll('main tbody tr')].find(
                    row => row.innerText.includes('alice') && row.innerText.includes('eboot'));
                return [...row.querySelectorAll('button.copy-button')].map(
                    button => button.getAttribute('aria-label'));";
            let named: Vec<String> = scene.browser.run(script, Vec::new()).await?;
            let id = |log: &str| named.iter().find_map(|name| Some(name.split_once(log)?.1.to_owned()));
            Ok(id("for support: ").zip(id("in the cloud: ")))
        })
        .await?;
        let (ours, theirs) = ids;
        assert!(theirs.starts_with("req-"), "{theirs}");
        page.shows(&ours).await?;
        page.shows(&theirs).await?;
        // Support finds the call by it, with one grep.
        until("the id in the panel's log", async || {
            let log = scene.panel.log();
            Ok(log.lines().any(|line| line.contains(&ours) && line.contains(&theirs)).then_some(()))
        })
        .await
    });
}

#[test]
fn a_server_of_another_project_is_not_shown() {
    scene(Setup::default(), async |scene| {
        let id = scene.control().add_server("RegionOne", "beta", server());
        SignInPage::open(scene).await?.sign_in("reader").await?;
        let project = scene.project("alpha");
        scene.browser.goto(scene.url(&format!("/projects/{project}/servers/RegionOne/{id}"))).await?;
        scene.browser.query(By::Testid("server-gone")).and_displayed().first().await?;
        Ok(())
    });
}

#[test]
fn the_open_tab_is_in_sight_on_a_phone() {
    scene(Setup::default().window(PHONE), async |scene| {
        let id = scene.control().add_server("RegionTwo", "alpha", server());
        SignInPage::open(scene).await?.sign_in("alice").await?;
        ServerPage::open(scene, "alpha", "RegionTwo", &format!("{id}?tab=history")).await?;
        let is_seen = "
            const row = document.querySelector('main .tabs').getBoundingClientRect();
            const tab = document.querySelector('main .tab[aria-current]').getBoundingClientRect();
            return tab.left >= row.left && tab.right <= row.right;";
        until_equal("whether it is seen", true, async || scene.browser.run(is_seen, Vec::new()).await).await
    });
}
