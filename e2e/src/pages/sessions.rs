//! My sessions.

use anyhow::Result;
use serde::Deserialize;
use thirtyfour::{By, prelude::*};

use crate::{Scene, components::Dialog, until};

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
        scene.browser.query(By::Testid("session")).first().await?;
        Ok(page)
    }

    /// The sessions shown, the newest first.
    pub async fn sessions(&self) -> Result<Vec<SessionRow>> {
        let script = "
            return [...document.querySelectorAll('[data-testid=session]')].map(row => ({
                text: row.innerText, is_current: row.dataset.current === 'true' }));";
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
    pub async fn revoke_other(&self) -> Result<()> {
        let path = "//*[@data-testid='session' and not(@data-current='true')]//button";
        self.scene.browser.query(By::XPath(path)).first().await?.click().await?;
        Ok(())
    }

    /// Signs out everywhere, and says yes if asked.
    pub async fn sign_out_everywhere(&self) -> Result<()> {
        let path = "//main//button[contains(normalize-space(), 'everywhere')]";
        self.scene.browser.query(By::XPath(path)).and_displayed().first().await?.click().await?;
        if Dialog::is_any_open(&self.scene.browser).await? {
            Dialog::with_text(&self.scene.browser, "everywhere").await?.press("Sign out everywhere").await?;
        }
        Ok(())
    }
}
