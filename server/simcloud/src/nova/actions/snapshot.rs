//! Snapshots: the images that servers are made into.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::begin::{begin, failure_of};
use crate::clock::whole_seconds;
use crate::faults::Service;
use crate::http::{Answer, HTML_UTF8, Handled};
use crate::ids;
use crate::image::Image;
use crate::nova::{Context, history, lifecycle, validate};
use crate::server::SimServer;

/// `createImage` and `createBackup`: the image exists at once and becomes active over time. Its id is in
/// `Location`, and from 2.45 on in the body.
pub fn snapshot(
    context: &Context<'_>,
    key: &'static str,
    argument: &Map<String, Value>,
    server: &SimServer,
) -> Handled {
    let name = validate::text(argument, "name")?.unwrap_or_default().to_owned();
    let mut properties = validate::metadata(argument.get("metadata"))?;
    let id: Arc<str> = ids::fresh_uuid().to_string().into();
    let now = whole_seconds(context.call.now);
    properties.extend([
        ("base_image_ref".to_owned(), server.image_id.as_deref().unwrap_or_default().to_owned()),
        ("owner_user_name".to_owned(), context.caller.user_name.clone()),
        ("owner_project_name".to_owned(), context.caller.project_name.clone()),
        ("boot_roles".to_owned(), "member,reader".to_owned()),
        ("instance_uuid".to_owned(), server.id.to_string()),
        ("user_id".to_owned(), context.caller.user_id.to_string()),
        ("image_type".to_owned(), if key == "createBackup" { "backup" } else { "snapshot" }.to_owned()),
        ("image_state".to_owned(), "available".to_owned()),
    ]);
    let mut images = context.region.images.write();
    // What describes the system stays true of its snapshot.
    let base = images.iter().find(|image| Some(&image.id) == server.image_id.as_ref());
    properties.extend(base.iter().flat_map(|image| image.properties.iter().cloned()));
    images.push(Image {
        visibility: "private".to_owned(),
        disk_format: Some("raw".to_owned()),
        container_format: Some("bare".to_owned()),
        min_disk_gib: server.flavor.disk_gib,
        properties,
        ..Image::queued(id.clone(), name, server.project_id.clone(), now)
    });
    drop(images);
    let (name, task) = if key == "createBackup" {
        ("createBackup", "image_backup")
    } else {
        ("createImage", "image_snapshot")
    };
    history::record(context, &server.id, name);
    let steps = match failure_of(server, name) {
        Some(why) => lifecycle::snapshot_fails(id.clone(), why),
        None => lifecycle::snapshot(id.clone()),
    };
    begin(context, &server.id, Some(task), steps);
    if context.at_least(45) {
        return Ok(Answer::json(202, &json!({"image_id": id})));
    }
    let glance = context.shared.url(Service::Image, Some(context.region_number));
    let location = format!("{glance}//images/{id}");
    Ok(Answer::empty(202).header("location", location).of_type(HTML_UTF8))
}
