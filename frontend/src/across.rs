//! The same question to every region of a project, and what each has answered: a region that does not answer is one
//! gap with a way to ask again, never an empty list.

use std::{cell::Cell, collections::HashMap, rc::Rc};

use api_types::{ProjectId, Region};
use leptos::{prelude::*, task::spawn_local};
use web_sys::AbortSignal;

use crate::{
    api_client::until_left,
    cloud::{Cloud, CloudError, Service},
    cloud_fault::cloud_gap,
    project::use_project,
    regions::{use_regions, with_service},
    session::use_session,
    ui::{
        BannerKind, El, Failure, Held,
        banner::banner,
        effect::after,
        el,
        loaded::{failure_state, lines, retry_button},
    },
};

/// What each region answered, by name.
pub struct Across<T: 'static> {
    answers: Held<Vec<Answer<T>>>,
    /// Counts up to ask all of them again.
    again: RwSignal<u32>,
    /// A region to ask again.
    retried: Held<Option<Region>>,
    regions: crate::asked::Asked<Vec<api_types::projects::RegionServices>>,
}

/// One region's.
pub struct Answer<T> {
    pub cloud: Cloud,
    /// What it said last.
    pub value: Option<T>,
    /// Why the latest question has no answer.
    pub error: Option<CloudError>,
    pub is_asking: bool,
}

/// Asks every region that has the service, for as long as the calling component lives.
pub fn ask_regions<T: 'static, F: Future<Output = Result<T, CloudError>> + 'static>(
    service: Service,
    list: impl Fn(Cloud, Option<AbortSignal>) -> F + Clone + 'static,
) -> Across<T> {
    let across = Across {
        answers: Held::new(Vec::new()),
        again: RwSignal::new(0),
        retried: Held::new(None),
        regions: use_regions(),
    };
    let project = use_project();
    let session = use_session();
    let numbers = Rc::new(Cell::new(0_u32));
    let latest: Rc<std::cell::RefCell<HashMap<Region, u32>>> = Rc::default();
    let asked_project = Rc::new(std::cell::RefCell::new(None::<ProjectId>));
    let ask_one = {
        let latest = latest.clone();
        move |cloud: Cloud| {
            let number = numbers.replace(numbers.get().wrapping_add(1));
            latest.borrow_mut().insert(cloud.region.clone(), number);
            across.answers.update(|answers| match answers.iter_mut().find(|answer| answer.cloud == cloud) {
                Some(answer) => answer.is_asking = true,
                None => {
                    answers.push(Answer { cloud: cloud.clone(), value: None, error: None, is_asking: true })
                }
            });
            let asking = list(cloud.clone(), until_left());
            let latest = latest.clone();
            spawn_local(async move {
                let outcome = asking.await;
                if latest.borrow().get(&cloud.region) != Some(&number) {
                    return;
                }
                across.answers.update(|answers| {
                    let Some(answer) = answers.iter_mut().find(|answer| answer.cloud == cloud) else {
                        return;
                    };
                    answer.is_asking = false;
                    match outcome {
                        Ok(value) => {
                            answer.value = Some(value);
                            answer.error = None;
                        }
                        Err(CloudError::Panel(crate::api_client::ApiError::Aborted)) => {}
                        Err(error) => answer.error = Some(error),
                    }
                });
            });
        }
    };
    let ask_each = ask_one.clone();
    after(move || {
        across.again.track();
        session.renewals().track();
        let Some(project) = project.get() else { return };
        let regions = across.regions.with(|regions| regions.map(|regions| with_service(regions, service)));
        let Some(regions) = regions else { return };
        let is_other = asked_project.replace(Some(project.clone())).is_none_or(|before| before != project);
        across.answers.update(|answers| {
            // What is known of one project must not stand under another's name.
            answers.retain(|answer| !is_other && regions.contains(&answer.cloud.region));
        });
        for region in regions {
            ask_each(Cloud::new(&project, &region));
        }
    });
    after(move || {
        let Some(region) = across.retried.get() else { return };
        if let Some(project) = project.get_untracked() {
            ask_one(Cloud::new(&project, &region));
        }
    });
    across
}

/// What to say where nothing came: `nothing`, unless a region is still to say so.
pub fn none_of<T>(answers: &[Answer<T>], nothing: &'static str) -> &'static str {
    if missing(answers).is_empty() { nothing } else { NONE_SO_FAR }
}

/// The regions that have said nothing yet.
pub fn missing<T>(answers: &[Answer<T>]) -> Vec<String> {
    let silent = answers.iter().filter(|answer| answer.value.is_none());
    silent.map(|answer| answer.cloud.region.to_string()).collect()
}

pub const NONE_SO_FAR: &str = "None in the regions that answered";

impl<T: 'static> Across<T> {
    /// Reads what is known of each region, and again when one answers.
    pub fn with<U>(self, read: impl FnOnce(&[Answer<T>]) -> U) -> U {
        self.answers.with(|answers| read(answers))
    }

    /// Changes what a region said, before it says so itself.
    pub fn change(self, cloud: &Cloud, change: impl FnOnce(&mut T)) {
        self.answers.update(|answers| {
            let answer = answers.iter_mut().find(|answer| answer.cloud == *cloud);
            if let Some(value) = answer.and_then(|answer| answer.value.as_mut()) {
                change(value);
            }
        });
    }

    /// Asks one region again.
    pub fn refetch(self, region: &Region) {
        self.retried.set(Some(region.clone()));
    }

    /// Asks all of them again.
    pub fn refetch_all(self) {
        self.regions.refetch();
        self.again.try_update(|count| *count = count.wrapping_add(1));
    }

    /// Draws what is there, and above it one line for each region that is missing or older than it should be.
    /// `what` names what is asked for: "images".
    pub fn drawn(self, what: &'static str, draw: impl Fn(&[Answer<T>]) -> El + 'static) -> El {
        let gaps =
            move || self.with(|answers| answers.iter().filter_map(|answer| self.gap(answer, what)).collect());
        let content = move || {
            if let Some(error) = self.regions.failure()
                && self.regions.with(|regions| regions.is_none())
            {
                let retry = Callback::new(move |()| self.regions.refetch());
                return vec![failure_state(&Failure::from(error), retry)];
            }
            self.with(|answers| {
                let has_any = answers.iter().any(|answer| answer.value.is_some());
                let is_asking = answers.is_empty() || answers.iter().any(|answer| answer.is_asking);
                match (has_any, is_asking) {
                    (true, _) => vec![draw(answers)],
                    (false, true) => vec![lines(5)],
                    // The lines above say why.
                    (false, false) => Vec::new(),
                }
            })
        };
        el("div")
            .class("across")
            .child(el("div").class("notes").attr("data-testid", "gaps").live_children(gaps))
            .child(el("div").live_children(content))
    }

    fn gap(self, answer: &Answer<T>, what: &str) -> Option<El> {
        let error = answer.error.as_ref()?;
        let region = answer.cloud.region.clone();
        let lead = match answer.value {
            Some(_) => format!("The {what} of {region} are what was known before."),
            None => format!("The {what} of {region} are missing here."),
        };
        let text = el("div").class("banner-text").child(el("strong").text(&lead)).child(cloud_gap(error));
        let retry = retry_button(Callback::new(move |()| self.refetch(&region)));
        Some(banner(BannerKind::Warning, text, el("div").class("banner-actions").child(retry)))
    }
}

impl<T: 'static> Clone for Across<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for Across<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_at_all_is_said_only_once_every_region_answered() {
        let answer = |region: &str, value: Option<Vec<u8>>| {
            let cloud = Cloud::new(&"4f1d".parse().expect("an id"), &region.parse().expect("a region"));
            Answer { cloud, value, error: None, is_asking: false }
        };
        let whole = [answer("One", Some(Vec::new())), answer("Two", Some(Vec::new()))];
        assert_eq!(none_of(&whole, "You have none"), "You have none");
        let gap = [answer("One", Some(Vec::new())), answer("Two", None)];
        assert_eq!(none_of(&gap, "You have none"), NONE_SO_FAR);
        assert_eq!(missing(&gap), ["Two"]);
    }
}
