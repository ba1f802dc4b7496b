//! What was done to a server, from Nova's history and the panel's merged into one. Values in, values out.

use api_types::{
    jobs::ItemResult,
    servers::{
        ActionKind,
        detail::{HistoryAction, HistoryEntry, InstanceAction},
    },
};

/// Something that was done to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    pub what: What,
    /// Seconds since 1970.
    pub at: i64,
    pub outcome: Outcome,
    /// A name where the panel knows it, else Nova's user id.
    pub by: Option<String>,
    /// It was done through the panel.
    pub is_ours: bool,
    /// The id of the call in the cloud's log.
    pub upstream_request_id: Option<String>,
    /// The id of the call in the panel's log.
    pub request_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// As Nova spells it, or like it.
    Nova(String),
    /// As the panel asked for it, with the value that was set.
    Panel(ActionKind, Option<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nova tells of no error.
    Done,
    /// Being asked for.
    UnderWay,
    Failed(String),
    /// Nobody knows whether the cloud took it on.
    Uncertain,
}

/// Both histories as one, the latest first. What stands in both is told once: what and who by the panel, what became
/// of it by Nova.
pub fn timeline(nova: &[InstanceAction], ours: &[HistoryEntry]) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = ours.iter().filter_map(deed_of).collect();
    for action in nova {
        let same = deeds.iter_mut().find(|deed| {
            !action.request_id.is_empty()
                && deed.upstream_request_id.as_deref() == Some(action.request_id.as_str())
        });
        match same {
            // Accepted is not done: what Nova met later is worth more than that it said yes.
            Some(deed) => {
                if let (Some(message), Outcome::Done | Outcome::Uncertain) = (&action.message, &deed.outcome)
                {
                    deed.outcome = Outcome::Failed(message.clone());
                }
            }
            None => deeds.push(Deed {
                what: What::Nova(action.action.clone()),
                at: i64::from(action.started_at),
                outcome: action.message.clone().map_or(Outcome::Done, Outcome::Failed),
                by: action.user_id.clone(),
                is_ours: false,
                upstream_request_id: Some(action.request_id.clone()).filter(|id| !id.is_empty()),
                request_id: None,
            }),
        }
    }
    // Stable: of the same second, the panel's own come first, each history in its own order.
    deeds.sort_by_key(|deed| std::cmp::Reverse(deed.at));
    deeds
}

/// What was only planned, or left out, was not done.
fn deed_of(entry: &HistoryEntry) -> Option<Deed> {
    let outcome = match &entry.result {
        ItemResult::Waiting | ItemResult::Skipped { .. } | ItemResult::Canceled => return None,
        ItemResult::Running => Outcome::UnderWay,
        ItemResult::Done => Outcome::Done,
        ItemResult::Uncertain => Outcome::Uncertain,
        ItemResult::Failed { error } => Outcome::Failed(
            error
                .upstream_message
                .clone()
                .filter(|words| !words.is_empty())
                .unwrap_or(error.error.message.clone()),
        ),
    };
    Some(Deed {
        what: match &entry.action {
            HistoryAction::Panel(kind) => What::Panel(*kind, entry.detail.clone()),
            HistoryAction::Cloud(name) => What::Nova(name.clone()),
        },
        at: entry.at,
        outcome,
        by: Some(entry.user_name.clone()),
        is_ours: true,
        upstream_request_id: entry.upstream_request_id.clone(),
        request_id: entry.request_id.clone(),
    })
}

#[cfg(test)]
mod tests {
    use api_types::{ErrorBody, jobs::ItemError};

    use super::*;

    fn nova(action: &str, request_id: &str, at: u32) -> InstanceAction {
        InstanceAction {
            action: action.to_owned(),
            request_id: request_id.to_owned(),
            user_id: Some("u-1".to_owned()),
            started_at: at,
            message: None,
        }
    }

    fn ours(action: ActionKind, request_id: &str, at: i64, result: ItemResult) -> HistoryEntry {
        HistoryEntry {
            action: HistoryAction::Panel(action),
            detail: None,
            user_name: "alice".to_owned(),
            user_id: "u-1".to_owned(),
            at,
            result,
            job: None,
            request_id: Some("ours-1".to_owned()),
            upstream_request_id: Some(request_id.to_owned()).filter(|id| !id.is_empty()),
        }
    }

    #[test]
    fn what_stands_in_both_histories_is_told_once_with_the_name_of_who_did_it() {
        let merged = timeline(
            &[nova("reboot", "req-2", 20), nova("create", "req-1", 10)],
            &[ours(ActionKind::Reboot, "req-2", 19, ItemResult::Done)],
        );
        let told: Vec<_> = merged.iter().map(|deed| (deed.at, deed.by.as_deref(), deed.is_ours)).collect();
        assert_eq!(told, [(19, Some("alice"), true), (10, Some("u-1"), false)]);
        assert_eq!(merged[0].request_id.as_deref(), Some("ours-1"));
    }

    #[test]
    fn a_server_created_here_is_told_once_with_the_name_of_who_created_it() {
        let created = HistoryEntry {
            action: HistoryAction::Cloud("create".to_owned()),
            ..ours(ActionKind::Start, "req-1", 9, ItemResult::Done)
        };
        let failed = InstanceAction { message: Some("Error".to_owned()), ..nova("create", "req-1", 10) };
        let merged = timeline(&[failed], &[created]);
        assert_eq!(merged.len(), 1);
        assert_eq!((&merged[0].what, merged[0].is_ours), (&What::Nova("create".to_owned()), true));
        assert_eq!(merged[0].outcome, Outcome::Failed("Error".to_owned()));
    }

    #[test]
    fn what_was_accepted_and_then_failed_failed() {
        let failed = InstanceAction { message: Some("Error".to_owned()), ..nova("resize", "req-1", 10) };
        let merged = timeline(&[failed], &[ours(ActionKind::Resize, "req-1", 10, ItemResult::Done)]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].outcome, Outcome::Failed("Error".to_owned()));
    }

    #[test]
    fn what_nova_never_heard_of_is_told_too() {
        let error = ItemError {
            error: ErrorBody {
                code: "conflict".to_owned(),
                message: "The server is locked.".to_owned(),
                request_id: "ours-1".to_owned(),
                retry_after_secs: None,
            },
            upstream_message: Some("Instance x is locked".to_owned()),
            upstream_status: Some(409),
        };
        let merged = timeline(
            &[],
            &[
                ours(ActionKind::Stop, "", 30, ItemResult::Failed { error }),
                ours(ActionKind::Rename, "", 20, ItemResult::Done),
                ours(ActionKind::Delete, "", 10, ItemResult::Waiting),
            ],
        );
        assert_eq!(merged.len(), 2, "what only waits was not done");
        assert_eq!(merged[0].outcome, Outcome::Failed("Instance x is locked".to_owned()));
    }

    #[test]
    fn actions_without_an_id_are_never_taken_for_one_another() {
        let merged =
            timeline(&[nova("create", "", 10)], &[ours(ActionKind::Rename, "", 10, ItemResult::Done)]);
        assert_eq!(merged.len(), 2);
    }
}
