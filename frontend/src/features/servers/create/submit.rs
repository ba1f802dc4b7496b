//! Making the servers: one call each, a few at a time, with an outcome for each name.

use std::{cell::Cell, rc::Rc};

use api_types::analytics::SERVERS_CREATED;
use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;
use serde_json::Value;

use super::{
    form::Form,
    keep,
    makings::{self, Making, Phase, State},
    texts,
};
use crate::{
    analytics::{Counted, count},
    api_client::{ApiError, Call},
    cloud::{Cloud, CloudError, Service, encoded},
    offers::{COMPUTE_VERSION, compute, moment},
    project::{new_server_path, servers_path},
    router::{Router, Step},
    ui::{announcer::Announcements, format, toast::ToastBox},
};

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

/// The names that a press on Create is about: those that were not made by the presses before.
pub fn names_to_make(form: Form) -> Vec<String> {
    let names = form.draft.with(|draft| draft.names().unwrap_or_default());
    form.batch(|batch| batch.not_made(names))
}

/// Makes the servers. Does nothing while it is at it, so a double click makes them once. The page may be left
/// meanwhile: nothing of it is needed to go on and to tell what came of it.
pub fn create(form: Form, tellers: Tellers) {
    let (names, is_busy) = untrack(|| (names_to_make(form), form.is_busy()));
    let Some(cloud) = form.cloud().filter(|_| !is_busy) else { return };
    // What is sent is what stands there now, whatever is typed meanwhile.
    let bodies: Option<Vec<Value>> =
        form.draft.with_untracked(|draft| names.iter().map(|name| draft.body(name)).collect());
    let Some(bodies) = bodies.filter(|bodies| !bodies.is_empty()) else { return };
    let unsure: Vec<String> = untrack(|| {
        form.batch(|batch| {
            let unsure = batch.makings.iter().filter(|making| making.state.is_unsure());
            unsure.map(|making| making.name.clone()).collect()
        })
    });
    let mut first = 0;
    makings::change(&cloud.project, |batch| {
        batch.phase = Phase::Busy;
        // Those that were made before stay where they are.
        batch.makings.retain(|making| matches!(making.state, State::Made(_)));
        first = batch.makings.len();
        batch.makings.extend(names.iter().map(|name| Making { name: name.clone(), state: State::Waiting }));
    });
    let orders: Vec<Order> = names
        .into_iter()
        .zip(bodies)
        .enumerate()
        .map(|(at, (name, body))| Order { at: first + at, was_unsure: unsure.contains(&name), name, body })
        .collect();
    let orders = Rc::new(orders);
    let (next, running) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(AT_ONCE.min(orders.len()))));
    for _ in 0..running.get() {
        let (orders, next, running, cloud) = (orders.clone(), next.clone(), running.clone(), cloud.clone());
        spawn_local(async move {
            while let Some(order) = orders.get(next.replace(next.get() + 1)) {
                tell(&cloud, order.at, State::Asking);
                let state = make(&cloud, order).await;
                tell(&cloud, order.at, state);
            }
            running.set(running.get() - 1);
            if running.get() == 0 {
                finish(&cloud, tellers).await;
            }
        });
    }
}

/// A server to be made.
struct Order {
    /// Its place in the batch.
    at: usize,
    name: String,
    body: Value,
    /// It was asked for before, and no answer came.
    was_unsure: bool,
}

fn tell(cloud: &Cloud, at: usize, state: State) {
    makings::change(&cloud.project, |batch| {
        if let Some(making) = batch.makings.get_mut(at) {
            making.state = state;
        }
    });
}

async fn make(cloud: &Cloud, order: &Order) -> State {
    #[derive(Deserialize)]
    struct Answer {
        server: Made,
    }
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    if order.was_unsure {
        match find_made(cloud, order).await {
            Ok(Some(id)) => return State::Made(id),
            Ok(None) => {}
            Err(error) => return State::Unsure(error),
        }
    }
    let call = compute(cloud.post(Service::Compute, "servers"), None).body(&order.body);
    match call.json::<Answer>().await {
        Ok(answer) => {
            count(Counted::Created, SERVERS_CREATED);
            State::Made(answer.server.id)
        }
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
async fn find_made(cloud: &Cloud, order: &Order) -> Result<Option<String>, CloudError> {
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
        encoded(&expression(&order.name))
    );
    let call = cloud.get(Service::Compute, &path).header("openstack-api-version", COMPUTE_VERSION);
    let servers = call.json::<Answer>().await?.servers;
    let wanted = order.body["server"].get("metadata").cloned().unwrap_or_else(|| serde_json::json!({}));
    let is_new = |created: &str| moment(created).is_some_and(|at| format::now() - at < RECENT_SECS);
    // Another of the same name whose answer came is that other one.
    let known = untrack(|| makings::read(Some(&cloud.project), |batch| batch.ids()));
    let is_it = |found: &Found| {
        found.name == order.name
            && found.metadata == wanted
            && is_new(&found.created)
            && !known.contains(&found.id)
    };
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

async fn finish(cloud: &Cloud, tellers: Tellers) {
    let project = &cloud.project;
    // The region is asked for what is new at once instead of in its own time; what comes of it the list shows.
    _ = Call::post(api_types::routes::servers_retry(project, &cloud.region)).done().await;
    makings::change(project, |batch| {
        batch.phase = if batch.has_failures() { Phase::Idle } else { Phase::Done };
    });
    let batch = untrack(|| makings::read(Some(project), Clone::clone));
    let is_on_page = tellers.router.path().with_untracked(|path| *path == new_server_path(project));
    if !batch.has_failures() {
        keep::forget(project);
        tellers.toasts.say(texts::being_created(&batch));
        if is_on_page {
            tellers.router.go(&format!("{}?sort=-created", servers_path(project)), Step::Push);
        }
        return;
    }
    let told = texts::progress(&batch);
    if is_on_page {
        tellers.announcer.say(format!("{told}."));
        return;
    }
    keep::keep_outcomes(project, batch.kept());
    let error = batch.makings.iter().find_map(|making| match &making.state {
        State::Failed(error) | State::Unsure(error) => Some(error),
        _ => None,
    });
    let why = error.map(CloudError::message).unwrap_or_default();
    let id = error.and_then(|error| error.request_ids().first().cloned());
    tellers.toasts.fail(format!("{told}. {why} {}", texts::COME_BACK), id);
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
