//! Limits on calls to the upstream APIs.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    Source,
    interface::EndpointInterface,
    keystone::CloudsYaml,
    reader::{Reader, name_of},
};

/// Limits on calls to the upstream APIs.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Longest wait for one response. `upstream.timeout_secs`, `UPSTREAM_TIMEOUT_SECS`, default 30.
    pub timeout: Duration,
    /// Longest wait for a connection. `upstream.connect_timeout_secs`, `UPSTREAM_CONNECT_TIMEOUT_SECS`, default 3.
    pub connect_timeout: Duration,
    /// Longest wait for Keystone while somebody signs in, all calls together. `upstream.sign_in_timeout_secs`,
    /// `UPSTREAM_SIGN_IN_TIMEOUT_SECS`, default 10.
    pub sign_in_timeout: Duration,
    /// Calls at the same time to one service of one region. `upstream.concurrency`, `UPSTREAM_CONCURRENCY`, default 4.
    pub concurrency: usize,
    /// Long bodies, up and down, and WebSockets at the same time with one service of one region, beside those calls.
    /// `upstream.transfers`, `UPSTREAM_TRANSFERS`, default 32.
    pub transfers: usize,
    /// Calls that may wait for their turn, per service and region. `upstream.queue`, `UPSTREAM_QUEUE`, default 256.
    pub queue: usize,
    /// Bytes of one answer at most. `upstream.max_answer_bytes`, `UPSTREAM_MAX_ANSWER_BYTES`, default 32 MiB.
    pub max_answer_bytes: usize,
    pub breaker: BreakerConfig,
    /// Which of the catalog's endpoints are called: clouds.yaml's `interface`, `upstream.interface`,
    /// `UPSTREAM_INTERFACE`, default `public`.
    pub interface: EndpointInterface,
    /// Name servers that are asked for SRV records, with their ports: where an endpoint's host begins with `_`.
    /// `upstream.name_servers`, `UPSTREAM_NAME_SERVERS`, default those of `/etc/resolv.conf`.
    pub name_servers: Vec<SocketAddr>,
    pub tls: TlsConfig,
}

/// When the circuit to a service of a region opens, and for how long.
#[derive(Clone, Debug)]
pub struct BreakerConfig {
    /// Failures in a row that open it. `upstream.breaker_failures`, `UPSTREAM_BREAKER_FAILURES`, default 5.
    pub failures: u32,
    /// How long it stays open the first time. `upstream.breaker_open_secs`, `UPSTREAM_BREAKER_OPEN_SECS`, default 5.
    pub open: Duration,
    /// How long it stays open at most, after failed probes. `upstream.breaker_open_max_secs`,
    /// `UPSTREAM_BREAKER_OPEN_MAX_SECS`, default 60.
    pub open_max: Duration,
}

/// How upstream certificates are checked.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    /// Certificates of the authority to trust as well, in PEM: clouds.yaml's `cacert`, `upstream.ca_file`,
    /// `UPSTREAM_CA_FILE` name the file.
    pub ca_pem: Option<String>,
    /// clouds.yaml's `verify: false`, or `upstream.insecure`, `UPSTREAM_INSECURE` = true: any certificate will do.
    pub is_insecure: bool,
}

impl Default for UpstreamConfig {
    /// Nothing configured.
    fn default() -> Self {
        let source = Source::from_map([]);
        let mut reader = Reader::new(&source);
        let clouds = CloudsYaml::find(&mut reader, &source);
        Self::read(&mut reader, &source, &clouds)
    }
}

impl UpstreamConfig {
    pub(super) fn read(reader: &mut Reader<'_>, source: &Source, clouds: &CloudsYaml) -> Self {
        let seconds = Duration::from_secs;
        let interface = reader
            .parse("upstream.interface", "UPSTREAM_INTERFACE", EndpointInterface::parse)
            .or(clouds.interface);
        let breaker = BreakerConfig {
            failures: reader.number("upstream.breaker_failures", "UPSTREAM_BREAKER_FAILURES", 5, 1..=1000),
            open: reader.seconds(
                "upstream.breaker_open_secs",
                "UPSTREAM_BREAKER_OPEN_SECS",
                seconds(5),
                0.05..=600.0,
            ),
            open_max: reader.seconds(
                "upstream.breaker_open_max_secs",
                "UPSTREAM_BREAKER_OPEN_MAX_SECS",
                seconds(60),
                0.05..=3600.0,
            ),
        };
        if breaker.open > breaker.open_max {
            reader.problem(
                name_of("upstream.breaker_open_secs", "UPSTREAM_BREAKER_OPEN_SECS"),
                "is longer than upstream.breaker_open_max_secs",
            );
        }
        Self {
            timeout: reader.seconds(
                "upstream.timeout_secs",
                "UPSTREAM_TIMEOUT_SECS",
                seconds(30),
                0.05..=600.0,
            ),
            connect_timeout: reader.seconds(
                "upstream.connect_timeout_secs",
                "UPSTREAM_CONNECT_TIMEOUT_SECS",
                seconds(3),
                0.05..=60.0,
            ),
            sign_in_timeout: reader.seconds(
                "upstream.sign_in_timeout_secs",
                "UPSTREAM_SIGN_IN_TIMEOUT_SECS",
                seconds(10),
                0.05..=60.0,
            ),
            concurrency: reader.number("upstream.concurrency", "UPSTREAM_CONCURRENCY", 4, 1..=256),
            transfers: reader.number("upstream.transfers", "UPSTREAM_TRANSFERS", 32, 2..=10_000),
            queue: reader.number("upstream.queue", "UPSTREAM_QUEUE", 256, 1..=100_000),
            max_answer_bytes: reader.number(
                "upstream.max_answer_bytes",
                "UPSTREAM_MAX_ANSWER_BYTES",
                32 << 20,
                1 << 16..=1 << 30,
            ),
            breaker,
            interface: interface.unwrap_or_default(),
            name_servers: reader.list("upstream.name_servers", "UPSTREAM_NAME_SERVERS", |text| {
                text.parse().map_err(|_| "is no address with a port, such as 10.0.0.53:53".to_owned())
            }),
            tls: TlsConfig::read(reader, source, clouds),
        }
    }
}

impl TlsConfig {
    fn read(reader: &mut Reader<'_>, source: &Source, clouds: &CloudsYaml) -> Self {
        let is_insecure = reader.switch("upstream.insecure", "UPSTREAM_INSECURE", clouds.is_insecure);
        let path = reader
            .text("upstream.ca_file", "UPSTREAM_CA_FILE")
            .map(PathBuf::from)
            .or_else(|| clouds.ca_file.clone());
        let ca_pem = path.and_then(|path| match source.read_file(&path) {
            Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => Some(pem),
            Ok(_) => {
                let name = name_of("upstream.ca_file", "UPSTREAM_CA_FILE");
                reader.problem(name, format!("{} holds no certificate in PEM", path.display()));
                None
            }
            Err(error) => {
                let name = name_of("upstream.ca_file", "UPSTREAM_CA_FILE");
                reader.problem(name, format!("{} cannot be read: {error}", path.display()));
                None
            }
        });
        Self { ca_pem, is_insecure }
    }
}
