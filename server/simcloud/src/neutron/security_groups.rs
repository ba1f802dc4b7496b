//! Security groups: every project has `default`, `ssh` and `web`.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::pages::Collection;
use super::{Context, networks, stamp};
use crate::world::{Region, World};

/// A security group of a project. Not stored: it follows from the names.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    pub id: Uuid,
    pub name: String,
    pub description: &'static str,
    pub project_id: Arc<str>,
    pub rules: Vec<Rule>,
}

/// What a group lets through.
#[derive(Clone, Debug)]
pub struct Rule {
    pub id: Uuid,
    pub is_ingress: bool,
    pub is_ipv6: bool,
    /// TCP to this port; `None` is everything.
    pub port: Option<u16>,
    /// From servers of the same group only.
    pub is_within_group: bool,
}

/// The groups of a project in a region.
pub fn of(world: &World, region: &Region, project_id: &Arc<str>) -> Vec<SecurityGroup> {
    let group = |name: &'static str, description: &'static str, ports: &[u16]| {
        let id = |parts: &[&str]| {
            let mut path = vec!["security-group", region.name.as_str(), project_id, name];
            path.extend(parts);
            world.ids.uuid(&path)
        };
        let rule = |is_ingress: bool, is_ipv6: bool, port: Option<u16>, is_within_group: bool| {
            let number = port.map_or_else(String::new, |port| port.to_string());
            let id = id(&[if is_ingress { "in" } else { "out" }, if is_ipv6 { "6" } else { "4" }, &number]);
            Rule { id, is_ingress, is_ipv6, port, is_within_group }
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
            description,
            project_id: project_id.clone(),
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
    let since = networks::since(context);
    let shown = groups.iter().map(|group| {
        let rule = |(number, rule): (usize, &Rule)| stamp(rule_json(group, rule, number), since, 0);
        let rules: Vec<Value> = group.rules.iter().enumerate().map(rule).collect();
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
        stamp(shown, since, 1)
    });
    Collection::new(shown.collect(), "SecurityGroup", "Security group")
}

fn rule_json(group: &SecurityGroup, rule: &Rule, number: usize) -> Value {
    let everywhere = if rule.is_ipv6 { "::/0" } else { "0.0.0.0/0" };
    let prefix = rule.port.map(|_| everywhere);
    json!({
        "id": rule.id,
        "project_id": group.project_id,
        "tenant_id": group.project_id,
        "security_group_id": group.id,
        "ethertype": if rule.is_ipv6 { "IPv6" } else { "IPv4" },
        "direction": if rule.is_ingress { "ingress" } else { "egress" },
        "protocol": rule.port.map(|_| "tcp"),
        "port_range_min": rule.port,
        "port_range_max": rule.port,
        "remote_ip_prefix": prefix,
        "remote_address_group_id": null,
        "normalized_cidr": prefix,
        "remote_group_id": rule.is_within_group.then_some(group.id),
        "standard_attr_id": 100 + number,
        "belongs_to_default_sg": null,
        "description": null,
    })
}

/// A group in the form of Nova's older interface, which knows only what comes in.
pub fn nova_json(group: &SecurityGroup) -> Value {
    let rule = |rule: &Rule| {
        let everywhere = if rule.is_ipv6 { "::/0" } else { "0.0.0.0/0" };
        let own = json!({"name": group.name, "tenant_id": group.project_id});
        json!({
            "id": rule.id,
            "parent_group_id": group.id,
            "ip_protocol": rule.port.map(|_| "tcp"),
            "from_port": rule.port,
            "to_port": rule.port,
            "group": if rule.is_within_group { own } else { json!({}) },
            "ip_range": if rule.is_within_group { json!({}) } else { json!({"cidr": everywhere}) },
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
