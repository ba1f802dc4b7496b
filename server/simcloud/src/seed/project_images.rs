//! The images that projects themselves have: one of their own, a snapshot of their first server, and one
//! that is shared with two other projects.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::Ids;
use crate::image::{Image, Member};
use crate::server::SimServer;

/// A project that has servers in the region, with its first one.
pub struct Owner<'a> {
    pub id: Arc<str>,
    pub name: &'a str,
    pub first_server: &'a SimServer,
}

/// The images of the projects. Each shares one with the next project, which has accepted it, and with the
/// one after that, which has not answered yet.
pub fn project_images(ids: &Ids, region: &str, owners: &[Owner<'_>], today: DateTime<Utc>) -> Vec<Image> {
    let mut images = Vec::new();
    for (index, owner) in owners.iter().enumerate() {
        let created_at = today - TimeDelta::days(30);
        let image = |name: &str, size_bytes: u64, properties: Vec<(String, String)>| Image {
            status: "active".to_owned(),
            disk_format: Some("qcow2".to_owned()),
            container_format: Some("bare".to_owned()),
            visibility: "private".to_owned(),
            size_bytes: Some(size_bytes),
            virtual_size_bytes: Some(10 * 1_073_741_824),
            properties,
            ..Image::queued(
                ids.uuid(&["image", region, &owner.id, name]).to_string().into(),
                name.to_owned(),
                owner.id.clone(),
                created_at,
            )
        };
        let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        images.push(image(
            &format!("{}-golden", owner.name),
            1_310_720_000,
            vec![text("os_distro", "debian"), text("os_version", "12"), text("architecture", "x86_64")],
        ));
        let server = owner.first_server;
        images.push(Image {
            disk_format: Some("raw".to_owned()),
            min_disk_gib: server.flavor.disk_gib,
            ..image(
                &format!("{}-snapshot", server.name),
                2_147_483_648,
                vec![
                    text("base_image_ref", server.image_id.as_deref().unwrap_or_default()),
                    text("instance_uuid", &server.id.to_string()),
                    text("user_id", &server.user_id),
                    text("image_type", "snapshot"),
                    text("image_state", "available"),
                ],
            )
        });
        let others = owners.iter().cycle().skip(index + 1).take(owners.len() - 1);
        let member = |(other, status): (&Owner<'_>, &str)| Member {
            project_id: other.id.clone(),
            status: status.to_owned(),
            created_at,
            updated_at: created_at,
        };
        images.push(Image {
            visibility: "shared".to_owned(),
            members: others.zip(["accepted", "pending"]).map(member).collect(),
            ..image(&format!("{}-shared", owner.name), 524_288_000, vec![text("os_distro", "alpine")])
        });
    }
    images
}
