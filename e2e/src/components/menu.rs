//! Buttons that open a menu.

use anyhow::Result;
use thirtyfour::{By, WebElement, prelude::*};

use crate::{harness::browser::Browser, until};

/// A menu, opened by the button with its name.
pub struct Menu {
    element: WebElement,
}

impl Menu {
    /// Opens it.
    pub async fn open(browser: &Browser, name: &str) -> Result<Self> {
        let path = format!("//button[normalize-space()='{name}' or @aria-label='{name}']");
        let button = browser.query(By::XPath(path)).and_displayed().first().await?;
        button.click().await?;
        let controlled = until("the menu to open", async || Ok(button.attr("aria-controls").await?)).await?;
        let element = browser.query(By::Id(controlled)).and_displayed().first().await?;
        Ok(Self { element })
    }

    /// Presses the entry with this label.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path =
            format!(".//*[self::button or self::a][normalize-space()='{label}' or @aria-label='{label}']");
        Ok(self.element.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }

    /// Ticks or unticks the entry with this label.
    pub async fn toggle(&self, label: &str) -> Result<()> {
        let path = format!(".//label[normalize-space()='{label}']");
        Ok(self.element.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }

    pub async fn text(&self) -> Result<String> {
        Ok(self.element.text().await?)
    }
}
