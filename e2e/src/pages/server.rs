//! The page of one server.

use anyhow::Result;
use thirtyfour::{By, prelude::*};

use crate::{Scene, until};

/// Everything the cloud says about a server.
pub struct ServerPage<'s> {
    pub scene: &'s Scene,
}

impl<'s> ServerPage<'s> {
    /// Opens it by its address.
    pub async fn open(scene: &'s Scene, project: &str, region: &str, id: &str) -> Result<Self> {
        let project = scene.project(project);
        scene.browser.goto(scene.url(&format!("/projects/{project}/servers/{region}/{id}"))).await?;
        Self::shown(scene).await
    }

    /// The page, once it is on screen.
    pub async fn shown(scene: &'s Scene) -> Result<Self> {
        scene.browser.query(By::Testid("server-detail")).and_displayed().first().await?;
        Ok(Self { scene })
    }

    /// The server's name.
    pub async fn title(&self) -> Result<String> {
        Ok(self.scene.browser.query(By::Css("main h1")).first().await?.text().await?)
    }

    /// Chooses a tab by its label.
    pub async fn choose_tab(&self, label: &str) -> Result<()> {
        let path = format!("//nav[contains(@class, 'tabs')]//a[starts-with(normalize-space(), '{label}')]");
        let tab = || By::XPath(path.clone());
        self.scene.browser.query(tab()).first().await?.click().await?;
        until("the tab to be chosen", async || {
            let current = self.scene.browser.find(tab()).await?.attr("aria-current").await?;
            Ok((current.as_deref() == Some("page")).then_some(()))
        })
        .await
    }

    /// Waits until the page shows these words somewhere.
    pub async fn shows(&self, text: &str) -> Result<()> {
        until(&format!("the page to show {text:?}"), async || {
            Ok(self.text().await?.contains(text).then_some(()))
        })
        .await
    }

    /// Everything that can be read on it.
    pub async fn text(&self) -> Result<String> {
        Ok(self.scene.browser.find(By::Id("main")).await?.text().await?)
    }

    /// What stands in the place of the parts that could not be had.
    pub async fn gaps(&self) -> Result<Vec<String>> {
        let script = "
            return [...document.querySelectorAll('[data-testid=missing-part]')].map(gap => gap.innerText);";
        self.scene.browser.run(script, Vec::new()).await
    }

    /// Presses a button by its label.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!("//main//button[contains(normalize-space(), '{label}')]");
        Ok(self.scene.browser.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }
}
