//! What hangs on a server: volumes and security groups.

use api_types::servers::detail::{AttachedVolume, SecurityGroup};

use super::detail_part::{copied, part_section};
use crate::{
    features::servers::{detail_texts as texts, shown_server::ShownServer},
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

fn volume(volume: &AttachedVolume) -> Vec<Cell> {
    let device = volume.device.as_deref().unwrap_or(texts::UNKNOWN);
    let with_server = if volume.delete_on_termination { texts::YES } else { texts::NO };
    vec![copied(&volume.id), Cell::Mono(device.to_owned()), Cell::Text(with_server.to_owned())]
}

fn group(group: &SecurityGroup) -> Vec<Cell> {
    vec![Cell::Text(group.name.clone()), Cell::Text(group.description.clone()), Cell::Mono(group.id.clone())]
}
