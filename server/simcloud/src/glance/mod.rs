//! Glance v2: the images of a region, their data, and whom they are shared with.

mod data;
mod list;
mod members;
mod records;
mod schema;
mod view;

pub use data::{Upload, is_upload, upload};

use serde_json::{Value, json};

use crate::errors::{unknown_url, web_ob};
use crate::faults::Service;
use crate::http::{Answer, Call};
use crate::image::Image;
use crate::keystone::{Caller, validate};
use crate::latency::Cost;
use crate::runtime::Shared;
use crate::world::Region;

/// The versions Glance says it speaks, newest first.
const VERSIONS: &[&str] = &[
    "v2.15", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3",
    "v2.2", "v2.1", "v2.0",
];

/// What a handler knows of a request: who asks, and where.
struct Context<'a> {
    region: &'a Region,
    call: &'a Call,
    caller: Caller,
}

impl Context<'_> {
    fn owns(&self, image: &Image) -> bool {
        self.caller.project_id.as_ref() == Some(&image.owner)
    }

    /// Refuses callers who may not do this to an image: others than the owner's members and
    /// administrators.
    fn must_modify(&self, image: &Image, rule: &str) -> Result<(), Answer> {
        let may = self.caller.is_admin() || self.owns(image) && self.caller.may_write();
        if may { Ok(()) } else { Err(refused(rule)) }
    }
}

/// Answers a request to the Glance of a region, uploads excepted.
pub fn handle(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let answer = answer(shared, region_number, call).cost(Cost::Small);
    // Neither the version page nor the check of tokens in front gives the request an id.
    if call.path.is_empty() || answer.status == 401 {
        return answer;
    }
    answer.header("x-openstack-request-id", call.request_id.clone())
}

fn answer(shared: &Shared, region_number: usize, call: &Call) -> Answer {
    let parts = call.path_parts();
    if parts.is_empty() {
        return versions(call);
    }
    let context = match context(shared, region_number, call) {
        Ok(context) => context,
        Err(refusal) => return refusal,
    };
    let handled = match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["v2", "images"]) => list::list_images(&context),
        ("POST", ["v2", "images"]) => records::create_image(&context),
        ("GET", ["v2", "images", id]) => list::show_image(&context, id),
        ("PATCH", ["v2", "images", id]) => records::update_image(&context, id),
        ("DELETE", ["v2", "images", id]) => records::delete_image(&context, id),
        ("PUT", ["v2", "images", id, "tags", tag]) => records::change_tag(&context, id, tag, true),
        ("DELETE", ["v2", "images", id, "tags", tag]) => records::change_tag(&context, id, tag, false),
        ("POST", ["v2", "images", id, "actions", action @ ("deactivate" | "reactivate")]) => {
            records::set_active(&context, id, action)
        }
        ("GET", ["v2", "images", id, "file"]) => data::download(&context, id),
        ("GET", ["v2", "images", id, "members"]) => members::list_members(&context, id),
        ("POST", ["v2", "images", id, "members"]) => members::create_member(&context, id),
        ("GET", ["v2", "images", id, "members", member]) => members::show_member(&context, id, member),
        ("PUT", ["v2", "images", id, "members", member]) => members::update_member(&context, id, member),
        ("DELETE", ["v2", "images", id, "members", member]) => members::delete_member(&context, id, member),
        ("GET", ["v2", "info", "import"]) => Ok(import_methods()),
        ("GET", ["v2", "info", "stores"]) => {
            Ok(Answer::json(200, &json!({"stores": [{"id": "fs", "default": "true"}]})))
        }
        ("GET", ["v2", "info", "usage"]) => Ok(Answer::json(200, &json!({"usage": {}}))),
        _ => Err(unknown_url()),
    };
    handled.unwrap_or_else(|refusal| refusal)
}

fn context<'a>(shared: &'a Shared, region_number: usize, call: &'a Call) -> Result<Context<'a>, Answer> {
    let caller = validate(shared, Service::Image, call)?;
    Ok(Context { region: &shared.world.regions[region_number], call, caller })
}

/// `GET /`: 300 with the versions, without a token.
fn versions(call: &Call) -> Answer {
    let version = |(index, id): (usize, &&str)| {
        let href = format!("{}/v2/", call.base_url);
        let status = if index == 0 { "CURRENT" } else { "SUPPORTED" };
        json!({"id": id, "status": status, "links": [{"rel": "self", "href": href}]})
    };
    let versions: Vec<Value> = VERSIONS.iter().enumerate().map(version).collect();
    Answer::json(300, &json!({"versions": versions}))
}

fn import_methods() -> Answer {
    let methods = json!({
        "description": "Import methods available.",
        "type": "array",
        "value": ["glance-direct", "web-download", "copy-image"],
    });
    Answer::json(200, &json!({"import-methods": methods}))
}

/// An image the caller may see, or the 404.
fn find<'a>(images: &'a [Image], context: &Context<'_>, id: &str) -> Result<&'a Image, Answer> {
    let image = images.iter().find(|image| *image.id == *id && may_see(context, image));
    image.ok_or_else(|| not_found(id))
}

fn find_mut<'a>(images: &'a mut [Image], context: &Context<'_>, id: &str) -> Result<&'a mut Image, Answer> {
    let image = images.iter_mut().find(|image| *image.id == *id && may_see(context, image));
    image.ok_or_else(|| not_found(id))
}

fn may_see(context: &Context<'_>, image: &Image) -> bool {
    let is_member = || {
        let mut projects = image.members.iter().map(|member| &member.project_id);
        projects.any(|project| Some(project) == context.caller.project_id.as_ref())
    };
    context.owns(image)
        || context.caller.is_admin()
        || matches!(image.visibility.as_str(), "public" | "community")
        || image.visibility == "shared" && is_member()
}

fn not_found(id: &str) -> Answer {
    web_ob(404, &format!("No image found with ID {id}"))
}

/// 403 by the rule's name: `publicize_image`.
fn refused(rule: &str) -> Answer {
    web_ob(403, &format!("You are not authorized to complete {rule} action."))
}
