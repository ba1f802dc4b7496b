//! A headless Chromium with an empty profile.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WindowHandle,
    extensions::query::ElementPollerWithTimeout,
};
use tokio_tungstenite::connect_async;

use super::{chromedriver, wait};

/// A browser. Dereferences to thirtyfour's driver.
pub struct Browser {
    driver: WebDriver,
    _profile: TempDir,
}

/// The size of a desktop's window.
pub const DESKTOP: (u32, u32) = (1440, 900);
/// The size of a phone's screen.
pub const PHONE: (u32, u32) = (390, 844);

/// Whether the whole of Chromium is started even where there is its shell.
static IS_WHOLE: AtomicBool = AtomicBool::new(false);

/// From now on the whole of Chromium is started, as people have it: for what is measured.
pub fn use_whole_chromium() {
    IS_WHOLE.store(true, Ordering::Relaxed);
}

/// Debian's Chromium without everything around its pages: they are drawn and run by the same code, and a test takes half
/// of the time.
fn shell() -> Option<&'static str> {
    const DEBIANS: &str = "/usr/lib/chromium/chromium-headless-shell";
    Path::new(DEBIANS).exists().then_some(DEBIANS)
}

impl Browser {
    /// Starts one with a window of this inner size.
    pub async fn start((width, height): (u32, u32)) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut wanted = DesiredCapabilities::chrome();
        if let Some(shell) = shell().filter(|_| !IS_WHOLE.load(Ordering::Relaxed)) {
            wanted.set("browserName", "chrome-headless-shell")?;
            wanted.set_binary(shell)?;
        } else {
            wanted.add_arg("--headless")?;
        }
        for flag in [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars=false",
            "--force-device-scale-factor=1",
            "--lang=en-GB",
        ] {
            wanted.add_arg(flag)?;
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        wanted.add_arg(&format!("--window-size={width},{height}"))?;
        wanted.add_experimental_option(
            "prefs",
            json!({ "download.default_directory": profile.path().join("downloads") }),
        )?;
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
        let poller = ElementPollerWithTimeout::new(wait::LIMIT, Duration::from_millis(25));
        let driver = WebDriver::builder(chromedriver::url().await?, wanted)
            .poller(Arc::new(poller))
            .connect()
            .await
            .context("a browser")?;
        let browser = Self { driver, _profile: profile };
        browser.resize((width, height)).await?;
        let allowed = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.cdp("Browser.grantPermissions", allowed).await?;
        Ok(browser)
    }

    /// Gives the page exactly this size, whatever the window's frame takes.
    pub async fn resize(&self, (width, height): (u32, u32)) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await?;
        Ok(())
    }

    /// Sends a command of the Chrome DevTools Protocol to the page.
    pub async fn cdp(&self, method: &str, params: Value) -> Result<Value> {
        Ok(self.driver.cdp().send_raw(method, params).await?)
    }

    /// Runs a script in the page and gives what it returns.
    pub async fn run<T: serde::de::DeserializeOwned>(
        &self,
        script: &str,
        arguments: Vec<Value>,
    ) -> Result<T> {
        Ok(self.driver.execute(script, arguments).await?.convert()?)
    }

    /// Runs a script whose last argument is the function to call with the result.
    pub async fn run_async<T: serde::de::DeserializeOwned>(
        &self,
        script: &str,
        arguments: Vec<Value>,
    ) -> Result<T> {
        Ok(self.driver.execute_async(script, arguments).await?.convert()?)
    }

    /// Has a script run in every document from now on, before any of its own.
    pub async fn on_every_document(&self, script: &str) -> Result<()> {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await?;
        Ok(())
    }

    /// Crashes a tab, which must not be the one in use: `WebDriver` gives up a session whose tab is gone. Returns once it
    /// has crashed.
    pub async fn crash(&self, tab: &WindowHandle) -> Result<()> {
        let options = self.driver.handle().capabilities().get("goog:chromeOptions");
        let address = options.and_then(|options| options["debuggerAddress"].as_str());
        let address = address.context("no address for debuggers")?;
        let (mut socket, _) = connect_async(format!("ws://{address}/devtools/page/{tab}")).await?;
        for (id, method) in [(1, "Inspector.enable"), (2, "Page.crash")] {
            socket.send(json!({ "id": id, "method": method }).to_string().into()).await?;
        }
        while let Some(said) = socket.next().await {
            if said?.to_text().is_ok_and(|text| text.contains("Inspector.targetCrashed")) {
                return Ok(());
            }
        }
        bail!("the tab did not crash")
    }

    /// What a person who set the system to dark (or light) sees.
    pub async fn prefer_colour_scheme(&self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.cdp("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// Ends it.
    pub async fn quit(self) -> Result<()> {
        Ok(self.driver.quit().await?)
    }
}

impl std::ops::Deref for Browser {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}
