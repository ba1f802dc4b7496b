//! The panel: the real binary, on a port and a database of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::TempDir;

use super::{database::Database, programs, wait};

/// A running `meridian serve`.
pub struct Panel {
    child: Mutex<Child>,
    database: Database,
    settings: Vec<(String, String)>,
    port: u16,
    folder: TempDir,
}

impl Panel {
    /// Migrates a fresh database and serves on it, signing people in at `keystone_url`. `settings` are further
    /// environment variables of the panel.
    pub async fn start(keystone_url: &str, settings: &[(String, String)]) -> Result<Self> {
        programs::prepare_http();
        let port = programs::free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let database = Database::create().await?;
        let mut all: Vec<(String, String)> = [
            ("LISTEN_ADDRESS", format!("127.0.0.1:{port}")),
            ("PUBLIC_URL", url),
            ("DATABASE_URL", database.url().to_owned()),
            ("OS_AUTH_URL", keystone_url.to_owned()),
            ("SESSION_KEY", STANDARD.encode(std::array::from_fn::<u8, 32, _>(|at| at as u8))),
            // Tests are refused often and have nothing to hide in the time it takes.
            ("SIGN_IN_REFUSAL_STEP_SECS", "0".to_owned()),
            ("STOP_AFTER_SECS", "1".to_owned()),
            // Nobody is asked anything while a test looks at something else.
            ("ANALYTICS_CONSENT", "off".to_owned()),
            // Once, at the start: tests count the calls that the cloud receives.
            ("HEALTH_EVERY_SECS", "600".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        all.extend_from_slice(settings);
        let folder = tempfile::tempdir()?;
        run_to_end(command("migrate", &all, folder.path())?, folder.path()).await?;
        let child = programs::start(command("serve", &all, folder.path())?)?;
        let panel = Self { child: Mutex::new(child), database, settings: all, port, folder };
        panel.wait_until_ready().await?;
        Ok(panel)
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(self.folder.path())).unwrap_or_default()
    }

    /// The database it works on.
    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    /// Kills it, as a host that loses power does.
    pub fn kill(&self) -> Result<()> {
        let mut child = self.child();
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Stops it as a deploy does, and returns once it has finished what was under way.
    pub async fn terminate(&self) -> Result<()> {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status()?;
        anyhow::ensure!(status.success(), "kill ended with {status}");
        wait::until("the panel to stop", async || Ok(self.child().try_wait()?)).await?;
        Ok(())
    }

    /// Serves again after [`Panel::kill`] or [`Panel::terminate`], on the same port and database.
    pub async fn start_again(&self) -> Result<()> {
        *self.child() = programs::start(command("serve", &self.settings, self.folder.path())?)?;
        self.wait_until_ready().await
    }

    /// Stops it and takes its database away.
    pub async fn stop(self) -> Result<()> {
        // A panel already killed by its test has nothing left to kill.
        let _ = self.kill();
        let url = self.database.url().to_owned();
        Database::drop_now(&url).await
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let address = format!("{}/sign-in", self.url());
        let client = reqwest::Client::new();
        let log = log_path(self.folder.path());
        wait::until("the panel to serve its sign-in page", async || {
            if let Some(status) = self.child().try_wait()? {
                bail!("the panel ended ({status}):\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            Ok(client.get(&address).send().await?.status().is_success().then_some(()))
        })
        .await
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("panel.log")
}

fn command(subcommand: &str, settings: &[(String, String)], folder: &Path) -> Result<Command> {
    let log = File::options().create(true).append(true).open(log_path(folder))?;
    let mut command = programs::lifelong(programs::meridian()?);
    command
        .arg(subcommand)
        // Nothing of the machine's own configuration may change what a test sees.
        .env_remove("MERIDIAN_CONFIG")
        .env_remove("OS_CLOUD")
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .current_dir(folder)
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log));
    Ok(command)
}

async fn run_to_end(command: Command, folder: &Path) -> Result<()> {
    let mut child = programs::start(command)?;
    let status = tokio::task::spawn_blocking(move || child.wait()).await??;
    if !status.success() {
        let log = std::fs::read_to_string(log_path(folder)).unwrap_or_default();
        bail!("the panel could not migrate its database:\n{log}");
    }
    Ok(())
}

impl Drop for Panel {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
