//! Configuration: one TOML file and the environment, read once at the start; the environment wins.
//!
//! Every value that cannot be used and every unknown key of the file is a [`Problem`] that names its key; all of
//! them are reported together and the start stops.

mod analytics;
mod client_log;
mod cloud;
mod database;
mod flags;
mod graphite;
mod health;
mod index;
mod interface;
mod jobs;
mod keystone;
mod listen;
mod log;
mod metrics;
mod node;
mod operator;
mod proxy;
mod reader;
mod session;
mod sign_in;
mod source;
mod statsd;
mod upstream;

use std::fmt;

pub use self::{
    analytics::AnalyticsConfig,
    client_log::ClientLogConfig,
    cloud::CloudConfig,
    database::DatabaseConfig,
    flags::FlagsConfig,
    graphite::GraphiteConfig,
    health::{HealthConfig, Need, WhenBadEverywhere, WhenDatabaseIsGone},
    index::IndexConfig,
    interface::EndpointInterface,
    jobs::JobsConfig,
    keystone::KeystoneConfig,
    listen::{ConnectionLimits, ListenConfig, PublicUrl},
    log::LogConfig,
    metrics::MetricsConfig,
    node::NodeConfig,
    operator::OperatorConfig,
    proxy::ProxyConfig,
    reader::Problem,
    session::{EncryptionKey, SessionConfig},
    sign_in::{LockoutConfig, SignInConfig},
    source::Source,
    statsd::StatsdConfig,
    upstream::{BreakerConfig, TlsConfig, UpstreamConfig},
};
use self::{keystone::CloudsYaml, reader::Reader};

/// Everything that is configured. Each section stands in its own file, with the key, the environment variable and
/// the default of each value.
#[derive(Clone, Debug)]
pub struct Config {
    pub node: NodeConfig,
    pub listen: ListenConfig,
    pub database: DatabaseConfig,
    pub keystone: KeystoneConfig,
    pub session: SessionConfig,
    pub upstream: UpstreamConfig,
    pub cloud: CloudConfig,
    pub proxy: ProxyConfig,
    pub index: IndexConfig,
    pub jobs: JobsConfig,
    pub client_log: ClientLogConfig,
    pub health: HealthConfig,
    pub statsd: StatsdConfig,
    pub metrics: MetricsConfig,
    pub graphite: GraphiteConfig,
    pub sign_in: SignInConfig,
    pub operator: OperatorConfig,
    pub log: LogConfig,
    pub analytics: AnalyticsConfig,
    pub flags: FlagsConfig,
}

/// All that is wrong with a configuration, in the order of the sections.
#[derive(Debug, thiserror::Error)]
pub struct ConfigErrors(pub Vec<Problem>);

impl Config {
    /// Reads the configuration from a source; nothing but the files it names is opened.
    pub fn load(source: &Source) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(source);
        let clouds = CloudsYaml::find(&mut reader, source);
        let config = Self {
            node: NodeConfig::read(&mut reader),
            listen: ListenConfig::read(&mut reader),
            database: DatabaseConfig::read(&mut reader),
            keystone: KeystoneConfig::read(&mut reader, &clouds),
            session: SessionConfig::read(&mut reader),
            upstream: UpstreamConfig::read(&mut reader, source, &clouds),
            cloud: CloudConfig::read(&mut reader),
            proxy: ProxyConfig::read(&mut reader),
            index: IndexConfig::read(&mut reader),
            jobs: JobsConfig::read(&mut reader),
            client_log: ClientLogConfig::read(&mut reader),
            health: HealthConfig::read(&mut reader),
            statsd: StatsdConfig::read(&mut reader),
            metrics: MetricsConfig::read(&mut reader),
            graphite: GraphiteConfig::read(&mut reader),
            sign_in: SignInConfig::read(&mut reader),
            operator: OperatorConfig::read(&mut reader),
            log: LogConfig::read(&mut reader),
            analytics: AnalyticsConfig::read(&mut reader),
            flags: FlagsConfig::read(&mut reader),
        };
        let problems = reader.finish();
        if problems.is_empty() { Ok(config) } else { Err(ConfigErrors(problems)) }
    }

    /// Every key there is with its environment variable, so that a test can hold the README to it.
    pub fn keys() -> Vec<(&'static str, &'static str)> {
        let source = Source::from_map([]);
        let mut reader = Reader::new(&source);
        let clouds = CloudsYaml::find(&mut reader, &source);
        NodeConfig::read(&mut reader);
        ListenConfig::read(&mut reader);
        DatabaseConfig::read(&mut reader);
        KeystoneConfig::read(&mut reader, &clouds);
        SessionConfig::read(&mut reader);
        UpstreamConfig::read(&mut reader, &source, &clouds);
        CloudConfig::read(&mut reader);
        ProxyConfig::read(&mut reader);
        IndexConfig::read(&mut reader);
        JobsConfig::read(&mut reader);
        ClientLogConfig::read(&mut reader);
        HealthConfig::read(&mut reader);
        StatsdConfig::read(&mut reader);
        MetricsConfig::read(&mut reader);
        GraphiteConfig::read(&mut reader);
        SignInConfig::read(&mut reader);
        OperatorConfig::read(&mut reader);
        LogConfig::read(&mut reader);
        AnalyticsConfig::read(&mut reader);
        FlagsConfig::read(&mut reader);
        reader.known_keys()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
