//! How much a project may use and uses: `limits`, `os-quota-sets`, and the refusal beyond it.

use std::sync::Arc;

use serde_json::json;

use super::{Context, groups, keypairs};
use crate::errors::nova as errors;
use crate::http::{Answer, Handled};
use crate::seed::offers;
use crate::server::Flavor;

/// Nova's defaults; -1 is no limit.
#[derive(Clone, Copy, Debug)]
struct Quota {
    servers: i64,
    cores: i64,
    ram_mib: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    servers: i64,
    cores: i64,
    ram_mib: i64,
}

/// A project has Nova's default quota. One that was seeded with servers may have as many again and ten, with
/// 8 cores and 32 GiB each.
fn quota_of(context: &Context<'_>, project_id: &str) -> Quota {
    let seeded = context.world.seeded_servers(context.region, project_id);
    let seeded = i64::try_from(seeded).unwrap_or(i64::MAX / 4);
    if seeded == 0 {
        return Quota { servers: 10, cores: 20, ram_mib: 51_200 };
    }
    let servers = 10 + 2 * seeded;
    Quota { servers, cores: 8 * servers, ram_mib: 32_768 * servers }
}

fn usage_of(context: &Context<'_>, project_id: &str) -> Usage {
    let servers = context.region.servers.read();
    servers.in_order(Some(project_id), None).fold(Usage::default(), |usage, server| Usage {
        servers: usage.servers + 1,
        cores: usage.cores + i64::from(server.flavor.vcpus),
        ram_mib: usage.ram_mib + ram_of(&server.flavor),
    })
}

/// The flavor that fits no host counts for nothing, so that it comes as far as to the hosts.
fn ram_of(flavor: &Flavor) -> i64 {
    if flavor.name == offers::TOO_BIG {
        return 0;
    }
    i64::try_from(flavor.ram_mib).unwrap_or(i64::MAX / 1_000_000)
}

/// How many of the servers asked for fit: all of them, or as many as do and are not fewer than the least.
///
/// Errors: 403 where not even these do.
pub fn fitting(
    context: &Context<'_>,
    project_id: &Arc<str>,
    least: usize,
    most: usize,
    flavor: &Flavor,
) -> Result<usize, Answer> {
    let fits = |count: usize| must_fit(context, project_id, count, flavor, None);
    let refusal = match fits(most) {
        Ok(()) => return Ok(most),
        Err(refusal) => refusal,
    };
    if fits(least).is_err() {
        return Err(refusal);
    }
    // As many as fit, by halving: `low` does, `high` does not.
    let (mut low, mut high) = (least, most);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle).is_ok() { low = middle } else { high = middle }
    }
    Ok(low)
}

/// Refuses what is over the quota, with 403: `count` new servers of a flavor, or with `instead_of` and a
/// count of 0 another flavor for one.
pub fn must_fit(
    context: &Context<'_>,
    project_id: &Arc<str>,
    count: usize,
    flavor: &Flavor,
    instead_of: Option<&Flavor>,
) -> Result<(), Answer> {
    let (quota, used) = (quota_of(context, project_id), usage_of(context, project_id));
    let servers = i64::try_from(count).unwrap_or(i64::MAX / 1_000_000);
    let times = if instead_of.is_some() { 1 } else { servers };
    let cores = times * (i64::from(flavor.vcpus) - instead_of.map_or(0, |old| i64::from(old.vcpus)));
    let ram_mib = times * (ram_of(flavor) - instead_of.map_or(0, ram_of));
    let checks = [
        ("instances", servers, used.servers, quota.servers),
        ("cores", cores, used.cores, quota.cores),
        ("ram", ram_mib, used.ram_mib, quota.ram_mib),
    ];
    let over =
        |(_, asked, used, limit): &&(&str, i64, i64, i64)| *limit >= 0 && *asked > 0 && used + asked > *limit;
    // Nova names the last kind that is over, where several are.
    match checks.iter().rfind(over) {
        Some((kind, asked, used, limit)) => Err(exceeded(kind, *asked, *used, *limit)),
        None => Ok(()),
    }
}

/// 403: `Quota exceeded for instances: Requested 11, but already used 1 of 10 instances`.
pub fn exceeded(kind: &str, asked: i64, used: i64, limit: i64) -> Answer {
    let message =
        format!("Quota exceeded for {kind}: Requested {asked}, but already used {used} of {limit} {kind}");
    errors::forbidden(&message)
}

/// `GET /limits`: the quota and its use, of the caller's project.
pub fn show_limits(context: &Context<'_>) -> Handled {
    let project_id = context.project_id("limits")?;
    let (quota, used) = (quota_of(context, project_id), usage_of(context, project_id));
    let mut absolute = json!({
        "maxTotalCores": quota.cores,
        "maxTotalInstances": quota.servers,
        "maxTotalKeypairs": keypairs::MOST,
        "maxServerMeta": 128,
        "maxTotalRAMSize": quota.ram_mib,
        "maxServerGroups": groups::MOST_GROUPS,
        "maxServerGroupMembers": groups::MOST_MEMBERS,
        "totalRAMUsed": used.ram_mib,
        "totalCoresUsed": used.cores,
        "totalInstancesUsed": used.servers,
        "totalServerGroupsUsed": groups::count(context, project_id),
    });
    if !context.at_least(57) {
        absolute["maxPersonality"] = json!(5);
        absolute["maxPersonalitySize"] = json!(10_240);
    }
    if !context.at_least(39) {
        absolute["maxImageMeta"] = json!(128);
    }
    if !context.at_least(36) {
        for key in ["maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"] {
            absolute[key] = json!(-1);
        }
        for key in ["totalFloatingIpsUsed", "totalSecurityGroupsUsed"] {
            absolute[key] = json!(0);
        }
    }
    Ok(Answer::json(200, &json!({"limits": {"rate": [], "absolute": absolute}})))
}

/// `GET /os-quota-sets/{project}`, with `/detail` also what is used.
pub fn show_quota_set(context: &Context<'_>, project_id: &str, is_detailed: bool) -> Handled {
    let rule = if is_detailed { "os-quota-sets:detail" } else { "os-quota-sets:show" };
    if context.project_id(rule)? != project_id {
        context.must_administer(rule)?;
    }
    let (quota, used) = (quota_of(context, project_id), usage_of(context, project_id));
    let mut set = json!({"id": project_id});
    let mut put = |key: &str, limit: i64, in_use: i64| {
        set[key] =
            if is_detailed { json!({"limit": limit, "in_use": in_use, "reserved": 0}) } else { json!(limit) };
    };
    put("cores", quota.cores, used.cores);
    put("instances", quota.servers, used.servers);
    put("key_pairs", 100, 0);
    put("metadata_items", 128, 0);
    put("ram", quota.ram_mib, used.ram_mib);
    put("server_group_members", 10, 0);
    let groups = groups::count(context, project_id);
    put("server_groups", 10, i64::try_from(groups).unwrap_or(0));
    if !context.at_least(57) {
        put("injected_files", 5, 0);
        put("injected_file_content_bytes", 10_240, 0);
        put("injected_file_path_bytes", 255, 0);
    }
    if !context.at_least(36) {
        for key in ["fixed_ips", "floating_ips", "security_groups", "security_group_rules"] {
            put(key, -1, 0);
        }
    }
    Ok(Answer::json(200, &json!({"quota_set": set})))
}

/// `PUT /os-quota-sets/{project}`: for administrators only, and not for them here: quotas follow from
/// the seed.
pub fn update_quota_set(context: &Context<'_>) -> Handled {
    context.must_administer("os-quota-sets:update")?;
    Err(errors::bad_request("Quotas of the simulated cloud follow from its seed and cannot be changed"))
}
