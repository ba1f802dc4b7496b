//! Dialogs.

use anyhow::Result;
use thirtyfour::{By, WebElement, prelude::*};

use crate::harness::browser::Browser;

/// The dialog that is open.
pub struct Dialog {
    element: WebElement,
}

impl Dialog {
    /// The dialog with these words in it, once it is on screen.
    pub async fn with_text(browser: &Browser, text: &str) -> Result<Self> {
        let text = text.to_owned();
        let dialogs = browser.query(By::Css("dialog[open], [role=dialog], [role=alertdialog]"));
        let element = dialogs
            .and_displayed()
            .with_filter(move |element: WebElement| {
                let text = text.clone();
                async move { Ok(element.text().await?.contains(&text)) }
            })
            .desc("a dialog")
            .first()
            .await?;
        Ok(Self { element })
    }

    /// Whether any dialog is on screen.
    pub async fn is_any_open(browser: &Browser) -> Result<bool> {
        for dialog in browser.find_all(By::Css("dialog[open], [role=dialog], [role=alertdialog]")).await? {
            if dialog.is_displayed().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub async fn text(&self) -> Result<String> {
        Ok(self.element.text().await?)
    }

    /// Writes into the field of this type (`password`).
    pub async fn fill(&self, kind: &str, text: &str) -> Result<()> {
        let field = self.element.query(By::Css(format!("input[type={kind}]"))).first().await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Presses the button with this label.
    pub async fn press(&self, label: &str) -> Result<()> {
        let path = format!(".//button[normalize-space()='{label}' or @aria-label='{label}']");
        Ok(self.element.query(By::XPath(path)).and_displayed().first().await?.click().await?)
    }
}
