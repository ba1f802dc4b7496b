//! The socket.io server on Node that the panel is measured against.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use e2e::harness::{programs, wait};
use tokio::net::TcpStream;

use crate::node;

/// A running reference, with a process for each processor.
pub struct Reference {
    address: SocketAddr,
    child: Child,
}

/// Its table: what the panel's has, found by the same indexes, and the number that makes a message the same one.
pub const TABLE: &str = "
    DROP TABLE IF EXISTS reference_lines;
    CREATE TABLE reference_lines (
        LIKE log_lines INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES,
        stream uuid NOT NULL,
        seq bigint NOT NULL,
        UNIQUE (stream, seq)
    );";

impl Reference {
    /// `connections` are those to Postgres, of all processes together.
    pub async fn start(database_url: &str, workers: usize, connections: u32) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], programs::free_port()?));
        let mut command = programs::lifelong("node");
        command
            .args(["--expose-gc", "socketio/server.mjs"])
            .current_dir(programs::root().join("e2e/bench"))
            .env("NODE_ENV", "production")
            .env("DATABASE_URL", database_url)
            .env("PORT", address.port().to_string())
            .env("WORKERS", workers.to_string())
            .env("CONNECTIONS", connections.to_string())
            .stdout(Stdio::null());
        let mut child = programs::start(command).context("node")?;
        wait::until("socket.io to listen", async || {
            if let Some(status) = child.try_wait()? {
                bail!("socket.io ended: {status}");
            }
            Ok(TcpStream::connect(address).await.ok())
        })
        .await?;
        Ok(Self { address, child })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has its processes give back what they no longer use.
    pub fn collect_garbage(&self) -> Result<()> {
        let processes = self.processes()?.into_iter().map(|pid| pid.to_string());
        let told = Command::new("kill").args(["-s", "USR2"]).args(processes).status().context("kill")?;
        ensure!(told.success(), "node was not told to collect its garbage");
        Ok(())
    }

    /// Its processes.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let primary = self.child.id();
        Ok([primary].into_iter().chain(node::children(primary)?).collect())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Its workers leave when the channel to the first process closes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
