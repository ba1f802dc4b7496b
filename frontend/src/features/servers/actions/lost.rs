//! What is lost by an action, in words: what a person has to know before it is done.

use api_types::servers::{
    Image, ServerDetail,
    action::ActionKind,
    detail::{AttachedVolume, Part},
};

use super::{
    dialog::Asked,
    forms::volume::{Volume, is_root, list_volumes},
    texts,
};
use crate::{
    asked::ask,
    features::servers::api,
    ui::{El, el},
};

/// One or two sentences; empty where nothing is lost.
pub fn what_is_lost(kind: ActionKind, is_one: bool) -> &'static str {
    match (kind, is_one) {
        (ActionKind::Delete, true) => {
            "The server and everything on its own disk are gone for good. Volumes stay, unless they are set to be \
             deleted with it."
        }
        (ActionKind::Delete, false) => {
            "The servers and everything on their own disks are gone for good. Volumes stay, unless they are set to be \
             deleted with them."
        }
        (ActionKind::Rebuild, _) => "Rebuilding destroys all data on the disk. It cannot be undone.",
        (ActionKind::Stop, _) => {
            "Whoever uses it is cut off until it is started again. What is on disk stays."
        }
        (ActionKind::Reboot, _) => {
            "Whoever uses it is cut off for a moment. The system is asked to shut down properly."
        }
        (ActionKind::HardReboot, _) => {
            "It is like pulling the plug: whatever is not on disk is lost, and whoever uses it is cut off for a moment."
        }
        (ActionKind::Pause, _) => "It stands still, with its memory kept, until it is unpaused.",
        (ActionKind::Suspend, _) => "Its memory is written to disk and it stands still until it is resumed.",
        (ActionKind::Shelve, _) => {
            "It is shut down and its place is given back. Its disk is kept; starting again takes longer than usual."
        }
        (ActionKind::Resize, _) => {
            "It is shut down while it moves to its new size. You confirm the new size afterwards, or go back."
        }
        (ActionKind::RevertResize, _) => {
            "It goes back to its old size. What was written since the resize is lost."
        }
        (ActionKind::Rescue, _) => {
            "It starts from a rescue image, with its own disk beside it, until it is unrescued. Its services are down \
             meanwhile."
        }
        (ActionKind::SetPassword, _) => "The administrator's old password stops working.",
        (ActionKind::DetachVolume, _) => {
            "The server loses it at once. Unmount it in the server first, or what is not written yet is lost."
        }
        (ActionKind::DetachInterface, _) => "The server loses the addresses of this port at once.",
        (ActionKind::DetachFloatingIp, _) => "The server cannot be reached at this address any more.",
        _ => "",
    }
}

/// What goes with the one server that loses data, and what of its own stays, by name and as its region tells it now.
/// `None` where there is nothing to name.
pub fn goes_with_it(asked: &Asked) -> Option<El> {
    let kind = asked.wanted.kind;
    if !asked.is_one() || !matches!(kind, ActionKind::Delete | ActionKind::Rebuild) {
        return None;
    }
    let (cloud, server) = (asked.cloud(), asked.first());
    let found = ask(move |until| {
        let (cloud, server) = (cloud.clone(), server.clone());
        Some(Box::pin(async move {
            let detail = api::show_server(&cloud.project, &server.region, &server.id, until.as_ref()).await?;
            // Their names are an extra: without them the ids do.
            let volumes = list_volumes(&cloud, until).await.unwrap_or_default();
            Ok(lines(kind, &detail, &volumes))
        }))
    });
    let drawn = move || {
        let known = found.with(|lines| {
            let item = |line: &String| el("li").class("foreign").text(line);
            lines.map(|lines| el("ul").class("action-lost").children(lines.iter().map(item).collect()))
        });
        let failed = || found.failure().map(|error| el("p").text(&texts::not_looked_up(&error.message())));
        vec![known.or_else(failed).unwrap_or_else(|| el("p").text(texts::LOOKING))]
    };
    Some(el("div").attr("data-testid", "goes-with-it").live_children(drawn))
}

fn lines(kind: ActionKind, detail: &ServerDetail, volumes: &[Volume]) -> Vec<String> {
    let is_deleted = kind == ActionKind::Delete;
    let mut lines = Vec::new();
    let is_on_volume = detail.row.image == Image::Volume;
    if !is_on_volume {
        let size = detail.row.flavor.as_ref().map_or(0, |flavor| flavor.disk_gib);
        lines.push(if is_deleted { texts::disk_lost(size) } else { texts::disk_rewritten(size) });
    }
    match &detail.volumes {
        Part::Known(attached) => lines.extend(attached.iter().map(|volume| {
            let name = volume_name(volume, volumes);
            match volume {
                _ if is_deleted && volume.delete_on_termination => texts::volume_lost(&name),
                _ if !is_deleted && is_on_volume && is_root(volume.device.as_deref()) => {
                    texts::volume_rewritten(&name)
                }
                _ => texts::volume_stays(&name),
            }
        })),
        Part::Missing(body) => lines.push(texts::volumes_not_known(&body.message)),
    }
    if is_deleted {
        let floating = detail.row.addresses.iter().filter(|address| address.is_floating);
        lines.extend(floating.map(|address| texts::floating_stays(&address.ip)));
    }
    lines
}

/// "data-1 (10 GiB)"
fn volume_name(attached: &AttachedVolume, volumes: &[Volume]) -> String {
    match volumes.iter().find(|volume| volume.id == attached.id) {
        Some(volume) => format!("{} ({} GiB)", volume.shown_name(), volume.size),
        None => attached.id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use api_types::servers::{Address, Flavor, ServerRow, action::Danger};

    use super::*;

    fn detail(image: Image) -> ServerDetail {
        let attached = |id: &str, device: &str, delete_on_termination| AttachedVolume {
            id: id.to_owned(),
            device: Some(device.to_owned()),
            delete_on_termination,
        };
        let address =
            |ip: &str, is_floating| Address { ip: ip.to_owned(), network: "private".to_owned(), is_floating };
        let row = serde_json::json!({
            "id": "73c344c2-0b77-4253-873f-aa4d3c5c0ed4", "name": "web", "status": "ACTIVE"
        });
        let row: ServerRow = serde_json::from_value(row).expect("a row");
        let flavor = Flavor { name: "m1".to_owned(), vcpus: 1, ram_mib: 1024, disk_gib: 20 };
        let detail = serde_json::json!({
            "region": "RegionOne", "row": row, "volumes": {"known": []}, "security_groups": {"known": []},
            "interfaces": {"known": []}, "actions": {"known": []}, "raw": null
        });
        let mut detail: ServerDetail = serde_json::from_value(detail).expect("a detail");
        detail.row.image = image;
        detail.row.flavor = Some(flavor);
        detail.row.addresses = vec![address("10.0.0.7", false), address("203.0.113.7", true)];
        detail.volumes =
            Part::Known(vec![attached("root", "/dev/vda", true), attached("data", "/dev/vdb", false)]);
        detail
    }

    fn volumes() -> Vec<Volume> {
        vec![Volume { id: "data".to_owned(), name: Some("shop".to_owned()), size: 10, ..Volume::default() }]
    }

    #[test]
    fn whatever_is_dangerous_says_what_is_lost() {
        for kind in ActionKind::ALL {
            assert_eq!(what_is_lost(*kind, true).is_empty(), kind.danger() == Danger::None, "{kind:?}");
        }
    }

    #[test]
    fn what_goes_with_a_server_and_what_stays_is_named() {
        let image = Image::Unnamed { id: "i".to_owned() };
        assert_eq!(
            lines(ActionKind::Delete, &detail(image.clone()), &volumes()),
            [
                texts::disk_lost(20),
                texts::volume_lost("root"),
                texts::volume_stays("shop (10 GiB)"),
                texts::floating_stays("203.0.113.7"),
            ]
        );
        assert_eq!(
            lines(ActionKind::Rebuild, &detail(image), &volumes())[..1],
            [texts::disk_rewritten(20)],
            "its addresses stay"
        );
        assert_eq!(
            lines(ActionKind::Rebuild, &detail(Image::Volume), &volumes()),
            [texts::volume_rewritten("root"), texts::volume_stays("shop (10 GiB)")]
        );
    }

    #[test]
    fn volumes_nobody_told_of_are_not_left_out_silently() {
        let mut detail = detail(Image::Volume);
        let why = serde_json::json!({"code": "timeout", "message": "It took too long.", "request_id": ""});
        detail.volumes = Part::Missing(serde_json::from_value(why).expect("a reason"));
        let lines = lines(ActionKind::Delete, &detail, &[]);
        assert_eq!(lines[0], texts::volumes_not_known("It took too long."));
    }
}
