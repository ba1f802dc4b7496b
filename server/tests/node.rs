//! The real program as a node of a test's panel.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use server::testing::{TestApp, until};
use sqlx::PgPool;

/// The program on a port, with the database, the cloud and the key of the test; killed with SIGKILL when dropped.
pub struct Node {
    child: Child,
    pub address: SocketAddr,
}

impl Node {
    /// On a free port, with further environment variables.
    pub fn start(app: &TestApp, db: &PgPool, settings: &[(&str, &str)]) -> Self {
        Self::start_at(free_address(), app, db, settings)
    }

    /// On an address that another had before.
    pub fn start_at(address: SocketAddr, app: &TestApp, db: &PgPool, settings: &[(&str, &str)]) -> Self {
        let mut database =
            std::env::var("DATABASE_URL").expect("DATABASE_URL").parse::<url::Url>().expect("a URL");
        database.set_path(db.connect_options().get_database().expect("a database"));
        let child = Command::new(env!("CARGO_BIN_EXE_meridian"))
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", database.as_str())
            .env("OS_AUTH_URL", app.cloud.keystone_url())
            .env("LISTEN_ADDRESS", address.to_string())
            .env("PUBLIC_URL", format!("http://{address}"))
            // As the app of the test has it.
            .env("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        Self { child, address }
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("over");
    }

    /// Sends `TERM`, as a service manager does, or `INT`, as a terminal does.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until it has ended by itself. `None`: by a signal.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let mut code = None;
        until("the program to end", async || {
            code = self.child.try_wait().expect("a child").map(|status| status.code());
            code.is_some()
        })
        .await;
        code.flatten()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on.
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}
