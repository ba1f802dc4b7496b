//! From Nova's JSON to rows, one row at a time: a row that cannot be read whole shows what could be read.

use std::{borrow::Cow, collections::BTreeMap, collections::HashMap};

use api_types::{
    ProjectId, ServerId,
    servers::{Address, Flavor, Image, ServerRow},
};
use chrono::{DateTime, NaiveDateTime};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

/// A page of a list, its rows still as they came.
#[derive(Deserialize)]
pub struct RawPage<'a> {
    #[serde(borrow)]
    pub servers: Vec<&'a RawValue>,
    #[serde(default)]
    servers_links: Vec<Link<'a>>,
}

/// Names that rows need and Nova does not send along.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Names of images by id.
    pub images: HashMap<String, String>,
    /// Flavors by id, for a Nova below 2.47 that sends only the id.
    pub flavors: HashMap<String, Flavor>,
}

impl Names {
    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        // An entry has its texts' lengths and places beside it, and a hash table keeps some of its places free.
        let images = self.images.iter().map(|(id, name)| id.len() + name.len() + 96);
        let flavors = self.flavors.iter().map(|(id, flavor)| id.len() + flavor.name.len() + 112);
        images.sum::<usize>() + flavors.sum::<usize>()
    }
}

impl<'a> RawPage<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// True when the upstream says that there is more: it links the next page.
    pub fn has_next(&self) -> bool {
        self.servers_links.iter().any(|link| link.rel == "next")
    }

    /// The ids of the page's servers, in order; rows without an id are left out.
    pub fn ids(&self) -> Vec<ServerId> {
        self.servers.iter().filter_map(|raw| id_of(raw)).collect()
    }
}

/// Reads one row. Never fails: what cannot be read is left empty and the row marked as degraded.
pub fn decode_row(raw: &RawValue, names: &Names) -> ServerRow {
    match serde_json::from_str::<NovaServer>(raw.get()) {
        Ok(server) => row_of(server, raw, names),
        Err(_) => decode_leniently(raw, names),
    }
}

/// Whose server a row is, where it says so.
#[derive(Deserialize)]
pub struct Owner<'a> {
    #[serde(borrow, default)]
    tenant_id: Option<Cow<'a, str>>,
}

impl<'a> Owner<'a> {
    pub fn of(raw: &'a RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or(Self { tenant_id: None })
    }

    /// False only for a server that says it is another project's.
    pub fn may_be(&self, project: &ProjectId) -> bool {
        self.tenant_id.as_deref().is_none_or(|tenant| tenant == project.as_str())
    }
}

/// True for a row that `changes-since` lists because the server is gone.
pub fn is_gone(row: &ServerRow) -> bool {
    // Soft-deleted servers are in no list either, though they can be restored for a while.
    matches!(row.status.as_str(), "DELETED" | "SOFT_DELETED")
}

/// Seconds since 1970 of a time as Nova writes it, with or without a zone and fractions; 0 for anything else.
pub fn seconds_of(text: &str) -> u32 {
    let parsed = DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp())
        .or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc().timestamp()));
    parsed.ok().and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0)
}

#[derive(Deserialize)]
struct Link<'a> {
    #[serde(borrow, default)]
    rel: Cow<'a, str>,
}

/// What a row needs of a server in a detailed list. Source: compute API, list servers detailed, 2.1 to 2.79.
#[derive(Deserialize)]
struct NovaServer<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, rename = "OS-EXT-STS:task_state", default)]
    task_state: Option<Cow<'a, str>>,
    #[serde(default)]
    locked: Option<bool>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(borrow, default)]
    addresses: Option<BTreeMap<String, Vec<NovaAddress<'a>>>>,
    #[serde(borrow, default)]
    flavor: Option<NovaFlavor<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    image: Option<NovaImage<'a>>,
    #[serde(borrow, rename = "OS-EXT-AZ:availability_zone", default)]
    availability_zone: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    created: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    updated: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    fault: Option<NovaFault<'a>>,
}

#[derive(Deserialize)]
struct NovaAddress<'a> {
    #[serde(borrow)]
    addr: Cow<'a, str>,
    #[serde(borrow, rename = "OS-EXT-IPS:type", default)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct NovaFlavor<'a> {
    #[serde(borrow, default)]
    original_name: Option<Cow<'a, str>>,
    #[serde(default)]
    vcpus: u32,
    /// MiB.
    #[serde(default)]
    ram: u32,
    /// GiB.
    #[serde(default)]
    disk: u32,
    /// Up to 2.46 this is all there is.
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

/// An object with an id, or an empty text for a server booted from a volume.
#[derive(Deserialize)]
#[serde(untagged)]
enum NovaImage<'a> {
    Image {
        #[serde(borrow)]
        id: Cow<'a, str>,
    },
    Text(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Deserialize)]
struct NovaFault<'a> {
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
}

/// Tells "said to be null" and "said" from "not said", which is what a row of a cell that is down looks like.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NovaImage<'de>>, D::Error> {
    let image = Option::<NovaImage>::deserialize(deserializer)?;
    Ok(Some(image.unwrap_or(NovaImage::Text(Cow::Borrowed("")))))
}

fn row_of(server: NovaServer<'_>, raw: &RawValue, names: &Names) -> ServerRow {
    let id = server.id.parse().ok();
    // A cell that is down answers with the id, the status UNKNOWN and little else (2.69).
    let is_whole = id.is_some() && server.image.is_some();
    ServerRow {
        id: id.unwrap_or_else(|| stand_in_id(raw)),
        name: clip(server.name),
        status: clip(server.status),
        task_state: some_text(server.task_state),
        is_locked: server.locked.unwrap_or(false),
        tags: server
            .tags
            .unwrap_or_default()
            .into_iter()
            .take(MOST_ITEMS)
            .map(|tag| clip(tag.into()))
            .collect(),
        metadata: server
            .metadata
            .unwrap_or_default()
            .into_iter()
            .take(MOST_ITEMS)
            .map(|(key, value)| (clip(key.into()), clip(value.into())))
            .collect(),
        addresses: addresses_of(server.addresses.unwrap_or_default()),
        flavor: server.flavor.and_then(|flavor| flavor_of(flavor, names)),
        image: match server.image {
            Some(NovaImage::Image { id } | NovaImage::Text(id)) if !id.is_empty() => image_of(&id, names),
            _ => Image::Volume,
        },
        availability_zone: some_text(server.availability_zone),
        created_at: server.created.as_deref().map_or(0, seconds_of),
        updated_at: server.updated.as_deref().map_or(0, seconds_of),
        fault: server.fault.and_then(|fault| some_text(fault.message)),
        is_degraded: !is_whole,
    }
}

fn addresses_of(networks: BTreeMap<String, Vec<NovaAddress<'_>>>) -> Vec<Address> {
    let mut addresses = Vec::new();
    for (network, of_network) in networks {
        for address in of_network {
            if addresses.len() == MOST_ITEMS {
                return addresses;
            }
            addresses.push(Address {
                ip: clip(address.addr),
                network: clip(network.as_str().into()),
                is_floating: address.kind.as_deref() == Some("floating"),
            });
        }
    }
    addresses
}

fn flavor_of(flavor: NovaFlavor<'_>, names: &Names) -> Option<Flavor> {
    let NovaFlavor { original_name, vcpus, ram, disk, id } = flavor;
    match (original_name, id) {
        (Some(name), _) => Some(Flavor { name: clip(name), vcpus, ram_mib: ram, disk_gib: disk }),
        // A deleted flavor has no name any more; its id is better than nothing.
        (None, Some(id)) => Some(names.flavors.get(&*id).cloned().unwrap_or_else(|| Flavor {
            name: clip(id),
            vcpus: 0,
            ram_mib: 0,
            disk_gib: 0,
        })),
        (None, None) => None,
    }
}

fn image_of(id: &str, names: &Names) -> Image {
    let id = clip(id.into());
    match names.images.get(&id) {
        Some(name) => Image::Named { name: name.clone(), id },
        None => Image::Unnamed { id },
    }
}

fn some_text(text: Option<Cow<'_, str>>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(clip)
}

/// Nova bounds names, tags and metadata to 255 characters; a fault's message may be a stack trace.
const LONGEST_TEXT: usize = 2048;
/// Nova's quota on metadata is 128 by default, tags are 50 at most; nobody reads more in a row.
const MOST_ITEMS: usize = 256;

pub(super) fn clip(text: Cow<'_, str>) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.into_owned();
    }
    let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

/// Reads what can be read of a row that has a wrong type or lacks something.
fn decode_leniently(raw: &RawValue, names: &Names) -> ServerRow {
    let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(|text| clip(text.into()));
    let some = |key: &str| text(key).filter(|text| !text.is_empty());
    let flavor = value.get("flavor").and_then(|flavor| NovaFlavor::deserialize(flavor).ok());
    let image = value.get("image").and_then(|image| image.get("id")).and_then(Value::as_str);
    let metadata = value.get("metadata").and_then(Value::as_object).into_iter().flatten();
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    let networks = value.get("addresses").and_then(Value::as_object).into_iter().flatten();
    let addresses = networks
        .map(|(network, list)| {
            let list = list.as_array().into_iter().flatten();
            (network.clone(), list.filter_map(|address| NovaAddress::deserialize(address).ok()).collect())
        })
        .collect();
    ServerRow {
        id: id_of(raw).unwrap_or_else(|| stand_in_id(raw)),
        name: text("name").unwrap_or_default(),
        status: some("status").unwrap_or_else(|| "UNKNOWN".to_owned()),
        task_state: some("OS-EXT-STS:task_state"),
        is_locked: value.get("locked").and_then(Value::as_bool).unwrap_or(false),
        tags: tags.filter_map(|tag| Some(clip(tag.as_str()?.into()))).take(MOST_ITEMS).collect(),
        metadata: metadata
            .filter_map(|(key, value)| Some((clip(key.into()), clip(value.as_str()?.into()))))
            .take(MOST_ITEMS)
            .collect(),
        addresses: addresses_of(addresses),
        flavor: flavor.and_then(|flavor| flavor_of(flavor, names)),
        image: image.map_or(Image::Volume, |id| image_of(id, names)),
        availability_zone: some("OS-EXT-AZ:availability_zone"),
        created_at: some("created").map_or(0, |text| seconds_of(&text)),
        updated_at: some("updated").map_or(0, |text| seconds_of(&text)),
        fault: value
            .get("fault")
            .and_then(|fault| fault.get("message"))
            .and_then(Value::as_str)
            .map(|text| clip(text.into())),
        is_degraded: true,
    }
}

/// The id a row says, or the one in its link to itself.
fn id_of(raw: &RawValue) -> Option<ServerId> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    if let Ok(Id { id }) = serde_json::from_str::<Id>(raw.get()) {
        return id.parse().ok();
    }
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    let links = value.get("links")?.as_array()?;
    links.iter().find_map(|link| link.get("href")?.as_str()?.rsplit('/').next()?.parse().ok())
}

/// A row without any id still has its place. Made of what tells it from others and rarely changes, so that it is
/// the same row at the next refresh.
fn stand_in_id(raw: &RawValue) -> ServerId {
    let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
    let mut hash = Sha256::new();
    let mut is_distinct = false;
    for key in ["id", "name", "created", "hostId"] {
        if let Some(part) = value.get(key).filter(|part| !part.is_null()) {
            hash.update(key);
            hash.update(part.to_string());
            is_distinct = true;
        }
    }
    if !is_distinct {
        hash.update(raw.get());
    }
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    ServerId(id)
}

#[cfg(test)]
mod tests;
