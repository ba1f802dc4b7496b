//! The tray of jobs, and the result of one.

use anyhow::Result;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{harness::browser::Browser, until};

/// The tray at the top of every page.
pub struct JobTray<'b> {
    browser: &'b Browser,
}

impl<'b> JobTray<'b> {
    /// Opens it.
    pub async fn open(browser: &'b Browser) -> Result<Self> {
        browser.query(By::Css(".jobs button[aria-haspopup]")).and_displayed().first().await?.click().await?;
        browser.query(By::Testid("job-tray")).and_displayed().first().await?;
        Ok(Self { browser })
    }

    /// The name of its button, which says how many run.
    pub async fn button_name(browser: &Browser) -> Result<String> {
        let button = browser.query(By::Css(".jobs button[aria-haspopup]")).and_displayed().first().await?;
        Ok(button.attr("aria-label").await?.unwrap_or_default())
    }

    /// Everything it says.
    pub async fn text(&self) -> Result<String> {
        Ok(self.browser.query(By::Testid("job-tray")).first().await?.text().await?)
    }

    /// Waits until a job with this title says this.
    pub async fn says(&self, title: &str, words: &str) -> Result<()> {
        until(&format!("{title:?} to say {words:?}"), async || {
            Ok(self.job(title).await?.text().await?.contains(words).then_some(()))
        })
        .await
    }

    /// Waits until a job is `running`, `paused`, `canceled`, `done`.
    pub async fn becomes(&self, title: &str, state: &str) -> Result<()> {
        until(&format!("{title:?} to be {state}"), async || {
            Ok((self.job(title).await?.attr("data-state").await?.as_deref() == Some(state)).then_some(()))
        })
        .await
    }

    /// Presses a button of a job.
    pub async fn press(&self, title: &str, label: &str) -> Result<()> {
        let path = format!(".//button[normalize-space()='{label}']");
        let button = self.job(title).await?.query(By::XPath(path)).and_displayed().first().await?;
        Ok(button.click().await?)
    }

    /// Opens what became of each server.
    pub async fn result(&self, title: &str) -> Result<JobResult<'b>> {
        self.press(title, "Result").await?;
        self.browser.query(By::Testid("job-result")).and_displayed().first().await?;
        Ok(JobResult { browser: self.browser })
    }

    /// Opens the calls that a job comes to, and gives all that is shown of them once it shows what became of servers.
    pub async fn calls(&self, title: &str) -> Result<String> {
        self.press(title, "Calls").await?;
        let calls = self.browser.query(By::Testid("calls-of-job")).and_displayed().first().await?;
        calls.query(By::Testid("call-servers")).and_displayed().first().await?;
        Ok(calls.text().await?)
    }

    async fn job(&self, title: &str) -> Result<WebElement> {
        let path = format!("//*[@data-testid='job-tray']//li[.//h3[normalize-space()='{title}']]");
        Ok(self.browser.query(By::XPath(path)).and_displayed().first().await?)
    }
}

/// What became of each server of a job.
pub struct JobResult<'b> {
    browser: &'b Browser,
}

impl JobResult<'_> {
    /// Only the servers with this result: `failed`, `skipped`, or `all`.
    pub async fn filter(&self, result: &str) -> Result<()> {
        let selector = format!("[data-testid=job-result] [data-result={result}]");
        self.browser.query(By::Css(selector)).and_displayed().first().await?.click().await?;
        Ok(())
    }

    /// Waits for so many lines and gives them as they read.
    pub async fn lines(&self, count: usize) -> Result<Vec<String>> {
        until(&format!("{count} lines of the result"), async || {
            let mut lines = Vec::new();
            for row in self.browser.find_all(By::Css("[data-testid=job-result] tbody tr")).await? {
                lines.push(row.text().await?);
            }
            Ok((lines.len() == count).then_some(lines))
        })
        .await
    }

    /// Presses the button for more lines twice, faster than anybody answers.
    pub async fn more_twice(&self) -> Result<()> {
        let script = "
            const more = [...document.querySelectorAll('[data-testid=job-result] button')]
                .find(button => button.textContent.trim() === 'Show more' && !button.hidden);
            more.click(); more.click(); return true;";
        let _: bool = self.browser.run(script, Vec::new()).await?;
        Ok(())
    }

    /// Where the whole result can be had as a file.
    pub async fn file(&self) -> Result<String> {
        let link = self.browser.query(By::Css("[data-testid=job-result] a[download]")).first().await?;
        Ok(link.prop("href").await?.unwrap_or_default())
    }
}
