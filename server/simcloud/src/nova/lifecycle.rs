//! How actions go on after Nova has accepted them: the tasks a server passes through, in the order and
//! about the time of a real cloud.

use std::borrow::Cow;
use std::sync::Arc;

use crate::script::{Change, Step};
use crate::server::{Flavor, Nic};

/// What a new server is to become.
pub enum Outcome {
    Runs(Vec<Nic>),
    /// No host is large enough.
    NoHost,
    /// Every host it was tried on failed.
    NoRetriesLeft {
        id: uuid::Uuid,
    },
    /// Something it needs did not come about; with this fault.
    Aborted(String),
}

/// From BUILD with the task `scheduling` to ACTIVE or ERROR.
pub fn build(outcome: Outcome) -> Vec<Step> {
    match outcome {
        Outcome::Runs(nics) => vec![
            Step::after(1.0, Change::Task(Some("networking"))),
            Step::after(2.0, Change::Networks(nics)),
            Step::after(0.5, Change::Task(Some("spawning"))),
            Step::after(6.0, Change::Launch),
            done(),
        ],
        Outcome::NoHost => {
            let why = "No valid host was found. ";
            vec![Step::after(1.5, Change::Fail(why.to_owned())), failed(why)]
        }
        Outcome::NoRetriesLeft { id } => {
            let why = format!(
                "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures \
                 for instance {id}."
            );
            vec![
                Step::after(1.0, Change::Task(Some("networking"))),
                Step::after(2.0, Change::Task(Some("spawning"))),
                Step::after(3.0, Change::Fail(why.clone())),
                failed(why),
            ]
        }
        Outcome::Aborted(why) => vec![
            Step::after(1.0, Change::Task(Some("networking"))),
            Step::after(2.0, Change::Fail(why.clone())),
            failed(why),
        ],
    }
}

/// After the task `rebooting`.
pub fn reboot() -> Vec<Step> {
    vec![
        Step::after(0.5, Change::Task(Some("reboot_pending"))),
        Step::after(0.5, Change::Task(Some("reboot_started"))),
        Step::after(5.0, Change::State("active", 1)),
        done(),
    ]
}

/// After the task `rebooting_hard`.
pub fn hard_reboot() -> Vec<Step> {
    vec![
        Step::after(0.5, Change::Task(Some("reboot_pending_hard"))),
        Step::after(0.5, Change::Task(Some("reboot_started_hard"))),
        Step::after(7.0, Change::State("active", 1)),
        done(),
    ]
}

/// After a task that leads to another state by itself: stopping, starting, pausing and the like.
pub fn become_after(seconds: f64, vm_state: &'static str, power_state: u8) -> Vec<Step> {
    vec![Step::after(seconds, Change::State(vm_state, power_state)), done()]
}

/// After a task that leaves the state as it is.
pub fn task_over_after(seconds: f64) -> Vec<Step> {
    vec![Step::after(seconds, Change::Task(None)), done()]
}

/// What a server is when an action that stops it for a while is over: as it was before.
pub fn rest_of(was_running: bool) -> (&'static str, u8) {
    if was_running { ("active", 1) } else { ("stopped", 4) }
}

/// After the task `resize_prep`: to VERIFY_RESIZE with the new flavor.
pub fn resize(flavor: Arc<Flavor>, was_running: bool) -> Vec<Step> {
    vec![
        Step::after(2.0, Change::Task(Some("resize_migrating"))),
        Step::after(5.0, Change::Task(Some("resize_migrated"))),
        Step::after(0.5, Change::Task(Some("resize_finish"))),
        Step::after(2.0, Change::Resize(flavor)),
        Step::after(0.5, Change::State("resized", rest_of(was_running).1)),
        done(),
    ]
}

pub fn confirm_resize(was_running: bool) -> Vec<Step> {
    let (state, power) = rest_of(was_running);
    vec![Step::after(1.0, Change::ConfirmResize), Step::after(0.5, Change::State(state, power)), done()]
}

/// After the task `resize_reverting`.
pub fn revert_resize(was_running: bool) -> Vec<Step> {
    let (state, power) = rest_of(was_running);
    vec![Step::after(4.0, Change::RevertResize), Step::after(0.5, Change::State(state, power)), done()]
}

/// After the task `rebuilding`.
pub fn rebuild(image_id: Option<Arc<str>>, was_running: bool) -> Vec<Step> {
    let (state, power) = rest_of(was_running);
    let mut steps: Vec<Step> =
        image_id.map(|image_id| Step::after(0.0, Change::Rebuild(image_id))).into_iter().collect();
    steps.extend([
        Step::after(2.0, Change::Task(Some("rebuild_block_device_mapping"))),
        Step::after(1.0, Change::Task(Some("rebuild_spawning"))),
        Step::after(5.0, Change::State(state, power)),
        done(),
    ]);
    steps
}

/// After any task: the action fails, and the server is as before or, where nobody knows what it is, in
/// ERROR.
pub fn fail(ends_in_error: bool, why: Cow<'static, str>) -> Vec<Step> {
    let change = if ends_in_error { Change::Fail(why.to_string()) } else { Change::Task(None) };
    vec![Step::after(2.0, change), failed(why)]
}

/// After the task `shelving`: a snapshot, then off the host.
pub fn shelve() -> Vec<Step> {
    vec![
        Step::after(1.0, Change::Task(Some("shelving_image_pending_upload"))),
        Step::after(1.0, Change::Task(Some("shelving_image_uploading"))),
        Step::after(5.0, Change::State("shelved", 4)),
        Step::after(0.5, Change::Task(Some("shelving_offloading"))),
        Step::after(2.0, Change::Offload),
        Step::after(0.1, Change::State("shelved_offloaded", 4)),
        done(),
    ]
}

/// After the task `shelving_offloading`.
pub fn shelve_offload() -> Vec<Step> {
    vec![Step::after(2.0, Change::Offload), Step::after(0.1, Change::State("shelved_offloaded", 4)), done()]
}

/// After the task `unshelving`.
pub fn unshelve() -> Vec<Step> {
    vec![Step::after(1.0, Change::Task(Some("spawning"))), Step::after(4.0, Change::Launch), done()]
}

/// After the task `image_snapshot` or `image_backup`.
pub fn snapshot(image_id: Arc<str>) -> Vec<Step> {
    vec![
        Step::after(0.5, Change::Task(Some("image_pending_upload"))),
        Step::after(1.0, Change::Task(Some("image_uploading"))),
        Step::after(5.0, Change::SnapshotReady(image_id)),
        Step::after(0.2, Change::Task(None)),
        done(),
    ]
}

/// After the task `image_snapshot` or `image_backup`: there will be no image.
pub fn snapshot_fails(image_id: Arc<str>, why: Cow<'static, str>) -> Vec<Step> {
    vec![
        Step::after(0.5, Change::Task(Some("image_pending_upload"))),
        Step::after(2.0, Change::SnapshotGone(image_id)),
        Step::after(0.0, Change::Task(None)),
        failed(why),
    ]
}

/// After the task `migrating`.
pub fn live_migrate() -> Vec<Step> {
    task_over_after(6.0)
}

/// After the task `deleting`. One that is on no host has nothing to be torn down.
pub fn delete(is_on_host: bool) -> Vec<Step> {
    vec![Step::after(if is_on_host { 2.5 } else { 0.2 }, Change::Gone)]
}

fn done() -> Step {
    Step::after(0.0, Change::ActionDone(None))
}

fn failed(why: impl Into<Cow<'static, str>>) -> Step {
    Step::after(0.0, Change::ActionDone(Some(why.into())))
}
