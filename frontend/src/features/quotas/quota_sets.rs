//! What each service of a region says of its quotas.

use serde_json::Value;
use web_sys::AbortSignal;

use crate::{
    cloud::{Cloud, CloudError, Service},
    offers::{Room, compute, until_is},
    ui::format::{memory, number},
};

/// One thing with a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    pub name: &'static str,
    pub room: Room,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Mib,
    Gib,
}

impl Unit {
    pub fn told(self, amount: u64) -> String {
        match self {
            Self::Count => number(amount),
            Self::Mib => memory(amount),
            Self::Gib => memory(amount.saturating_mul(1024)),
        }
    }
}

/// The quotas of compute. Source: compute API, show quota details.
pub async fn compute_quotas(cloud: Cloud, until: Option<AbortSignal>) -> Result<Vec<Quota>, CloudError> {
    let path = format!("os-quota-sets/{}/detail", cloud.project);
    let body: Value = compute(cloud.get(Service::Compute, &path), until.as_ref()).json().await?;
    Ok(read(&body["quota_set"], "in_use", COMPUTE))
}

/// Source: network API, show quota details.
pub async fn network_quotas(cloud: Cloud, until: Option<AbortSignal>) -> Result<Vec<Quota>, CloudError> {
    let path = format!("quotas/{}/details.json", cloud.project);
    let body: Value = until_is(cloud.get(Service::Network, &path), until.as_ref()).json().await?;
    Ok(read(&body["quota"], "used", NETWORK))
}

/// Source: block storage API, show limits.
pub async fn volume_quotas(cloud: Cloud, until: Option<AbortSignal>) -> Result<Vec<Quota>, CloudError> {
    let body: Value = until_is(cloud.get(Service::BlockStorage, "limits"), until.as_ref()).json().await?;
    let absolute = &body["limits"]["absolute"];
    let quota = |(name, limit, used, unit): (&'static str, &str, &str, Unit)| {
        let room = Room::of(absolute[used].as_i64().unwrap_or_default(), absolute[limit].as_i64()?);
        Some(Quota { name, room, unit })
    };
    Ok(VOLUMES.into_iter().filter_map(quota).collect())
}

type Known = &'static [(&'static str, &'static str, Unit)];

const COMPUTE: Known = &[
    ("instances", "Servers", Unit::Count),
    ("cores", "vCPUs", Unit::Count),
    ("ram", "RAM", Unit::Mib),
    ("server_groups", "Server groups", Unit::Count),
];
const NETWORK: Known = &[
    ("floatingip", "Floating IPs", Unit::Count),
    ("network", "Networks", Unit::Count),
    ("subnet", "Subnets", Unit::Count),
    ("port", "Ports", Unit::Count),
    ("router", "Routers", Unit::Count),
    ("security_group", "Security groups", Unit::Count),
    ("security_group_rule", "Security group rules", Unit::Count),
];
const VOLUMES: [(&str, &str, &str, Unit); 3] = [
    ("Volumes", "maxTotalVolumes", "totalVolumesUsed", Unit::Count),
    ("Size of all volumes", "maxTotalVolumeGigabytes", "totalGigabytesUsed", Unit::Gib),
    ("Snapshots", "maxTotalSnapshots", "totalSnapshotsUsed", Unit::Count),
];

/// What is reserved is as good as used. What a service does not tell is left out.
fn read(set: &Value, used: &str, known: Known) -> Vec<Quota> {
    let quota = |(key, name, unit): &(&str, &'static str, Unit)| {
        let told = set.get(*key)?;
        let in_use = told[used].as_i64().unwrap_or_default() + told["reserved"].as_i64().unwrap_or_default();
        Some(Quota { name, room: Room::of(in_use, told["limit"].as_i64()?), unit: *unit })
    };
    known.iter().filter_map(quota).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotas_are_read_as_nova_and_neutron_tell_them() {
        let nova = json!({"id": "8a53", "cores": {"limit": 20, "in_use": 3, "reserved": 1},
            "ram": {"limit": -1, "in_use": 3072, "reserved": 0}});
        let quotas = read(&nova, "in_use", COMPUTE);
        let told: Vec<_> =
            quotas.iter().map(|quota| (quota.name, quota.room.used, quota.room.limit)).collect();
        assert_eq!(told, [("vCPUs", 4, Some(20)), ("RAM", 3072, None)]);
        let neutron = json!({"port": {"limit": -1, "used": 1287, "reserved": 0}});
        assert_eq!(read(&neutron, "used", NETWORK)[0].room.used, 1287);
        assert_eq!(Unit::Mib.told(51_200), "50 GiB");
        assert_eq!(Unit::Gib.told(900), "900 GiB");
        assert_eq!(Unit::Gib.told(1_000_000), "976.6 TiB");
    }
}
