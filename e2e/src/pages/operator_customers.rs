//! The operator's console, section *Customers*, and the support view that begins there.

use anyhow::Result;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{Scene, components::Dialog, until};

/// The section, open.
pub struct OperatorCustomersPage<'s> {
    scene: &'s Scene,
}

/// What stands over every page while an operator looks at a customer's project.
pub struct SupportBanner<'s> {
    scene: &'s Scene,
}

impl<'s> OperatorCustomersPage<'s> {
    pub async fn open(scene: &'s Scene) -> Result<Self> {
        scene.browser.goto(scene.url("/operator/customers")).await?;
        scene.browser.query(By::Testid("customers")).and_displayed().first().await?;
        Ok(Self { scene })
    }

    /// Looks for somebody by the form.
    pub async fn ask(&self, text: &str) -> Result<()> {
        let field = By::Css("[data-testid=customers] input[type=search]");
        let field = self.scene.browser.query(field).and_displayed().first().await?;
        field.clear().await?;
        field.send_keys(text).await?;
        self.press("Find").await
    }

    /// Looks for somebody; returns once the people found are on screen.
    pub async fn find(&self, text: &str) -> Result<String> {
        self.ask(text).await?;
        let script = "return document.querySelector('[data-testid=people-table]')?.innerText ?? ''";
        until(&format!("{text} among the people"), async || {
            let read: String = self.scene.browser.run(script, Vec::new()).await?;
            Ok(read.contains(text).then_some(read))
        })
        .await
    }

    /// Follows the link with this text, and returns once the page of that customer is there.
    pub async fn open_customer(&self, name: &str) -> Result<()> {
        let link = By::XPath(format!("//main//a[normalize-space()='{name}']"));
        self.scene.browser.query(link).and_displayed().first().await?.click().await?;
        let page = By::Css("[data-testid=customer] .card, [data-testid=customer-project] .card");
        self.scene.browser.query(page).and_displayed().first().await?;
        Ok(())
    }

    /// A table as it reads, once it is there.
    pub async fn table(&self, test_id: &str) -> Result<String> {
        let table = self.scene.browser.query(By::Testid(test_id)).and_displayed().first().await?;
        Ok(table.text().await?)
    }

    /// All that the page says.
    pub async fn text(&self) -> Result<String> {
        Ok(self.scene.browser.query(By::Css("main .page-body")).first().await?.text().await?)
    }

    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!("//main//button[normalize-space()='{label}' or @aria-label='{label}']");
        Ok(self.scene.browser.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }

    /// The dialog to begin a support view of a project.
    pub async fn ask_for_view(&self, project: &str) -> Result<Dialog> {
        self.press(&format!("Support view {project}")).await?;
        Dialog::with_text(&self.scene.browser, &format!("Support view of {project}")).await
    }

    /// Writes the reason into the dialog that is open.
    pub async fn give_reason(&self, reason: &str) -> Result<()> {
        let area = self.scene.browser.query(By::Css("dialog[open] textarea")).and_displayed().first().await?;
        Ok(area.send_keys(reason).await?)
    }
}

impl<'s> SupportBanner<'s> {
    /// The banner, once it counts the time.
    pub async fn shown(scene: &'s Scene) -> Result<Self> {
        let banner = Self { scene };
        until("the banner to count the time", async || {
            Ok(banner.text().await?.contains(" left").then_some(()))
        })
        .await?;
        Ok(banner)
    }

    pub async fn text(&self) -> Result<String> {
        Ok(self.element().await?.text().await?)
    }

    pub async fn element(&self) -> Result<WebElement> {
        let banner = By::Css("#support-view[role=status]");
        Ok(self.scene.browser.query(banner).and_displayed().first().await?)
    }

    /// Ends the view, and returns once the customer's page is there.
    pub async fn end(&self) -> Result<()> {
        self.element().await?.find(By::Css("button[type=submit]")).await?.click().await?;
        self.scene.browser.query(By::Testid("customer-project")).and_displayed().first().await?;
        Ok(())
    }
}
