//! Sending what was decided: the rows show it at once, the server makes a job of it, and what does not come true is
//! taken back.

use api_types::{
    ProjectId,
    jobs::{Confirmed, ControlJob, CreateJob, Job, JobState, RegionTargets},
    servers::action::ServerAction,
};
use js_sys::{Function, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};

use super::expected::expected;
use crate::{
    api_client::ApiError,
    features::servers::{
        acting::{Acting, Target},
        store::ServersStore,
    },
    jobs::Jobs,
};

/// What sending needs. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct Sender {
    pub acting: Acting,
    pub store: ServersStore,
    pub jobs: Jobs,
}

impl Sender {
    /// Does it to these servers, once for one key however often it is sent.
    ///
    /// Errors: nothing was begun, as far as is known; the rows are as they were.
    pub async fn send(
        self,
        project: &ProjectId,
        action: ServerAction,
        servers: &[Target],
        key: &str,
        word: Option<String>,
    ) -> Result<Job, ApiError> {
        let kind = action.kind();
        let able = servers.iter().filter(|server| kind.check(server.now()).is_ok());
        let able: Vec<_> = able.map(|server| server.id).collect();
        self.acting.expects_anew(&able);
        self.store.expect(&able, |row| expected(&action, row));
        let confirmed = Confirmed { word };
        let job = CreateJob {
            action,
            targets: by_region(servers),
            idempotency_key: key.to_owned(),
            confirmed: Some(confirmed.clone()),
        };
        let mut answer = self.jobs.create(project, &job).await;
        if let Ok(job) = &answer
            && job.state == JobState::Planned
        {
            answer = self.jobs.control(&job.id.clone(), &ControlJob::Start { confirmed }).await;
        }
        match &answer {
            Ok(job) => self.acting.expects(job, able),
            Err(_) => self.store.withdraw(&able),
        }
        answer
    }
}

/// A key no other request has: a UUID.
pub fn new_key() -> String {
    let made = || -> Result<JsValue, JsValue> {
        let crypto = Reflect::get(&window(), &JsValue::from_str("crypto"))?;
        let make: Function = Reflect::get(&crypto, &JsValue::from_str("randomUUID"))?.dyn_into()?;
        make.call0(&crypto)
    };
    // Outside secure contexts there is no `randomUUID`; four random numbers do.
    let by_numbers = || {
        let number = || (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
        let [a, b, c, d] = [number(), number(), number(), number()];
        format!("{a:08x}-{:04x}-4{:03x}-8{:03x}-{:04x}{d:08x}", b >> 16, b & 0xfff, c & 0xfff, c >> 16)
    };
    made().ok().and_then(|key| key.as_string()).unwrap_or_else(by_numbers)
}

/// The servers by region, each in the order they came.
fn by_region(servers: &[Target]) -> Vec<RegionTargets> {
    let mut targets: Vec<RegionTargets> = Vec::new();
    for server in servers {
        match targets.iter_mut().find(|targets| targets.region == server.region) {
            Some(targets) => targets.servers.push(server.id),
            None => targets.push(RegionTargets { region: server.region.clone(), servers: vec![server.id] }),
        }
    }
    targets
}
