//! The page where servers are made.

use anyhow::{Result, ensure};
use simcloud::{CallRecord, Service};
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

    /// Presses a button or a link of the form.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!("//main//*[self::button or self::a][normalize-space()='{label}']");
        let element = self.scene.browser.query(By::XPath(path)).and_displayed().first().await?;
        element.scroll_into_view().await?;
        Ok(element.click().await?)
    }

    /// Leaves for the list, as its link does.
    pub async fn leave(&self) -> Result<()> {
        self.press("Servers").await?;
        until("the form to be left", async || {
            let forms = self.scene.browser.find_all(By::Testid("create-summary")).await?;
            Ok(forms.is_empty().then_some(()))
        })
        .await
    }

    /// Comes from any page of the project to the form, without loading the panel anew.
    pub async fn come_back(&self) -> Result<()> {
        let create = By::XPath("//main//a[normalize-space()='Create']");
        self.scene.browser.query(create).and_displayed().first().await?.click().await?;
        self.scene.browser.query(By::Testid("create-summary")).first().await?;
        Ok(())
    }

    /// Waits until a draft was brought back, and says so.
    pub async fn is_restored(&self) -> Result<()> {
        self.scene.browser.query(By::Testid("draft-restored")).and_displayed().first().await?;
        Ok(())
    }

    /// Loads a file as user data.
    pub async fn user_data_file(&self, path: &str) -> Result<()> {
        Ok(self.field("[data-section=UserData] input[type=file]").await?.send_keys(path).await?)
    }

    /// What is said of user data that is no text, once it says this.
    pub async fn user_data_says(&self, part: &str) -> Result<String> {
        until(&format!("user data that says {part:?}"), async || {
            let text = self.field("[data-section=UserData]").await?.text().await?;
            Ok(text.contains(part).then_some(text))
        })
        .await
    }

    /// The names of the cloud's servers that begin so.
    pub fn made(&self, region: &str, start: &str) -> Vec<String> {
        let servers = self.scene.control().servers(region, "alpha").into_iter();
        let mut names: Vec<_> =
            servers.map(|server| server.name).filter(|name| name.starts_with(start)).collect();
        names.sort();
        names
    }

    /// The calls by which Nova was asked to make a server.
    pub fn create_calls(&self) -> Vec<CallRecord> {
        let is_create = |call: &CallRecord| {
            call.service == Service::Compute
                && call.method == "POST"
                && call.path_and_query.ends_with("/servers")
        };
        self.scene.control().calls().into_iter().filter(is_create).collect()
    }

    /// Waits until a server is being asked for and Nova has not answered.
    pub async fn is_asking(&self) -> Result<()> {
        until("a server to be asked for", async || {
            Ok(self.create_calls().iter().any(|call| call.status.is_none()).then_some(()))
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
