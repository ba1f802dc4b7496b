//! Reading images: lists with filters and pages, and one.

use serde_json::{Value, json};

use super::view::image_json;
use super::{Context, find};
use crate::errors::web_ob;
use crate::http::{Answer, Call, Handled, query_string};
use crate::image::Image;

/// A page without a limit asked for, and the most one may ask for.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 1_000;

/// `GET /v2/images`: those the caller may use, newest first, with filters by any property.
pub fn list_images(context: &Context<'_>) -> Handled {
    let call = context.call;
    let limit = match call.query_value("limit") {
        None => DEFAULT_LIMIT,
        Some(limit) => limit.parse().map_err(|_| web_ob(400, "limit param must be an integer"))?,
    };
    let visibility = call.query_value("visibility");
    if let Some(asked) =
        visibility.filter(|asked| !["public", "private", "shared", "community", "all"].contains(asked))
    {
        return Err(web_ob(400, &format!("Invalid visibility value: {asked}")));
    }
    let member_status = call.query_value("member_status").unwrap_or("accepted");
    if !["accepted", "pending", "rejected", "all"].contains(&member_status) {
        return Err(web_ob(400, &format!("Invalid status: {member_status}")));
    }
    let images = context.region.images.read();
    let mut seen: Vec<(&Image, Value)> = images
        .iter()
        .filter(|image| is_listed(context, image, visibility, member_status))
        .map(|image| (image, image_json(image)))
        .filter(|(_, shown)| passes(shown, call))
        .collect();
    sort(&mut seen, call)?;
    if let Some(marker) = call.query_value("marker") {
        let at = seen.iter().position(|(image, _)| *image.id == *marker);
        let at = at.ok_or_else(|| web_ob(400, "Invalid marker. Image could not be found."))?;
        seen.drain(..=at);
    }
    let has_more = seen.len() > limit.min(MAX_LIMIT);
    seen.truncate(limit.min(MAX_LIMIT));
    let asked = call.query.iter().filter(|(key, _)| key != "marker");
    let asked: Vec<(&str, &str)> = asked.map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let path = |parameters: Vec<(&str, &str)>| {
        let query = query_string(parameters);
        if query.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{query}") }
    };
    let mut body = json!({"first": path(asked.clone()), "schema": "/v2/schemas/images"});
    if has_more && let Some((last, _)) = seen.last() {
        let mut next = asked;
        next.push(("marker", &last.id));
        body["next"] = json!(path(next));
    }
    body["images"] = seen.into_iter().map(|(_, shown)| shown).collect();
    Ok(Answer::json(200, &body))
}

/// `GET /v2/images/{id}`
pub fn show_image(context: &Context<'_>, id: &str) -> Handled {
    let images = context.region.images.read();
    Ok(Answer::json(200, &image_json(find(&images, context, id)?)))
}

/// Hidden images and those of other projects' communities are listed only when asked for; shared ones
/// once they were accepted, or by the member status asked for.
fn is_listed(context: &Context<'_>, image: &Image, visibility: Option<&str>, member_status: &str) -> bool {
    let wants_hidden = context.call.query_value("os_hidden").is_some_and(|wanted| wanted == "true");
    if image.is_hidden != wants_hidden {
        return false;
    }
    if context.owns(image) || context.caller.is_admin() {
        return true;
    }
    match image.visibility.as_str() {
        "public" => true,
        "community" => matches!(visibility, Some("community" | "all")),
        "shared" => image.members.iter().any(|member| {
            Some(&member.project_id) == context.caller.project_id.as_ref()
                && (member_status == "all" || member.status == member_status)
        }),
        _ => false,
    }
}

/// By `sort=name:asc,created_at:desc` or the older `sort_key` and `sort_dir`; newest first by default.
fn sort(seen: &mut [(&Image, Value)], call: &Call) -> Result<(), Answer> {
    const KEYS: &[&str] = &[
        "name",
        "status",
        "container_format",
        "disk_format",
        "size",
        "id",
        "created_at",
        "updated_at",
        "min_ram",
        "min_disk",
        "visibility",
        "owner",
    ];
    let mut keys: Vec<(&str, bool)> = Vec::new();
    if let Some(sort) = call.query_value("sort") {
        for part in sort.split(',') {
            let (key, direction) = part.trim().split_once(':').unwrap_or((part.trim(), "desc"));
            keys.push((key, direction == "asc"));
        }
    } else if let Some(key) = call.query_value("sort_key") {
        keys.push((key, call.query_value("sort_dir") == Some("asc")));
    }
    if let Some((bad, _)) = keys.iter().find(|(key, _)| !KEYS.contains(key)) {
        let message =
            format!("Invalid sort key: {bad}. It must be one of the following: {}.", KEYS.join(", "));
        return Err(web_ob(400, &message));
    }
    seen.sort_by(|(a, a_shown), (b, b_shown)| {
        for (key, is_ascending) in &keys {
            let ordering = match (&a_shown[*key], &b_shown[*key]) {
                (Value::Number(a), Value::Number(b)) => a.as_u64().cmp(&b.as_u64()),
                (a, b) => a.as_str().cmp(&b.as_str()),
            };
            let ordering = if *is_ascending { ordering } else { ordering.reverse() };
            if ordering.is_ne() {
                return ordering;
            }
        }
        (b.created_at, &b.id).cmp(&(a.created_at, &a.id))
    });
    Ok(())
}

fn passes(shown: &Value, call: &Call) -> bool {
    const NO_FILTERS: &[&str] =
        &["limit", "marker", "sort", "sort_key", "sort_dir", "member_status", "os_hidden"];
    call.query.iter().filter(|(key, _)| !NO_FILTERS.contains(&key.as_str())).all(|(key, wanted)| {
        let own = &shown[if key == "tag" { "tags" } else { key }];
        match own {
            _ if key == "visibility" && wanted == "all" => true,
            _ if key == "size_min" => shown["size"].as_u64() >= wanted.parse().ok(),
            _ if key == "size_max" => shown["size"].as_u64() <= wanted.parse().ok(),
            Value::String(text) => match wanted.strip_prefix("in:") {
                Some(several) => several.split(',').any(|one| one.trim_matches('"') == text),
                None => text == wanted,
            },
            Value::Array(tags) => tags.iter().any(|tag| tag == wanted),
            other => wanted.parse::<Value>().is_ok_and(|wanted| wanted == *other),
        }
    })
}
