//! How much a project may use, and how much of it is left.

use serde::Deserialize;
use web_sys::AbortSignal;

use super::compute;
use crate::cloud::{Cloud, CloudError, Service};

/// The limits of a project on compute. Source: compute API, show limits; -1 is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Limits {
    #[serde(rename = "maxTotalInstances")]
    max_servers: i64,
    #[serde(rename = "totalInstancesUsed")]
    servers_used: i64,
    #[serde(rename = "maxTotalCores")]
    max_vcpus: i64,
    #[serde(rename = "totalCoresUsed")]
    vcpus_used: i64,
    #[serde(rename = "maxTotalRAMSize")]
    max_ram_mib: i64,
    #[serde(rename = "totalRAMUsed")]
    ram_mib_used: i64,
    #[serde(default = "unlimited", rename = "maxTotalKeypairs")]
    max_key_pairs: i64,
    #[serde(default = "unlimited", rename = "maxServerGroups")]
    max_server_groups: i64,
    #[serde(default, rename = "totalServerGroupsUsed")]
    server_groups_used: i64,
    #[serde(default = "unlimited", rename = "maxServerGroupMembers")]
    max_group_members: i64,
    #[serde(default = "unlimited", rename = "maxServerMeta")]
    max_metadata: i64,
}

/// How much of one thing is in use, and how much may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    pub used: u64,
    /// `None`: as much as there is.
    pub limit: Option<u64>,
}

impl Limits {
    pub fn servers(&self) -> Room {
        Room::of(self.servers_used, self.max_servers)
    }

    pub fn vcpus(&self) -> Room {
        Room::of(self.vcpus_used, self.max_vcpus)
    }

    pub fn ram_mib(&self) -> Room {
        Room::of(self.ram_mib_used, self.max_ram_mib)
    }

    pub fn server_groups(&self) -> Room {
        Room::of(self.server_groups_used, self.max_server_groups)
    }

    /// The most key pairs of one user.
    pub fn max_key_pairs(&self) -> Option<u64> {
        Room::of(0, self.max_key_pairs).limit
    }

    pub fn max_group_members(&self) -> Option<u64> {
        Room::of(0, self.max_group_members).limit
    }

    /// The most entries a server's metadata may have.
    pub fn max_metadata(&self) -> Option<u64> {
        Room::of(0, self.max_metadata).limit
    }
}

impl Room {
    /// As OpenStack tells it: a limit below nought is none.
    pub fn of(used: i64, limit: i64) -> Self {
        Self { used: u64::try_from(used).unwrap_or_default(), limit: u64::try_from(limit).ok() }
    }

    /// How much more may be used; `None` without a limit.
    pub fn left(self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }

    pub fn takes(self, more: u64) -> bool {
        self.left().is_none_or(|left| more <= left)
    }

    /// The used share in percent, 0 to 100.
    pub fn percent(self) -> Option<u64> {
        let limit = self.limit?;
        // Of nothing, all is used.
        Some(self.used.saturating_mul(100).checked_div(limit).map_or(100, |percent| percent.min(100)))
    }
}

/// What the project may use of the region's compute.
pub async fn show_limits(cloud: &Cloud, until: Option<&AbortSignal>) -> Result<Limits, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        limits: Both,
    }
    #[derive(Deserialize)]
    struct Both {
        absolute: Limits,
    }
    let answer: Answer = compute(cloud.get(Service::Compute, "limits"), until).json().await?;
    Ok(answer.limits.absolute)
}

fn unlimited() -> i64 {
    -1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_never_below_nought_and_no_limit_takes_anything() {
        assert_eq!(Room::of(3, 20).left(), Some(17));
        assert_eq!(Room::of(30, 20).left(), Some(0));
        assert!(Room::of(30, -1).takes(u64::MAX));
        assert!(Room::of(3, 20).takes(17) && !Room::of(3, 20).takes(18));
        assert_eq!(Room::of(5, 20).percent(), Some(25));
        assert_eq!(Room::of(0, 0).percent(), Some(100));
    }

    #[test]
    fn limits_are_read_as_nova_tells_them() {
        let told = r#"{"maxTotalCores": 20, "maxTotalInstances": -1, "maxTotalKeypairs": 100, "maxServerMeta": 128,
            "maxTotalRAMSize": 51200, "totalRAMUsed": 3072, "totalCoresUsed": 3, "totalInstancesUsed": 3}"#;
        let limits: Limits = serde_json::from_str(told).expect("limits");
        assert_eq!(limits.vcpus().left(), Some(17));
        assert_eq!(limits.servers().left(), None);
        assert_eq!(limits.ram_mib().left(), Some(48_128));
        assert_eq!(limits.max_key_pairs(), Some(100));
    }
}
