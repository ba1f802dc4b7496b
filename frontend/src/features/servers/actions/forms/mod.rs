//! What an action needs to be told, as fields.

mod address;
mod choices;
mod group;
mod image;
mod labels;
mod network;
mod present;
mod size;
mod text;
pub mod volume;

use std::cell::RefCell;

use api_types::servers::{
    ServerDetail,
    action::{ActionKind, ServerAction},
};

use super::dialog::Asked as About;
use crate::{
    asked::{Asked, ask},
    cloud::Cloud,
    features::servers::{acting::Target, api},
    ui::El,
};

/// Fields, and what they say.
pub struct Form {
    fields: RefCell<Vec<El>>,
    read: Box<dyn Fn() -> Option<ServerAction>>,
    is_ready: Box<dyn Fn() -> bool>,
}

/// The fields of what is asked for.
pub fn form(about: &About) -> Form {
    match about.wanted.kind {
        ActionKind::Rename => text::rename(about),
        ActionKind::Describe => text::describe(about),
        ActionKind::Snapshot => text::snapshot(about),
        ActionKind::SetPassword => text::set_password(),
        ActionKind::Tag => labels::tags(about),
        ActionKind::SetMetadata => labels::metadata(about),
        ActionKind::Resize => size::resize(about),
        ActionKind::Rebuild => image::rebuild(about),
        ActionKind::Rescue => image::rescue(about),
        ActionKind::AttachVolume => volume::attach(about),
        ActionKind::DetachVolume => volume::detach(about),
        ActionKind::AttachInterface => network::attach(about),
        ActionKind::DetachInterface => network::detach(about),
        ActionKind::AttachFloatingIp => address::attach(about),
        ActionKind::DetachFloatingIp => address::detach(about),
        ActionKind::AddSecurityGroup => group::add(about),
        ActionKind::RemoveSecurityGroup => group::remove(about),
        kind => Form::new(Vec::new(), move || plain(kind)),
    }
}

/// An action that needs nothing but its servers.
pub fn plain(kind: ActionKind) -> Option<ServerAction> {
    Some(match kind {
        ActionKind::Start => ServerAction::Start,
        ActionKind::Stop => ServerAction::Stop,
        ActionKind::Reboot => ServerAction::Reboot { is_hard: false },
        ActionKind::HardReboot => ServerAction::Reboot { is_hard: true },
        ActionKind::Pause => ServerAction::Pause,
        ActionKind::Unpause => ServerAction::Unpause,
        ActionKind::Suspend => ServerAction::Suspend,
        ActionKind::Resume => ServerAction::Resume,
        ActionKind::Lock => ServerAction::Lock { reason: None },
        ActionKind::Unlock => ServerAction::Unlock,
        ActionKind::Shelve => ServerAction::Shelve,
        ActionKind::Unshelve => ServerAction::Unshelve,
        ActionKind::ConfirmResize => ServerAction::ConfirmResize,
        ActionKind::RevertResize => ServerAction::RevertResize,
        ActionKind::Unrescue => ServerAction::Unrescue,
        ActionKind::Delete => ServerAction::Delete,
        _ => return None,
    })
}

impl Form {
    fn new(fields: Vec<El>, read: impl Fn() -> Option<ServerAction> + 'static) -> Self {
        Self { fields: RefCell::new(fields), read: Box::new(read), is_ready: Box::new(|| true) }
    }

    /// One that cannot be sent before this.
    fn once(self, is_ready: impl Fn() -> bool + 'static) -> Self {
        Self { is_ready: Box::new(is_ready), ..self }
    }

    /// The fields, to be put somewhere once.
    pub fn take_fields(&self) -> Vec<El> {
        self.fields.take()
    }

    /// The action as it is filled in; `None` where something is missing, which is said at its field.
    pub fn read(&self) -> Option<ServerAction> {
        (self.read)()
    }

    /// What it begins with is there.
    pub fn is_ready(&self) -> bool {
        (self.is_ready)()
    }
}

impl About {
    /// The first of the servers; where the action is about one thing of one server, the only one.
    pub fn first(&self) -> Target {
        self.wanted.servers[0].clone()
    }

    pub fn is_one(&self) -> bool {
        self.wanted.servers.len() == 1
    }

    /// The region the servers are in.
    pub fn cloud(&self) -> Cloud {
        Cloud::new(&self.project, &self.first().region)
    }

    /// The first server whole, as its region tells it now.
    fn detail(&self) -> Asked<ServerDetail> {
        let (project, server) = (self.project.clone(), self.first());
        ask(move |until| {
            let (project, server) = (project.clone(), server.clone());
            Some(Box::pin(async move {
                api::show_server(&project, &server.region, &server.id, until.as_ref()).await
            }))
        })
    }
}
