//! `rebuild`: a server made anew from an image, with the name, metadata or key that came along.

use serde_json::{Map, Value, json};

use super::begin::{begin, failure_of, random_password};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::nova::view::{Lens, ServerDetail};
use crate::nova::{Context, history, lifecycle, validate};
use crate::server::SimServer;

/// The answer to a rebuild is the server itself, with a password.
pub fn rebuild(context: &Context<'_>, argument: &Map<String, Value>, server: &SimServer) -> Handled {
    let asked = validate::text(argument, "imageRef")?.unwrap_or_default();
    let images = context.region.images.read();
    let image = images.iter().find(|image| *image.id == *asked);
    let image = image.ok_or_else(|| errors::bad_request("Cannot find image for rebuild"))?;
    if image.status != "active" {
        return Err(errors::bad_request(&format!("Image {asked} is not active.")));
    }
    if image.min_ram_mib > server.flavor.ram_mib || image.min_disk_gib > server.flavor.disk_gib {
        return Err(errors::bad_request("Flavor's memory is too small for requested image."));
    }
    if server.is_booted_from_volume() && !context.at_least(93) {
        return Err(errors::bad_request(
            "Unable to rebuild with a different image for a volume-backed server.",
        ));
    }
    let name = argument.get("name").map(validate::name).transpose()?;
    let metadata = argument.get("metadata").map(|value| validate::metadata(Some(value))).transpose()?;
    let description = validate::text(argument, "description")?;
    let key_name = validate::text(argument, "key_name")?;
    let user_data = validate::text(argument, "user_data")?;
    context.region.servers.write().touch(&server.id, context.call.now, |server| {
        if let Some(name) = name {
            server.name = name.to_owned();
        }
        if let Some(metadata) = &metadata {
            let entry = |(key, value): &(String, String)| (key.as_str().into(), value.as_str().into());
            server.metadata = metadata.iter().map(entry).collect();
        }
        if argument.contains_key("description") && context.at_least(19) {
            server.rare_mut().description = description.map(str::to_owned);
        }
        if argument.contains_key("key_name") && context.at_least(54) {
            server.key_name = key_name.map(Into::into);
        }
        if argument.contains_key("user_data") && context.at_least(57) {
            server.rare_mut().user_data = user_data.map(str::to_owned);
        }
        if server.image_id.is_some() {
            server.image_id = Some(image.id.clone());
        }
    });
    history::record(context, &server.id, "rebuild");
    let steps = match failure_of(server, "rebuild") {
        Some(why) => lifecycle::fail(true, why),
        None => {
            let image_id = server.image_id.is_some().then(|| image.id.clone());
            lifecycle::rebuild(image_id, server.power_state != 4)
        }
    };
    begin(context, &server.id, Some("rebuilding"), steps);
    let lens = Lens::of(context, &images, true);
    let mut shown =
        context.with_server(&server.id.to_string(), |server| json!(ServerDetail { server, lens }))?;
    shown["adminPass"] = json!(match validate::text(argument, "adminPass")? {
        Some(asked) => asked.to_owned(),
        None => random_password(),
    });
    if context.at_least(57) {
        let user_data = server.rare.as_ref().and_then(|rare| rare.user_data.clone());
        shown["user_data"] = json!(user_data);
    }
    let location = format!("{}/v2.1/servers/{}", context.call.base_url, server.id);
    Ok(Answer::json(202, &json!({"server": shown})).header("location", location))
}
