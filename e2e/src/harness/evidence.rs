//! What is kept of a test that failed: `target/e2e/<test>/`.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::Result;

use super::{browser::Browser, panel::Panel, programs};

/// Keeps a screenshot, the page's address and markup, the browser's log and the panel's log; gives the folder.
pub async fn keep(test: &str, browser: Option<&Browser>, panel: Option<&Panel>) -> Result<PathBuf> {
    let folder = folder(test);
    fs::create_dir_all(&folder)?;
    if let Some(panel) = panel {
        fs::write(folder.join("panel.log"), panel.log())?;
    }
    if let Some(browser) = browser {
        // Each by itself: a browser that hangs in a dialog still has a log.
        if let Ok(png) = browser.screenshot_as_png().await {
            fs::write(folder.join("screenshot.png"), png)?;
        }
        if let Ok(source) = browser.source().await {
            let address = browser.current_url().await.map(|url| url.to_string()).unwrap_or_default();
            fs::write(folder.join("page.html"), format!("<!-- {address} -->\n{source}"))?;
        }
        fs::write(folder.join("browser.log"), browser_log(browser).await)?;
    }
    Ok(folder)
}

/// Forgets what an earlier run kept of this test.
pub fn clear(test: &str) {
    let _ = fs::remove_dir_all(folder(test));
}

/// What the page and the browser wrote to the console.
pub async fn browser_log(browser: &Browser) -> String {
    match browser.browser_log().await {
        Ok(entries) => entries.iter().fold(String::new(), |mut text, entry| {
            let _ = writeln!(text, "{entry:?}");
            text
        }),
        Err(error) => format!("the browser's log could not be had: {error}\n"),
    }
}

fn folder(test: &str) -> PathBuf {
    programs::target_dir().join("e2e").join(test)
}
