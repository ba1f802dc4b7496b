//! Names of services that are SRV records: which hosts they stand for, and in which order these are tried.

use std::{
    error::Error,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

type AnyError = Box<dyn Error + Send + Sync>;

/// Finds the addresses of hosts. A host whose name begins with `_`, such as `_nova._tcp.example.net`, is an SRV record:
/// its targets are tried by priority and weight, with their own ports, where the URL names none.
///
/// Every other host is looked up as the machine does it.
#[derive(Clone)]
pub struct Hosts {
    /// Or why there is none.
    resolver: Arc<Result<TokioResolver, String>>,
}

/// One target of an SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvTarget {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub host: String,
}

impl Hosts {
    /// Asks these name servers for SRV records; without any, those of `/etc/resolv.conf`.
    pub fn new(name_servers: &[SocketAddr]) -> Self {
        let builder = if name_servers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let servers = name_servers.iter().map(name_server).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let resolver = builder.and_then(|builder| builder.build()).map_err(|error| error.to_string());
        Self { resolver: Arc::new(resolver) }
    }

    async fn of_service(self, name: String) -> Result<Addresses, AnyError> {
        let resolver = self.resolver.as_ref().as_ref().map_err(|error| error.clone())?;
        // With a dot at its end it is searched in no other domain.
        let found = resolver.srv_lookup(format!("{}.", name.trim_end_matches('.'))).await?;
        let targets = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(SrvTarget {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                host: srv.target.to_utf8(),
            }),
            _ => None,
        });
        let mut addresses = Vec::new();
        let mut failure = None;
        for target in in_order(targets.collect(), |below| rand::random_range(0..below)) {
            match resolver.lookup_ip(target.host.as_str()).await {
                Ok(ips) => addresses.extend(ips.iter().map(|ip| SocketAddr::new(ip, target.port))),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if addresses.is_empty() => Err(error.into()),
            None if addresses.is_empty() => Err("the name has no targets".into()),
            _ => Ok(addresses.into_iter()),
        }
    }
}

type Addresses = vec::IntoIter<SocketAddr>;

impl Service<Name> for Hosts {
    type Response = Addresses;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Addresses, AnyError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let host = name.as_str().to_owned();
        if host.starts_with('_') {
            return Box::pin(self.clone().of_service(host));
        }
        Box::pin(async move {
            // The port is that of the URL, which 0 stands for.
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(addresses.into_iter())
        })
    }
}

/// The order in which the targets are tried (RFC 2782): the lowest priority first, and among equals each with the
/// chance that its weight gives it. `draw` gives a number below the one it is given, which is at least 1.
///
/// A single target `.` says that there is no such service.
pub fn in_order(mut targets: Vec<SrvTarget>, mut draw: impl FnMut(u32) -> u32) -> Vec<SrvTarget> {
    targets.retain(|target| target.host != "." && !target.host.is_empty());
    // Those without weight come first, so that they have a small chance of being drawn at all.
    targets.sort_by_key(|target| (target.priority, target.weight != 0));
    let mut ordered = Vec::with_capacity(targets.len());
    while let Some(priority) = targets.first().map(|target| target.priority) {
        let equals = targets.iter().take_while(|target| target.priority == priority);
        let sum: u32 = equals.map(|target| u32::from(target.weight)).sum();
        let drawn = draw(sum + 1);
        let mut running = 0;
        let at = targets.iter().position(|target| {
            running += u32::from(target.weight);
            running >= drawn
        });
        ordered.push(targets.remove(at.unwrap_or(0)));
    }
    ordered
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(priority: u16, weight: u16, host: &str) -> SrvTarget {
        SrvTarget { priority, weight, port: 8774, host: host.to_owned() }
    }

    fn names(targets: &[SrvTarget]) -> Vec<&str> {
        targets.iter().map(|target| target.host.as_str()).collect()
    }

    #[test]
    fn lower_priorities_come_first_and_a_dot_is_no_target() {
        let targets =
            vec![target(20, 0, "last"), target(10, 5, "first"), target(5, 5, "."), target(15, 1, "second")];
        assert_eq!(names(&in_order(targets, |_| 0)), ["first", "second", "last"]);
        assert!(in_order(vec![target(0, 0, ".")], |_| 0).is_empty());
    }

    #[test]
    fn among_equals_the_weight_is_the_share() {
        let targets = || vec![target(1, 60, "a"), target(1, 30, "b"), target(1, 10, "c"), target(1, 0, "d")];
        let mut first = std::collections::BTreeMap::<String, u32>::new();
        // Every draw once: shares are exact.
        for drawn in 0..=100 {
            let mut draws = [drawn].into_iter();
            let ordered = in_order(targets(), |_| draws.next().unwrap_or(0));
            assert_eq!(ordered.len(), 4);
            *first.entry(ordered[0].host.clone()).or_default() += 1;
        }
        let shares: Vec<_> = first.into_iter().collect();
        assert_eq!(shares, [("a".into(), 60), ("b".into(), 30), ("c".into(), 10), ("d".into(), 1)]);
    }
}
