//! The names, tags and metadata that seeded servers are given: what a web company's servers are called.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// What a server is for, which decides its name, its tags and the flavors it likes.
#[derive(Clone, Copy, Debug)]
pub struct Purpose {
    pub name: &'static str,
    pub weight: u32,
    /// How large its servers are, as positions in the list of flavors.
    pub flavors: (usize, usize),
    pub has_floating_ip: bool,
}

const fn purpose(name: &'static str, weight: u32, flavors: (usize, usize), has_floating_ip: bool) -> Purpose {
    Purpose { name, weight, flavors, has_floating_ip }
}

pub const PURPOSES: &[Purpose] = &[
    purpose("web", 22, (1, 4), true),
    purpose("api", 16, (2, 5), false),
    purpose("db-primary", 3, (6, 9), false),
    purpose("db-replica", 7, (6, 9), false),
    purpose("cache", 6, (6, 8), false),
    purpose("queue", 4, (2, 5), false),
    purpose("worker", 14, (1, 4), false),
    purpose("ci-runner", 9, (3, 6), false),
    purpose("k8s-node", 8, (4, 6), false),
    purpose("search", 3, (5, 9), false),
    purpose("proxy", 3, (1, 3), true),
    purpose("bastion", 1, (0, 1), true),
    purpose("monitoring", 2, (2, 4), false),
    purpose("backup", 1, (2, 4), false),
    purpose("mail", 1, (1, 3), true),
];

pub const ENVIRONMENTS: &[(&str, u32)] = &[("prod", 60), ("stage", 22), ("dev", 14), ("qa", 4)];
const TEAMS: &[&str] = &["checkout", "catalog", "identity", "payments", "platform", "data", "mobile"];
const COST_CENTERS: &[&str] = &["cc-1100", "cc-1200", "cc-2040", "cc-3015"];

/// Picks by weight.
pub fn weighted<'a, T>(rng: &mut StdRng, of: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
    of.choose_weighted(rng, weight).unwrap_or(&of[0])
}

/// A server's name. Most are `web-01` or `web-prod-017`; some are what people really type.
pub fn server_name(rng: &mut StdRng, purpose: &Purpose, environment: &str, number: usize) -> String {
    let name = purpose.name;
    match rng.random_range(0..200) {
        0 => format!("Test server {number} (do not delete!)"),
        1 => format!("{name}_{environment}_{number}"),
        2 => format!("{name}-{environment}-{number}.internal.example.com"),
        3 => format!("köln-{name}-{number:02}"),
        4 => format!("東京-{name}-{number:02}"),
        5..=90 => format!("{name}-{number:02}"),
        91..=110 => format!("{name}-{environment}-{:08x}", rng.random::<u32>()),
        _ => format!("{name}-{environment}-{number:03}"),
    }
}

/// Up to five tags: the environment, the purpose, the team and markers.
pub fn tags(rng: &mut StdRng, purpose: &Purpose, environment: &str) -> Vec<String> {
    let mut tags = Vec::new();
    if rng.random_bool(0.8) {
        tags.push(environment.to_owned());
    }
    if rng.random_bool(0.7) {
        tags.push(purpose.name.split('-').next().unwrap_or(purpose.name).to_owned());
    }
    if rng.random_bool(0.5) {
        tags.push(format!("team-{}", TEAMS.choose(rng).unwrap_or(&TEAMS[0])));
    }
    for (tag, probability) in [("critical", 0.06), ("pci", 0.04), ("legacy", 0.05), ("spot", 0.05)] {
        if rng.random_bool(probability) {
            tags.push(tag.to_owned());
        }
    }
    // Nova gives tags in alphabetical order.
    tags.sort();
    tags
}

/// Up to four entries of metadata.
pub fn metadata(rng: &mut StdRng, purpose: &Purpose, environment: &str) -> Vec<(String, String)> {
    let mut metadata = Vec::new();
    if rng.random_bool(0.5) {
        metadata.push(("cost-center".to_owned(), pick(rng, COST_CENTERS)));
    }
    if rng.random_bool(0.4) {
        metadata.push(("env".to_owned(), environment.to_owned()));
    }
    if rng.random_bool(0.3) {
        metadata.push(("owner".to_owned(), format!("{}@example.com", pick(rng, TEAMS))));
    }
    if rng.random_bool(0.3) {
        metadata.push(("role".to_owned(), purpose.name.to_owned()));
    }
    metadata
}

fn pick(rng: &mut StdRng, of: &[&str]) -> String {
    of.choose(rng).copied().unwrap_or_default().to_owned()
}
