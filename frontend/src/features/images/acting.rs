//! What the rows and the dialogs act on, and with.

use serde_json::Value;

use crate::{
    across::Across,
    cloud::{Cloud, CloudError, Service, encoded},
    confirm::Confirm,
    offers::{Image, Origin},
    ui::Held,
};

/// An image and where it is.
#[derive(Clone, PartialEq)]
pub struct Placed {
    pub image: Image,
    pub cloud: Cloud,
    pub origin: Origin,
}

/// What rows and dialogs act with. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct Acting {
    pub images: Across<Vec<Image>>,
    pub edited: Held<Option<Placed>>,
    pub shared: Held<Option<Placed>>,
    pub confirm: Confirm,
}

/// Marks an image that another project offers and that has no answer yet. No property of Glance's has such a name.
pub const OFFERED: &str = "meridian offered";

/// Changes an image by these steps. Source: image API, update image.
pub async fn patch_image(cloud: &Cloud, id: &str, steps: &[Value]) -> Result<(), CloudError> {
    let call = cloud.patch(Service::Image, &format!("images/{}", encoded(id))).body(&steps);
    call.header("content-type", "application/openstack-images-v2.1-json-patch").done().await
}
