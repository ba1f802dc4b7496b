//! What a region offers: its flavors, images and compute hosts. The same names in every region, under
//! different ids.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::Ids;
use crate::image::Image;
use crate::server::Flavor;
use crate::world::ComputeHost;

/// The names of the images servers are made from, the common ones first.
pub const IMAGE_NAMES: &[&str] = &[
    "ubuntu-24.04",
    "debian-12",
    "ubuntu-22.04",
    "rocky-9",
    "debian-13",
    "fedora-42",
    "alpine-3.22",
    "windows-server-2022",
    "ubuntu-18.04-old",
    "opensuse-15.6",
    "freebsd-14.3",
    "cirros-0.6.2",
];

/// Fits no host: a server made from it ends in ERROR.
pub const TOO_BIG: &str = "t1.toobig";

/// name, vCPUs, RAM in MiB, disk in GiB
const FLAVORS: &[(&str, u32, u64, u32)] = &[
    ("m1.tiny", 1, 512, 1),
    ("m1.small", 1, 2_048, 20),
    ("m1.medium", 2, 4_096, 40),
    ("m1.large", 4, 8_192, 80),
    ("m1.xlarge", 8, 16_384, 160),
    ("c1.large", 8, 8_192, 40),
    ("r1.large", 4, 32_768, 80),
    ("r1.xlarge", 8, 65_536, 160),
    ("r1.2xlarge", 16, 131_072, 320),
    ("g1.large", 8, 65_536, 200),
    (TOO_BIG, 64, 1_900_000_000, 100),
];

/// How many of the flavors a host can take.
pub const USABLE_FLAVORS: usize = 10;

pub fn flavors(ids: &Ids, region: &str) -> Vec<Arc<Flavor>> {
    let make = |(name, vcpus, ram_mib, disk_gib): &(&str, u32, u64, u32)| {
        let extra_specs = match name.split('.').next() {
            Some("r1") => vec![("aggregate_instance_extra_specs:class".to_owned(), "memory".to_owned())],
            Some("g1") => vec![("pci_passthrough:alias".to_owned(), "gpu:1".to_owned())],
            _ => Vec::new(),
        };
        Arc::new(Flavor {
            id: ids.uuid(&["flavor", region, name]).to_string(),
            name: (*name).to_owned(),
            vcpus: *vcpus,
            ram_mib: *ram_mib,
            disk_gib: *disk_gib,
            ephemeral_gib: 0,
            swap_mib: 0,
            extra_specs,
            description: None,
        })
    };
    FLAVORS.iter().map(make).collect()
}

/// A flavor that is no longer offered; servers made from it keep its values.
pub fn deleted_flavor(ids: &Ids, region: &str, name: &str) -> Arc<Flavor> {
    Arc::new(Flavor {
        id: ids.uuid(&["flavor", region, name]).to_string(),
        name: name.to_owned(),
        vcpus: 2,
        ram_mib: 3_072,
        disk_gib: 30,
        ephemeral_gib: 0,
        swap_mib: 0,
        extra_specs: Vec::new(),
        description: None,
    })
}

pub fn images(ids: &Ids, region: &str, owner: &Arc<str>, today: DateTime<Utc>) -> Vec<Image> {
    let make = |(index, name): (usize, &&str)| {
        let (distro, version) = name.split_once('-').unwrap_or((name, ""));
        let created_at = today - TimeDelta::days(400 - 20 * i64::try_from(index).unwrap_or(0));
        let is_windows = distro == "windows";
        Image {
            status: if name.ends_with("-old") { "deactivated" } else { "active" }.to_owned(),
            visibility: "public".to_owned(),
            disk_format: Some("qcow2".to_owned()),
            container_format: Some("bare".to_owned()),
            size_bytes: Some(400_000_000 + 37_000_000 * index as u64),
            virtual_size_bytes: Some(2_361_393_152),
            min_ram_mib: if is_windows { 4_096 } else { 0 },
            min_disk_gib: if is_windows { 40 } else { 0 },
            properties: vec![
                ("os_distro".to_owned(), distro.to_owned()),
                ("os_version".to_owned(), version.trim_end_matches("-old").to_owned()),
                ("architecture".to_owned(), "x86_64".to_owned()),
                ("hw_disk_bus".to_owned(), "virtio".to_owned()),
            ],
            ..Image::queued(
                ids.uuid(&["image", region, name]).to_string().into(),
                (*name).to_owned(),
                owner.clone(),
                created_at,
            )
        }
    };
    IMAGE_NAMES.iter().enumerate().map(make).collect()
}

/// Twelve hosts over three availability zones.
pub fn compute_hosts(region_number: usize) -> Vec<ComputeHost> {
    let host = |number: usize| ComputeHost {
        name: format!("r{}-compute-{number:02}", region_number + 1).into(),
        availability_zone: ["az-1", "az-2", "az-3"][number % 3].into(),
    };
    (1..=12).map(host).collect()
}
