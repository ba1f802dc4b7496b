//! Volumes to attach and to detach.

use api_types::servers::{ServerDetail, action::ServerAction, detail::Part};
use serde::Deserialize;

use super::{
    About, Form,
    choices::{Choice, Chosen, choices},
};
use crate::{
    api_client::ApiError,
    asked::ask,
    cloud::{Cloud, CloudError, Service},
    features::servers::api,
    offers::until_is,
};

pub fn attach(about: &About) -> Form {
    let chosen = Chosen::new();
    let cloud = about.cloud();
    let volumes = ask(move |until| {
        let cloud = cloud.clone();
        Some(Box::pin(async move { list_volumes(&cloud, until).await.map_err(ApiError::from) }))
    });
    let table =
        choices(LABEL, HEADS, volumes, |volumes| volumes.iter().map(to_attach).collect(), NONE, chosen);
    Form::new(vec![table], move || Some(ServerAction::AttachVolume { volume_id: chosen.read(MISSING)? }))
}

pub fn detach(about: &About) -> Form {
    let chosen = Chosen::new();
    let (cloud, server) = (about.cloud(), about.first());
    let found = ask(move |until| {
        let (cloud, server) = (cloud.clone(), server.clone());
        Some(Box::pin(async move {
            let detail = api::show_server(&cloud.project, &server.region, &server.id, until.as_ref()).await?;
            // Their names are an extra: without them the ids do.
            let volumes = list_volumes(&cloud, until).await.unwrap_or_default();
            attached(detail, &volumes)
        }))
    });
    let table = choices(LABEL, ATTACHED_HEADS, found, Vec::clone, NONE_ATTACHED, chosen);
    Form::new(vec![table], move || Some(ServerAction::DetachVolume { volume_id: chosen.read(MISSING)? }))
}

/// Source: block storage API, list volumes with details.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Volume {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    pub status: String,
    /// In GiB.
    pub size: u32,
    #[serde(default)]
    pub volume_type: Option<String>,
    #[serde(default)]
    pub multiattach: bool,
}

/// The project's volumes in one region, those that can be attached first.
pub async fn list_volumes(
    cloud: &Cloud,
    until: Option<web_sys::AbortSignal>,
) -> Result<Vec<Volume>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        volumes: Vec<Volume>,
    }
    let call = until_is(cloud.get(Service::BlockStorage, "volumes/detail?limit=1000"), until.as_ref());
    let mut volumes = call.json::<Answer>().await?.volumes;
    volumes.sort_by(|a, b| {
        (a.status != AVAILABLE, a.shown_name()).cmp(&(b.status != AVAILABLE, b.shown_name()))
    });
    Ok(volumes)
}

impl Volume {
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.id)
    }
}

fn to_attach(volume: &Volume) -> Choice {
    let is_able = volume.status == AVAILABLE || (volume.status == "in-use" && volume.multiattach);
    Choice {
        value: volume.id.clone(),
        cells: vec![
            volume.shown_name().to_owned(),
            format!("{} GiB", volume.size),
            volume.volume_type.clone().unwrap_or_default(),
        ],
        off: (!is_able).then(|| not_available(&volume.status)),
    }
}

fn attached(detail: ServerDetail, volumes: &[Volume]) -> Result<Vec<Choice>, ApiError> {
    let status = 502;
    let attached = match detail.volumes {
        Part::Known(attached) => attached,
        Part::Missing(body) => return Err(ApiError::Refused { status, body }),
    };
    let line = |at: api_types::servers::detail::AttachedVolume| {
        let known = volumes.iter().find(|volume| volume.id == at.id);
        let is_root = is_root(at.device.as_deref());
        let device = at.device.unwrap_or_default();
        Choice {
            cells: vec![
                known.map_or_else(|| at.id.clone(), |volume| volume.shown_name().to_owned()),
                device,
                known.map(|volume| format!("{} GiB", volume.size)).unwrap_or_default(),
            ],
            value: at.id,
            off: is_root.then(|| ROOT.to_owned()),
        }
    };
    Ok(attached.into_iter().map(line).collect())
}

/// The server runs from what is attached as this device.
pub fn is_root(device: Option<&str>) -> bool {
    device.is_some_and(|device| ROOT_DEVICES.contains(&device))
}

fn not_available(status: &str) -> String {
    format!("It is {}.", status.replace(['-', '_'], " "))
}

const AVAILABLE: &str = "available";
const ROOT_DEVICES: [&str; 3] = ["/dev/vda", "/dev/sda", "/dev/xvda"];
const ROOT: &str = "The server runs from it.";
const LABEL: &str = "Volumes";
const HEADS: &[&str] = &["Volume", "Size", "Type"];
const ATTACHED_HEADS: &[&str] = &["Volume", "Device", "Size"];
const NONE: &str = "The project has no volume in this region.";
const NONE_ATTACHED: &str = "No volume is attached to it.";
const MISSING: &str = "Choose a volume.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_in_use_cannot_be_attached_and_says_so() {
        let volume = |status: &str, multiattach| Volume {
            id: "v".to_owned(),
            status: status.to_owned(),
            multiattach,
            ..Volume::default()
        };
        assert_eq!(to_attach(&volume("available", false)).off, None);
        assert_eq!(to_attach(&volume("in-use", false)).off.as_deref(), Some("It is in use."));
        assert_eq!(to_attach(&volume("in-use", true)).off, None);
        assert_eq!(to_attach(&volume("available", false)).cells[0], "v", "without a name its id");
    }
}
