//! A PostgreSQL of a part's own: one that keeps its promises, or one that can be taken away.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

use anyhow::{Context, Result, anyhow};
use e2e::harness::programs;
use private_postgres::{Options, PrivatePostgres};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::node;

/// A running server; its files are gone with it.
pub struct Postgres {
    orders: mpsc::Sender<Order>,
    url: String,
    folder: PathBuf,
}

enum Order {
    Stop(mpsc::Sender<Result<()>>),
    Start(mpsc::Sender<Result<(String, PathBuf)>>),
}

impl Postgres {
    /// Starts a new one. `durable`: a commit is on the disk when it is answered, as where it matters.
    pub fn start(name: &str, durable: bool) -> Result<Self> {
        let data_dir = programs::target_dir().join(format!("bench-postgres-{name}"));
        let (orders, inbox) = mpsc::channel();
        // The server ends with the thread that started it, so that thread stays.
        thread::spawn(move || keep(&inbox, &Options { data_dir, durable }));
        let mut postgres = Self { orders, url: String::new(), folder: PathBuf::new() };
        (postgres.url, postgres.folder) = postgres.order(Order::Start)?;
        Ok(postgres)
    }

    /// The address of a database on it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Shuts it down; who is connected is cut off.
    pub fn stop(&self) -> Result<()> {
        self.order(Order::Stop)
    }

    /// Starts it again, at the same address.
    pub fn start_again(&self) -> Result<()> {
        self.order(Order::Start).map(drop)
    }

    /// Has it stand still: connections stay open, and nothing is answered. Or go on.
    pub fn freeze(&self, is_frozen: bool) -> Result<()> {
        let signal = if is_frozen { "-STOP" } else { "-CONT" };
        let server = self.pid()?;
        let mut all = node::children(server)?;
        // First of all and last of all the one that starts the others.
        if is_frozen {
            all.insert(0, server)
        } else {
            all.push(server)
        }
        let all = all.into_iter().map(|pid| pid.to_string());
        // One that has ended meanwhile is told as a failure, and is none.
        Command::new("kill").arg(signal).args(all).stderr(Stdio::null()).status().context("kill")?;
        Ok(())
    }

    /// Processor time of the server and all it has started so far.
    pub fn cpu_seconds(&self) -> Result<f64> {
        node::cpu_seconds_of_all(self.pid()?)
    }

    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    fn pid(&self) -> Result<u32> {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        let pid = file.lines().next().and_then(|line| line.trim().parse().ok());
        pid.context("PostgreSQL has no process")
    }

    fn order<T>(&self, order: impl FnOnce(mpsc::Sender<Result<T>>) -> Order) -> Result<T> {
        let (answer, answered) = mpsc::channel();
        let gone = || anyhow!("the thread of PostgreSQL is gone");
        self.orders.send(order(answer)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("bench: {error:#}");
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn keep(inbox: &mpsc::Receiver<Order>, options: &Options) {
    let mut running = None;
    for order in inbox {
        match order {
            Order::Stop(answer) => {
                let stopped = running.take().map_or(Ok(()), PrivatePostgres::stop);
                let _ = answer.send(stopped.context("PostgreSQL"));
            }
            Order::Start(answer) => {
                let started = PrivatePostgres::start(options.clone()).context("PostgreSQL");
                let _ = answer.send(started.map(|postgres| {
                    let at = (postgres.url().to_owned(), postgres.data_dir().to_owned());
                    running = Some(postgres);
                    at
                }));
            }
        }
    }
}

/// Runs statements that have no result.
pub async fn execute(connection: &mut PgConnection, statements: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(connection).await?;
    Ok(())
}
