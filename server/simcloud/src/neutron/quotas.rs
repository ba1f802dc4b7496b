//! How many network resources a project may have.

use serde_json::{Map, Value, json};

use super::Context;
use crate::errors::neutron;
use crate::http::{Answer, Handled};

const LIMITS: &[(&str, i64)] = &[
    ("network", 200),
    ("subnet", 400),
    ("subnetpool", -1),
    ("port", -1),
    ("router", 50),
    ("floatingip", 200),
    ("rbac_policy", 10),
    ("security_group", 200),
    ("security_group_rule", 2000),
    ("trunk", -1),
];

/// `GET /v2.0/quotas/{project}`
pub fn show(context: &Context<'_>, project_id: &str) -> Handled {
    must_see(context, project_id)?;
    let quota: Map<String, Value> =
        LIMITS.iter().map(|(kind, limit)| ((*kind).to_owned(), json!(limit))).collect();
    Ok(Answer::json(200, &json!({"quota": quota})))
}

/// `GET /v2.0/quotas/{project}/details.json`: also what is used.
pub fn show_details(context: &Context<'_>, project_id: &str) -> Handled {
    must_see(context, project_id)?;
    let servers = context.region.servers.read();
    let nics = servers.in_order(Some(project_id), None).flat_map(|server| &server.nics);
    let (ports, floating) = nics
        .fold((0, 0), |(ports, floating), nic| (ports + 1, floating + usize::from(nic.floating.is_some())));
    let used = |kind: &str| match kind {
        "network" => 2,
        "subnet" | "security_group" => 3,
        "router" => 1,
        "port" => ports,
        "floatingip" => floating,
        "security_group_rule" => 14,
        _ => 0,
    };
    let detail = |(kind, limit): &(&str, i64)| {
        ((*kind).to_owned(), json!({"limit": limit, "used": used(kind), "reserved": 0}))
    };
    let quota: Map<String, Value> = LIMITS.iter().map(detail).collect();
    Ok(Answer::json(200, &json!({"quota": quota})))
}

fn must_see(context: &Context<'_>, project_id: &str) -> Result<(), Answer> {
    if context.sees(project_id) {
        return Ok(());
    }
    Err(neutron::error(
        403,
        "AdminRequired",
        "User does not have admin privileges: only admin can see other quotas",
    ))
}
