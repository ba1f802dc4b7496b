//! nginx as people run it before a service: `proxy_pass` with kept connections and its access log.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use e2e::harness::{programs, wait};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::node;

/// A running nginx; its files are gone with it.
pub struct Nginx {
    address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Nginx {
    /// Passes everything on to `upstream`, over as many kept connections.
    pub async fn start(upstream: SocketAddr, kept: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from(([127, 0, 0, 1], programs::free_port()?));
        std::fs::write(
            folder.path().join("nginx.conf"),
            configuration(folder.path(), address, upstream, kept),
        )?;
        let mut command = programs::lifelong(program());
        command.args(arguments(folder.path())).stdout(Stdio::null());
        let child = programs::start(command).context("nginx (Debian's package nginx)")?;
        wait::until("nginx to listen", async || Ok(TcpStream::connect(address).await.ok())).await?;
        Ok(Self { address, child, folder })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its processes: the master and the workers, which do the work.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let master = self.child.id();
        Ok([master].into_iter().chain(node::children(master)?).collect())
    }

    /// Lets it end its workers, which would outlive a master that is killed.
    pub fn stop(mut self) -> Result<()> {
        let arguments = arguments(self.folder.path());
        let ended =
            Command::new(program()).args(arguments).args(["-s", "stop"]).status().context("nginx -s stop")?;
        ensure!(ended.success(), "nginx -s stop ended with {ended}");
        self.child.wait()?;
        Ok(())
    }
}

/// Debian puts it where an ordinary user's path does not lead.
fn program() -> &'static str {
    if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" }
}

fn arguments(folder: &Path) -> [OsString; 6] {
    let file = |name| folder.join(name).into_os_string();
    ["-p".into(), folder.into(), "-c".into(), file("nginx.conf"), "-e".into(), file("error.log")]
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr, kept: usize) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    tcp_nodelay on;
    upstream service {{
        server {upstream};
        keepalive {kept};
        keepalive_requests 100000000;
    }}
    server {{
        listen {address};
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Cookie \"\";
        }}
    }}
}}
"
    )
}
