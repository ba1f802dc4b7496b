//! The sign-in page.

use anyhow::{Result, ensure};
use simcloud::{DEMO_PASSWORD, DEMO_USER, TEST_PASSWORD};
use thirtyfour::{By, WebElement, prelude::*};

use super::ServersPage;
use crate::{Scene, until};

/// The page that asks who you are.
pub struct SignInPage<'s> {
    scene: &'s Scene,
}

impl<'s> SignInPage<'s> {
    /// Opens it.
    pub async fn open(scene: &'s Scene) -> Result<Self> {
        scene.browser.goto(scene.url("/sign-in")).await?;
        Self::shown(scene).await
    }

    /// The page, once it is on screen: another page may have led here.
    pub async fn shown(scene: &'s Scene) -> Result<Self> {
        scene.browser.query(By::Css("form input[name=password]")).and_displayed().first().await?;
        Ok(Self { scene })
    }

    /// Signs in one of the cloud's cast, who has a project, and gives the page they land on.
    pub async fn sign_in(self, user: &str) -> Result<ServersPage<'s>> {
        self.submit_of(user).await?;
        ServersPage::shown(self.scene).await
    }

    /// Signs in one of the cloud's cast, wherever that leads.
    pub async fn submit_of(&self, user: &str) -> Result<()> {
        let password = if user == DEMO_USER { DEMO_PASSWORD } else { TEST_PASSWORD };
        self.submit(user, password).await
    }

    /// Fills in the form and sends it; returns once the next page is there.
    pub async fn submit(&self, user: &str, password: &str) -> Result<()> {
        let name = self.field("user").await?;
        name.clear().await?;
        name.send_keys(user).await?;
        self.field("password").await?.send_keys(password).await?;
        self.press_submit().await
    }

    /// Chooses a domain or writes it, where there are several.
    pub async fn fill_domain(&self, domain: &str) -> Result<()> {
        Ok(self.field("domain").await?.send_keys(domain).await?)
    }

    /// Whether the form asks for a domain.
    pub async fn asks_for_domain(&self) -> Result<bool> {
        for field in self.scene.browser.find_all(By::Css("[name=domain]")).await? {
            if field.is_displayed().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits for the page that asks for a code, and sends one.
    pub async fn submit_code(&self, code: &str) -> Result<()> {
        let field = self.scene.browser.query(By::Css("input[autocomplete=one-time-code]")).first().await?;
        field.send_keys(code).await?;
        self.press_submit().await
    }

    /// The sentence that says why nobody is signed in, once it is there.
    pub async fn problem(&self) -> Result<String> {
        let alert = self.scene.browser.query(By::Css("[role=alert]")).and_displayed().first().await?;
        let text = alert.text().await?;
        ensure!(!text.trim().is_empty(), "the alert is empty");
        Ok(text)
    }

    /// What stands in the field of the user's name.
    pub async fn user(&self) -> Result<String> {
        Ok(self.field("user").await?.value().await?.unwrap_or_default())
    }

    async fn field(&self, name: &str) -> Result<WebElement> {
        Ok(self.scene.browser.query(By::Css(format!("[name={name}]"))).and_displayed().first().await?)
    }

    async fn press_submit(&self) -> Result<()> {
        let browser = &self.scene.browser;
        // The document that has this mark is the old one.
        let _: bool = browser.run("window.isBeforeSubmit = true; return true;", Vec::new()).await?;
        browser.find(By::Css("form button[type=submit], form button:not([type])")).await?.click().await?;
        until("the answer to the form", async || {
            let script = "return !window.isBeforeSubmit && document.readyState !== 'loading';";
            Ok(browser.run::<bool>(script, Vec::new()).await?.then_some(()))
        })
        .await
    }
}
