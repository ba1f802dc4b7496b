//! Making the servers: one call each, a few at a time, with an outcome for each name.

use std::{cell::Cell, rc::Rc};

use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;
use serde_json::Value;

use super::{form::Form, keep};
use crate::{
    api_client::{ApiError, Call},
    cloud::{Cloud, CloudError, Service, encoded},
    offers::{COMPUTE_VERSION, compute, moment},
    project::servers_path,
    router::{Router, Step},
    ui::{
        announcer::Announcements,
        format::{self, counted},
        toast::ToastBox,
    },
};

/// One server on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Making {
    pub name: String,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Asking,
    /// Nova has taken it up, under this id.
    Made(String),
    Failed(CloudError),
    /// No answer came: it may have been made all the same.
    Unsure(CloudError),
}

impl State {
    /// It can be asked for again.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unsure(_))
    }
}

/// What it takes to tell how it went, kept while the page may be left.
#[derive(Clone, Copy)]
pub struct Tellers {
    pub router: Router,
    pub toasts: ToastBox,
    pub announcer: Announcements,
}

/// So many calls at a time: Nova checks the quota for each, and one that waits for the others gains nothing.
const AT_ONCE: usize = 4;

/// Younger servers of the same name and metadata are taken for the one that was asked for.
const RECENT_SECS: i64 = 900;

/// The names that a press on Create is about: those that failed before, or all.
pub fn names_to_make(form: Form) -> Vec<String> {
    let failed = |makings: &Vec<Making>| -> Vec<String> {
        makings.iter().filter(|making| making.state.is_failure()).map(|making| making.name.clone()).collect()
    };
    let failed = form.makings.with(failed);
    if failed.is_empty() { form.draft.with(|draft| draft.names().unwrap_or_default()) } else { failed }
}

/// Makes the servers. Does nothing while it is at it, so a double click makes them once.
pub fn create(form: Form, tellers: Tellers) {
    if form.is_busy.get_untracked() {
        return;
    }
    let names = untrack(|| names_to_make(form));
    let Some(cloud) = form.cloud() else { return };
    let unsure: Vec<String> = form.makings.with_untracked(|makings| {
        let unsure = makings.iter().filter(|making| matches!(making.state, State::Unsure(_)));
        unsure.map(|making| making.name.clone()).collect()
    });
    // What is sent is what stands there now, whatever is typed meanwhile.
    let orders: Vec<(String, Value)> = form.draft.with_untracked(|draft| {
        names.iter().filter_map(|name| Some((name.clone(), draft.body(name)?))).collect()
    });
    if orders.is_empty() {
        return;
    }
    form.is_busy.set(true);
    form.makings.update(|makings| {
        // Those that were made before stay where they are.
        makings.retain(|making| !making.state.is_failure());
        makings.extend(names.iter().map(|name| Making { name: name.clone(), state: State::Waiting }));
    });
    let first = form.makings.with_untracked(Vec::len) - names.len();
    let orders = Rc::new(orders);
    let (next, running) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(AT_ONCE.min(orders.len()))));
    for _ in 0..running.get() {
        let (orders, next, running, cloud, unsure) =
            (orders.clone(), next.clone(), running.clone(), cloud.clone(), unsure.clone());
        spawn_local(async move {
            while let Some((name, body)) = orders.get(next.replace(next.get() + 1)) {
                let at = first + orders.iter().position(|(other, _)| other == name).unwrap_or_default();
                tell(form, at, State::Asking);
                let state = make(&cloud, name, body, unsure.contains(name)).await;
                tell(form, at, state);
            }
            running.set(running.get() - 1);
            if running.get() == 0 {
                finish(form, cloud, tellers).await;
            }
        });
    }
}

fn tell(form: Form, at: usize, state: State) {
    form.makings.update(|makings| {
        if let Some(making) = makings.get_mut(at) {
            making.state = state;
        }
    });
}

async fn make(cloud: &Cloud, name: &str, body: &Value, was_unsure: bool) -> State {
    #[derive(Deserialize)]
    struct Answer {
        server: Made,
    }
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    if was_unsure {
        match find_made(cloud, name, body).await {
            Ok(Some(id)) => return State::Made(id),
            Ok(None) => {}
            Err(error) => return State::Unsure(error),
        }
    }
    let call = compute(cloud.post(Service::Compute, "servers"), None).body(body);
    match call.json::<Answer>().await {
        Ok(answer) => State::Made(answer.server.id),
        Err(error) if is_unsure(&error) => State::Unsure(error),
        Err(error) => State::Failed(error),
    }
}

/// Our codes for calls whose answer did not come, or not whole.
const MAY_HAVE_ARRIVED: [&str; 3] = ["upstream_timeout", "upstream_malformed", "upstream_unreachable"];

/// It may have been done although nothing says so.
fn is_unsure(error: &CloudError) -> bool {
    match error {
        CloudError::Refused(refusal) => matches!(refusal.status, 502 | 504),
        CloudError::Panel(ApiError::Refused { status, body }) => {
            *status == 504 || MAY_HAVE_ARRIVED.contains(&body.code.as_str())
        }
        CloudError::Panel(ApiError::Unreachable | ApiError::Malformed { .. }) => true,
        CloudError::Panel(ApiError::Aborted) => false,
    }
}

/// A server of this name that is younger than the form could be: made by the call that got no answer.
async fn find_made(cloud: &Cloud, name: &str, body: &Value) -> Result<Option<String>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        servers: Vec<Found>,
    }
    #[derive(Deserialize)]
    struct Found {
        id: String,
        name: String,
        #[serde(default)]
        metadata: Value,
        #[serde(default)]
        created: String,
    }
    // Nova takes the name for an expression.
    let path = format!(
        "servers/detail?sort_key=created_at&sort_dir=desc&limit=20&name={}",
        encoded(&expression(name))
    );
    let call = cloud.get(Service::Compute, &path).header("openstack-api-version", COMPUTE_VERSION);
    let servers = call.json::<Answer>().await?.servers;
    let wanted = body["server"].get("metadata").cloned().unwrap_or_else(|| serde_json::json!({}));
    let is_new = |created: &str| moment(created).is_some_and(|at| format::now() - at < RECENT_SECS);
    let is_it = |found: &Found| found.name == name && found.metadata == wanted && is_new(&found.created);
    Ok(servers.into_iter().find(is_it).map(|found| found.id))
}

/// An expression that only this name fits.
fn expression(name: &str) -> String {
    let mut text = String::from("^");
    for letter in name.chars() {
        if letter.is_ascii_punctuation() && !"-_".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('$');
    text
}

async fn finish(form: Form, cloud: Cloud, tellers: Tellers) {
    // The region is asked for what is new at once instead of in its own time; what comes of it the list shows.
    _ = Call::post(api_types::routes::servers_retry(&cloud.project, &cloud.region)).done().await;
    _ = form.is_busy.try_set(false);
    let (made, failed) = form.makings.with_untracked(|makings| {
        let failed = makings.iter().filter(|making| making.state.is_failure()).count();
        (makings.len() - failed, failed)
    });
    if failed > 0 {
        let told = format!("{} could not be created.", counted(failed as u64, "server", "servers"));
        tellers.announcer.say(told);
        return;
    }
    keep::forget(&cloud.project);
    let said = form.makings.with_untracked(|makings| match makings.as_slice() {
        [only] => format!("{} is being created.", only.name),
        _ => format!("{} are being created.", counted(made as u64, "server", "servers")),
    });
    tellers.toasts.say(said);
    let here = tellers.router.path().get_untracked();
    if here.ends_with("/servers/new") {
        tellers.router.go(&format!("{}?sort=-created", servers_path(&cloud.project)), Step::Push);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_fits_its_name_alone() {
        assert_eq!(expression("web-01.example (a+b)$"), r"^web-01\.example \(a\+b\)\$$");
    }

    #[test]
    fn an_answer_that_did_not_come_is_told_from_a_refusal() {
        let refused = |status| {
            CloudError::Refused(crate::cloud::Refusal { status, ..crate::cloud::Refusal::default() })
        };
        assert!(is_unsure(&CloudError::Panel(ApiError::Unreachable)));
        assert!(is_unsure(&refused(504)));
        assert!(!is_unsure(&refused(403)));
    }
}
