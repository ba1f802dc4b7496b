//! What goes wrong in a browser is found in the log of the panel: once, whatever happens on the way.

use anyhow::Result;
use e2e::{Scene, Setup, pages::SignInPage, scene, until, until_equal};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Row};

/// A line that a browser wrote.
#[derive(Debug)]
pub struct Line {
    pub level: i16,
    pub description: String,
    pub user: Option<String>,
    pub session: Option<String>,
    pub project: Option<String>,
    pub request_id: Option<String>,
    pub fields: Value,
}

/// All lines of browsers, the oldest first. Fails where one is there twice.
pub async fn lines(scene: &Scene) -> Result<Vec<Line>> {
    let mut connection = PgConnection::connect(scene.panel.database_url()).await?;
    let query =
        "SELECT * FROM log_lines WHERE facility = 'client' AND fields ->> 'stream' IS NOT NULL ORDER BY id";
    let rows = sqlx::query(query).fetch_all(&mut connection).await?;
    connection.close().await?;
    let mut names: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for row in rows {
        let fields: Value = row.try_get("fields")?;
        names.push(format!("{} {}", fields["stream"], fields["number"]));
        lines.push(Line {
            level: row.try_get("level")?,
            description: row.try_get("description")?,
            user: row.try_get("user_name")?,
            session: row.try_get("session")?,
            project: row.try_get("project")?,
            request_id: row.try_get("request_id")?,
            fields,
        });
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "a message is there twice");
    Ok(lines)
}

pub async fn line(scene: &Scene, description: &str) -> Result<Line> {
    until(&format!("a line that says {description}"), async || {
        Ok(lines(scene).await?.into_iter().find(|line| line.description.contains(description)))
    })
    .await
}

/// How many lines say so.
pub async fn count(scene: &Scene, description: &str) -> Result<usize> {
    Ok(lines(scene).await?.iter().filter(|line| line.description.contains(description)).count())
}

/// As the browser tells of an error of the page's own scripts. What the test's script throws is another origin's to it, of
/// which it says no more than that.
pub async fn throw(scene: &Scene, message: &str) -> Result<()> {
    let script = "
        const error = new Error(arguments[0]);
        dispatchEvent(new ErrorEvent('error', { message: `Uncaught ${error}`, filename: 'a.js', lineno: 1, error }));";
    scene.browser.run::<Value>(script, vec![message.into()]).await?;
    Ok(())
}

/// What of the log waits in the browser's storage.
pub async fn waits(scene: &Scene, description: &str) -> Result<bool> {
    let script = "return Object.entries(localStorage).some(([name, text]) =>
        name.startsWith('meridian.log.') && text.includes(arguments[0]));";
    scene.browser.run(script, vec![description.into()]).await
}

#[test]
fn an_error_nobody_caught_is_found_with_its_user_stack_and_release() {
    scene(Setup::default(), async |scene| {
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        throw(scene, "broken on purpose").await?;
        let error = line(scene, "broken on purpose").await?;
        assert_eq!(
            (error.level, error.user.as_deref(), &error.fields["kind"]),
            (5, Some("alice"), &json!("error"))
        );
        assert!(error.session.is_some());
        assert_eq!(error.project, Some(scene.project("alpha")));
        let stack = error.fields["stack"].as_str().unwrap_or_default();
        assert!(stack.contains("Error: broken on purpose"), "{stack}");
        let release: String =
            scene.browser.run("return document.documentElement.dataset.release;", vec![]).await?;
        assert_eq!(error.fields["browser_release"], json!(release));

        // One that a script of the page does throw.
        let own = "setTimeout(window.meridian.log, 0, 'info', 'action', 'x', null);";
        scene.browser.run::<Value>(own, vec![]).await?;
        let thrown = line(scene, "TypeError").await?;
        assert!(thrown.fields["stack"].as_str().is_some_and(|stack| stack.contains("boot-")), "{thrown:?}");

        // As the program says it when it gives up.
        let panic = "window.meridian.log('error', 'panic', 'panicked at the worst moment', '');";
        scene.browser.run::<Value>(panic, vec![]).await?;
        let panic = line(scene, "panicked at the worst moment").await?;
        assert!(panic.fields["stack"].as_str().is_some_and(|stack| stack.contains("at ")), "{panic:?}");

        let rejected = "
            const reason = new Error('nobody awaits this');
            dispatchEvent(new PromiseRejectionEvent('unhandledrejection', { promise: Promise.resolve(), reason }));";
        scene.browser.run::<Value>(rejected, vec![]).await?;
        line(scene, "nobody awaits this").await?;

        // One that never ends is told a few times, and how often it was.
        let storm = "
            for (let at = 0; at < 100; at += 1) dispatchEvent(new ErrorEvent('error', { message: 'a storm' }));";
        scene.browser.run::<Value>(storm, vec![]).await?;
        until_equal("the storm", Some(json!(64)), async || {
            let times = lines(scene).await?.into_iter().filter(|line| line.description.contains("a storm"));
            Ok(times.map(|line| line.fields["times"].clone()).next_back())
        })
        .await?;
        assert_eq!(count(scene, "a storm").await?, 13);

        // What the page told by itself.
        let page = line(scene, "Opened /projects/").await?;
        assert!(page.fields["answer_ms"].is_number() && page.fields["loaded_ms"].is_number(), "{page:?}");
        Ok(())
    });
}

#[test]
fn a_call_that_failed_leads_to_the_servers_own_lines_of_it() {
    scene(Setup::default(), async |scene| {
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        let nowhere = "00000000-0000-4000-8000-000000000000";
        scene.follow(&format!("/projects/{}/servers/RegionOne/{nowhere}", scene.project("alpha"))).await?;
        let failed = line(scene, " failed").await?;
        assert_eq!((failed.level, &failed.fields["status"]), (4, &json!(404)));
        let id = failed.request_id.expect("a request id");
        until_equal("the server's line of the request", 1, async || {
            let mut connection = PgConnection::connect(scene.panel.database_url()).await?;
            let query = "SELECT count(*) FROM log_lines WHERE request_id = $1 AND facility = 'request'";
            let count: i64 = sqlx::query_scalar(query).bind(&id).fetch_one(&mut connection).await?;
            Ok(count)
        })
        .await
    });
}

#[test]
fn what_happens_while_the_panel_is_away_arrives_once_it_is_back() {
    scene(Setup::default(), async |scene| {
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        throw(scene, "before").await?;
        line(scene, "before").await?;
        scene.panel.kill()?;
        throw(scene, "meanwhile").await?;
        until_equal("the message to be kept", true, async || waits(scene, "meanwhile").await).await?;
        scene.panel.start_again().await?;
        line(scene, "meanwhile").await?;
        line(scene, "The log is connected again").await?;
        assert_eq!((count(scene, "before").await?, count(scene, "meanwhile").await?), (1, 1));
        // And nothing waits any more.
        until_equal("the message to be forgotten", false, async || waits(scene, "meanwhile").await).await
    });
}

/// Keeps the log from being sent until `letThrough` is in the storage.
const BLOCK: &str = "
    if (!localStorage.letThrough) {
        const Real = window.WebSocket;
        window.WebSocket = function (url, ...more) {
            if (url.includes('client-log')) throw new Error('blocked');
            return new Real(url, ...more);
        };
        navigator.sendBeacon = () => false;
    }";

#[test]
fn a_reload_keeps_what_was_not_sent_for_the_next_page() {
    scene(Setup::default(), async |scene| {
        scene.browser.on_every_document(BLOCK).await?;
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        throw(scene, "first page").await?;
        until_equal("the message to be kept", true, async || waits(scene, "first page").await).await?;
        scene.browser.refresh().await?;
        throw(scene, "second page").await?;
        until_equal("the message to be kept", true, async || waits(scene, "second page").await).await?;
        assert!(waits(scene, "first page").await? && lines(scene).await?.is_empty());
        scene.browser.run::<Value>("localStorage.letThrough = 'yes';", vec![]).await?;
        scene.browser.refresh().await?;
        for description in ["first page", "second page"] {
            let line = line(scene, description).await?;
            assert_eq!(line.user.as_deref(), Some("alice"));
            assert_eq!(count(scene, description).await?, 1);
        }
        until_equal("the messages to be forgotten", false, async || waits(scene, " page").await).await
    });
}

#[test]
fn the_last_words_of_a_page_arrive_without_it() {
    scene(Setup::default(), async |scene| {
        let list = SignInPage::open(scene).await?.sign_in("alice").await?;
        list.complete_table().await?;
        line(scene, "Opened /projects/").await?;
        // Gone before it could be sent over the socket.
        let script = "
            window.meridian.log('info', 'action', 'last words', 'at\\u0001the end\\u0001');
            location.href = 'about:blank';";
        scene.browser.run::<Value>(script, vec![]).await?;
        let last = line(scene, "last words").await?;
        assert_eq!((last.user.as_deref(), &last.fields["client_at"].is_string()), (Some("alice"), &true));
        assert_eq!(count(scene, "last words").await?, 1);
        Ok(())
    });
}

#[test]
fn a_program_that_does_not_come_is_told_of_all_the_same() {
    scene(Setup::default(), async |scene| {
        SignInPage::open(scene).await?.sign_in("alice").await?.complete_table().await?;
        scene.browser.cdp("Network.enable", json!({})).await?;
        scene.browser.cdp("Network.setCacheDisabled", json!({ "cacheDisabled": true })).await?;
        scene.browser.cdp("Network.setBlockedURLs", json!({ "urls": ["*frontend_bg*"] })).await?;
        scene.browser.refresh().await?;
        until_equal("the message to be kept", true, async || waits(scene, "could not be loaded").await)
            .await?;
        scene.browser.goto("about:blank").await?;
        let line = line(scene, "could not be loaded").await?;
        assert_eq!((line.level, line.user.as_deref()), (5, Some("alice")));
        Ok(())
    });
}
