//! The programs a test starts, and how it makes sure that none outlives it.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Once, OnceLock,
        atomic::{AtomicU16, Ordering},
        mpsc,
    },
    thread,
};

use anyhow::{Context, Result, bail};

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The panel: `MERIDIAN_BIN`, else the one cargo built beside this program.
pub fn meridian() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MERIDIAN_BIN") {
        // The panel runs in a folder of its own.
        return std::path::absolute(path).context("MERIDIAN_BIN");
    }
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let path = target_dir().join(profile).join("meridian");
    anyhow::ensure!(path.exists(), "{} is not built: cargo build -p server", path.display());
    Ok(path)
}

/// A port nobody listens on now, and no connection takes by itself: it is below those the kernel gives out
/// (`net.ipv4.ip_local_port_range`), and each is given once before the first comes again.
pub fn free_port() -> Result<u16> {
    const FIRST: u16 = 18_000;
    const COUNT: u16 = 12_000;
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Runs side by side begin at different places.
    let start = u16::try_from(std::process::id() % u32::from(COUNT / 10))? * 10;
    for _ in 0..COUNT {
        let port = FIRST + (start + GIVEN.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

/// A command for [`start`]: the program, to be given arguments, environment and outputs as any other.
///
/// `setpriv` has the kernel send the program SIGTERM when the thread that started it is gone, so it ends with this
/// process, however this process ends.
pub fn lifelong(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program).stdin(Stdio::null());
    command
}

/// Starts a [`lifelong`] command from a thread that lives as long as this process; a test's own thread does not.
pub fn start(command: Command) -> Result<Child> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static KEEPER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    let name = format!("{command:?}");
    let (answer, started) = mpsc::channel();
    keeper.send((command, answer)).ok().context("the thread that starts programs is gone")?;
    let spawned = started.recv().context("the thread that starts programs is gone")?;
    spawned.with_context(|| format!("{name} cannot be started"))
}

/// Prepares TLS for the HTTP clients of this process. Nothing here speaks TLS, but a client asks for it anyway.
pub fn prepare_http() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
