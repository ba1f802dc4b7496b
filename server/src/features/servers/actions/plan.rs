//! The plan of a job: its list, frozen, with each server's name, and without those for which it cannot work.

use std::collections::HashSet;

use api_types::{
    Region, ServerId,
    jobs::RegionTargets,
    servers::{
        ServerRow,
        action::{ActionKind, Impossible, ServerAction, ServerNow},
    },
};
use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::{
    error::ApiError,
    features::servers::{index::ServerIndexes, route::no_such_region},
    jobs::NewItem,
    session::ProjectScope,
};

/// Makes the plan: from the index where it has the server, else from the cloud where few are asked for; what neither
/// knows is tried.
///
/// Errors: 404 the project has no such region.
pub async fn plan(
    indexes: &ServerIndexes,
    scope: &ProjectScope,
    action: ActionKind,
    targets: &[RegionTargets],
) -> Result<Vec<NewItem>, ApiError> {
    let mut items: Vec<(Region, ServerId, Option<ServerRow>)> = Vec::new();
    let mut seen = HashSet::new();
    for RegionTargets { region, servers } in targets {
        if indexes.upstream().compute(scope, region).is_none() {
            return Err(no_such_region(region.as_str()));
        }
        let wanted = servers.iter().filter(|server| seen.insert((region.clone(), **server)));
        match indexes.find(scope, region) {
            Some(index) => index.read(|rows| {
                items.extend(wanted.map(|server| (region.clone(), *server, rows.get(*server))));
            }),
            None => items.extend(wanted.map(|server| (region.clone(), *server, None))),
        }
    }
    let unknown: Vec<usize> =
        items.iter().enumerate().filter(|(_, (.., row))| row.is_none()).map(|(at, _)| at).collect();
    let mut gone = HashSet::new();
    if unknown.len() <= MOST_ASKED {
        let asked = stream::iter(unknown).map(|at| {
            let (region, server, _) = &items[at];
            async move { (at, indexes.ask_one(scope, region, *server, true).await) }
        });
        let answers: Vec<_> = asked.buffer_unordered(ASKED_AT_ONCE).collect().await;
        for (at, answer) in answers {
            match answer {
                Ok(row) => items[at].2 = Some(row),
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                    gone.insert(at);
                }
                // Whether it can be done is told when it is tried.
                Err(_) => {}
            }
        }
    }
    let planned = items.into_iter().enumerate().map(|(at, (region, server, row))| {
        let possible = match &row {
            Some(row) => action.check(now(row)),
            None if gone.contains(&at) => Err(Impossible::Gone),
            None => Ok(()),
        };
        NewItem {
            place: region.to_string(),
            target: Uuid::from_bytes(server.0),
            name: row.map(|row| row.name).unwrap_or_default(),
            skipped: possible.err().and_then(|because| serde_json::to_string(&because).ok()),
        }
    });
    Ok(planned.collect())
}

/// A value of an action worth showing; never a secret.
pub fn detail(action: &ServerAction) -> Option<String> {
    match action {
        ServerAction::Rename { name } | ServerAction::Snapshot { name } => Some(name.clone()),
        ServerAction::Describe { description } => Some(description.clone()),
        ServerAction::Lock { reason } => reason.clone(),
        ServerAction::Tag { add, remove } => {
            let add = add.iter().map(|tag| format!("+{tag}"));
            Some(add.chain(remove.iter().map(|tag| format!("-{tag}"))).collect::<Vec<_>>().join(" "))
        }
        ServerAction::SetMetadata { set, remove } => {
            // Values are often secrets.
            let set = set.iter().map(|(key, _)| format!("+{key}"));
            Some(set.chain(remove.iter().map(|key| format!("-{key}"))).collect::<Vec<_>>().join(" "))
        }
        ServerAction::Resize { flavor_id } => Some(flavor_id.clone()),
        ServerAction::Rebuild { image_id } => Some(image_id.clone()),
        ServerAction::Rescue { image_id, .. } => image_id.clone(),
        ServerAction::AttachVolume { volume_id } | ServerAction::DetachVolume { volume_id } => {
            Some(volume_id.clone())
        }
        ServerAction::AttachInterface { network_id } => Some(network_id.clone()),
        ServerAction::DetachInterface { port_id } => Some(port_id.clone()),
        ServerAction::AttachFloatingIp { floating_ip_id, .. }
        | ServerAction::DetachFloatingIp { floating_ip_id } => Some(floating_ip_id.clone()),
        ServerAction::AddSecurityGroup { name } | ServerAction::RemoveSecurityGroup { name } => {
            Some(name.clone())
        }
        _ => None,
    }
    .map(|text| text.chars().take(LONGEST_DETAIL).collect())
}

/// Whether there is a password in it. All values are kept encrypted; these are not kept longer than the job runs.
pub fn is_secret(action: &ServerAction) -> bool {
    matches!(action, ServerAction::SetPassword { .. } | ServerAction::Rescue { password: Some(_), .. })
}

/// Servers that are asked for one by one while somebody waits for the plan.
const MOST_ASKED: usize = 20;
const ASKED_AT_ONCE: usize = 4;
/// What fits a line or two.
const LONGEST_DETAIL: usize = 500;

fn now(row: &ServerRow) -> ServerNow<'_> {
    ServerNow { status: &row.status, task_state: row.task_state.as_deref(), is_locked: row.is_locked }
}

#[cfg(test)]
mod tests {
    use api_types::servers::action::Password;

    use super::*;

    #[test]
    fn what_is_shown_of_an_action_is_no_secret() {
        let password = || Password("hunter2".to_owned());
        let set = ServerAction::SetPassword { password: password() };
        assert!(detail(&set).is_none() && is_secret(&set));
        let rescue = ServerAction::Rescue { image_id: Some("i".to_owned()), password: Some(password()) };
        assert_eq!(detail(&rescue).as_deref(), Some("i"));
        let metadata = ServerAction::SetMetadata {
            set: vec![("db_password".to_owned(), "hunter2".to_owned())],
            remove: vec!["old".to_owned()],
        };
        assert_eq!(detail(&metadata).as_deref(), Some("+db_password -old"));
    }
}
