//! Whether a flavor will do: for the image, and for what is left of the project's quota.

use crate::{
    offers::{Flavor, Image, Limits},
    ui::format::{memory, number},
};

/// What is asked of a flavor beside its own size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    pub image: Option<&'a Image>,
    /// The disk is a volume, so the flavor's own does not matter.
    pub boots_from_volume: bool,
    pub count: usize,
    pub limits: Option<&'a Limits>,
}

/// Why a flavor will not do, as a sentence; `None` where it will. What the image needs comes first: no quota helps
/// there.
pub fn unfit(flavor: &Flavor, wanted: &Wanted<'_>) -> Option<String> {
    if flavor.is_disabled {
        return Some("The operator has switched this flavor off.".to_owned());
    }
    wanted.image.and_then(|image| unfit_for_image(flavor, image, wanted.boots_from_volume)).or_else(|| {
        wanted.limits.and_then(|limits| unfit_for_quota(flavor, limits, wanted.count.max(1) as u64))
    })
}

fn unfit_for_image(flavor: &Flavor, image: &Image, boots_from_volume: bool) -> Option<String> {
    if flavor.ram_mib < image.min_ram_mib {
        let needed = memory(image.min_ram_mib.into());
        return Some(format!("{} needs {needed} of RAM.", image.shown_name()));
    }
    let disk = image.disk_needed_gib();
    // A flavor without a disk of its own takes one as large as the image.
    if !boots_from_volume && flavor.disk_gib > 0 && flavor.disk_gib < disk {
        return Some(format!("{} needs a disk of {} GiB.", image.shown_name(), number(u64::from(disk))));
    }
    None
}

fn unfit_for_quota(flavor: &Flavor, limits: &Limits, count: u64) -> Option<String> {
    if !limits.servers().takes(count) {
        return Some(match limits.servers().left() {
            None | Some(0) => "The quota of servers is used up.".to_owned(),
            Some(left) => format!("The quota leaves {}.", servers(left)),
        });
    }
    let vcpus = u64::from(flavor.vcpus) * count;
    if !limits.vcpus().takes(vcpus) {
        let left = limits.vcpus().left().unwrap_or_default();
        return Some(format!("{} vCPUs are needed, the quota leaves {}.", number(vcpus), number(left)));
    }
    let ram = u64::from(flavor.ram_mib).saturating_mul(count);
    if !limits.ram_mib().takes(ram) {
        let left = limits.ram_mib().left().unwrap_or_default();
        return Some(format!("{} of RAM is needed, the quota leaves {}.", memory(ram), memory(left)));
    }
    None
}

fn servers(count: u64) -> String {
    if count == 1 { "1 server".to_owned() } else { format!("{} servers", number(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(servers: i64, vcpus: i64, ram_mib: i64) -> Limits {
        serde_json::from_value(serde_json::json!({
            "maxTotalInstances": servers, "totalInstancesUsed": 0, "maxTotalCores": vcpus, "totalCoresUsed": 0,
            "maxTotalRAMSize": ram_mib, "totalRAMUsed": 0
        }))
        .expect("limits")
    }

    fn flavor() -> Flavor {
        Flavor { name: "m1".into(), vcpus: 2, ram_mib: 4096, disk_gib: 20, ..Flavor::default() }
    }

    fn image(min_disk_gib: u32, min_ram_mib: u32) -> Image {
        Image { name: Some("windows".into()), min_disk_gib, min_ram_mib, ..Image::default() }
    }

    #[test]
    fn a_flavor_has_to_hold_its_image() {
        let with = |image: &Image, boots_from_volume| {
            unfit(&flavor(), &Wanted { image: Some(image), boots_from_volume, ..Wanted::default() })
        };
        assert_eq!(with(&image(20, 4096), false), None);
        assert_eq!(with(&image(21, 0), false).as_deref(), Some("windows needs a disk of 21 GiB."));
        assert_eq!(with(&image(21, 0), true), None);
        assert_eq!(with(&image(0, 8192), true).as_deref(), Some("windows needs 8 GiB of RAM."));
        let diskless = Flavor { disk_gib: 0, ..flavor() };
        assert_eq!(unfit(&diskless, &Wanted { image: Some(&image(21, 0)), ..Wanted::default() }), None);
    }

    #[test]
    fn all_servers_together_have_to_fit_the_quota() {
        let with = |limits: &Limits, count| {
            unfit(&flavor(), &Wanted { limits: Some(limits), count, ..Wanted::default() })
        };
        assert_eq!(with(&limits(3, 6, 12_288), 3), None);
        assert_eq!(with(&limits(2, 6, 12_288), 3).as_deref(), Some("The quota leaves 2 servers."));
        assert_eq!(with(&limits(0, 6, 12_288), 1).as_deref(), Some("The quota of servers is used up."));
        assert_eq!(
            with(&limits(3, 5, 12_288), 3).as_deref(),
            Some("6 vCPUs are needed, the quota leaves 5.")
        );
        assert_eq!(
            with(&limits(3, 6, 8_192), 3).as_deref(),
            Some("12 GiB of RAM is needed, the quota leaves 8 GiB.")
        );
        assert_eq!(with(&limits(-1, -1, -1), 200), None);
        let too_big = Flavor { ram_mib: u32::MAX, ..flavor() };
        let limits = limits(-1, -1, 64 << 20);
        assert_eq!(
            unfit(&too_big, &Wanted { limits: Some(&limits), count: 3, ..Wanted::default() }).as_deref(),
            Some("12288 TiB of RAM is needed, the quota leaves 64 TiB.")
        );
    }

    #[test]
    fn a_flavor_that_was_switched_off_will_not_do() {
        let off = Flavor { is_disabled: true, ..flavor() };
        assert!(unfit(&off, &Wanted::default()).is_some());
    }
}
