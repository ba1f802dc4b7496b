//! The short messages in the corner.

use anyhow::Result;
use thirtyfour::By;

use crate::{harness::browser::Browser, until};

/// Waits for a toast that says this, and gives all it says.
pub async fn toast(browser: &Browser, part: &str) -> Result<String> {
    until(&format!("a toast that says {part:?}"), async || {
        for toast in browser.find_all(By::Css(".toast")).await? {
            let text = toast.text().await?;
            if text.contains(part) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    })
    .await
}

/// Dismisses all that stay until somebody does.
pub async fn dismiss_toasts(browser: &Browser) -> Result<()> {
    until("the toasts to go", async || {
        let crosses = browser.find_all(By::Css(".toast [aria-label=Dismiss]")).await?;
        for cross in &crosses {
            cross.click().await?;
        }
        Ok(crosses.is_empty().then_some(()))
    })
    .await
}
