//! A cloud, a panel and a browser for one test.

use std::{
    panic::{AssertUnwindSafe, Location, resume_unwind},
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::FutureExt;
use simcloud::{Cloud, CloudConfig, Control};

use super::{
    browser::{Browser, DESKTOP},
    evidence,
    panel::Panel,
};

/// What a test starts from. The default is the small, instant, quiet cloud with its cast, and a desktop's window.
pub struct Setup {
    pub cloud: CloudConfig,
    /// Environment variables of the panel.
    pub settings: Vec<(String, String)>,
    pub window: (u32, u32),
}

/// The running parts.
pub struct Scene {
    pub cloud: Cloud,
    pub panel: Panel,
    pub browser: Browser,
}

impl Default for Setup {
    fn default() -> Self {
        Self { cloud: CloudConfig::default(), settings: Vec::new(), window: DESKTOP }
    }
}

impl Setup {
    /// A cloud with these servers of the project `web-shop` (of the user `demo`), and nothing else changed.
    pub fn web_shop(servers: usize) -> Self {
        let mut setup = Self::default();
        let regions = setup.cloud.regions.clone();
        setup.cloud.projects.push(simcloud::ProjectSeed::split("web-shop", servers, &regions));
        setup
    }

    /// The default with short intervals: what is tested is what a person sees, not how soon.
    pub fn lively() -> Self {
        Self::default().with("INDEX_POLL_IDLE_SECS", "0.3").with("INDEX_POLL_TRANSITION_SECS", "0.2")
    }

    /// Sets an environment variable of the panel.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Gives the browser a window of this size.
    pub fn window(mut self, size: (u32, u32)) -> Self {
        self.window = size;
        self
    }
}

impl Scene {
    /// Starts the cloud, then the panel and the browser side by side.
    pub async fn start(setup: Setup) -> Result<Self> {
        let cloud = Cloud::start(setup.cloud).await.context("the simulated cloud")?;
        let keystone_url = cloud.keystone_url();
        let (panel, browser) =
            tokio::join!(Panel::start(&keystone_url, &setup.settings), Browser::start(setup.window));
        match (panel, browser) {
            (Ok(panel), Ok(browser)) => Ok(Self { cloud, panel, browser }),
            (Err(error), Ok(browser)) => {
                browser.quit().await?;
                Err(error)
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// Ends all three, whether or not one of them fails to.
    pub async fn stop(self) -> Result<()> {
        let browser = self.browser.quit().await.context("the browser");
        let panel = self.panel.stop().await.context("the panel");
        self.cloud.shutdown().await;
        browser.and(panel)
    }

    /// The cloud's knobs.
    pub fn control(&self) -> Control {
        self.cloud.admin()
    }

    /// Lets the cloud's time pass, so that what it was asked for gets done.
    pub fn pass(&self) {
        self.control().advance(Duration::from_secs(5));
    }

    /// The address of a page of the panel.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.panel.url())
    }

    /// Follows a link within the panel, as one on the page would be followed: nothing is loaded anew.
    pub async fn follow(&self, path: &str) -> Result<()> {
        let script = "
            const link = Object.assign(document.createElement('a'), { href: arguments[0] });
            document.getElementById('main').append(link);
            link.click();
            link.remove();";
        self.browser.run::<serde_json::Value>(script, vec![path.into()]).await?;
        Ok(())
    }

    /// The id of a project, for addresses.
    pub fn project(&self, name: &str) -> String {
        self.control().project_id(name).to_string()
    }
}

/// Runs a test in a scene of its own. When it fails, what can be kept is kept under `target/e2e/<test>/`.
#[track_caller]
pub fn scene(setup: Setup, test: impl AsyncFnOnce(&Scene) -> Result<()>) {
    let name = test_name(Location::caller());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the test");
    evidence::clear(&name);
    runtime.block_on(async {
        let scene = match Scene::start(setup).await {
            Ok(scene) => scene,
            Err(error) => panic!("{name} could not start: {error:#}"),
        };
        let outcome = AssertUnwindSafe(test(&scene)).catch_unwind().await;
        let failed = !matches!(outcome, Ok(Ok(())));
        let kept = match failed {
            true => evidence::keep(&name, Some(&scene.browser), Some(&scene.panel)).await.ok(),
            false => None,
        };
        let ended = scene.stop().await;
        if let Some(folder) = kept {
            eprintln!("{name}: see {}", folder.display());
        }
        match outcome {
            Err(panic) => resume_unwind(panic),
            Ok(Err(error)) => panic!("{error:#}"),
            Ok(Ok(())) => ended.expect("everything the test started ends"),
        }
    });
}

/// libtest names a test's thread after it; with one thread in all, the place in the source has to do.
fn test_name(place: &Location<'_>) -> String {
    match std::thread::current().name() {
        Some(name) if name != "main" => name.replace("::", "-"),
        _ => format!("{}-{}", place.file().replace(['/', '\\'], "-"), place.line()),
    }
}
