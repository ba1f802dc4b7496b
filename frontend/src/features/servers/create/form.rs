//! The form as all its parts see it: what was filled in, what the region offers, what was made of it so far.

use api_types::{ProjectId, Region, projects::RegionServices};
use leptos::prelude::*;
use web_sys::AbortSignal;

use super::{
    draft::{Chosen, Draft, Problem, Section},
    makings::{self, Batch},
    texts,
};
use crate::{
    api_client::ApiError,
    asked::{Answering, Asked, ask},
    cloud::{Cloud, CloudError, Service},
    offers::{self, Flavor, Image, KeyPair, Limits, Network, SecurityGroup, ServerGroup},
    project::use_project,
    regions::{use_regions, with_service},
    ui::{
        Held, derived,
        effect::{after, after_change},
    },
};

/// Cheap to hand on.
#[derive(Clone, Copy)]
pub struct Form {
    pub project: Held<Option<ProjectId>>,
    pub draft: Held<Draft>,
    pub offers: Offers,
    /// Whether what is missing is told: not before the first press on Create.
    pub is_checked: RwSignal<bool>,
    /// What to tell beside the form: where a draft came from, what another region does not have.
    pub notes: Held<Vec<String>>,
}

/// What the chosen region offers. Each part comes, and fails, on its own.
#[derive(Clone, Copy)]
pub struct Offers {
    pub regions: Asked<Vec<RegionServices>>,
    pub flavors: Asked<Vec<Flavor>>,
    pub images: Asked<Vec<Image>>,
    pub networks: Asked<Vec<Network>>,
    pub security_groups: Asked<Vec<SecurityGroup>>,
    pub key_pairs: Asked<Vec<KeyPair>>,
    pub server_groups: Asked<Vec<ServerGroup>>,
    pub zones: Asked<Vec<String>>,
    pub limits: Asked<Limits>,
}

impl Form {
    /// Changes what was filled in.
    pub fn change(self, change: impl FnOnce(&mut Draft)) {
        self.draft.update(change);
    }

    /// The region, where one is chosen.
    pub fn cloud(self) -> Option<Cloud> {
        let region: Region = self.draft.with_untracked(|draft| draft.region.parse().ok())?;
        self.project.with_untracked(|project| Some(Cloud::new(project.as_ref()?, &region)))
    }

    /// How the servers of the last press on Create are doing.
    pub fn batch<U>(self, read: impl FnOnce(&Batch) -> U) -> U {
        self.project.with(|project| makings::read(project.as_ref(), read))
    }

    /// Servers are being made: another press does nothing.
    pub fn is_busy(self) -> bool {
        self.batch(Batch::is_busy)
    }

    /// Forgets what became of the last press. Does nothing while servers are being made.
    pub fn forget_batch(self) {
        let Some(project) = self.project.get_untracked() else { return };
        if untrack(|| self.batch(|batch| *batch != Batch::default() && !batch.is_busy())) {
            makings::change(&project, |batch| *batch = Batch::default());
        }
    }

    /// What is wrong in a part of the form, once that is told.
    pub fn problem(self, section: Section) -> Option<String> {
        let is_told = self.is_checked.get();
        let find = |problems: Vec<Problem>| problems.into_iter().find(|problem| problem.section == section);
        is_told.then(|| self.draft.with(|draft| find(draft.problems()))).flatten().map(|problem| problem.text)
    }

    /// The image that was chosen, as the region tells it.
    pub fn image(self) -> Option<Image> {
        let id = self.draft.with(|draft| draft.image.as_ref().map(|image| image.id.clone()))?;
        self.offers.images.with(|images| images?.iter().find(|image| image.id == id).cloned())
    }

    pub fn flavor(self) -> Option<Flavor> {
        let id = self.draft.with(|draft| draft.flavor.as_ref().map(|flavor| flavor.id.clone()))?;
        self.offers.flavors.with(|flavors| flavors?.iter().find(|flavor| flavor.id == id).cloned())
    }
}

/// A new form, for as long as the calling component lives.
pub fn use_form() -> Form {
    let project = use_project();
    let draft = Held::new(Draft::default());
    let region = derived(move || draft.with(|draft| draft.region.clone()));
    let place = move || {
        let region: Region = region.get().parse().ok()?;
        Some(Cloud::new(&project.get()?, &region))
    };
    let offers = Offers {
        regions: use_regions(),
        flavors: offered(place, async |cloud, until| offers::list_flavors(&cloud, until.as_ref()).await),
        images: offered(place, async |cloud, until| offers::list_images(&cloud, false, until.as_ref()).await),
        networks: offered(place, async |cloud, until| offers::list_networks(&cloud, until.as_ref()).await),
        security_groups: offered(place, async |cloud, until| {
            offers::list_security_groups(&cloud, until.as_ref()).await
        }),
        key_pairs: offered(place, async |cloud, until| offers::list_key_pairs(&cloud, until.as_ref()).await),
        server_groups: offered(place, async |cloud, until| {
            offers::list_server_groups(&cloud, until.as_ref()).await
        }),
        zones: offered(place, async |cloud, until| offers::list_zones(&cloud, until.as_ref()).await),
        limits: offered(place, async |cloud, until| offers::show_limits(&cloud, until.as_ref()).await),
    };
    let form =
        Form { project, draft, offers, is_checked: RwSignal::new(false), notes: Held::new(Vec::new()) };
    // What one region offers must not stand under another's name.
    after_change(move || region.with(|_| {}), move || offers.clear());
    after(move || choose_region(form));
    follow_region(form);
    form
}

impl Offers {
    fn clear(self) {
        self.flavors.clear();
        self.images.clear();
        self.networks.clear();
        self.security_groups.clear();
        self.key_pairs.clear();
        self.server_groups.clear();
        self.zones.clear();
        self.limits.clear();
    }
}

fn offered<T: 'static, F: Future<Output = Result<T, CloudError>> + 'static>(
    place: impl Fn() -> Option<Cloud> + 'static,
    list: impl Fn(Cloud, Option<AbortSignal>) -> F + 'static,
) -> Asked<T> {
    ask(move |until| {
        let listing = list(place()?, until);
        Some(Box::pin(async move { listing.await.map_err(ApiError::from) }) as Answering<T>)
    })
}

/// The region used last, or the first, where none is chosen or the chosen one is not there.
fn choose_region(form: Form) {
    form.offers.regions.with(|regions| {
        let Some(regions) = regions else { return };
        let regions = with_service(regions, Service::Compute);
        let is_there = |name: &str| regions.iter().any(|region| region.as_str() == name);
        if form.draft.with_untracked(|draft| is_there(&draft.region)) {
            return;
        }
        let last = remembered_region().filter(|last| is_there(last));
        let first = || regions.first().map(ToString::to_string);
        if let Some(region) = last.or_else(first) {
            form.change(|draft| draft.region = region);
        }
    });
}

/// Another region has the same things under other ids. What it does not have at all is let go and told.
fn follow_region(form: Form) {
    let offers = form.offers;
    let adopt = move |change: &dyn Fn(&mut Draft, &mut Vec<String>)| {
        let (mut draft, mut lost) = (form.draft.get_untracked(), Vec::new());
        change(&mut draft, &mut lost);
        form.draft.set_if_new(draft);
        if !lost.is_empty() {
            let region = form.draft.with_untracked(|draft| draft.region.clone());
            form.notes.update(|notes| notes.push(texts::region_lacks(&region, &lost)));
        }
    };
    after(move || {
        offers.images.with(|images| {
            let Some(images) = images else { return };
            let offered: Vec<_> =
                images.iter().map(|image| (image.id.as_str(), image.shown_name())).collect();
            adopt(&|draft, lost| adopt_one(&mut draft.image, &offered, "image", lost));
        });
    });
    after(move || {
        offers.flavors.with(|flavors| {
            let Some(flavors) = flavors else { return };
            let offered: Vec<_> =
                flavors.iter().map(|flavor| (flavor.id.as_str(), flavor.name.as_str())).collect();
            adopt(&|draft, lost| adopt_one(&mut draft.flavor, &offered, "flavor", lost));
        });
    });
    after(move || {
        offers.networks.with(|networks| {
            let Some(networks) = networks else { return };
            let offered: Vec<_> =
                networks.iter().map(|network| (network.id.as_str(), network.name.as_str())).collect();
            let mut own = networks.iter().filter(|network| !network.is_external);
            let only = own.next().filter(|_| own.next().is_none());
            adopt(&|draft, lost| {
                adopt_all(&mut draft.networks, &offered, "network", lost);
                // Where there is one only, it is meant.
                if let Some(only) = only.filter(|_| draft.networks.is_empty() && !draft.is_without_network) {
                    draft.networks.push(Chosen { id: only.id.clone(), name: only.name.clone() });
                }
            });
        });
    });
    after(move || {
        offers.security_groups.with(|groups| {
            let Some(groups) = groups else { return };
            let offered: Vec<_> =
                groups.iter().map(|group| (group.id.as_str(), group.name.as_str())).collect();
            adopt(&|draft, lost| adopt_all(&mut draft.security_groups, &offered, "security group", lost));
        });
    });
    after(move || {
        offers.key_pairs.with(|pairs| {
            let Some(pairs) = pairs else { return };
            adopt(&|draft, lost| {
                if let Some(name) =
                    draft.key_pair.take_if(|name| !pairs.iter().any(|pair| pair.name == *name))
                {
                    lost.push(format!("key pair {name}"));
                }
            });
        });
    });
    after(move || {
        offers.server_groups.with(|groups| {
            let Some(groups) = groups else { return };
            let offered: Vec<_> =
                groups.iter().map(|group| (group.id.as_str(), group.name.as_str())).collect();
            adopt(&|draft, lost| adopt_one(&mut draft.server_group, &offered, "server group", lost));
        });
    });
    after(move || {
        offers.zones.with(|zones| {
            let Some(zones) = zones else { return };
            adopt(&|draft, lost| {
                if !draft.zone.is_empty() && !zones.contains(&draft.zone) {
                    lost.push(format!("zone {}", std::mem::take(&mut draft.zone)));
                }
            });
        });
    });
}

fn adopt_one(held: &mut Option<Chosen>, offered: &[(&str, &str)], what: &str, lost: &mut Vec<String>) {
    let Some(chosen) = held else { return };
    match found(chosen, offered) {
        Some(here) => *chosen = here,
        None => {
            lost.push(format!("{what} {}", chosen.name));
            *held = None;
        }
    }
}

fn adopt_all(held: &mut Vec<Chosen>, offered: &[(&str, &str)], what: &str, lost: &mut Vec<String>) {
    held.retain_mut(|chosen| match found(chosen, offered) {
        Some(here) => {
            *chosen = here;
            true
        }
        None => {
            lost.push(format!("{what} {}", chosen.name));
            false
        }
    });
}

/// By its id; else by its name, where exactly one has it.
fn found(chosen: &Chosen, offered: &[(&str, &str)]) -> Option<Chosen> {
    let here = |(id, name): &(&str, &str)| Chosen { id: (*id).to_owned(), name: (*name).to_owned() };
    if let Some(same) = offered.iter().find(|(id, _)| *id == chosen.id) {
        return Some(here(same));
    }
    let mut named = offered.iter().filter(|(_, name)| *name == chosen.name && !chosen.name.is_empty());
    named.next().filter(|_| named.next().is_none()).map(here)
}

const REGION_KEY: &str = "meridian.create-server.region";

fn remembered_region() -> Option<String> {
    window().local_storage().ok()??.get_item(REGION_KEY).ok()?
}

/// The region that the next form begins with.
pub fn remember_region(region: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        _ = storage.set_item(REGION_KEY, region);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(id: &str, name: &str) -> Chosen {
        Chosen { id: id.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn another_region_is_asked_for_the_same_names() {
        let offered = [("1", "private"), ("2", "twice"), ("3", "twice")];
        let mut lost = Vec::new();
        let mut held = Some(chosen("9", "private"));
        adopt_one(&mut held, &offered, "network", &mut lost);
        assert_eq!(held, Some(chosen("1", "private")));
        let mut many = vec![chosen("3", "twice"), chosen("8", "twice"), chosen("7", "gone")];
        adopt_all(&mut many, &offered, "network", &mut lost);
        assert_eq!(many, [chosen("3", "twice")]);
        assert_eq!(lost, ["network twice", "network gone"]);
    }
}
