//! My sessions.

use anyhow::Result;
use serde::Deserialize;
use thirtyfour::{By, prelude::*};

use crate::{Scene, until};

/// The page that lists where I am signed in.
pub struct SessionsPage<'s> {
    pub scene: &'s Scene,
}

/// A session as it reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SessionRow {
    pub text: String,
    pub is_current: bool,
}

impl<'s> SessionsPage<'s> {
    /// Opens it.
    pub async fn open(scene: &'s Scene) -> Result<Self> {
        scene.browser.goto(scene.url("/account/sessions")).await?;
        let page = Self { scene };
        scene.browser.query(By::Css("[data-testid=session-table] tbody tr")).first().await?;
        Ok(page)
    }

    /// The sessions shown, the newest first.
    pub async fn sessions(&self) -> Result<Vec<SessionRow>> {
        let script = "
            return [...document.querySelectorAll('[data-testid=session-table] tbody tr')].map(row => ({
                text: row.innerText, is_current: row.querySelector('.badge') !== null }));";
        self.scene.browser.run(script, Vec::new()).await
    }

    /// Waits until so many are shown.
    pub async fn has_sessions(&self, count: usize) -> Result<()> {
        until(
            &format!("{count} sessions"),
            async || Ok((self.sessions().await?.len() == count).then_some(())),
        )
        .await
    }

    /// Ends the one session that is not this one.
    pub async fn end_other(&self) -> Result<()> {
        let button = By::Css("button[data-session]");
        Ok(self.scene.browser.query(button).first().await?.click().await?)
    }

    /// Ends all sessions but this one.
    pub async fn end_all_others(&self) -> Result<()> {
        let button = By::XPath("//main//button[normalize-space()='End all others']");
        Ok(self.scene.browser.query(button).and_displayed().first().await?.click().await?)
    }
}
