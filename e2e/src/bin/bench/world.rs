//! A cloud, a panel, the proxy in front of it and a browser that is signed in.

use anyhow::{Context, Result};
use e2e::{
    Scene, Setup,
    harness::browser::Browser,
    pages::{ServersPage, SignInPage},
};
use serde::Deserialize;
use serde_json::{Value, json};
use simcloud::DEMO_USER;

use crate::proxy::Proxy;

/// What a part of the benchmark runs in.
pub struct World {
    pub scene: Scene,
    pub proxy: Proxy,
    /// The id of the project that has the servers.
    pub project: String,
}

/// What the probe saw of one opening of a page.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// Milliseconds from navigation to the paint of the first row.
    pub first_row: f64,
    /// Milliseconds from navigation until every row is in, and what is in sight and every count are right.
    pub all_in: f64,
    /// Milliseconds from navigation until all of it is drawn as well: up to 10,000 rows, those out of sight too.
    pub complete: f64,
    /// Milliseconds from navigation to the start of the fetch.
    pub fetch: f64,
    /// Start and duration of every task over 50 ms until everything was in.
    pub long_tasks: Vec<(f64, f64)>,
    pub layout_shift: f64,
}

impl Opening {
    pub fn longest_task(&self) -> f64 {
        self.long_tasks.iter().map(|(_, duration)| *duration).fold(0.0, f64::max)
    }

    pub fn total_blocking(&self) -> f64 {
        self.long_tasks.iter().map(|(_, duration)| duration - 50.0).sum()
    }
}

const PROBE: &str = include_str!("probe.js");

impl World {
    /// Starts everything, with the user `demo` signed in. The index is cold.
    pub async fn start(setup: Setup) -> Result<Self> {
        let scene = Scene::start(setup).await?;
        let port = scene.panel.url().rsplit(':').next().and_then(|port| port.parse().ok());
        let proxy = Proxy::start(port.context("the panel has no port")?).await?;
        let project = scene.project("web-shop");
        let world = Self { scene, proxy, project };
        world.browser().on_every_document(PROBE).await?;
        Ok(world)
    }

    /// Signs in at the panel itself, waits until all servers are in its index, and leaves the page.
    pub async fn warm_up(&self) -> Result<()> {
        self.sign_in().await?;
        ServersPage::open(&self.scene, "web-shop", "").await?.complete_table().await?;
        self.browser().goto("about:blank").await?;
        Ok(())
    }

    /// Signs in with the project `three`, so that the index of `web-shop` stays as it is.
    pub async fn sign_in(&self) -> Result<()> {
        let page = SignInPage::open(&self.scene).await?;
        page.submit(DEMO_USER, simcloud::DEMO_PASSWORD).await?;
        self.browser().goto("about:blank").await?;
        Ok(())
    }

    pub fn browser(&self) -> &Browser {
        &self.scene.browser
    }

    /// The list of servers, ours.
    pub fn our_list(&self) -> String {
        self.proxy.url(&format!("/projects/{}/servers", self.project))
    }

    /// A page of the reference: `list`, `table` or `receive`.
    pub fn reference(&self, page: &str) -> String {
        self.proxy.url(&format!("/reference/{page}/{}", self.project))
    }

    /// Opens a page and measures until its table is complete.
    pub async fn open(&self, url: &str) -> Result<Opening> {
        let browser = self.browser();
        self.leave().await?;
        browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
        browser.goto(url).await?;
        self.opening().await
    }

    /// Goes to a blank page, so that the next one begins in a process of its own, as a link opened in a tab does.
    pub async fn leave(&self) -> Result<()> {
        Ok(self.browser().goto("about:blank").await?)
    }

    /// What was measured of the document that is open, once its table is complete.
    pub async fn opening(&self) -> Result<Opening> {
        let script = "
            const done = arguments[arguments.length - 1];
            const probe = window.meridianProbe;
            probe.done.then(() => done({
                firstRow: probe.firstRow ?? 0,
                allIn: performance.getEntriesByName('servers:complete')[0]?.startTime ?? probe.complete,
                complete: probe.complete,
                fetch: performance.getEntriesByName('servers:fetch')[0]?.startTime ?? 0,
                longTasks: probe.longTasks.filter(([start]) => start < probe.complete),
                layoutShift: probe.layoutShift,
            }));";
        self.browser().run_async(script, Vec::new()).await
    }

    /// Megabytes the page holds once garbage is collected: the script's heap and the module's memory.
    pub async fn memory_mb(&self) -> Result<(f64, f64)> {
        let browser = self.browser();
        browser.cdp("Performance.enable", json!({})).await?;
        browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
        let metrics = browser.cdp("Performance.getMetrics", json!({})).await?;
        let heap = metric(&metrics, "JSHeapUsedSize").context("the browser does not tell its heap")?;
        let wasm: f64 = browser.run("return window.meridianProbe.wasmBytes();", Vec::new()).await?;
        Ok((heap / 1e6, wasm / 1e6))
    }

    /// Ends everything.
    pub async fn stop(self) -> Result<()> {
        self.scene.stop().await
    }
}

fn metric(metrics: &Value, name: &str) -> Option<f64> {
    let all = metrics["metrics"].as_array()?;
    all.iter().find(|metric| metric["name"] == name)?["value"].as_f64()
}
