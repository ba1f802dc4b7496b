//! The operator's console and its log: who sees it, what is found, and the way from a customer's word to the call that
//! failed.

use anyhow::Result;
use e2e::{
    Setup, axe,
    components::{Dialog, Menu},
    harness::browser::{Browser, DESKTOP},
    pages::{OperatorLogsPage, ServersPage, ShownLine, SignInPage},
    scene, until, until_equal,
};
use simcloud::{Fault, Service};
use sqlx::Connection;
use thirtyfour::{By, prelude::*};

#[test]
fn nobody_but_an_operator_sees_that_there_is_a_console() {
    scene(Setup::default(), async |scene| {
        let servers = SignInPage::open(scene).await?.sign_in("alice").await?;
        servers.complete_table().await?;
        let menu = Menu::open(&scene.browser, "Account").await?;
        assert!(!menu.text().await?.contains("console"));
        for path in ["/operator", "/operator/logs"] {
            scene.browser.goto(scene.url(path)).await?;
            scene.browser.query(By::XPath("//h1[normalize-space()='Not found']")).first().await?;
        }
        // A link within the panel, which asks no server, leads nowhere either.
        ServersPage::open(scene, "alpha", "").await?.complete_table().await?;
        scene.follow("/operator/logs").await?;
        scene.browser.query(By::Testid("not-found")).and_displayed().first().await?;
        Ok(())
    });
}

#[test]
fn a_search_is_its_address_and_a_line_leads_to_all_that_belongs_to_it() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        open_images(scene).await?;
        let other = Browser::start(DESKTOP).await?;
        let page = OperatorLogsPage::sign_in(scene, &other).await?;
        page.search(&[("User name", "alice"), ("Message", "response")]).await?;
        page.choose("Facility", "Calls passed on").await?;
        page.choose("Level", "Info or higher").await?;
        until_equal("the address", true, async || Ok(page.address().await?.contains("level=info"))).await?;
        let line = page.find("a call to the cloud", |line| line.text.contains("response")).await?;
        assert_eq!((line.user.as_str(), line.level.as_str()), ("alice", "Info"));
        for part in ["user=alice", "message=response", "facility=proxy"] {
            assert!(page.address().await?.contains(part), "{part}");
        }
        // Whoever gets the link sees the same, and the form says why.
        let address = page.address().await?;
        let page = OperatorLogsPage::open(scene, &other, &address).await?;
        page.at_rest().await?;
        assert_eq!(page.value("User name").await?, "alice");
        assert_eq!(page.value("Message").await?, "response");
        assert!(page.lines().await?.iter().all(|line| line.user == "alice"));
        let all = page.open_line(|line| line.request.is_some()).await?;
        for name in ["request_id", "upstream_request_id", "duration_ms", "node"] {
            assert!(all.contains(name), "{name} in {all}");
        }
        page.press("Everything of this request").await?;
        let entries = page.timeline(1).await?;
        assert!(entries.iter().any(|entry| entry.lane == "Cloud"), "{entries:?}");
        other.back().await?;
        page.at_rest().await?;
        assert_eq!(page.address().await?, address);
        other.quit().await
    });
}

#[test]
fn what_is_not_there_and_what_cannot_be_asked_is_said() {
    scene(Setup::default(), async |scene| {
        OperatorLogsPage::sign_in(scene, &scene.browser).await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=nobody-at-all").await?;
        assert!(page.empty_state("no-lines").await?.contains("Look further back"));
        page.press("Look at the last 24 hours").await?;
        until_equal("the address", true, async || Ok(page.address().await?.contains("last=86400"))).await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "message=(&pattern=true").await?;
        assert!(page.empty_state("not-searched").await?.contains("a field of the filter"));
        assert!(page.told_at("Message").await?.is_some_and(|told| told.contains("regular expression")));
        assert_eq!(page.told_at("Other fields").await?, None);
        axe::assert_everywhere(&scene.browser, "the log, a filter that cannot be understood").await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "fields=no+pair").await?;
        page.empty_state("not-searched").await?;
        assert!(page.told_at("Other fields").await?.is_some_and(|told| told.contains("name:value")));
        page.press("Clear").await?;
        page.at_rest().await?;
        assert_eq!(page.address().await?, "");
        assert_eq!(page.told_at("Other fields").await?, None);
        Ok(())
    });
}

#[test]
fn lines_are_followed_paused_and_marked_with_the_keyboard() {
    scene(Setup::default(), async |scene| {
        OperatorLogsPage::sign_in(scene, &scene.browser).await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=alice&live=1").await?;
        let other = Browser::start(DESKTOP).await?;
        sign_in(scene, &other, "alice").await?;
        until("lines to come by themselves", async || Ok((page.lines().await?.len() > 3).then_some(())))
            .await?;
        page.press_key("l").await?;
        let during = page.lines().await?.len();
        other.refresh().await?;
        other.query(By::Testid("server-table")).first().await?;
        until("lines to wait", async || {
            let waits = "//main//button[starts-with(normalize-space(), 'Go on (')]";
            Ok((!scene.browser.find_all(By::XPath(waits)).await?.is_empty()).then_some(()))
        })
        .await?;
        assert_eq!(page.lines().await?.len(), during);
        page.press_key("l").await?;
        until("what waited to be shown", async || Ok((page.lines().await?.len() > during).then_some(())))
            .await?;
        page.press_key("l").await?;
        // The keyboard moves over the rows, opens and marks them.
        page.press_key("jjx").await?;
        page.press_key("jx").await?;
        until_equal("two marked lines", true, async || page.offers("Copy marked lines (2)").await).await?;
        page.press_key("k").await?;
        page.press_enter().await?;
        let open =
            scene.browser.query(By::Css(".log-entry.is-marked .log-detail")).and_displayed().first().await?;
        assert!(open.text().await?.contains("alice"));
        let names = "
            const text = id => document.getElementById(id);
            return [...document.querySelectorAll('.log-toggle')].map(toggle => [
                ...toggle.getAttribute('aria-labelledby').split(' ').slice(1).map(id => text(id).textContent),
                text(toggle.getAttribute('aria-describedby')).textContent,
            ].join(' '));";
        let names: Vec<String> = scene.browser.run(names, Vec::new()).await?;
        let is_named = |name: &String| matches!(name.split_once(' '), Some((time, text)) if time.contains(':') && !text.is_empty());
        assert!(names.len() > during && names.iter().all(is_named), "{names:?}");
        other.quit().await
    });
}

#[test]
fn lines_that_come_stand_where_they_belong_and_never_under_another_question() {
    scene(Setup::default(), async |scene| {
        OperatorLogsPage::sign_in(scene, &scene.browser).await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=carol").await?;
        page.empty_state("no-lines").await?;
        page.press("Live").await?;
        let texts = async || Ok(page.lines().await?.into_iter().map(|line| line.text).collect::<Vec<_>>());
        // Nodes write in batches: what happened earlier may come later.
        write_line(scene, "carol", "second", 1).await?;
        until_equal("a line where nothing was", vec!["second".to_owned()], texts).await?;
        write_line(scene, "carol", "first", 6).await?;
        let both = vec!["second".to_owned(), "first".to_owned()];
        until_equal("the newest above", both, texts).await?;
        page.search(&[("User name", "dave")]).await?;
        until_equal("the address", true, async || Ok(page.address().await?.contains("user=dave"))).await?;
        assert!(texts().await?.is_empty(), "carol's lines are no answer about dave");
        write_line(scene, "dave", "of dave", 1).await?;
        until_equal("the other's line", vec!["of dave".to_owned()], texts).await
    });
}

#[test]
fn a_customer_is_debugged_for_a_while() {
    scene(Setup::default(), async |scene| {
        scene.browser.on_every_document(LATE).await?;
        OperatorLogsPage::sign_in(scene, &scene.browser).await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=alice").await?;
        page.press("Levels").await?;
        let dialog = Dialog::with_text(&scene.browser, "What is logged").await?;
        until_equal("the levels", true, async || Ok(dialog.text().await?.contains("Configured: info")))
            .await?;
        let reason =
            scene.browser.query(By::XPath("//dialog//label[normalize-space()='Why']")).first().await?;
        let reason = reason.attr("for").await?.unwrap_or_default();
        scene.browser.find(By::Id(reason)).await?.send_keys("ticket 17").await?;
        dialog.press("Set on all nodes").await?;
        until_equal("what is set", true, async || Ok(dialog.text().await?.contains("ticket 17 (operator)")))
            .await?;
        // A name that nobody has looks just so.
        let text = dialog.text().await?;
        assert!(text.contains("Nobody of the name alice is signed in now"), "{text}");
        assert!(text.contains("alice not signed in now"), "{text}");
        axe::assert_everywhere(&scene.browser, "levels of the log").await?;
        // Nobody's clock has to be right for what is left to be counted.
        let text = dialog.text().await?;
        assert!(text.split_whitespace().all(|word| word != "0:00"), "{text}");
        // From now on the log tells of alice what it did not before, and of nobody else.
        let other = Browser::start(DESKTOP).await?;
        sign_in(scene, &other, "alice").await?;
        let reader = Browser::start(DESKTOP).await?;
        OperatorLogsPage::sign_in(scene, &reader).await?;
        let debug = OperatorLogsPage::open(scene, &reader, "level=debug&message=found+the+caller").await?;
        until("a line of the level", async || {
            other.refresh().await?;
            reader.refresh().await?;
            debug.at_rest().await?;
            Ok(debug.lines().await?.into_iter().find(|line| line.level == "Debug"))
        })
        .await?;
        other.delete_all_cookies().await?;
        sign_in(scene, &other, "bob").await?;
        // Lines are stored in their order: once a request of bob's is there, what came before it is.
        let of_bob = OperatorLogsPage::open(scene, &reader, "user=bob&facility=request").await?;
        of_bob.find("a request of bob's", |line| line.user == "bob").await?;
        let debug = OperatorLogsPage::open(scene, &reader, "level=debug&message=found+the+caller").await?;
        debug.at_rest().await?;
        let lines = debug.lines().await?;
        assert!(!lines.is_empty() && lines.iter().all(|line| line.user == "alice"), "{lines:?}");
        reader.quit().await?;
        dialog.press("End what is set for alice").await?;
        until_equal("nothing set", true, async || Ok(dialog.text().await?.contains("Nothing else is set")))
            .await?;
        other.quit().await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=operator&facility=operator").await?;
        page.find("the note of it", |line| {
            line.text.starts_with("an operator changed what is logged: user=alice")
        })
        .await?;
        page.find("the note of its end", |line| {
            line.text.starts_with("an operator took back what is logged: user=alice")
        })
        .await?;
        Ok(())
    });
}

#[test]
fn the_console_has_no_violations() {
    scene(Setup::default(), async |scene| {
        OperatorLogsPage::sign_in(scene, &scene.browser).await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "last=0").await?;
        page.find("a line with a request", |line| line.request.is_some()).await?;
        page.open_line(|line| line.request.is_some()).await?;
        axe::assert_everywhere(&scene.browser, "the log").await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=operator&view=timeline").await?;
        page.timeline(3).await?;
        axe::assert_everywhere(&scene.browser, "the log as a timeline").await?;
        let page = OperatorLogsPage::open(scene, &scene.browser, "user=nobody-at-all").await?;
        page.empty_state("no-lines").await?;
        axe::assert_everywhere(&scene.browser, "the log, nothing found").await
    });
}

#[test]
fn a_list_that_is_refused_is_found_by_its_request() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.browser.goto(scene.url("/projects/0123456789abcdef/servers")).await?;
        let other = Browser::start(DESKTOP).await?;
        OperatorLogsPage::sign_in(scene, &other).await?;
        let page = OperatorLogsPage::open(scene, &other, "user=alice&facility=client&level=warn").await?;
        let is_refusal = |line: &ShownLine| line.text.ends_with("/0123456789abcdef/servers failed");
        let refused = page.find("the refused list", is_refusal).await?;
        assert!(refused.request.is_some(), "{refused:?}");
        assert!(page.open_line(is_refusal).await?.contains("404"));
        let lines = page.lines().await?;
        assert!(!lines.iter().any(|line| line.text.contains("lost its connection")), "{lines:?}");
        other.quit().await
    });
}

/// "It does not work!": what a customer saw, found by name and followed to the service that failed.
#[test]
fn what_broke_in_a_customers_browser_is_found_by_name_and_followed_to_the_cloud() {
    scene(Setup::default(), async |scene| {
        // The customer: Glance fails in one region, and a script breaks.
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.control().set_fault("RegionTwo", Service::Image, Some(Fault::Status(500)));
        open_images(scene).await?;
        // As an extension might, or a browser of another make: the panel's own script runs into it.
        let breaks = "Document.prototype.createTextNode = undefined; return 1;";
        scene.browser.run::<u32>(breaks, Vec::new()).await?;
        scene.browser.find(By::Css("button[aria-label=Account]")).await?.click().await?;

        // The operator, on another machine.
        let other = Browser::start(DESKTOP).await?;
        let page = OperatorLogsPage::sign_in(scene, &other).await?;
        page.search(&[("User name", "alice")]).await?;
        page.choose("Facility", "Browsers").await?;
        let is_broken = |line: &ShownLine| line.level == "Error" && line.text.contains("createTextNode");
        let broken = page.find("the script's error", is_broken).await?;
        assert_eq!((broken.level.as_str(), broken.user.as_str()), ("Error", "alice"));
        let all = page.open_line(is_broken).await?;
        assert!(all.contains("release") && all.contains("stack"), "{all}");
        let failed = page
            .find("the failed call", |line| {
                line.request.is_some() && line.level != "Info" && line.level != "Debug"
            })
            .await?;
        let request = failed.request.clone().unwrap_or_default();
        page.open_line(|line| line.request.as_deref() == Some(&request)).await?;
        page.press("Everything of this request").await?;
        // The browser's word, and the call to Glance with the id under which Glance's own log has it.
        let entries = page.timeline(2).await?;
        let lanes: Vec<&str> = entries.iter().map(|entry| entry.lane.as_str()).collect();
        assert!(lanes.contains(&"Browser") && lanes.contains(&"Cloud"), "{entries:?}");
        let cloud = entries.iter().find(|entry| entry.lane == "Cloud").map(|entry| entry.text.clone());
        let cloud = cloud.unwrap_or_default();
        assert!(cloud.contains("/v2/images") && cloud.contains("500"), "{cloud}");
        other.find(By::Css(".timeline-entry.lane-cloud summary")).await?.click().await?;
        let card =
            other.query(By::Css(".timeline-entry.lane-cloud details[open]")).and_displayed().first().await?;
        let card = card.text().await?;
        assert!(card.contains("upstream_request_id") && card.contains("RegionTwo"), "{card}");
        other.quit().await
    });
}

/// A browser whose clock is forty minutes ahead.
const LATE: &str = "{ const now = Date.now; Date.now = () => now() + 2_400_000; }";

/// A line of the log, as another node would have written it so many seconds ago.
async fn write_line(scene: &e2e::Scene, user: &str, text: &str, seconds_ago: i32) -> Result<()> {
    let mut database = sqlx::PgConnection::connect(scene.panel.database_url()).await?;
    let insert = "
        INSERT INTO log_lines (at, level, facility, description, user_name, node, release, fields)
        VALUES (now() - make_interval(secs => $1), 3, 'panel', $2, $3, 'panel-2', '1.0', '{}')";
    sqlx::query(insert).bind(seconds_ago).bind(text).bind(user).execute(&mut database).await?;
    Ok(database.close().await?)
}

async fn open_images(scene: &e2e::Scene) -> Result<()> {
    let images = format!("/projects/{}/images", scene.project("alpha"));
    scene.browser.goto(scene.url(&images)).await?;
    // Rows are drawn anew as regions answer.
    let row = By::Css("main table tbody tr");
    until("a row", async || {
        Ok(Some(scene.browser.find(row.clone()).await?.is_displayed().await?).filter(|is| *is))
    })
    .await?;
    Ok(())
}

async fn sign_in(scene: &e2e::Scene, browser: &Browser, user: &str) -> Result<()> {
    browser.goto(scene.url("/sign-in")).await?;
    browser.query(By::Name("user")).first().await?.send_keys(user).await?;
    browser.find(By::Name("password")).await?.send_keys(simcloud::TEST_PASSWORD).await?;
    browser.find(By::Css("button[type=submit]")).await?.click().await?;
    browser.query(By::Testid("server-table")).first().await?;
    Ok(())
}
