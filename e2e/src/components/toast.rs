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
