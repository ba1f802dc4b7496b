//! A server's console: its log, its serial line, its screen.

use anyhow::Result;
use serde_json::json;
use thirtyfour::{By, Key, WebElement, prelude::*};

use super::ServerPage;
use crate::{Scene, until};

/// The console's tab on the page of a server.
pub struct ConsoleTab<'s> {
    pub page: ServerPage<'s>,
}

/// What is in sight of a log.
#[derive(Debug, PartialEq, serde::Deserialize)]
pub struct LogView {
    pub lines: usize,
    /// Rows of dots above what is in sight.
    pub scrolled: f64,
    pub is_at_end: bool,
    pub marked: String,
    /// The name of what has the focus.
    pub focused: Option<String>,
}

impl<'s> ConsoleTab<'s> {
    /// Opens one view of the console by its address: `log`, `serial`, `screen`.
    pub async fn open(scene: &'s Scene, region: &str, id: &str, view: &str) -> Result<Self> {
        scene.browser.goto(scene.url(&Self::path(scene, region, id, view))).await?;
        Ok(Self { page: ServerPage::shown(scene).await? })
    }

    /// The address of one view of the console of a server of `alpha`.
    pub fn path(scene: &Scene, region: &str, id: &str, view: &str) -> String {
        let project = scene.project("alpha");
        format!("/projects/{project}/servers/{region}/{id}?tab=console&view={view}")
    }

    /// Waits until the connection is as these words say.
    pub async fn says(&self, words: &str) -> Result<()> {
        until(&format!("the console to say {words:?}"), async || {
            let state = self.page.scene.browser.find(By::Testid("console-state")).await?;
            Ok(state.text().await?.contains(words).then_some(()))
        })
        .await
    }

    pub async fn terminal(&self) -> Result<WebElement> {
        Ok(self.page.scene.browser.query(By::Testid("terminal")).first().await?)
    }

    pub async fn screen(&self) -> Result<WebElement> {
        Ok(self.page.scene.browser.query(By::Testid("screen")).first().await?)
    }

    /// Waits until the serial line has shown this so many times.
    pub async fn shows(&self, text: &str, times: usize) -> Result<()> {
        until(&format!("the serial line to show {text:?} {times} times"), async || {
            let shown = self.terminal().await?.text().await?;
            Ok((shown.matches(text).count() >= times).then_some(()))
        })
        .await
    }

    /// Lets the serial line repeat a word, and waits until it has: the console is there, and both ways are open.
    pub async fn answers(&self, word: &str) -> Result<()> {
        let terminal = self.terminal().await?;
        terminal.click().await?;
        terminal.send_keys("echo ".to_owned() + word + Key::Enter).await?;
        // Once as it was typed, once as the answer.
        self.shows(word, 2).await
    }

    /// How the log stands.
    pub async fn log(&self) -> Result<LogView> {
        let script = "
            const log = document.querySelector('[data-testid=console-log]');
            const below = log.scrollHeight - log.scrollTop - log.clientHeight;
            return {
                lines: log.children.length, scrolled: log.scrollTop, is_at_end: below < 8,
                marked: String(getSelection()), focused: document.activeElement.getAttribute('aria-label'),
            };";
        self.page.scene.browser.run(script, Vec::new()).await
    }

    /// Reads on at the log's first line, marks it, and leaves the focus on the button that copies.
    pub async fn read_the_beginning(&self) -> Result<()> {
        let script = "
            const log = document.querySelector('[data-testid=console-log]');
            log.scrollTop = 0;
            document.querySelector('[aria-label=\"Copy log\"]').focus();
            getSelection().selectAllChildren(log.firstElementChild);";
        self.page.scene.browser.run::<serde_json::Value>(script, Vec::new()).await?;
        Ok(())
    }

    /// Goes to the end of the log.
    pub async fn read_the_end(&self) -> Result<()> {
        let script = "
            const log = document.querySelector('[data-testid=console-log]');
            log.scrollTop = log.scrollHeight;";
        self.page.scene.browser.run::<serde_json::Value>(script, Vec::new()).await?;
        Ok(())
    }

    /// Touches an element with a finger, at its middle.
    pub async fn touch(&self, element: &WebElement) -> Result<()> {
        let browser = &self.page.scene.browser;
        element.scroll_into_view().await?;
        let script = "
            const box = arguments[0].getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];";
        let (x, y): (f64, f64) = browser.run(script, vec![element.to_json()?]).await?;
        browser.cdp("Emulation.setTouchEmulationEnabled", json!({"enabled": true})).await?;
        let point = json!({"type": "touchStart", "touchPoints": [{"x": x, "y": y}]});
        browser.cdp("Input.dispatchTouchEvent", point).await?;
        browser.cdp("Input.dispatchTouchEvent", json!({"type": "touchEnd", "touchPoints": []})).await?;
        Ok(())
    }

    /// Writes into what has the focus as a phone's keyboard does: without a key.
    pub async fn write_by_touch(&self, text: &str) -> Result<()> {
        self.page.scene.browser.cdp("Input.insertText", json!({"text": text})).await?;
        Ok(())
    }

    /// A word that a phone's keyboard has not done with yet.
    pub async fn compose(&self, word: &str) -> Result<()> {
        let end = word.chars().count();
        let composed = json!({"text": word, "selectionStart": end, "selectionEnd": end});
        self.page.scene.browser.cdp("Input.imeSetComposition", composed).await?;
        Ok(())
    }
}
