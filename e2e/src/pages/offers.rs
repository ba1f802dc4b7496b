//! The pages of what servers are made of: images, key pairs, flavors, server groups, quotas. They are alike: a table
//! or cards over all regions.

use anyhow::Result;
use thirtyfour::{By, WebElement, prelude::*};

use super::SignInPage;
use crate::{Scene, until};

/// One of them.
pub struct OffersPage<'s> {
    pub scene: &'s Scene,
    table: &'static str,
}

impl<'s> OffersPage<'s> {
    pub async fn images(scene: &'s Scene, user: &str, project: &str) -> Result<Self> {
        Self::of(scene, user, project, "images", "image-table").await
    }

    pub async fn key_pairs(scene: &'s Scene, user: &str, project: &str) -> Result<Self> {
        Self::of(scene, user, project, "key-pairs", "key-pair-table").await
    }

    pub async fn server_groups(scene: &'s Scene, user: &str, project: &str) -> Result<Self> {
        Self::of(scene, user, project, "server-groups", "server-group-table").await
    }

    pub async fn flavors(scene: &'s Scene, user: &str, project: &str) -> Result<Self> {
        Self::of(scene, user, project, "flavors", "flavor-table").await
    }

    pub async fn quotas(scene: &'s Scene, user: &str, project: &str) -> Result<Self> {
        Self::of(scene, user, project, "quotas", "").await
    }

    async fn of(
        scene: &'s Scene,
        user: &str,
        project: &str,
        path: &str,
        table: &'static str,
    ) -> Result<Self> {
        SignInPage::open(scene).await?.submit_of(user).await?;
        until("the start page", async || {
            Ok(scene.browser.current_url().await?.path().starts_with("/projects/").then_some(()))
        })
        .await?;
        let id = scene.project(project);
        scene.browser.goto(scene.url(&format!("/projects/{id}/{path}"))).await?;
        scene.browser.query(By::Css(".page-body")).first().await?;
        Ok(Self { scene, table })
    }

    /// The rows as they read, each on one line.
    pub async fn rows(&self) -> Result<Vec<String>> {
        let script = format!(
            "return [...document.querySelectorAll('[data-testid={}] tbody tr')]
                .map(row => [...row.children].map(cell => cell.innerText.trim()).join(' | '));",
            self.table
        );
        self.scene.browser.run(&script, Vec::new()).await
    }

    /// The row of a name in a region, once it says this.
    pub async fn row_says(&self, name: &str, region: &str, part: &str) -> Result<String> {
        until(&format!("{name} in {region} to say {part:?}"), async || {
            let rows = self.rows().await?;
            Ok(rows
                .into_iter()
                .find(|row| row.starts_with(name) && row.contains(region) && row.contains(part)))
        })
        .await
    }

    /// Waits until no row has this name in a region.
    pub async fn lacks(&self, name: &str, region: &str) -> Result<()> {
        until(&format!("{name} to leave {region}"), async || {
            let rows = self.rows().await?;
            Ok((!rows.iter().any(|row| row.starts_with(name) && row.contains(region))).then_some(()))
        })
        .await
    }

    /// What stands for regions that are missing, once it says this.
    pub async fn gap_says(&self, part: &str) -> Result<String> {
        until(&format!("a gap that says {part:?}"), async || {
            let text = self.scene.browser.query(By::Testid("gaps")).first().await?.text().await?;
            Ok(text.contains(part).then_some(text))
        })
        .await
    }

    /// Presses a button or a link of the page or of the dialog that is open.
    pub async fn press(&self, label: &str) -> Result<()> {
        let test = format!("normalize-space()='{label}' or @aria-label='{label}'");
        let path = format!("//main//*[self::button or self::a][{test}]");
        Ok(self.scene.browser.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }

    /// The field with this label, in the dialog that is open.
    pub async fn field(&self, label: &str) -> Result<WebElement> {
        let path = format!("//dialog[@open]//label[normalize-space()='{label}']");
        let label = self.scene.browser.query(By::XPath(path)).first().await?;
        let id = label.attr("for").await?.unwrap_or_default();
        Ok(self.scene.browser.query(By::Id(id)).first().await?)
    }

    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let field = self.field(label).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Chooses from a list in the dialog that is open.
    pub async fn choose(&self, label: &str, value: &str) -> Result<()> {
        let list = self.field(label).await?;
        let option = By::XPath(format!("./option[@value='{value}']"));
        Ok(list.query(option).first().await?.click().await?)
    }

    /// What an upload says, once it says this.
    pub async fn upload_says(&self, name: &str, part: &str) -> Result<String> {
        until(&format!("the upload of {name} to say {part:?}"), async || {
            for upload in self.scene.browser.find_all(By::Css(format!("[data-upload='{name}']"))).await? {
                let text = upload.text().await?;
                if text.contains(part) {
                    return Ok(Some(text));
                }
            }
            Ok(None)
        })
        .await
    }
}
