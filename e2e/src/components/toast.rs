//! The short messages in the corner.

use anyhow::Result;
use thirtyfour::By;

use crate::harness::browser::Browser;

/// What the toasts on screen say.
pub async fn toasts(browser: &Browser) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for toast in browser.find_all(By::Testid("toast")).await? {
        texts.push(toast.text().await?);
    }
    Ok(texts)
}
