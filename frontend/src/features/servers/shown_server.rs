//! The server on its page, as all parts of the page see it.

use api_types::{
    Region, ServerId,
    servers::{ServerDetail, ServerRow},
};
use leptos::prelude::Callback;

use crate::{asked::Asked, ui::Held};

/// What the parts of the page draw from. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct ShownServer {
    pub address: Held<Option<(Region, ServerId)>>,
    /// What is known at once.
    pub row: Held<Option<ServerRow>>,
    /// What the region said, once it has.
    pub detail: Asked<ServerDetail>,
    /// Asks the region again.
    pub refresh: Callback<()>,
}
