//! The servers of a project.

use anyhow::{Context, Result};
use serde::Deserialize;
use thirtyfour::{By, Key, WebElement, prelude::*};

use super::{ServerPage, SignInPage};
use crate::{
    Scene,
    components::{Facets, Table},
    until, until_equal,
};

/// The list of servers.
pub struct ServersPage<'s> {
    pub scene: &'s Scene,
}

/// A region in the summary over the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegionChip {
    pub region: String,
    /// `loading`, `complete`, `stale`, `unreachable`
    pub status: String,
    pub text: String,
}

impl<'s> ServersPage<'s> {
    /// Opens the list of a project, with a query after it (`?q=web`) or none.
    pub async fn open(scene: &'s Scene, project: &str, query: &str) -> Result<Self> {
        let id = scene.project(project);
        scene.browser.goto(scene.url(&format!("/projects/{id}/servers{query}"))).await?;
        Self::shown(scene).await
    }

    /// Signs in one of the cloud's cast and opens the list of a project.
    pub async fn of(scene: &'s Scene, user: &str, project: &str) -> Result<Self> {
        SignInPage::open(scene).await?.submit_of(user).await?;
        Self::open(scene, project, "").await
    }

    /// The page, once it is on screen and the panel's program runs.
    pub async fn shown(scene: &'s Scene) -> Result<Self> {
        scene.browser.query(By::Css("[data-testid=server-table][data-state]")).first().await?;
        Ok(Self { scene })
    }

    /// The table, once it is on screen.
    pub async fn table(&self) -> Result<Table<'s>> {
        Table::shown(&self.scene.browser).await
    }

    /// The table, once everything is in it.
    pub async fn complete_table(&self) -> Result<Table<'s>> {
        let table = self.table().await?;
        table.complete().await?;
        Ok(table)
    }

    pub fn facets(&self) -> Facets<'s> {
        Facets::new(&self.scene.browser)
    }

    /// Replaces what stands in the search field.
    pub async fn search(&self, text: &str) -> Result<()> {
        let field = self.search_field().await?;
        field.send_keys(Key::Control + "a".to_string()).await?;
        if text.is_empty() {
            field.send_keys(Key::Delete + "".to_string()).await?;
        } else {
            field.send_keys(text).await?;
        }
        Ok(())
    }

    pub async fn search_field(&self) -> Result<WebElement> {
        Ok(self
            .scene
            .browser
            .query(By::Css("input[type=search][aria-label='Search servers'], [role=search] input"))
            .first()
            .await?)
    }

    /// The regions of the summary.
    pub async fn regions(&self) -> Result<Vec<RegionChip>> {
        let script = "
            return [...document.querySelectorAll('[data-testid=region-chip]')].map(chip => ({
                region: chip.dataset.region, status: chip.dataset.status, text: chip.innerText.trim() }));";
        self.scene.browser.run(script, Vec::new()).await
    }

    /// Waits until a region stands so.
    pub async fn region_is(&self, region: &str, status: &str) -> Result<()> {
        until_equal(&format!("the state of {region}"), status.to_owned(), async || {
            let chips = self.regions().await?;
            let chip =
                chips.into_iter().find(|chip| chip.region == region).context("no such region is shown")?;
            Ok(chip.status)
        })
        .await
    }

    /// What the banner of a region says, once it is there.
    pub async fn banner(&self, region: &str) -> Result<String> {
        Ok(self.banner_element(region).await?.text().await?)
    }

    /// Presses Retry in the banner of a region.
    pub async fn retry(&self, region: &str) -> Result<()> {
        let banner = self.banner_element(region).await?;
        Ok(banner.find(By::XPath(".//button[contains(normalize-space(), 'Retry')]")).await?.click().await?)
    }

    /// Waits until no region has a banner.
    pub async fn no_banner(&self) -> Result<()> {
        until("the banners to go", async || {
            Ok(self.scene.browser.find_all(By::Testid("region-banner")).await?.is_empty().then_some(()))
        })
        .await
    }

    /// Waits for one of the empty states: `nothing-yet`, `no-match`, `unreachable`; gives its words.
    pub async fn empty_state(&self, kind: &str) -> Result<String> {
        let id = format!("empty-{kind}");
        Ok(self.scene.browser.query(By::Testid(id)).and_displayed().first().await?.text().await?)
    }

    /// The words over the table while anything is selected.
    pub async fn selection_bar(&self) -> Result<WebElement> {
        Ok(self.scene.browser.query(By::Testid("selection-bar")).and_displayed().first().await?)
    }

    /// Presses a button by its label.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!("//button[normalize-space()='{label}' or @aria-label='{label}']");
        Ok(self.scene.browser.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }

    /// Goes to a server's page by the link in its row.
    pub async fn open_server(&self, name: &str) -> Result<ServerPage<'s>> {
        self.table().await?.open(name).await?;
        ServerPage::shown(self.scene).await
    }

    /// The part of the address after `?`, once the page has settled on it.
    pub async fn query(&self) -> Result<String> {
        Ok(self.scene.browser.current_url().await?.query().unwrap_or_default().to_owned())
    }

    /// Waits until the address has this in its query, or lacks it.
    pub async fn query_has(&self, part: &str, has: bool) -> Result<()> {
        let what = format!("the address to {} {part:?}", if has { "have" } else { "lose" });
        until(&what, async || Ok((self.query().await?.contains(part) == has).then_some(()))).await
    }

    async fn banner_element(&self, region: &str) -> Result<WebElement> {
        let selector = format!("[data-testid=region-banner][data-region='{region}']");
        Ok(self.scene.browser.query(By::Css(selector)).and_displayed().first().await?)
    }
}
