//! Starts a simulated cloud and says where it is.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use simcloud::{Cloud, CloudConfig, DEMO_PASSWORD, DEMO_USER, Latency, ProjectSeed, TEST_PASSWORD};

/// A simulated OpenStack cloud: Keystone, and per region Nova, Glance and Neutron.
#[derive(Parser)]
#[command(name = "simcloud", version)]
struct Options {
    /// Servers of the demo project `web-shop`, over all regions.
    #[arg(long, default_value_t = 10_000)]
    servers: usize,
    /// A project with servers per region: `web-shop=RegionOne:5000,RegionTwo:200`. Replaces the demo
    /// project's servers if it names `web-shop`. May be given again.
    #[arg(long = "project", value_name = "NAME=REGION:COUNT,...", value_parser = project)]
    projects: Vec<ProjectSeed>,
    /// The regions, in the order of the catalog.
    #[arg(long, value_delimiter = ',', default_value = "RegionOne,RegionTwo,RegionThree")]
    regions: Vec<String>,
    /// Same seed, same cloud.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// `realistic`, as recorded, or `none`.
    #[arg(long, default_value = "realistic", value_parser = ["realistic", "none"])]
    latency: String,
    /// API workers per region and service, with realistic latency.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Leaves servers alone that nobody asks anything of.
    #[arg(long)]
    quiet: bool,
    /// How many times faster than in a real cloud life cycles run.
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
    /// How long a token lives, in seconds.
    #[arg(long, default_value_t = 3600)]
    token_lifetime: u64,
    /// How long services go on accepting a revoked token they have seen, in seconds.
    #[arg(long, default_value_t = 300)]
    token_cache: u64,
    /// Where all services listen.
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Keystone's port; the others take free ones.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The control API's port.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let options = Options::parse();
    let cloud = Cloud::start(config(&options)).await?;
    println!("keystone  {}", cloud.keystone_url());
    println!("control   {}", cloud.control_url());
    println!(
        "users     {DEMO_USER} / {DEMO_PASSWORD}; alice, reader, operator, mfa and others / {TEST_PASSWORD}"
    );
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    cloud.shutdown().await;
    Ok(())
}

fn config(options: &Options) -> CloudConfig {
    let demo = CloudConfig::demo(options.servers);
    let is_given = |seed: &ProjectSeed| options.projects.iter().any(|given| given.name == seed.name);
    let mut projects: Vec<ProjectSeed> =
        demo.projects.iter().filter(|seed| !is_given(seed)).cloned().collect();
    for seed in &mut projects {
        // The demo's share is of the usual regions; here it is of those there are.
        if seed.name == "web-shop" {
            *seed = ProjectSeed::split(&seed.name, options.servers, &options.regions);
        }
    }
    projects.extend(options.projects.iter().cloned());
    CloudConfig {
        seed: options.seed,
        regions: options.regions.clone(),
        projects,
        latency: match options.latency.as_str() {
            "none" => Latency::none(),
            _ => Latency::realistic(options.workers),
        },
        token_lifetime: Duration::from_secs(options.token_lifetime),
        token_cache: Duration::from_secs(options.token_cache),
        lively: !options.quiet,
        pace: options.pace,
        bind: options.bind,
        keystone_port: options.port,
        control_port: options.control_port,
        ..demo
    }
}

/// `web-shop=RegionOne:5000,RegionTwo:200`, with `domain/web-shop` for another domain.
fn project(text: &str) -> Result<ProjectSeed, String> {
    let (name, counts) = text.split_once('=').ok_or("expected NAME=REGION:COUNT,...")?;
    let mut seed = match name.split_once('/') {
        Some((domain, name)) => ProjectSeed::new(name).in_domain(domain),
        None => ProjectSeed::new(name),
    };
    for part in counts.split(',').filter(|part| !part.is_empty()) {
        let (region, count) = part.split_once(':').ok_or_else(|| format!("{part:?} is not REGION:COUNT"))?;
        let count = count.parse().map_err(|_| format!("{count:?} is not a number of servers"))?;
        seed = seed.with(region, count);
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_reads_with_its_counts_and_domain() {
        let seed = project("partners/gamma=RegionOne:5,RegionTwo:2").expect("project");
        assert_eq!((seed.name.as_str(), seed.domain.as_str()), ("gamma", "partners"));
        assert_eq!(seed.servers["RegionTwo"], 2);
        assert!(project("gamma").is_err());
        assert!(project("gamma=RegionOne").is_err());
        assert!(project("gamma=RegionOne:many").is_err());
    }

    #[test]
    fn the_demo_projects_servers_are_spread_over_the_regions_there_are() {
        let options = Options::parse_from(["simcloud", "--servers", "10", "--regions", "North,South"]);
        let config = config(&options);
        let web_shop = config.projects.iter().find(|seed| seed.name == "web-shop").expect("web-shop");
        assert_eq!(web_shop.servers.get("North"), Some(&5));
        assert_eq!(web_shop.servers.get("South"), Some(&5));
    }
}
