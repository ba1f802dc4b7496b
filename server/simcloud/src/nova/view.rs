//! A server as Nova's answers show it, field by field as the microversion has them. Written straight
//! to JSON: a page of 1,000 is 1.6 MB.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::json;
use sha2::{Digest, Sha224};

use super::Context;
use super::microversion::Microversion;
use crate::clock::{micros, seconds_z};
use crate::image::Image;
use crate::server::{Nic, SimServer};

/// What the view of a server depends on beside the server.
#[derive(Clone, Copy)]
pub struct Lens<'a> {
    pub base_url: &'a str,
    pub version: Microversion,
    pub is_admin: bool,
    /// Shown alone rather than in a list, which has no server groups.
    pub is_alone: bool,
    /// For the image's properties.
    pub images: &'a [Image],
}

/// A server in full.
pub struct ServerDetail<'a> {
    pub server: &'a SimServer,
    pub lens: Lens<'a>,
}

/// A server's name and links.
pub struct ServerName<'a> {
    pub server: &'a SimServer,
    pub lens: Lens<'a>,
}

impl<'a> Lens<'a> {
    pub fn of(context: &'a Context<'_>, images: &'a [Image], is_alone: bool) -> Self {
        Lens {
            base_url: &context.call.base_url,
            version: context.version,
            is_admin: context.caller.is_admin(),
            is_alone,
            images,
        }
    }

    fn has(&self, minor: u16) -> bool {
        self.version >= Microversion(minor)
    }
}

impl Serialize for ServerName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("id", &self.server.id)?;
        map.serialize_entry("name", overridden(self.server, "name").unwrap_or(&json!(self.server.name)))?;
        map.serialize_entry("links", &Links { base_url: self.lens.base_url, id: &self.server.id })?;
        map.end()
    }
}

impl Serialize for ServerDetail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ServerDetail { server, lens } = self;
        let overrides = server.rare.as_ref().map(|rare| &rare.overrides);
        let mut map = Fields { map: serializer.serialize_map(None)?, overrides };
        map.entry("id", &server.id)?;
        map.entry("name", &server.name)?;
        map.entry("status", &server.status)?;
        map.entry("tenant_id", &server.project_id)?;
        map.entry("user_id", &server.user_id)?;
        map.entry("metadata", &Metadata(&server.metadata))?;
        map.entry("hostId", &host_id(server))?;
        self.image(&mut map)?;
        self.flavor(&mut map)?;
        map.entry("created", &seconds_z(server.created_at))?;
        map.entry("updated", &seconds_z(server.updated_at))?;
        map.entry("addresses", &Addresses { nics: &server.nics, with_extensions: true })?;
        map.entry("accessIPv4", "")?;
        map.entry("accessIPv6", "")?;
        map.entry("links", &Links { base_url: lens.base_url, id: &server.id })?;
        map.entry("OS-DCF:diskConfig", "MANUAL")?;
        if matches!(
            &*server.status,
            "ACTIVE" | "BUILD" | "REBUILD" | "RESIZE" | "VERIFY_RESIZE" | "MIGRATING"
        ) {
            map.entry("progress", &0)?;
        }
        if matches!(&*server.status, "ERROR" | "DELETED") {
            self.fault(&mut map)?;
        }
        map.entry("OS-EXT-AZ:availability_zone", &server.availability_zone)?;
        let has_drive = server.rare.as_ref().is_some_and(|rare| rare.config_drive);
        map.entry("config_drive", if has_drive { "True" } else { "" })?;
        map.entry("key_name", &server.key_name)?;
        map.entry("OS-SRV-USG:launched_at", &server.launched_at.map(micros))?;
        map.entry("OS-SRV-USG:terminated_at", &server.terminated_at.map(micros))?;
        if !server.nics.is_empty() && !server.security_groups.is_empty() {
            map.entry("security_groups", &SecurityGroups(&server.security_groups))?;
        }
        map.entry("OS-EXT-STS:task_state", &server.task_state)?;
        map.entry("OS-EXT-STS:vm_state", &server.vm_state)?;
        map.entry("OS-EXT-STS:power_state", &server.power_state)?;
        map.entry("os-extended-volumes:volumes_attached", &Volumes { server, has_termination: lens.has(3) })?;
        if lens.is_admin {
            self.for_administrators(&mut map)?;
        }
        self.of_newer_versions(&mut map)?;
        map.end()
    }
}

impl ServerDetail<'_> {
    fn image<M: SerializeMap>(&self, map: &mut Fields<'_, M>) -> Result<(), M::Error> {
        let Some(id) = &self.server.image_id else { return map.entry("image", "") };
        let href = format!("{}/images/{id}", self.lens.base_url);
        let mut image = json!({"id": id, "links": [{"rel": "bookmark", "href": href}]});
        if self.lens.has(98) {
            let known = self.lens.images.iter().find(|known| known.id == *id);
            let properties =
                known.map(|image| image.properties.iter().cloned().collect()).unwrap_or_default();
            image["properties"] = serde_json::Value::Object(
                std::collections::BTreeMap::<String, String>::into_iter(properties)
                    .map(|(key, value)| (key, value.into()))
                    .collect(),
            );
        }
        map.entry("image", &image)
    }

    fn flavor<M: SerializeMap>(&self, map: &mut Fields<'_, M>) -> Result<(), M::Error> {
        let flavor = &self.server.flavor;
        if !self.lens.has(47) {
            let href = format!("{}/flavors/{}", self.lens.base_url, flavor.id);
            return map
                .entry("flavor", &json!({"id": flavor.id, "links": [{"rel": "bookmark", "href": href}]}));
        }
        map.entry("flavor", &FlavorValues(flavor))
    }

    fn fault<M: SerializeMap>(&self, map: &mut Fields<'_, M>) -> Result<(), M::Error> {
        let Some(fault) = self.server.fault() else { return Ok(()) };
        let mut shown = json!({
            "code": fault.code,
            "created": seconds_z(fault.created_at),
            "message": fault.message,
        });
        if self.lens.is_admin {
            shown["details"] = json!(format!(
                "Traceback (most recent call last):\n  File \"nova/conductor/manager.py\", line 728, in \
                 build_instances\n    raise exception.MaxRetriesExceeded(reason=msg)\n{}\n",
                fault.message
            ));
        }
        map.entry("fault", &shown)
    }

    fn for_administrators<M: SerializeMap>(&self, map: &mut Fields<'_, M>) -> Result<(), M::Error> {
        let server = self.server;
        map.entry("OS-EXT-SRV-ATTR:host", &server.host)?;
        map.entry("OS-EXT-SRV-ATTR:instance_name", &format!("instance-{:08x}", server.id.as_fields().0))?;
        map.entry("OS-EXT-SRV-ATTR:hypervisor_hostname", &server.host)?;
        if self.lens.has(3) {
            map.entry("OS-EXT-SRV-ATTR:hostname", &server.host_name())?;
            map.entry("OS-EXT-SRV-ATTR:kernel_id", "")?;
            map.entry("OS-EXT-SRV-ATTR:launch_index", &0)?;
            map.entry("OS-EXT-SRV-ATTR:ramdisk_id", "")?;
            map.entry("OS-EXT-SRV-ATTR:reservation_id", &format!("r-{:08x}", server.id.as_fields().0))?;
            map.entry("OS-EXT-SRV-ATTR:root_device_name", "/dev/vda")?;
            let user_data = server.rare.as_ref().and_then(|rare| rare.user_data.as_deref());
            map.entry("OS-EXT-SRV-ATTR:user_data", &user_data)?;
        }
        if self.lens.has(16) {
            map.entry("host_status", if server.host.is_some() { "UP" } else { "" })?;
        }
        Ok(())
    }

    fn of_newer_versions<M: SerializeMap>(&self, map: &mut Fields<'_, M>) -> Result<(), M::Error> {
        let (server, lens) = (self.server, self.lens);
        let rare = server.rare.as_deref();
        if lens.has(9) {
            map.entry("locked", &server.is_locked)?;
        }
        if lens.has(19) {
            map.entry("description", &rare.and_then(|rare| rare.description.as_deref()))?;
        }
        if lens.has(26) {
            map.entry("tags", &server.tags)?;
        }
        if lens.has(63) {
            map.entry("trusted_image_certificates", &())?;
        }
        if lens.has(71) && lens.is_alone {
            let group = rare.and_then(|rare| rare.server_group_id);
            map.entry("server_groups", &group.as_slice())?;
        }
        if lens.has(73) {
            let reason = rare.filter(|_| server.is_locked).and_then(|rare| rare.locked_reason.as_deref());
            map.entry("locked_reason", &reason)?;
        }
        if lens.has(90) && !lens.is_admin {
            map.entry("OS-EXT-SRV-ATTR:hostname", &server.host_name())?;
        }
        if lens.has(96) {
            map.entry("pinned_availability_zone", &())?;
        }
        if lens.has(100) {
            map.entry("scheduler_hints", &json!({}))?;
        }
        Ok(())
    }
}

/// The fields of a server, some of which a test may have replaced.
struct Fields<'a, M> {
    map: M,
    overrides: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

impl<M: SerializeMap> Fields<'_, M> {
    fn entry(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), M::Error> {
        match self.overrides.and_then(|overrides| overrides.get(key)) {
            Some(replaced) => self.map.serialize_entry(key, replaced),
            None => self.map.serialize_entry(key, value),
        }
    }

    fn end(self) -> Result<M::Ok, M::Error> {
        self.map.end()
    }
}

fn overridden<'a>(server: &'a SimServer, key: &str) -> Option<&'a serde_json::Value> {
    server.rare.as_ref()?.overrides.get(key)
}

/// Tells the host apart for its project without naming it.
pub fn host_id(server: &SimServer) -> String {
    let Some(host) = &server.host else { return String::new() };
    let mut hash = Sha224::new();
    hash.update(server.project_id.as_bytes());
    hash.update(host.as_bytes());
    hex::encode(hash.finalize())
}

struct Links<'a> {
    base_url: &'a str,
    id: &'a uuid::Uuid,
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Link<'a> {
            rel: &'static str,
            href: std::fmt::Arguments<'a>,
        }
        let Links { base_url, id } = self;
        let mut links = serializer.serialize_seq(Some(2))?;
        links.serialize_element(&Link { rel: "self", href: format_args!("{base_url}/v2.1/servers/{id}") })?;
        links.serialize_element(&Link { rel: "bookmark", href: format_args!("{base_url}/servers/{id}") })?;
        links.end()
    }
}

struct FlavorValues<'a>(&'a crate::server::Flavor);

impl Serialize for FlavorValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flavor = self.0;
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("vcpus", &flavor.vcpus)?;
        map.serialize_entry("ram", &flavor.ram_mib)?;
        map.serialize_entry("disk", &flavor.disk_gib)?;
        map.serialize_entry("ephemeral", &flavor.ephemeral_gib)?;
        map.serialize_entry("swap", &flavor.swap_mib)?;
        map.serialize_entry("original_name", &flavor.name)?;
        map.serialize_entry("extra_specs", &StringPairs(&flavor.extra_specs))?;
        map.end()
    }
}

/// Pairs of texts as an object.
pub struct StringPairs<'a>(pub &'a [(String, String)]);

impl Serialize for StringPairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// A server's metadata as an object.
pub struct Metadata<'a>(pub &'a [(Arc<str>, Arc<str>)]);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Addresses by network, with the kind and the MAC or, in the older call, without.
pub struct Addresses<'a> {
    pub nics: &'a [Nic],
    pub with_extensions: bool,
}

impl Serialize for Addresses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, nic) in self.nics.iter().enumerate() {
            // Two cards in one network stand in one list.
            if self.nics[..index].iter().any(|before| before.network == nic.network) {
                continue;
            }
            let of_network = self.nics.iter().filter(|other| other.network == nic.network);
            let addresses: Vec<Address<'_>> = of_network.flat_map(|nic| self.of(nic)).collect();
            map.serialize_entry(&*nic.network, &addresses)?;
        }
        map.end()
    }
}

impl Addresses<'_> {
    fn of<'n>(&self, nic: &'n Nic) -> Vec<Address<'n>> {
        let with_extensions = self.with_extensions;
        let fixed = nic.fixed.iter().map(|ip| (ip, "fixed"));
        let all = fixed.chain(nic.floating.iter().map(|ip| (ip, "floating")));
        all.map(|(ip, kind)| Address { ip, kind, mac: nic.mac, with_extensions }).collect()
    }
}

struct Address<'a> {
    ip: &'a std::net::IpAddr,
    kind: &'static str,
    mac: [u8; 6],
    with_extensions: bool,
}

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", if self.ip.is_ipv6() { &6 } else { &4 })?;
        map.serialize_entry("addr", self.ip)?;
        if self.with_extensions {
            map.serialize_entry("OS-EXT-IPS:type", self.kind)?;
            map.serialize_entry("OS-EXT-IPS-MAC:mac_addr", &mac_text(self.mac))?;
        }
        map.end()
    }
}

pub fn mac_text([a, b, c, d, e, f]: [u8; 6]) -> String {
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

struct SecurityGroups<'a>(&'a [Arc<str>]);

impl Serialize for SecurityGroups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Group<'a> {
            name: &'a str,
        }
        serializer.collect_seq(self.0.iter().map(|name| Group { name }))
    }
}

struct Volumes<'a> {
    server: &'a SimServer,
    has_termination: bool,
}

impl Serialize for Volumes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Volume<'a> {
            id: &'a uuid::Uuid,
            #[serde(skip_serializing_if = "Option::is_none")]
            delete_on_termination: Option<bool>,
        }
        let volume = |volume: &'_ crate::server::VolumeAttachment| {
            json!(Volume {
                id: &volume.volume_id,
                delete_on_termination: self.has_termination.then_some(volume.delete_on_termination),
            })
        };
        serializer.collect_seq(self.server.volumes.iter().map(volume))
    }
}
