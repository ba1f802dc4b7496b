//! The page where servers are made.

use anyhow::{Result, ensure};
use thirtyfour::{By, Key, WebElement, prelude::*};

use super::SignInPage;
use crate::{Scene, until};

/// The form and its summary.
pub struct CreateServerPage<'s> {
    pub scene: &'s Scene,
}

impl<'s> CreateServerPage<'s> {
    /// Signs in one of the cloud's cast and opens the form for a project, with a query (`?clone=…`) or none.
    pub async fn of(scene: &'s Scene, user: &str, project: &str, query: &str) -> Result<Self> {
        SignInPage::open(scene).await?.submit_of(user).await?;
        // Signed in, once the start page has led on.
        until("the start page", async || {
            Ok(scene.browser.current_url().await?.path().starts_with("/projects/").then_some(()))
        })
        .await?;
        Self::open(scene, project, query).await
    }

    /// Opens the form.
    pub async fn open(scene: &'s Scene, project: &str, query: &str) -> Result<Self> {
        let id = scene.project(project);
        scene.browser.goto(scene.url(&format!("/projects/{id}/servers/new{query}"))).await?;
        Self::shown(scene).await
    }

    /// The form, once the region has said what it offers.
    pub async fn shown(scene: &'s Scene) -> Result<Self> {
        for part in [
            "[data-testid=image-list] input",
            "[data-testid=flavor-table] input",
            "[data-section=Networks] [role=group] input",
        ] {
            scene.browser.query(By::Css(part)).first().await?;
        }
        Ok(Self { scene })
    }

    pub async fn name(&self, text: &str) -> Result<()> {
        let field = self.field("input[name=server-name]").await?;
        field.send_keys(Key::Control + "a").await?;
        Ok(field.send_keys(text).await?)
    }

    /// What stands in the name's field.
    pub async fn typed_name(&self) -> Result<String> {
        Ok(self.field("input[name=server-name]").await?.prop("value").await?.unwrap_or_default())
    }

    /// The names that come of the pattern, as far as they are shown.
    pub async fn resulting_names(&self) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll('[data-testid=resulting-names] li')]
            .map(item => item.textContent);";
        self.scene.browser.run(script, Vec::new()).await
    }

    pub async fn choose_region(&self, region: &str) -> Result<()> {
        self.press_label("Region", region).await?;
        // Its offers have come in place of those of the region before.
        Self::shown(self.scene).await?;
        Ok(())
    }

    pub async fn choose_image(&self, name: &str) -> Result<()> {
        self.press_label("Image", name).await
    }

    pub async fn choose_flavor(&self, name: &str) -> Result<()> {
        self.press_label("Flavor", name).await
    }

    pub async fn choose_network(&self, name: &str) -> Result<()> {
        self.press_label("Networks", name).await
    }

    /// The essentials, all of which every region has.
    pub async fn fill(&self, name: &str) -> Result<()> {
        self.name(name).await?;
        self.choose_image("debian-13").await?;
        self.choose_flavor("m1.small").await?;
        self.choose_network("private").await
    }

    /// The reason on a flavor that does not fit; `None` on one that does.
    pub async fn why_unfit(&self, flavor: &str) -> Result<Option<String>> {
        let path = format!("//*[@data-testid='flavor-table']//tr[.//label[normalize-space()='{flavor}']]");
        let row = self.scene.browser.query(By::XPath(path)).first().await?;
        let is_off = row.query(By::Css("input")).first().await?.attr("disabled").await?.is_some();
        let text = row.query(By::Css(".fits")).first().await?.text().await?;
        ensure!(is_off == (text.trim() != "Yes"), "{flavor} says {text:?}");
        Ok(is_off.then(|| text.trim().to_owned()))
    }

    /// The flavors as they stand in the table.
    pub async fn flavors(&self) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll('[data-testid=flavor-table] tbody label')]
            .map(label => label.textContent);";
        self.scene.browser.run(script, Vec::new()).await
    }

    /// Sorts the flavors by a column.
    pub async fn sort_flavors(&self, column: &str) -> Result<()> {
        let path = format!(
            "//*[@data-testid='flavor-table']//th//button[starts-with(normalize-space(), '{column}')]"
        );
        Ok(self.scene.browser.query(By::XPath(path)).first().await?.click().await?)
    }

    pub async fn user_data(&self, text: &str) -> Result<()> {
        let area = self.field("[data-section=UserData] textarea").await?;
        area.send_keys(Key::Control + "a").await?;
        Ok(area.send_keys(text).await?)
    }

    /// What was found in the user data, once there is something that says this.
    pub async fn finding(&self, part: &str) -> Result<String> {
        until(&format!("a finding that says {part:?}"), async || {
            let text = self.field("[data-testid=user-data-findings]").await?.text().await?;
            Ok(text.contains(part).then_some(text))
        })
        .await
    }

    /// What the summary says, once it says this.
    pub async fn summary_says(&self, part: &str) -> Result<String> {
        until(&format!("a summary that says {part:?}"), async || {
            let text = self.field("[data-testid=create-summary]").await?.text().await?;
            Ok(text.contains(part).then_some(text))
        })
        .await
    }

    pub async fn press_create(&self) -> Result<()> {
        Ok(self.field("[data-testid=create-servers]").await?.click().await?)
    }

    /// Two presses in one task of the page, as a double click makes them.
    pub async fn press_create_twice(&self) -> Result<()> {
        let script = "const b = document.querySelector('[data-testid=create-servers]'); b.click(); b.click(); return 1;";
        self.scene.browser.run::<u32>(script, Vec::new()).await.map(drop)
    }

    /// What became of the press, once it says this.
    pub async fn progress_says(&self, part: &str) -> Result<String> {
        until(&format!("an outcome that says {part:?}"), async || {
            for card in self.scene.browser.find_all(By::Testid("create-progress")).await? {
                let text = card.text().await?;
                if text.contains(part) {
                    return Ok(Some(text));
                }
            }
            Ok(None)
        })
        .await
    }

    /// What is wrong in a part of the form.
    pub async fn problem(&self, section: &str) -> Result<String> {
        let path = By::Css(format!("[data-section={section}].wrong > [role=alert]"));
        Ok(self.scene.browser.query(path).and_displayed().first().await?.text().await?)
    }

    async fn press_label(&self, section: &str, label: &str) -> Result<()> {
        let path = format!(
            "//*[@data-section='{section}']//label[.//*[normalize-space()='{label}'] or normalize-space()='{label}']"
        );
        let label = self.scene.browser.query(By::XPath(path)).first().await?;
        label.scroll_into_view().await?;
        Ok(label.click().await?)
    }

    async fn field(&self, selector: &str) -> Result<WebElement> {
        Ok(self.scene.browser.query(By::Css(selector)).first().await?)
    }
}
