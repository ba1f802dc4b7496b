//! The knobs over HTTP, so that a person can turn them with curl while the cloud runs.

use std::sync::Arc;

use chrono::Utc;
use serde::Deserialize;
use serde_json::json;

use crate::control::{Control, NewServer};
use crate::faults::{Fault, Service};
use crate::http::{Answer, Call};
use crate::latency::Latency;
use crate::runtime::Shared;

/// Answers a request to the control API.
pub fn handle(shared: &Arc<Shared>, call: &Call) -> Answer {
    let control = Control::new(shared.clone());
    let parts = call.path_parts();
    let handled = match (call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Ok(overview(shared, &control)),
        ("GET", ["faults"]) => Ok(Answer::json(200, &json!({"faults": control.faults()}))),
        ("PUT", ["faults"]) => set_fault(&control, call),
        ("DELETE", ["faults"]) => {
            control.clear_faults();
            Ok(Answer::empty(204))
        }
        ("GET", ["latency"]) => Ok(Answer::json(200, &control.latency())),
        ("PUT", ["latency"]) => set_latency(&control, call),
        ("GET", ["calls"]) => Ok(Answer::json(200, &json!({"calls": control.calls()}))),
        ("DELETE", ["calls"]) => {
            control.reset_calls();
            Ok(Answer::empty(204))
        }
        ("GET", ["consoles"]) => Ok(Answer::json(200, &json!({"open": control.open_consoles()}))),
        ("DELETE", ["consoles"]) => {
            control.cut_consoles();
            Ok(Answer::empty(204))
        }
        ("POST", ["clock", "advance"]) => advance(&control, call),
        ("GET", ["servers", region, project]) => list_servers(&control, region, project),
        ("POST", ["servers"]) => add_server(&control, call),
        ("DELETE", ["servers", region, id]) => delete_server(&control, region, id),
        ("GET", ["users", name, "totp"]) => totp_code(&control, name),
        ("POST", ["users", name, action]) => change_user(&control, name, action),
        _ => Err(refuse(404, "there is no such knob; GET / lists them")),
    };
    handled.unwrap_or_else(|refusal| refusal)
}

fn overview(shared: &Shared, control: &Control) -> Answer {
    let regions: Vec<&str> = shared.world.regions.iter().map(|region| region.name.as_str()).collect();
    let body = json!({
        "keystone_url": format!("{}/v3", shared.keystone_root()),
        "regions": regions,
        "now": control.now(),
        "knobs": [
            "GET /faults", "PUT /faults {region, service, fault}", "DELETE /faults",
            "GET /latency", "PUT /latency", "GET /calls", "DELETE /calls",
            "GET /consoles", "DELETE /consoles",
            "POST /clock/advance {seconds}", "GET /servers/{region}/{project}",
            "POST /servers {region, project, name, ...}", "DELETE /servers/{region}/{id}",
            "GET /users/{name}/totp", "POST /users/{name}/{disable|enable|lock|unlock|revoke|expire}",
        ],
    });
    Answer::json(200, &body)
}

fn set_fault(control: &Control, call: &Call) -> Result<Answer, Answer> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct SetFault {
        #[serde(default)]
        region: String,
        service: Service,
        fault: Option<Fault>,
    }
    let SetFault { region, service, fault } = body(call)?;
    if region != "*" && service != Service::Identity {
        known_region(control, &region)?;
    }
    control.set_fault(&region, service, fault);
    Ok(Answer::json(200, &json!({"faults": control.faults()})))
}

fn set_latency(control: &Control, call: &Call) -> Result<Answer, Answer> {
    let latency: Latency = body(call)?;
    control.set_latency(latency);
    Ok(Answer::json(200, &latency))
}

fn advance(control: &Control, call: &Call) -> Result<Answer, Answer> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Advance {
        seconds: u32,
    }
    let Advance { seconds } = body(call)?;
    control.advance(std::time::Duration::from_secs(seconds.into()));
    Ok(Answer::json(200, &json!({"now": control.now(), "machine": Utc::now()})))
}

fn list_servers(control: &Control, region: &str, project: &str) -> Result<Answer, Answer> {
    known_region(control, region)?;
    known_project(control, project)?;
    Ok(Answer::json(200, &json!({"servers": control.servers(region, project)})))
}

fn add_server(control: &Control, call: &Call) -> Result<Answer, Answer> {
    #[derive(Deserialize)]
    struct AddServer {
        region: String,
        project: String,
    }
    let AddServer { region, project } = body(call)?;
    known_region(control, &region)?;
    known_project(control, &project)?;
    let mut fields: serde_json::Map<String, serde_json::Value> = body(call)?;
    fields.remove("region");
    fields.remove("project");
    let new: NewServer =
        serde_json::from_value(fields.into()).map_err(|error| refuse(400, &error.to_string()))?;
    Ok(Answer::json(201, &json!({"id": control.add_server(&region, &project, new)})))
}

fn delete_server(control: &Control, region: &str, id: &str) -> Result<Answer, Answer> {
    known_region(control, region)?;
    let is_id = uuid::Uuid::parse_str(id).is_ok();
    if is_id && control.delete_server(region, id) {
        return Ok(Answer::empty(204));
    }
    Err(refuse(404, &format!("there is no server {id} in {region}")))
}

fn totp_code(control: &Control, user: &str) -> Result<Answer, Answer> {
    known_user(control, user)?;
    let code = control.find_totp_code(user);
    let code = code.ok_or_else(|| refuse(404, &format!("user {user} has no second factor")))?;
    Ok(Answer::json(200, &json!({"code": code})))
}

fn change_user(control: &Control, user: &str, action: &str) -> Result<Answer, Answer> {
    known_user(control, user)?;
    match action {
        "disable" => control.disable_user(user),
        "enable" => control.enable_user(user),
        "lock" => control.lock_user(user),
        "unlock" => control.unlock_user(user),
        "revoke" => control.revoke_tokens_of(user),
        "expire" => control.expire_tokens_of(user),
        _ => return Err(refuse(404, "a user can be: disable, enable, lock, unlock, revoke, expire")),
    }
    Ok(Answer::empty(204))
}

fn known_region(control: &Control, region: &str) -> Result<(), Answer> {
    let known = control.has_region(region);
    if known { Ok(()) } else { Err(refuse(404, &format!("there is no region {region}"))) }
}

fn known_project(control: &Control, project: &str) -> Result<(), Answer> {
    let known = control.has_project(project);
    if known { Ok(()) } else { Err(refuse(404, &format!("there is no project {project}"))) }
}

fn known_user(control: &Control, user: &str) -> Result<(), Answer> {
    let known = control.has_user(user);
    if known { Ok(()) } else { Err(refuse(404, &format!("there is no user {user}"))) }
}

fn body<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    serde_json::from_slice(&call.body).map_err(|error| refuse(400, &error.to_string()))
}

fn refuse(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"error": message}))
}
