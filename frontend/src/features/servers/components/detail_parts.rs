//! What hangs on a server: volumes, security groups, and what was done to it.

use api_types::servers::detail::{AttachedVolume, InstanceAction, SecurityGroup};

use super::detail_part::{copied, part_section};
use crate::{
    features::servers::{detail_state::action_word, detail_texts as texts, shown_server::ShownServer},
    ui::{El, table::Cell},
};

pub fn volumes(server: ShownServer) -> Vec<El> {
    vec![part_section(
        texts::VOLUMES,
        server,
        |detail| &detail.volumes,
        &[texts::VOLUME, texts::DEVICE, texts::WITH_SERVER],
        volume,
        texts::NO_VOLUMES,
    )]
}

pub fn security_groups(server: ShownServer) -> Vec<El> {
    vec![part_section(
        texts::GROUPS,
        server,
        |detail| &detail.security_groups,
        &[texts::NAME, texts::DESCRIPTION, texts::ID],
        group,
        texts::NO_GROUPS,
    )]
}

/// The latest first, as Nova has it.
pub fn history(server: ShownServer) -> Vec<El> {
    vec![part_section(
        texts::HISTORY,
        server,
        |detail| &detail.actions,
        &[texts::ACTION, texts::STARTED, texts::OUTCOME, texts::BY, texts::REQUEST],
        action,
        texts::NO_HISTORY,
    )]
}

fn volume(volume: &AttachedVolume) -> Vec<Cell> {
    let device = volume.device.as_deref().unwrap_or(texts::UNKNOWN);
    let with_server = if volume.delete_on_termination { texts::YES } else { texts::NO };
    vec![copied(&volume.id), Cell::Mono(device.to_owned()), Cell::Text(with_server.to_owned())]
}

fn group(group: &SecurityGroup) -> Vec<Cell> {
    vec![Cell::Text(group.name.clone()), Cell::Text(group.description.clone()), Cell::Mono(group.id.clone())]
}

fn action(action: &InstanceAction) -> Vec<Cell> {
    let outcome = match &action.message {
        Some(message) => Cell::Failure(message.clone()),
        None => Cell::Text(texts::DONE.to_owned()),
    };
    let user = action.user_id.as_deref().unwrap_or(texts::UNKNOWN);
    vec![
        Cell::Text(action_word(&action.action)),
        Cell::Moment(i64::from(action.started_at)),
        outcome,
        Cell::Mono(user.to_owned()),
        copied(&action.request_id),
    ]
}
