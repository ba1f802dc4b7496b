//! The same list, as somebody would write it who need not be fast: strings, and every row looked at every time.

use std::{cmp::Ordering, collections::BTreeMap, net::IpAddr};

use api_types::{
    Region,
    servers::{Image, ServerRow, StatusKind, status_kind},
};

use crate::{
    Column, Facet, FacetSelection, Query, Sort,
    fold::{fold, natural_cmp},
    query::{AmountField, Condition, TextField, TimeField},
};

/// A server and its region.
pub type Server = (Region, ServerRow);

/// The servers that match, in order.
pub fn shown<'s>(servers: &'s [Server], query: &Query, sort: Sort) -> Vec<&'s Server> {
    let chosen =
        |server: &Server| Facet::ALL.into_iter().all(|facet| is_chosen(server, facet, &query.facets));
    let mut shown: Vec<_> =
        servers.iter().filter(|server| matches_text(server, query) && chosen(server)).collect();
    shown.sort_by(|left, right| compare(left, right, sort));
    shown
}

/// The values of a facet with the rows each would give, without those that would give none.
pub fn counts(servers: &[Server], query: &Query, facet: Facet) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for server in servers {
        let mut others = Facet::ALL.into_iter().filter(|other| *other != facet);
        if matches_text(server, query) && others.all(|other| is_chosen(server, other, &query.facets)) {
            for value in values(server, facet) {
                *counts.entry(value).or_insert(0) += 1;
            }
        }
    }
    counts
}

fn is_chosen(server: &Server, facet: Facet, chosen: &FacetSelection) -> bool {
    chosen.values(facet).next().is_none()
        || values(server, facet).iter().any(|value| chosen.contains(facet, value))
}

/// The values of a server; an empty one for none.
fn values((region, row): &Server, facet: Facet) -> Vec<String> {
    let one = |value: Option<String>| vec![value.unwrap_or_default()];
    match facet {
        Facet::Region => one(Some(region.to_string())),
        Facet::Status => one(Some(row.status.clone())),
        Facet::Image => one(image(row)),
        Facet::Ram => one(row.flavor.as_ref().map(|flavor| flavor.ram_mib.to_string())),
        Facet::Flavor => one(row.flavor.as_ref().map(|flavor| flavor.name.clone())),
        Facet::Zone => one(row.availability_zone.clone()),
        Facet::Tag if row.tags.is_empty() => one(None),
        Facet::Tag => row.tags.clone(),
    }
}

fn image(row: &ServerRow) -> Option<String> {
    match &row.image {
        Image::Volume => None,
        Image::Named { name, .. } => Some(name.clone()),
        Image::Unnamed { id } => Some(id.clone()),
    }
}

fn matches_text(server: &Server, query: &Query) -> bool {
    query.terms.iter().all(|term| matches(server, &term.condition) != term.is_negated)
}

fn matches((region, row): &Server, condition: &Condition) -> bool {
    let has = |text: &str, part: &str| fold(text).contains(part);
    let any_tag = |part: &str| row.tags.iter().any(|tag| has(tag, part));
    let any_pair = |part: &str| {
        row.metadata.iter().any(|(key, value)| {
            has(key, part) || has(value, part) || {
                let parts = part.split_once('=');
                parts.is_some_and(|(k, v)| fold(key).ends_with(k) && fold(value).starts_with(v))
            }
        })
    };
    let id = row.id.to_string();
    let id_starts = |part: &str| id.starts_with(part) || id.replace('-', "").starts_with(part);
    let any_ip = |part: &str| row.addresses.iter().any(|address| matches_ip(&address.ip, part));
    let flavor = row.flavor.as_ref();
    let image = image(row).unwrap_or_default();
    match condition {
        Condition::Word(part) => {
            let is_id = part.chars().filter(char::is_ascii_hexdigit).count() >= 4 && id_starts(part);
            has(&row.name, part) || any_tag(part) || any_pair(part) || is_id || any_ip(part)
        }
        Condition::Text { field, text } if text.is_empty() => match field {
            TextField::Name => row.name.is_empty(),
            TextField::Ip => row.addresses.is_empty(),
            TextField::Tag => row.tags.is_empty(),
            TextField::Meta => row.metadata.is_empty(),
            TextField::Status => row.status.is_empty(),
            TextField::Image => image.is_empty(),
            TextField::Flavor => flavor.is_none(),
            TextField::Zone => row.availability_zone.is_none(),
            TextField::Id | TextField::Region => false,
        },
        Condition::Text { field, text } => match field {
            TextField::Name => has(&row.name, text),
            TextField::Id => id_starts(text),
            TextField::Ip => any_ip(text),
            TextField::Tag => any_tag(text),
            TextField::Meta => any_pair(text),
            TextField::Status => has(&row.status, text) || has(row.task_state.as_deref().unwrap_or(""), text),
            TextField::Region => has(region.as_str(), text),
            TextField::Image => has(&image, text),
            TextField::Flavor => flavor.is_some_and(|flavor| has(&flavor.name, text)),
            TextField::Zone => has(row.availability_zone.as_deref().unwrap_or(""), text),
        },
        Condition::Amount { field, from, to } => flavor.is_some_and(|flavor| {
            let amount = match field {
                AmountField::Ram => flavor.ram_mib,
                AmountField::Vcpus => flavor.vcpus,
                AmountField::Disk => flavor.disk_gib,
            };
            *from <= amount && amount <= *to
        }),
        Condition::Time { field, from, to } => {
            let time = match field {
                TimeField::Created => row.created_at,
                TimeField::Updated => row.updated_at,
            };
            time != 0 && *from <= time && time <= *to
        }
    }
}

fn matches_ip(ip: &str, part: &str) -> bool {
    let in_network = || {
        let (address, length) = part.split_once('/')?;
        let (address, length, ip) = (address.parse().ok()?, length.parse::<u32>().ok()?, ip.parse().ok()?);
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => format!("{:032b}", ip.to_bits()),
            IpAddr::V6(ip) => format!("{:0128b}", ip.to_bits()),
        };
        let (network, ip): (String, String) = (bits(address), bits(ip));
        Some(network.len() == ip.len() && ip.starts_with(network.get(..length as usize)?))
    };
    fold(ip).starts_with(part) || in_network().unwrap_or(false)
}

/// Rows without a value last, whichever way; then by id.
fn compare(left: &Server, right: &Server, sort: Sort) -> Ordering {
    let missing = |server| is_missing(server, sort.column);
    let by_value = match (missing(left), missing(right)) {
        (true, true) => Ordering::Equal,
        (false, false) if sort.descending => by_value(right, left, sort.column),
        (false, false) => by_value(left, right, sort.column),
        (left, right) => left.cmp(&right),
    };
    by_value.then_with(|| left.1.id.cmp(&right.1.id))
}

fn is_missing((_, row): &Server, column: Column) -> bool {
    match column {
        Column::Name => row.name.is_empty(),
        Column::Tags => row.tags.is_empty(),
        Column::Addresses => row.addresses.is_empty(),
        Column::Flavor | Column::Vcpus | Column::Ram | Column::Disk => row.flavor.is_none(),
        Column::Image => row.image == Image::Volume,
        Column::Created => row.created_at == 0,
        Column::Updated => row.updated_at == 0,
        Column::Zone => row.availability_zone.is_none(),
        Column::Status | Column::Region | Column::Id => false,
    }
}

fn by_value(left: &Server, right: &Server, column: Column) -> Ordering {
    let natural = |left: &str, right: &str| natural_cmp(fold(left).as_bytes(), fold(right).as_bytes());
    let flavor = |of: fn(&api_types::servers::Flavor) -> u32| {
        left.1.flavor.as_ref().map(of).cmp(&right.1.flavor.as_ref().map(of))
    };
    let texts = |of: fn(&Server) -> String| natural(&of(left), &of(right));
    match column {
        Column::Name => texts(|(_, row)| row.name.clone()),
        Column::Region => texts(|(region, _)| region.to_string()),
        Column::Flavor => {
            texts(|(_, row)| row.flavor.as_ref().map(|flavor| flavor.name.clone()).unwrap_or_default())
        }
        Column::Image => texts(|(_, row)| image(row).unwrap_or_default()),
        Column::Zone => texts(|(_, row)| row.availability_zone.clone().unwrap_or_default()),
        Column::Vcpus => flavor(|flavor| flavor.vcpus),
        Column::Ram => flavor(|flavor| flavor.ram_mib),
        Column::Disk => flavor(|flavor| flavor.disk_gib),
        Column::Created => left.1.created_at.cmp(&right.1.created_at),
        Column::Updated => left.1.updated_at.cmp(&right.1.updated_at),
        Column::Id => left.1.id.to_string().cmp(&right.1.id.to_string()),
        Column::Tags => {
            let mut pairs = left.1.tags.iter().zip(&right.1.tags);
            let different =
                pairs.find_map(|(left, right)| Some(natural(left, right)).filter(|order| order.is_ne()));
            different.unwrap_or_else(|| left.1.tags.len().cmp(&right.1.tags.len()))
        }
        Column::Addresses => {
            // Addresses that parse, IPv4 before IPv6, before those that do not.
            let key = |server: &Server| server.1.addresses[0].ip.parse::<IpAddr>();
            match (key(left), key(right)) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                (Err(_), Err(_)) => natural(&left.1.addresses[0].ip, &right.1.addresses[0].ip),
                (left, right) => left.is_err().cmp(&right.is_err()),
            }
        }
        Column::Status => {
            let urgency = |(_, row): &Server| match status_kind(&row.status) {
                StatusKind::Failed => 1,
                StatusKind::Waiting => 2,
                StatusKind::Changing => 3,
                _ if row.task_state.is_some() => 3,
                StatusKind::Unknown => 4,
                StatusKind::Running => 5,
                StatusKind::Resting => 6,
            };
            let task = |(_, row): &Server| row.task_state.clone().unwrap_or_default();
            urgency(left)
                .cmp(&urgency(right))
                .then_with(|| natural(&left.1.status, &right.1.status))
                .then_with(|| natural(&task(left), &task(right)))
        }
    }
}
