//! The operator's log.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use simcloud::{OPERATOR_USER, TEST_PASSWORD};
use thirtyfour::{By, Key, WebElement, prelude::*};

use crate::{Scene, components::Menu, harness::browser::Browser, until};

/// The section of the console that shows what was logged.
pub struct OperatorLogsPage<'s> {
    scene: &'s Scene,
    pub browser: &'s Browser,
}

/// A line as it reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ShownLine {
    pub level: String,
    pub facility: String,
    pub user: String,
    pub text: String,
    /// The whole id.
    pub request: Option<String>,
}

/// A line of a timeline, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TimelineEntry {
    /// `Browser`, `Panel` or `Cloud`.
    pub lane: String,
    pub text: String,
}

impl<'s> OperatorLogsPage<'s> {
    /// Signs the operator in with this browser, and opens the page by the menu.
    pub async fn sign_in(scene: &'s Scene, browser: &'s Browser) -> Result<Self> {
        browser.goto(scene.url("/sign-in")).await?;
        browser.query(By::Name("user")).first().await?.send_keys(OPERATOR_USER).await?;
        browser.find(By::Name("password")).await?.send_keys(TEST_PASSWORD).await?;
        browser.find(By::Css("button[type=submit]")).await?.click().await?;
        browser.query(By::Testid("server-table")).first().await?;
        let menu = Menu::open(browser, "Account").await?;
        // The menu is drawn anew when the server has said who is signed in.
        let press = async || menu.press("Operator console").await.map(Some);
        until("the console in the menu", press).await?;
        Self::shown(scene, browser).await
    }

    /// Opens the page with what stands after `?`.
    pub async fn open(scene: &'s Scene, browser: &'s Browser, search: &str) -> Result<Self> {
        browser.goto(scene.url(&format!("/operator/logs?{search}"))).await?;
        Self::shown(scene, browser).await
    }

    /// The page, once it is on screen.
    pub async fn shown(scene: &'s Scene, browser: &'s Browser) -> Result<Self> {
        browser.query(By::Css("form.log-filter")).and_displayed().first().await?;
        Ok(Self { scene, browser })
    }

    /// Writes into fields of the filter, named as they read, and searches.
    pub async fn search(&self, fields: &[(&str, &str)]) -> Result<()> {
        for (label, text) in fields {
            // The form is drawn anew when the address has changed.
            until(label, async || {
                let field = self.field(label).await?;
                field.clear().await?;
                Ok(Some(field.send_keys(*text).await?))
            })
            .await?;
        }
        self.press("Search").await
    }

    /// Chooses from one of the filter's lists.
    pub async fn choose(&self, label: &str, choice: &str) -> Result<()> {
        let option = format!(".//option[normalize-space()='{choice}']");
        // The list is drawn anew when the address has changed.
        until(choice, async || {
            let option = self.field(label).await?.find(By::XPath(option.as_str())).await?;
            Ok(Some(option.click().await?))
        })
        .await
    }

    /// What stands in a field of the filter.
    pub async fn value(&self, label: &str) -> Result<String> {
        until(label, async || Ok(Some(self.field(label).await?.value().await?.unwrap_or_default()))).await
    }

    /// What is said to be wrong with a field of the filter, as it is read with the field.
    pub async fn told_at(&self, label: &str) -> Result<Option<String>> {
        let field = self.field(label).await?;
        if field.attr("aria-invalid").await?.as_deref() != Some("true") {
            return Ok(None);
        }
        let id = field.attr("aria-describedby").await?.context("what describes the field")?;
        Ok(Some(self.browser.find(By::Id(id)).await?.text().await?))
    }

    /// The lines shown, the newest first.
    pub async fn lines(&self) -> Result<Vec<ShownLine>> {
        let script = "
            const text = (row, part) => row.querySelector(part)?.innerText.trim() ?? '';
            return [...document.querySelectorAll('.log-entry')].map(row => ({
                level: text(row, '.log-level'), facility: row.querySelector('.log-facility').textContent,
                user: text(row, '.log-user'), text: text(row, '.log-text'),
                request: row.querySelector('.log-request a')?.title ?? null }));";
        self.browser.run(script, Vec::new()).await
    }

    /// Searches again until a line is there for which this holds: lines are stored in batches, a moment later.
    pub async fn find(&self, what: &str, holds: impl Fn(&ShownLine) -> bool) -> Result<ShownLine> {
        until(what, async || {
            let found = self.lines().await?.into_iter().find(&holds);
            if found.is_none() {
                self.browser.refresh().await?;
                self.at_rest().await?;
            }
            Ok(found)
        })
        .await
    }

    /// Waits until an answer is drawn, whatever it is.
    pub async fn at_rest(&self) -> Result<()> {
        let drawn = "[data-testid=log-table], [data-testid=log-timeline], .log-page .empty-state";
        self.browser.query(By::Css(drawn)).first().await?;
        Ok(())
    }

    /// The timeline, the oldest first, once it has this many entries at least.
    pub async fn timeline(&self, least: usize) -> Result<Vec<TimelineEntry>> {
        let script = "
            return [...document.querySelectorAll('.timeline-entry')].map(entry => ({
                lane: entry.querySelector('.lane-name').textContent,
                text: entry.querySelector('summary').innerText }));";
        until(&format!("a timeline of {least} lines"), async || {
            let entries: Vec<TimelineEntry> = self.browser.run(script, Vec::new()).await?;
            if entries.len() < least {
                self.browser.refresh().await?;
                self.at_rest().await?;
            }
            Ok((entries.len() >= least).then_some(entries))
        })
        .await
    }

    /// Opens the first line for which this holds, and gives all of it as it reads.
    pub async fn open_line(&self, holds: impl Fn(&ShownLine) -> bool) -> Result<String> {
        // An answer that is still on its way draws the lines anew.
        until("all of a line", async || {
            let lines = self.lines().await?;
            let Some(at) = lines.iter().position(&holds) else { bail!("no such line in {lines:?}") };
            let rows = self.browser.find_all(By::Css(".log-entry")).await?;
            let row = rows.get(at).context("the row")?;
            if row.find_all(By::Css(".log-detail")).await?.is_empty() {
                row.find(By::Css(".log-text")).await?.click().await?;
            }
            Ok(Some(row.find(By::Css(".log-detail")).await?.text().await?))
        })
        .await
    }

    /// Presses a button or a link with these words.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!("//main//*[self::button or self::a][normalize-space()='{label}']");
        until(label, async || {
            let button = self.browser.query(By::XPath(path.as_str())).and_displayed().first().await?;
            Ok(Some(button.click().await?))
        })
        .await
    }

    /// Whether a button or a link with these words is there.
    pub async fn offers(&self, label: &str) -> Result<bool> {
        let path = format!("//main//*[self::button or self::a][normalize-space()='{label}']");
        Ok(!self.browser.find_all(By::XPath(path)).await?.is_empty())
    }

    /// What is said where lines would be.
    pub async fn empty_state(&self, kind: &str) -> Result<String> {
        Ok(self.browser.query(By::Testid(kind)).and_displayed().first().await?.text().await?)
    }

    /// What stands after the address's `?`.
    pub async fn address(&self) -> Result<String> {
        Ok(self.browser.current_url().await?.query().unwrap_or_default().to_owned())
    }

    pub async fn press_key(&self, key: &str) -> Result<()> {
        Ok(self.browser.action_chain().send_keys(key).perform().await?)
    }

    pub async fn press_enter(&self) -> Result<()> {
        Ok(self.browser.action_chain().send_keys(Key::Enter + "").perform().await?)
    }

    /// The scene this page is of.
    pub fn scene(&self) -> &'s Scene {
        self.scene
    }

    async fn field(&self, label: &str) -> Result<WebElement> {
        let path = format!(
            "//form[contains(@class,'log-filter')]//*[@aria-label='{label}' or @id=//label[normalize-space()='{label}']/@for]"
        );
        Ok(self.browser.query(By::XPath(path)).and_displayed().first().await?)
    }
}
