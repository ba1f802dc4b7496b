//! Etsy's statsd and Debian's Graphite, one pair for all tests of a run, as `e2e/graphite/serve` starts them.

use std::{collections::BTreeMap, fs::File, path::Path, process::Child};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use super::{programs, wait::until};

/// Both, running. Each test gives its panel a `STATSD_PREFIX` of its own.
pub struct Graphite {
    /// Where statsd listens: host and port.
    pub statsd: String,
    /// Graphite's web program.
    pub url: String,
}

/// One series, as Graphite's render API tells it.
#[derive(Deserialize)]
struct Rendered {
    target: String,
    datapoints: Vec<(Option<f64>, i64)>,
}

/// Set to `1`, this leaves out the tests that need statsd and Graphite where these are not installed.
const ALLOWED_WITHOUT: &str = "ALLOW_NO_GRAPHITE";

/// Seconds between two points: few, so that tests wait little; several, so that a busy machine's flushes stay apart.
const STEP: &str = "4";

impl Graphite {
    /// The pair of this run, started with the first test that asks. `None` where packages are missing and
    /// [`ALLOWED_WITHOUT`] says that such tests may be left out.
    ///
    /// Errors: packages are missing, or do not start.
    pub async fn of_this_run() -> Result<Option<&'static Self>> {
        static RUNNING: OnceCell<Option<Graphite>> = OnceCell::const_new();
        if let Some(missing) = missing() {
            ensure!(
                std::env::var_os(ALLOWED_WITHOUT).is_some_and(|value| value == "1"),
                "{missing} is not installed: `server/dev/setup test` does it, {ALLOWED_WITHOUT}=1 leaves out this test"
            );
            eprintln!("LEFT OUT: {missing} is not installed, and {ALLOWED_WITHOUT}=1");
            return Ok(None);
        }
        RUNNING.get_or_try_init(async || start().await.map(Some)).await.map(Option::as_ref)
    }

    /// The environment of a panel that measures into it, under this prefix.
    pub fn settings(&self, prefix: &str) -> Vec<(String, String)> {
        [("STATSD_ADDRESS", self.statsd.as_str()), ("STATSD_PREFIX", prefix), ("GRAPHITE_URL", &self.url)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// The sum of all points of each series that the target names, for the last hour.
    pub async fn sums(&self, target: &str) -> Result<BTreeMap<String, f64>> {
        let asked = [("target", target), ("from", "-1h"), ("format", "json"), ("noCache", "1")];
        let url = Url::parse_with_params(&format!("{}/render", self.url), asked)?;
        let answer = reqwest::Client::new().get(url).send().await?.error_for_status()?;
        let rendered: Vec<Rendered> = answer.json().await.context("Graphite's answer")?;
        let sum = |series: Rendered| {
            let points = series.datapoints.into_iter();
            (series.target, points.filter_map(|(value, _)| value).sum())
        };
        Ok(rendered.into_iter().map(sum).collect())
    }
}

/// What cannot be found, if anything.
fn missing() -> Option<&'static str> {
    let has = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    };
    let statsd = programs::root().join("e2e/node_modules/statsd/stats.js");
    [
        (statsd.exists(), "statsd (npm)"),
        (has("node"), "nodejs"),
        (has("carbon-cache"), "graphite-carbon"),
        (Path::new("/usr/lib/python3/dist-packages/graphite/wsgi.py").exists(), "graphite-web"),
        (has("gunicorn"), "gunicorn"),
    ]
    .into_iter()
    .find_map(|(is_there, name)| (!is_there).then_some(name))
}

async fn start() -> Result<Graphite> {
    let folder = programs::target_dir().join("e2e/graphite");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => std::fs::create_dir_all(&folder)?,
    }
    let mut ports = Vec::new();
    for _ in 0..5 {
        ports.push(programs::free_port()?.to_string());
    }
    let names = ["STATSD_PORT", "STATSD_ADMIN_PORT", "CARBON_PORT", "CARBON_QUERY_PORT", "GRAPHITE_PORT"];
    let said = folder.join("serve.log");
    let out = File::create(&said)?;
    let mut command = programs::lifelong(programs::root().join("e2e/graphite/serve"));
    command
        .arg(&folder)
        .env("STEP", STEP)
        .envs(names.into_iter().zip(&ports))
        .stdout(out.try_clone()?)
        .stderr(out);
    programs::prepare_http();
    let mut child: Child = programs::start(command)?;
    let ready = until("statsd and Graphite to be ready", async || {
        let text = std::fs::read_to_string(&said)?;
        if let Some(status) = child.try_wait()? {
            // Found, so that nobody waits for what has ended.
            return Ok(Some(format!("{text}\n{status}")));
        }
        Ok(text.contains("ready statsd=").then_some(text))
    })
    .await
    .with_context(|| format!("see {}", folder.display()))?;
    ensure!(ready.contains("ready statsd="), "statsd and Graphite do not start: {ready}");
    let [statsd, _, _, _, graphite] = ports.as_slice() else { bail!("five ports are needed") };
    Ok(Graphite { statsd: format!("127.0.0.1:{statsd}"), url: format!("http://127.0.0.1:{graphite}") })
}
