//! The flavors of a region.

use serde_json::{Value, json};

use super::view::StringPairs;
use super::{Context, query};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled, query_string};
use crate::server::Flavor;

/// `GET /flavors` and `GET /flavors/detail`, by id, with `limit` and `marker`.
pub fn list_flavors(context: &Context<'_>, is_detailed: bool) -> Handled {
    let call = context.call;
    let limit = query::limit(call.query_value("limit"))?;
    let mut flavors: Vec<&Flavor> = context.region.flavors.iter().map(|flavor| &**flavor).collect();
    flavors.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(marker) = call.query_value("marker") {
        if context.region.flavor(marker).is_none() {
            return Err(errors::bad_request(&format!("marker [{marker}] not found")));
        }
        flavors.retain(|flavor| flavor.id.as_str() > marker);
    }
    flavors.truncate(limit);
    let shown: Vec<Value> = flavors.iter().map(|flavor| flavor_json(context, flavor, is_detailed)).collect();
    let mut body = json!({"flavors": shown});
    if let Some(last) = flavors.last().filter(|_| flavors.len() == limit) {
        let asked = call.query.iter().filter(|(key, _)| key != "marker");
        let asked = asked.map(|(key, value)| (key.as_str(), value.as_str()));
        let query = query_string(asked.chain([("marker", last.id.as_str())]));
        let detail = if is_detailed { "/detail" } else { "" };
        let href = format!("{}/v2.1/flavors{detail}?{query}", call.base_url);
        body["flavors_links"] = json!([{"rel": "next", "href": href}]);
    }
    Ok(Answer::json(200, &body))
}

/// `GET /flavors/{id}`
pub fn show_flavor(context: &Context<'_>, id: &str) -> Handled {
    let flavor = context.region.flavor(id);
    let flavor = flavor.ok_or_else(|| errors::not_found(&format!("Flavor {id} could not be found.")))?;
    Ok(Answer::json(200, &json!({"flavor": flavor_json(context, flavor, true)})))
}

/// `GET /flavors/{id}/os-extra_specs`
pub fn list_extra_specs(context: &Context<'_>, id: &str) -> Handled {
    let flavor = context.region.flavor(id);
    let flavor = flavor.ok_or_else(|| errors::not_found(&format!("Flavor {id} could not be found.")))?;
    Ok(Answer::json(200, &json!({"extra_specs": StringPairs(&flavor.extra_specs)})))
}

fn flavor_json(context: &Context<'_>, flavor: &Flavor, is_detailed: bool) -> Value {
    let base_url = &context.call.base_url;
    let mut shown = json!({
        "id": flavor.id,
        "name": flavor.name,
        "links": [
            {"rel": "self", "href": format!("{base_url}/v2.1/flavors/{}", flavor.id)},
            {"rel": "bookmark", "href": format!("{base_url}/flavors/{}", flavor.id)},
        ],
    });
    if context.at_least(55) {
        shown["description"] = json!(flavor.description);
    }
    if !is_detailed {
        return shown;
    }
    shown["ram"] = json!(flavor.ram_mib);
    shown["disk"] = json!(flavor.disk_gib);
    // No swap is an empty text until 2.75.
    let has_text = flavor.swap_mib == 0 && !context.at_least(75);
    shown["swap"] = if has_text { json!("") } else { json!(flavor.swap_mib) };
    shown["OS-FLV-EXT-DATA:ephemeral"] = json!(flavor.ephemeral_gib);
    shown["OS-FLV-DISABLED:disabled"] = json!(false);
    shown["vcpus"] = json!(flavor.vcpus);
    shown["os-flavor-access:is_public"] = json!(true);
    shown["rxtx_factor"] = json!(1.0);
    if context.at_least(61) {
        shown["extra_specs"] = json!(StringPairs(&flavor.extra_specs));
    }
    shown
}
