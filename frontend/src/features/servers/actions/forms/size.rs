//! A new size.

use api_types::servers::{Flavor as FlavorNow, Image, ServerDetail, action::ServerAction};

use super::{
    About, Form,
    choices::{Choice, Chosen, choices},
    present::present,
};
use crate::{
    api_client::ApiError,
    asked::ask,
    offers::{Flavor, list_flavors},
    ui::format,
};

pub fn resize(about: &About) -> Form {
    let chosen = Chosen::new();
    let cloud = about.cloud();
    let flavors = ask(move |until| {
        let cloud = cloud.clone();
        Some(Box::pin(async move { list_flavors(&cloud, until.as_ref()).await.map_err(ApiError::from) }))
    });
    let now = present(about, Now::of, Now::default());
    let table = now.drawn(move |now| {
        let now = now.clone();
        let lines = move |flavors: &Vec<Flavor>| {
            let offered = flavors.iter().filter(|flavor| !flavor.is_disabled || now.is(flavor));
            offered.map(|flavor| line(flavor, &now)).collect()
        };
        choices(LABEL, HEADS, flavors, lines, NONE, chosen)
    });
    Form::new(vec![table], move || Some(ServerAction::Resize { flavor_id: chosen.read(MISSING)? }))
        .once(move || now.is_known())
}

/// What decides which sizes fit.
#[derive(Clone, Default)]
struct Now {
    /// `None` for several servers, which may differ.
    flavor: Option<FlavorNow>,
    is_on_volume: bool,
}

impl Now {
    fn of(detail: &ServerDetail) -> Self {
        Self { flavor: detail.row.flavor.clone(), is_on_volume: detail.row.image == Image::Volume }
    }

    fn is(&self, flavor: &Flavor) -> bool {
        self.flavor.as_ref().is_some_and(|now| {
            now.name == flavor.name && (now.vcpus, now.ram_mib) == (flavor.vcpus, flavor.ram_mib)
        })
    }

    /// Why a flavor cannot be the new one.
    fn why_not(&self, flavor: &Flavor) -> Option<String> {
        let now = self.flavor.as_ref()?;
        if self.is(flavor) {
            return Some(SAME.to_owned());
        }
        // Nova shrinks no disk; a server on a volume has none of its own.
        (!self.is_on_volume && flavor.disk_gib < now.disk_gib).then(|| too_small(now.disk_gib))
    }
}

fn line(flavor: &Flavor, now: &Now) -> Choice {
    Choice {
        value: flavor.id.clone(),
        cells: vec![
            flavor.name.clone(),
            flavor.vcpus.to_string(),
            format::memory(flavor.ram_mib.into()),
            format!("{} GiB", flavor.disk_gib),
        ],
        off: now.why_not(flavor),
    }
}

fn too_small(disk_gib: u32) -> String {
    format!("Its disk is smaller than the {disk_gib} GiB in use; a disk cannot shrink.")
}

const LABEL: &str = "New size";
const HEADS: &[&str] = &["Flavor", "vCPUs", "RAM", "Disk"];
const NONE: &str = "This region offers no flavor.";
const MISSING: &str = "Choose a flavor.";
const SAME: &str = "It has this size now.";

#[cfg(test)]
mod tests {
    use super::*;

    fn flavor(name: &str, disk_gib: u32) -> Flavor {
        Flavor {
            id: name.to_owned(),
            name: name.to_owned(),
            vcpus: 2,
            ram_mib: 4096,
            disk_gib,
            ..Flavor::default()
        }
    }

    fn now(is_on_volume: bool) -> Now {
        let flavor = FlavorNow { name: "m1".to_owned(), vcpus: 2, ram_mib: 4096, disk_gib: 40 };
        Now { flavor: Some(flavor), is_on_volume }
    }

    #[test]
    fn the_same_size_and_smaller_disks_cannot_be_chosen_and_say_why() {
        assert_eq!(now(false).why_not(&flavor("m1", 40)), Some(SAME.to_owned()));
        assert_eq!(now(false).why_not(&flavor("s1", 20)), Some(too_small(40)));
        assert_eq!(now(true).why_not(&flavor("s1", 20)), None);
        assert_eq!(now(false).why_not(&flavor("l1", 80)), None);
        assert_eq!(Now { flavor: None, is_on_volume: false }.why_not(&flavor("s1", 0)), None);
    }
}
