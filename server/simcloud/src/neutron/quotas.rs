//! How many network resources a project may have.

use serde_json::{Map, Value, json};

use super::{Context, ports, security_groups};
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
    let quota: Map<String, Value> = LIMITS
        .iter()
        .map(|(kind, limit)| ((*kind).to_owned(), json!(limit_of(context, kind, *limit))))
        .collect();
    Ok(Answer::json(200, &json!({"quota": quota})))
}

/// `GET /v2.0/quotas/{project}/details.json`: also what is used.
pub fn show_details(context: &Context<'_>, project_id: &str) -> Handled {
    must_see(context, project_id)?;
    let ports = ports::of_project(context).len();
    let floating = context.region.network.read().floating_ips_of(project_id).len();
    let groups = security_groups::of(context.world, context.region, &context.project_id);
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    let used = |kind: &str| match kind {
        "network" => 2,
        "subnet" => 3,
        "security_group" => groups.len(),
        "router" => 1,
        "port" => ports,
        "floatingip" => floating,
        "security_group_rule" => rules,
        _ => 0,
    };
    let detail = |(kind, limit): &(&str, i64)| {
        (
            (*kind).to_owned(),
            json!({"limit": limit_of(context, kind, *limit), "used": used(kind), "reserved": 0}),
        )
    };
    let quota: Map<String, Value> = LIMITS.iter().map(detail).collect();
    Ok(Answer::json(200, &json!({"quota": quota})))
}

/// How many floating IPs a project may have: as many again as it was seeded with servers, and 50.
pub fn floating_ip_limit(context: &Context<'_>) -> usize {
    50 + context.world.seeded_servers(context.region, &context.project_id)
}

/// 409: `Quota exceeded for resources: ['floatingip'].`
pub fn over_quota(kind: &str) -> Answer {
    neutron::error(409, "OverQuota", &format!("Quota exceeded for resources: ['{kind}']."))
}

fn limit_of(context: &Context<'_>, kind: &str, limit: i64) -> i64 {
    if kind == "floatingip" { i64::try_from(floating_ip_limit(context)).unwrap_or(limit) } else { limit }
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
