//! Security groups: every project has `default`, `ssh` and `web`, and those it makes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::pages::Collection;
use super::{Context, bad_request, stamp};
use crate::clock::whole_seconds;
use crate::errors::neutron;
use crate::http::{Answer, Handled};
use crate::ids;
use crate::world::{Region, World};

/// A security group of a project. Kept once the project changes any; before, it follows from the names.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    pub id: Uuid,
    pub name: String,
    pub description: String,
    pub project_id: Arc<str>,
    pub created_at: DateTime<Utc>,
    pub rules: Vec<Rule>,
}

/// What a group lets through.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: Uuid,
    pub is_ingress: bool,
    pub is_ipv6: bool,
    /// `None` is everything.
    pub protocol: Option<String>,
    pub ports: Option<(u16, u16)>,
    pub remote_ip_prefix: Option<String>,
    pub remote_group_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

const GROUP_FIELDS: &[&str] = &["name", "description", "stateful", "project_id", "tenant_id"];

const RULE_FIELDS: &[&str] = &[
    "security_group_id",
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "remote_address_group_id",
    "description",
    "project_id",
    "tenant_id",
];

/// The groups of a project in a region.
pub fn of(world: &World, region: &Region, project_id: &Arc<str>) -> Vec<SecurityGroup> {
    if let Some(kept) = region.network.read().security_groups.get(project_id) {
        return kept.clone();
    }
    let group = |name: &str, description: &str, ports: &[u16]| {
        let id = |parts: &[&str]| {
            let mut path = vec!["security-group", region.name.as_str(), project_id, name];
            path.extend(parts);
            world.ids.uuid(&path)
        };
        let rule = |is_ingress: bool, is_ipv6: bool, port: Option<u16>, is_within_group: bool| {
            let number = port.map_or_else(String::new, |port| port.to_string());
            let everywhere = if is_ipv6 { "::/0" } else { "0.0.0.0/0" };
            Rule {
                id: id(&[if is_ingress { "in" } else { "out" }, if is_ipv6 { "6" } else { "4" }, &number]),
                is_ingress,
                is_ipv6,
                protocol: port.map(|_| "tcp".to_owned()),
                ports: port.map(|port| (port, port)),
                remote_ip_prefix: port.map(|_| everywhere.to_owned()),
                remote_group_id: is_within_group.then(|| id(&[])),
                created_at: region.since,
            }
        };
        let mut rules = vec![rule(false, false, None, false), rule(false, true, None, false)];
        if name == "default" {
            rules.extend([rule(true, false, None, true), rule(true, true, None, true)]);
        }
        for port in ports {
            rules.extend([rule(true, false, Some(*port), false), rule(true, true, Some(*port), false)]);
        }
        SecurityGroup {
            id: id(&[]),
            name: name.to_owned(),
            description: description.to_owned(),
            project_id: project_id.clone(),
            created_at: region.since,
            rules,
        }
    };
    vec![
        group("default", "Default security group", &[]),
        group("ssh", "ssh from everywhere", &[22]),
        group("web", "web from everywhere", &[80, 443]),
    ]
}

/// The project's groups in Neutron's form.
pub fn collection(context: &Context<'_>) -> Collection {
    let groups = of(context.world, context.region, &context.project_id);
    Collection::new(groups.iter().map(group_json).collect(), "SecurityGroup", "Security group")
}

/// The rules of the project's groups in Neutron's form.
pub fn rules(context: &Context<'_>) -> Collection {
    let groups = of(context.world, context.region, &context.project_id);
    let rules = groups.iter().flat_map(|group| {
        group.rules.iter().enumerate().map(move |(number, rule)| rule_json(group, rule, number))
    });
    Collection::new(rules.collect(), "SecurityGroupRule", "Security group rule")
}

/// `POST /v2.0/security-groups`: 201 with a group that lets everything out.
pub fn create_group(context: &Context<'_>) -> Handled {
    let body = context.body("security_group", GROUP_FIELDS, "create_security_group")?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let now = whole_seconds(context.call.now);
    let outgoing = |is_ipv6: bool| Rule {
        id: ids::fresh_uuid(),
        is_ingress: false,
        is_ipv6,
        protocol: None,
        ports: None,
        remote_ip_prefix: None,
        remote_group_id: None,
        created_at: now,
    };
    let group = SecurityGroup {
        id: ids::fresh_uuid(),
        name: text("name"),
        description: text("description"),
        project_id: context.project_id.clone(),
        created_at: now,
        rules: vec![outgoing(true), outgoing(false)],
    };
    let shown = group_json(&group);
    change(context, |groups| {
        groups.push(group);
        Ok(())
    })?;
    Ok(Answer::json(201, &json!({"security_group": shown})))
}

/// `DELETE /v2.0/security-groups/{id}`: 204; 409 for `default` and one that servers have.
pub fn delete_group(context: &Context<'_>, id: &str) -> Handled {
    context.must_write("delete_security_group")?;
    let groups = of(context.world, context.region, &context.project_id);
    let group = groups.iter().find(|group| group.id.to_string() == id).ok_or_else(|| not_found(id))?;
    let is_used = {
        let servers = context.region.servers.read();
        let mut own = servers.in_order(Some(&context.project_id), None);
        own.any(|server| server.security_groups.iter().any(|name| **name == *group.name))
    };
    if is_used || group.name == "default" {
        let message = format!("Security Group {id} in use.");
        return Err(neutron::error(409, "SecurityGroupInUse", &message));
    }
    change(context, |groups| {
        groups.retain(|group| group.id.to_string() != id);
        Ok(())
    })?;
    Ok(Answer::empty(204))
}

/// `POST /v2.0/security-group-rules`: 201; 409 for one that is there already.
pub fn create_rule(context: &Context<'_>) -> Handled {
    let body = context.body("security_group_rule", RULE_FIELDS, "create_security_group_rule")?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let port = |key: &str| body.get(key).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let group_id = text("security_group_id").unwrap_or_default();
    let ports = match (port("port_range_min"), port("port_range_max")) {
        (Some(min), Some(max)) if min > max => {
            let message = "For TCP/UDP protocols, port_range_min must be <= port_range_max";
            return Err(bad_request("SecurityGroupInvalidPortRange", message));
        }
        (Some(min), Some(max)) => Some((min, max)),
        _ => None,
    };
    let rule = Rule {
        id: ids::fresh_uuid(),
        is_ingress: text("direction").as_deref() == Some("ingress"),
        is_ipv6: text("ethertype").is_some_and(|kind| kind.eq_ignore_ascii_case("ipv6")),
        protocol: text("protocol"),
        ports,
        remote_ip_prefix: text("remote_ip_prefix"),
        remote_group_id: text("remote_group_id").and_then(|id| Uuid::parse_str(&id).ok()),
        created_at: whole_seconds(context.call.now),
    };
    let mut shown = Value::Null;
    change(context, |groups| {
        let group = groups.iter_mut().find(|group| group.id.to_string() == group_id);
        let group = group.ok_or_else(|| not_found(&group_id))?;
        if let Some(same) = group.rules.iter().find(|other| other.is_same(&rule)) {
            let message = format!("Security group rule already exists. Rule id is {}.", same.id);
            return Err(neutron::error(409, "SecurityGroupRuleExists", &message));
        }
        shown = rule_json(group, &rule, group.rules.len());
        group.rules.push(rule);
        Ok(())
    })?;
    // The answer to its creation alone does without these.
    if let Value::Object(shown) = &mut shown {
        shown.remove("standard_attr_id");
        shown.remove("tags");
        shown.insert("description".to_owned(), json!(text("description").unwrap_or_default()));
        shown.insert("belongs_to_default_sg".to_owned(), json!(false));
    }
    Ok(Answer::json(201, &json!({"security_group_rule": shown})))
}

/// `DELETE /v2.0/security-group-rules/{id}`: 204.
pub fn delete_rule(context: &Context<'_>, id: &str) -> Handled {
    context.must_write("delete_security_group_rule")?;
    change(context, |groups| {
        let mut had = false;
        for group in groups {
            let before = group.rules.len();
            group.rules.retain(|rule| rule.id.to_string() != id);
            had |= group.rules.len() < before;
        }
        let missing = || neutron::not_found("SecurityGroupRule", "Security group rule", id);
        if had { Ok(()) } else { Err(missing()) }
    })?;
    Ok(Answer::empty(204))
}

impl Rule {
    fn is_same(&self, other: &Rule) -> bool {
        let parts = |rule: &Rule| {
            let Rule { is_ingress, is_ipv6, protocol, ports, remote_ip_prefix, remote_group_id, .. } =
                rule.clone();
            (is_ingress, is_ipv6, protocol, ports, remote_ip_prefix, remote_group_id)
        };
        parts(self) == parts(other)
    }
}

/// Changes the project's groups, which are kept from now on. Nothing changes on an error.
fn change(
    context: &Context<'_>,
    change: impl FnOnce(&mut Vec<SecurityGroup>) -> Result<(), Answer>,
) -> Result<(), Answer> {
    let mut groups = of(context.world, context.region, &context.project_id);
    change(&mut groups)?;
    context.region.network.write().security_groups.insert(context.project_id.clone(), groups);
    Ok(())
}

fn not_found(id: &str) -> Answer {
    neutron::error(404, "SecurityGroupNotFound", &format!("Security group {id} does not exist"))
}

fn group_json(group: &SecurityGroup) -> Value {
    let rules: Vec<Value> =
        group.rules.iter().enumerate().map(|(number, rule)| rule_json(group, rule, number)).collect();
    let shown = json!({
        "id": group.id,
        "name": group.name,
        "stateful": true,
        "tenant_id": group.project_id,
        "project_id": group.project_id,
        "description": group.description,
        "shared": false,
        "security_group_rules": rules,
    });
    stamp(shown, group.created_at, 1)
}

fn rule_json(group: &SecurityGroup, rule: &Rule, number: usize) -> Value {
    let shown = json!({
        "id": rule.id,
        "project_id": group.project_id,
        "tenant_id": group.project_id,
        "security_group_id": group.id,
        "ethertype": if rule.is_ipv6 { "IPv6" } else { "IPv4" },
        "direction": if rule.is_ingress { "ingress" } else { "egress" },
        "protocol": rule.protocol,
        "port_range_min": rule.ports.map(|(min, _)| min),
        "port_range_max": rule.ports.map(|(_, max)| max),
        "remote_ip_prefix": rule.remote_ip_prefix,
        "remote_address_group_id": null,
        "normalized_cidr": rule.remote_ip_prefix,
        "remote_group_id": rule.remote_group_id,
        "standard_attr_id": 100 + number,
        "belongs_to_default_sg": null,
        "description": null,
    });
    stamp(shown, rule.created_at, 0)
}

/// A group in the form of Nova's older interface, which knows only what comes in.
pub fn nova_json(group: &SecurityGroup) -> Value {
    let rule = |rule: &Rule| {
        let own = json!({"name": group.name, "tenant_id": group.project_id});
        let is_within_group = rule.remote_group_id.is_some();
        let everywhere = if rule.is_ipv6 { "::/0" } else { "0.0.0.0/0" };
        let cidr = rule.remote_ip_prefix.as_deref().unwrap_or(everywhere);
        json!({
            "id": rule.id,
            "parent_group_id": group.id,
            "ip_protocol": rule.protocol,
            "from_port": rule.ports.map(|(min, _)| min),
            "to_port": rule.ports.map(|(_, max)| max),
            "group": if is_within_group { own } else { json!({}) },
            "ip_range": if is_within_group { json!({}) } else { json!({"cidr": cidr}) },
        })
    };
    let incoming: Vec<Value> = group.rules.iter().filter(|rule| rule.is_ingress).map(rule).collect();
    json!({
        "id": group.id,
        "description": group.description,
        "name": group.name,
        "tenant_id": group.project_id,
        "rules": incoming,
    })
}
