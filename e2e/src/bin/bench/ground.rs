//! A panel under load: a cloud that signs people in, a service that answers at once, and somebody who listens to
//! measurements, as in production.

use std::net::SocketAddr;

use anyhow::Result;
use e2e::harness::panel::Panel;
use simcloud::{Cloud, CloudConfig, Service};
use tokio::{net::UdpSocket, task::JoinHandle};

use crate::{service::FakeService, visitor::Visitor};

/// All of them; stopped together.
pub struct Ground {
    pub service: FakeService,
    pub cloud: Cloud,
    pub panel: Panel,
    statsd_address: SocketAddr,
    statsd: JoinHandle<()>,
}

impl Ground {
    /// `settings` are further environment variables of the panel.
    pub async fn start(settings: Vec<(String, String)>) -> Result<Self> {
        Self::start_in(CloudConfig::default(), settings).await
    }

    /// The same in a cloud of one's own.
    pub async fn start_in(cloud: CloudConfig, mut settings: Vec<(String, String)>) -> Result<Self> {
        let service = FakeService::start()?;
        let cloud = Cloud::start(cloud).await?;
        for kind in [Service::Compute, Service::Image] {
            cloud.admin().set_address("RegionOne", kind, Some(&format!("http://{}/v2", service.address())));
        }
        let sink = UdpSocket::bind("127.0.0.1:0").await?;
        let statsd_address = sink.local_addr()?;
        settings.push(("STATSD_ADDRESS".to_owned(), statsd_address.to_string()));
        let panel = Panel::start(&cloud.keystone_url(), &settings).await?;
        Ok(Self { service, cloud, panel, statsd_address, statsd: tokio::spawn(listen(sink)) })
    }

    /// The demo's user, signed in.
    pub async fn visitor(&self) -> Result<Visitor> {
        Visitor::sign_in(&self.panel.url(), simcloud::DEMO_USER, simcloud::DEMO_PASSWORD).await
    }

    /// From now on nobody listens to measurements.
    pub async fn stop_statsd(&mut self) {
        self.statsd.abort();
        // The socket is closed once the task is gone.
        let _ = (&mut self.statsd).await;
    }

    /// Listens again.
    pub async fn start_statsd(&mut self) -> Result<()> {
        self.statsd = tokio::spawn(listen(UdpSocket::bind(self.statsd_address).await?));
        Ok(())
    }

    /// Ends everything.
    pub async fn stop(self) -> Result<()> {
        self.statsd.abort();
        self.panel.stop().await?;
        self.cloud.shutdown().await;
        Ok(())
    }
}

async fn listen(sink: UdpSocket) {
    let mut datagram = [0; 2048];
    while sink.recv(&mut datagram).await.is_ok() {}
}
