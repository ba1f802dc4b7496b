//! What became of an action whose answer nobody has: Nova's own history of the server knows, in most cases, and of the
//! others the server itself.

use std::{collections::HashSet, time::Duration};

use api_types::servers::action::ServerAction;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::work::{OpenJob, ServerActions, on_behalf, target_of};
use crate::{
    jobs::{Found, Item},
    upstream::{Answer, UpstreamError},
};

/// Asks Nova whether it took the action on. What may be done twice without harm is not asked about.
pub async fn look_up(actions: &ServerActions, open: &OpenJob, item: &Item) -> Found {
    let found = match trace_of(&open.action) {
        Trace::None => Ok(Found::Repeatable),
        Trace::Group { name, is_to_have } => in_groups(actions, open, item, name, is_to_have).await,
        Trace::Action(name) => in_history(actions, open, item, name).await,
    };
    found.unwrap_or_else(|why_not| why_not)
}

/// Whether the server has a security group, or has it no more: Nova keeps no history of these. What is not so can be
/// asked for again.
async fn in_groups(
    actions: &ServerActions,
    open: &OpenJob,
    item: &Item,
    name: &str,
    is_to_have: bool,
) -> Result<Found, Found> {
    #[derive(Deserialize)]
    struct Groups {
        security_groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        id: String,
        name: String,
    }
    let answer = show_part(actions, open, item, "os-security-groups").await?;
    let Ok(groups) = answer.json::<Groups>() else { return Err(Found::Unknown) };
    // Nova takes either for the name.
    let has_it = groups.security_groups.iter().any(|group| group.name == name || group.id == name);
    Ok(if has_it == is_to_have { Found::Done { upstream_request_id: None } } else { Found::Repeatable })
}

/// Whether Nova's history of the server has the action.
async fn in_history(
    actions: &ServerActions,
    open: &OpenJob,
    item: &Item,
    name: &str,
) -> Result<Found, Found> {
    let answer = show_part(actions, open, item, "os-instance-actions").await?;
    #[derive(Deserialize)]
    struct History {
        #[serde(rename = "instanceActions")]
        actions: Vec<Value>,
    }
    let Ok(history) = answer.json::<History>() else { return Err(Found::Unknown) };
    let known = match known_ids(actions, open, item).await {
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(%error, "what was done to a server is looked up later");
            return Err(Found::NotNow { retry_in: PAUSE });
        }
    };
    let upstream_now = answer.header("date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    let sought = Sought {
        name,
        user_id: &open.job.user_id,
        since: since(item.sent_at, actions.clock.now(), upstream_now.map(|now| now.to_utc())),
        known: &known,
    };
    Ok(match history.actions.iter().find_map(|entry| sought.matches(entry)) {
        Some(id) => Found::Done { upstream_request_id: Some(id) },
        None => Found::NoTrace,
    })
}

/// A part of the item's server.
async fn show_part(
    actions: &ServerActions,
    open: &OpenJob,
    item: &Item,
    part: &str,
) -> Result<Answer, Found> {
    let Some((region, server)) = target_of(item) else { return Err(Found::Unknown) };
    let upstream = actions.indexes.upstream();
    let Some(place) = upstream.compute(&open.scope, &region) else { return Err(Found::Unknown) };
    let place = place.on_behalf(on_behalf(&open.job, item));
    upstream.show_part(&place, server, part).await.map_err(|error| match error.status() {
        // There is nothing to ask any more, or nobody to ask with.
        Some(StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED) => Found::Unknown,
        _ => Found::NotNow { retry_in: pause_after(&error) },
    })
}

/// Where it shows that an action was taken on.
#[derive(Debug, PartialEq, Eq)]
enum Trace<'a> {
    /// It does not have to: doing it twice is doing it once.
    None,
    /// In Nova's history of the server, under this name.
    Action(&'static str),
    /// In the server's security groups.
    Group { name: &'a str, is_to_have: bool },
}

/// What is looked for in a server's history.
struct Sought<'a> {
    name: &'a str,
    user_id: &'a str,
    /// In the upstream's time.
    since: DateTime<Utc>,
    /// Ids of calls whose answers are known: other actions than this one.
    known: &'a HashSet<String>,
}

impl Sought<'_> {
    /// The id of the request, where the entry is the one.
    fn matches(&self, entry: &Value) -> Option<String> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let id = text("request_id")?;
        let started_at =
            NaiveDateTime::parse_from_str(text("start_time")?, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc();
        let is_it = text("action")? == self.name
            && text("user_id")? == self.user_id
            && started_at >= self.since
            && !self.known.contains(id);
        is_it.then(|| id.to_owned())
    }
}

const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Nova writes whole seconds, and its answer tells whole seconds.
const WHOLE_SECONDS: TimeDelta = TimeDelta::seconds(2);
/// How far its clock may be behind where it does not tell its time.
const UNTOLD_SKEW: TimeDelta = TimeDelta::seconds(30);

/// Where to look. The names are those of `nova/compute/instance_actions.py`.
fn trace_of(action: &ServerAction) -> Trace<'_> {
    Trace::Action(match action {
        ServerAction::Lock { .. }
        | ServerAction::Unlock
        | ServerAction::Rename { .. }
        | ServerAction::Describe { .. }
        | ServerAction::Tag { .. }
        | ServerAction::SetMetadata { .. }
        | ServerAction::AttachFloatingIp { .. }
        | ServerAction::DetachFloatingIp { .. }
        | ServerAction::Delete => return Trace::None,
        ServerAction::AddSecurityGroup { name } => return Trace::Group { name, is_to_have: true },
        ServerAction::RemoveSecurityGroup { name } => return Trace::Group { name, is_to_have: false },
        ServerAction::Start => "start",
        ServerAction::Stop => "stop",
        ServerAction::Reboot { .. } => "reboot",
        ServerAction::Pause => "pause",
        ServerAction::Unpause => "unpause",
        ServerAction::Suspend => "suspend",
        ServerAction::Resume => "resume",
        ServerAction::Shelve => "shelve",
        ServerAction::Unshelve => "unshelve",
        ServerAction::Resize { .. } => "resize",
        ServerAction::ConfirmResize => "confirmResize",
        ServerAction::RevertResize => "revertResize",
        ServerAction::Rebuild { .. } => "rebuild",
        ServerAction::Rescue { .. } => "rescue",
        ServerAction::Unrescue => "unrescue",
        ServerAction::Snapshot { .. } => "createImage",
        ServerAction::SetPassword { .. } => "changePassword",
        ServerAction::AttachVolume { .. } => "attach_volume",
        ServerAction::DetachVolume { .. } => "detach_volume",
        ServerAction::AttachInterface { .. } => "attach_interface",
        ServerAction::DetachInterface { .. } => "detach_interface",
    })
}

/// The time of sending in the upstream's time, a little before it.
fn since(sent_at: DateTime<Utc>, now: DateTime<Utc>, upstream_now: Option<DateTime<Utc>>) -> DateTime<Utc> {
    match upstream_now {
        Some(upstream_now) => sent_at + (upstream_now - now) - WHOLE_SECONDS,
        None => sent_at - UNTOLD_SKEW,
    }
}

fn pause_after(error: &UpstreamError) -> Duration {
    error.retry_after().unwrap_or(PAUSE).min(LONGEST_PAUSE)
}

/// Ids of the calls that did something else to this server, as far as the panel made them.
async fn known_ids(actions: &ServerActions, open: &OpenJob, item: &Item) -> sqlx::Result<HashSet<String>> {
    let store = actions.jobs.store();
    let past = store.list_past(&open.job.project_id, &item.place, item.target, 50).await?;
    Ok(past.into_iter().filter_map(|past| past.upstream_request_id).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn the_entry_is_one_of_this_action_of_this_user_since_it_was_sent() {
        let known = HashSet::from(["req-known".to_owned()]);
        let sought =
            Sought { name: "reboot", user_id: "alice", since: time("2026-11-20T19:03:15Z"), known: &known };
        let entry = |action: &str, user: &str, at: &str, id: &str| {
            sought.matches(&json!({"action": action, "user_id": user, "start_time": at, "request_id": id}))
        };
        let at = "2026-11-20T19:03:15.000000";
        assert_eq!(entry("reboot", "alice", at, "req-1").as_deref(), Some("req-1"));
        assert_eq!(entry("stop", "alice", at, "req-1"), None);
        assert_eq!(entry("reboot", "bob", at, "req-1"), None);
        assert_eq!(entry("reboot", "alice", "2026-11-20T19:03:14.000000", "req-1"), None);
        assert_eq!(entry("reboot", "alice", at, "req-known"), None);
        assert_eq!(sought.matches(&json!({"action": null})), None);
    }

    #[test]
    fn the_upstreams_clock_is_the_one_that_counts() {
        let sent_at = time("2026-11-20T12:00:00Z");
        let now = time("2026-11-20T12:01:00Z");
        let behind = time("2026-11-20T11:51:00Z");
        assert_eq!(since(sent_at, now, Some(behind)), time("2026-11-20T11:49:58Z"));
        assert_eq!(since(sent_at, now, None), time("2026-11-20T11:59:30Z"));
    }
}
