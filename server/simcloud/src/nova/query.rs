//! The parameters of a list of servers: which it takes, what they must look like, and which servers
//! they let through.

use chrono::{DateTime, NaiveDateTime, Utc};
use regex::Regex;

use super::Context;
use crate::errors::nova as errors;
use crate::http::Answer;
use crate::server::{STATUSES, SimServer};

/// The most servers a page may have (`[api] max_limit`).
pub const MAX_LIMIT: usize = 1_000;

/// What a list was asked for.
pub struct ListQuery<'a> {
    /// At most [`MAX_LIMIT`], whatever was asked.
    pub limit: usize,
    pub marker: Option<&'a str>,
    /// Keys with their directions; empty for the default order.
    pub sort: Vec<SortKey>,
    pub changes_since: Option<DateTime<Utc>>,
    pub changes_before: Option<DateTime<Utc>>,
    pub all_tenants: bool,
    filters: Vec<Filter>,
}

/// A key to sort by.
pub struct SortKey {
    pub name: String,
    pub is_ascending: bool,
}

enum Filter {
    Status(Vec<String>),
    Name(Regex),
    Address { pattern: Regex, is_ipv6: bool },
    Tags { all: bool, wanted: bool, tags: Vec<String> },
    Exactly { field: Field, value: String },
    Locked(bool),
}

#[derive(Clone, Copy)]
enum Field {
    Image,
    Flavor,
    KeyName,
    Zone,
    User,
    Project,
    Id,
    VmState,
    TaskState,
    Host,
    Description,
}

/// Nova's list, from its own refusal.
const SORT_KEYS: &[&str] = &[
    "task_state",
    "progress",
    "kernel_id",
    "node",
    "ramdisk_id",
    "key_name",
    "launch_index",
    "config_drive",
    "image_ref",
    "power_state",
    "auto_disk_config",
    "terminated_at",
    "host",
    "locked_by",
    "access_ip_v6",
    "instance_type_id",
    "availability_zone",
    "uuid",
    "display_description",
    "display_name",
    "created_at",
    "access_ip_v4",
    "updated_at",
    "locked",
    "hostname",
    "root_device_name",
    "user_id",
    "launched_at",
    "project_id",
    "vm_state",
];

/// Every parameter Nova knows; not all have an effect here.
const KNOWN: &[&str] = &[
    "access_ip_v4",
    "access_ip_v6",
    "all_tenants",
    "auto_disk_config",
    "availability_zone",
    "changes-before",
    "changes-since",
    "config_drive",
    "created_at",
    "deleted",
    "description",
    "disk_config",
    "display_description",
    "display_name",
    "flavor",
    "host",
    "hostname",
    "image",
    "image_ref",
    "instance_type_id",
    "ip",
    "ip6",
    "kernel_id",
    "key_name",
    "launch_index",
    "launched_at",
    "limit",
    "locked",
    "locked_by",
    "marker",
    "name",
    "node",
    "not-tags",
    "not-tags-any",
    "power_state",
    "progress",
    "project_id",
    "ramdisk_id",
    "reservation_id",
    "root_device_name",
    "soft_deleted",
    "sort_dir",
    "sort_key",
    "status",
    "tags",
    "tags-any",
    "task_state",
    "tenant_id",
    "terminated_at",
    "updated_at",
    "user_id",
    "uuid",
    "vm_state",
];

impl<'a> ListQuery<'a> {
    /// Reads the parameters.
    ///
    /// Errors: 400 for a value that cannot be, and from 2.75 on for a parameter nobody knows; 403 for
    /// all projects' servers without being an administrator.
    pub fn read(context: &'a Context<'_>, is_detailed: bool) -> Result<Self, Answer> {
        let call = context.call;
        let mut query = ListQuery {
            limit: limit(call.query_value("limit"))?,
            marker: call.query_value("marker"),
            sort: sort(context)?,
            changes_since: None,
            changes_before: None,
            all_tenants: false,
            filters: Vec::new(),
        };
        let mut statuses = Vec::new();
        for (key, value) in &call.query {
            match key.as_str() {
                "status" => statuses.push(status(value)?),
                "name" | "display_name" => query.filters.push(Filter::Name(pattern(key, value)?)),
                "ip" => query.filters.push(Filter::Address { pattern: pattern(key, value)?, is_ipv6: false }),
                "ip6" => query.filters.push(Filter::Address { pattern: pattern(key, value)?, is_ipv6: true }),
                "changes-since" => query.changes_since = Some(time(key, value)?),
                "changes-before" if context.at_least(66) => query.changes_before = Some(time(key, value)?),
                "all_tenants" => query.all_tenants = truth(value),
                "locked" if context.at_least(73) => query.filters.push(Filter::Locked(truth(value))),
                key => {
                    if let Some(filter) = tags(context, key, value).or_else(|| exactly(context, key, value)) {
                        query.filters.push(filter);
                    } else if context.at_least(75) && !is_known(key) {
                        let message = format!("'{key}' does not match any of the regexes: '^_'");
                        return Err(errors::bad_request(&message));
                    }
                }
            }
        }
        if !statuses.is_empty() {
            query.filters.push(Filter::Status(statuses));
        }
        if query.all_tenants {
            let list = if is_detailed { "detail" } else { "index" };
            context.must_administer(&format!("servers:{list}:get_all_tenants"))?;
        }
        Ok(query)
    }

    /// Whether a server is in the list.
    pub fn lets_through(&self, server: &SimServer) -> bool {
        self.changes_before.is_none_or(|before| server.updated_at <= before)
            && self.filters.iter().all(|filter| filter.lets_through(server))
    }
}

impl Filter {
    fn lets_through(&self, server: &SimServer) -> bool {
        match self {
            Filter::Status(asked) => asked.iter().any(|status| *status == server.status),
            Filter::Name(pattern) => pattern.is_match(&server.name),
            Filter::Address { pattern, is_ipv6 } => {
                let mut of_kind = server.addresses().filter(|address| address.is_ipv6() == *is_ipv6);
                of_kind.any(|address| pattern.is_match(&address.to_string()))
            }
            Filter::Tags { all, wanted, tags } => {
                let has = |tag: &String| server.tags.iter().any(|own| **own == **tag);
                let matches = if *all { tags.iter().all(has) } else { tags.iter().any(has) };
                matches == *wanted
            }
            Filter::Exactly { field, value } => field.of(server).as_deref() == Some(value.as_str()),
            Filter::Locked(locked) => server.is_locked == *locked,
        }
    }
}

impl Field {
    fn of(self, server: &SimServer) -> Option<std::borrow::Cow<'_, str>> {
        let text: &str = match self {
            Field::Image => server.image_id.as_deref()?,
            Field::Flavor => &server.flavor.id,
            Field::KeyName => server.key_name.as_deref()?,
            Field::Zone => &server.availability_zone,
            Field::User => &server.user_id,
            Field::Project => &server.project_id,
            Field::Id => return Some(server.id.to_string().into()),
            Field::VmState => &server.vm_state,
            Field::TaskState => server.task_state.as_deref()?,
            Field::Host => server.host.as_deref()?,
            Field::Description => server.rare.as_ref()?.description.as_deref()?,
        };
        Some(text.into())
    }
}

fn exactly(context: &Context<'_>, key: &str, value: &str) -> Option<Filter> {
    let field = match key {
        "image" | "image_ref" => Field::Image,
        "flavor" => Field::Flavor,
        "key_name" => Field::KeyName,
        "availability_zone" => Field::Zone,
        "user_id" => Field::User,
        "uuid" => Field::Id,
        "vm_state" => Field::VmState,
        "task_state" => Field::TaskState,
        "description" | "display_description" => Field::Description,
        // Others than administrators may name these, without effect.
        "project_id" | "tenant_id" if context.caller.is_admin() => Field::Project,
        "host" if context.caller.is_admin() => Field::Host,
        _ => return None,
    };
    Some(Filter::Exactly { field, value: value.to_owned() })
}

fn tags(context: &Context<'_>, key: &str, value: &str) -> Option<Filter> {
    let (all, wanted) = match key {
        "tags" => (true, true),
        "tags-any" => (false, true),
        "not-tags" => (true, false),
        "not-tags-any" => (false, false),
        _ => return None,
    };
    let tags = value.split(',').map(str::to_owned).collect();
    context.at_least(26).then_some(Filter::Tags { all, wanted, tags })
}

/// Whether Nova knows a parameter at all, in whatever version.
pub fn is_known(key: &str) -> bool {
    key.starts_with('_') || KNOWN.contains(&key)
}

fn status(value: &str) -> Result<String, Answer> {
    let status = value.to_uppercase();
    if STATUSES.contains(&status.as_str()) {
        Ok(status)
    } else {
        Err(errors::bad_request("Invalid status value"))
    }
}

pub fn limit(value: Option<&str>) -> Result<usize, Answer> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(MAX_LIMIT) };
    if value.bytes().any(|byte| !byte.is_ascii_digit()) {
        return Err(invalid("limit", value, &format!("'{value}' does not match '^[0-9]*$'")));
    }
    Ok(value.parse().map_or(MAX_LIMIT, |limit: usize| limit.min(MAX_LIMIT)))
}

fn sort(context: &Context<'_>) -> Result<Vec<SortKey>, Answer> {
    let call = context.call;
    let mut directions = call.query_values("sort_dir");
    let mut keys = Vec::new();
    for name in call.query_values("sort_key") {
        if !SORT_KEYS.contains(&name) {
            let known = SORT_KEYS.join("', '");
            return Err(invalid("sort_key", name, &format!("'{name}' is not one of ['{known}']")));
        }
        // Nova sorts downwards unless told otherwise.
        let is_ascending = directions.next() == Some("asc");
        keys.push(SortKey { name: name.to_owned(), is_ascending });
    }
    Ok(keys)
}

fn pattern(key: &str, value: &str) -> Result<Regex, Answer> {
    // The database compares without regard to case.
    let insensitive = format!("(?i){value}");
    Regex::new(&insensitive).map_err(|_| invalid(key, value, &format!("'{value}' is not a 'regex'")))
}

fn time(key: &str, value: &str) -> Result<DateTime<Utc>, Answer> {
    let with_zone = DateTime::parse_from_rfc3339(value).map(|time| time.to_utc()).ok();
    let without_zone =
        || NaiveDateTime::parse_from_str(value, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc());
    let time = with_zone.or_else(without_zone);
    time.ok_or_else(|| invalid(key, value, &format!("'{value}' is not a 'date-time'")))
}

fn truth(value: &str) -> bool {
    matches!(value.to_lowercase().as_str(), "" | "1" | "t" | "true" | "on" | "y" | "yes")
}

fn invalid(key: &str, value: &str, why: &str) -> Answer {
    errors::bad_request(&format!("Invalid input for query parameters {key}. Value: {value}. {why}"))
}
