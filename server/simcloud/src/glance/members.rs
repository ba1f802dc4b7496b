//! Sharing: the projects a shared image is offered to, and whether they have accepted it.

use serde_json::{Value, json};

use super::view::member_json;
use super::{Context, find, find_mut};
use crate::clock::whole_seconds;
use crate::errors::web_ob;
use crate::http::{Answer, HTML_UTF8, Handled};
use crate::image::{Image, Member};

/// `GET /v2/images/{id}/members`: all of them for the owner; others see themselves.
pub fn list_members(context: &Context<'_>, id: &str) -> Handled {
    let images = context.region.images.read();
    let image = find(&images, context, id)?;
    if image.visibility == "public" && !context.owns(image) && !context.caller.is_admin() {
        return Err(web_ob(403, "Only shared images have members."));
    }
    let seen = image.members.iter().filter(|member| sees(context, image, member));
    let members: Vec<Value> = seen.map(|member| member_json(image, member)).collect();
    Ok(Answer::json(200, &json!({"members": members, "schema": "/v2/schemas/members"})))
}

/// `GET /v2/images/{id}/members/{project}`
pub fn show_member(context: &Context<'_>, id: &str, project_id: &str) -> Handled {
    let images = context.region.images.read();
    let image = find(&images, context, id)?;
    let member = image.members.iter().find(|member| *member.project_id == *project_id);
    let member = member.filter(|member| sees(context, image, member));
    let member = member.ok_or_else(|| no_member(id, project_id))?;
    Ok(Answer::json(200, &member_json(image, member)))
}

/// `POST /v2/images/{id}/members` with `{"member": project id}`: offered, `pending`.
pub fn create_member(context: &Context<'_>, id: &str) -> Handled {
    let body: Option<Value> = context.call.json();
    let asked = body.as_ref().and_then(|body| body.get("member")).and_then(Value::as_str);
    let Some(project_id) = asked.filter(|asked| !asked.is_empty()) else {
        return Err(web_ob(400, "Expected a dict in the form: {\"member\": \"image_id\"}"));
    };
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    if image.visibility != "shared" {
        return Err(web_ob(403, "Only shared images have members."));
    }
    if context.must_modify(image, "add_member").is_err() {
        return Err(web_ob(403, "You are not permitted to create image members for the image."));
    }
    if image.members.iter().any(|member| *member.project_id == *project_id) {
        return Err(web_ob(409, &format!("Member {project_id} is duplicated for image {id}")));
    }
    let now = whole_seconds(context.call.now);
    let member = Member {
        project_id: project_id.into(),
        status: "pending".to_owned(),
        created_at: now,
        updated_at: now,
    };
    let shown = member_json(image, &member);
    image.members.push(member);
    Ok(Answer::json(200, &shown))
}

/// `PUT /v2/images/{id}/members/{project}` with `{"status": "accepted"}`, by that project.
pub fn update_member(context: &Context<'_>, id: &str, project_id: &str) -> Handled {
    let body: Option<Value> = context.call.json();
    let asked = body.as_ref().and_then(|body| body.get("status")).and_then(Value::as_str);
    let Some(status) = asked else {
        return Err(web_ob(400, "Expected a status in the form: {\"status\": \"status\"}"));
    };
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    let is_own = context.caller.project_id.as_deref() == Some(project_id) && context.caller.may_write();
    if !is_own && !context.caller.is_admin() {
        return Err(web_ob(403, "You are not permitted to modify 'status' on this image member."));
    }
    if !["pending", "accepted", "rejected"].contains(&status) {
        let message = "Incorrect request: Member status must be one of pending, accepted, rejected";
        return Err(web_ob(400, message));
    }
    let image_id = image.id.clone();
    let member = image.members.iter_mut().find(|member| *member.project_id == *project_id);
    let member = member.ok_or_else(|| no_member(&image_id, project_id))?;
    member.status = status.to_owned();
    member.updated_at = whole_seconds(context.call.now);
    let shown = member.clone();
    Ok(Answer::json(200, &member_json(image, &shown)))
}

/// `DELETE /v2/images/{id}/members/{project}`: 204, by the owner.
pub fn delete_member(context: &Context<'_>, id: &str, project_id: &str) -> Handled {
    let mut images = context.region.images.write();
    let image = find_mut(&mut images, context, id)?;
    if context.must_modify(image, "delete_member").is_err() {
        return Err(web_ob(403, "You cannot delete image member."));
    }
    let position = image.members.iter().position(|member| *member.project_id == *project_id);
    image.members.remove(position.ok_or_else(|| no_member(id, project_id))?);
    Ok(Answer::empty(204).of_type(HTML_UTF8))
}

fn sees(context: &Context<'_>, image: &Image, member: &Member) -> bool {
    context.owns(image)
        || context.caller.is_admin()
        || context.caller.project_id.as_ref() == Some(&member.project_id)
}

fn no_member(id: &str, project_id: &str) -> Answer {
    web_ob(404, &format!("{project_id} not found in the member list of the image {id}."))
}
