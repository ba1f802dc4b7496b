//! The knobs that make a service of a region misbehave, while the cloud runs.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

/// A service of the cloud, by its type in the service catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Keystone; there is one for all regions.
    Identity,
    /// Nova.
    Compute,
    /// Glance.
    Image,
    /// Neutron.
    Network,
    /// Cinder.
    #[serde(rename = "block-storage")]
    BlockStorage,
}

impl Service {
    pub const ALL: [Service; 5] =
        [Service::Identity, Service::Compute, Service::Image, Service::Network, Service::BlockStorage];

    /// The type in the service catalog.
    pub fn as_str(self) -> &'static str {
        match self {
            Service::Identity => "identity",
            Service::Compute => "compute",
            Service::Image => "image",
            Service::Network => "network",
            Service::BlockStorage => "block-storage",
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Service::ALL.into_iter().find(|service| service.as_str() == text);
        found
            .ok_or_else(|| format!("{text:?} is not one of identity, compute, image, network, block-storage"))
    }
}

/// How a service misbehaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// New connections are reset at once, requests on open ones are cut off unanswered.
    Refuse,
    /// Requests are received and never answered.
    Hang,
    /// The answer comes, slowly.
    Drip { bytes_per_second: u32 },
    /// Half of the body comes, then the connection ends.
    CutInTheMiddle,
    /// This status, with the body the service gives with it: 401, 403, 404, 409, 413, 429, 500, 503.
    Status(u16),
    /// What changes something is done, and answered with this status nevertheless: a gateway that lost the service
    /// after it had passed the request on. Reads are well.
    LostAnswer(u16),
    /// 200 with a body that is not JSON to the end.
    MalformedJson,
    /// One row in the middle of a list has wrong types and nulls; the others are well.
    MalformedRow,
    /// Uploads of image data are cut off once so much of one has come; all else is well.
    CutUpload { after_bytes: u64 },
    /// The answer comes this much later.
    Slow(#[serde(rename = "ms", with = "whole_millis")] Duration),
}

/// Which services misbehave at present.
#[derive(Debug, Default)]
pub struct Faults {
    active: RwLock<BTreeMap<(String, Service), Fault>>,
    /// Addresses the catalog names instead of the services' own.
    elsewhere: RwLock<BTreeMap<(String, Service), String>>,
}

/// One line of [`Faults::list`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// A region's name, or `*` for all; empty for the identity service.
    pub region: String,
    pub service: Service,
    pub fault: Fault,
}

impl Faults {
    /// Sets or clears the fault of a service in one region, or in all with `*`. A region's own fault
    /// goes before that of `*`; clearing `*` clears every region's.
    pub fn set(&self, region: &str, service: Service, fault: Option<Fault>) {
        let region = if service == Service::Identity { "" } else { region };
        let mut active = self.active.write();
        match fault {
            Some(fault) => {
                active.insert((region.to_owned(), service), fault);
            }
            None if region == "*" => active.retain(|(_, other), _| *other != service),
            None => {
                active.remove(&(region.to_owned(), service));
            }
        }
    }

    /// Ends every fault.
    pub fn clear(&self) {
        self.active.write().clear();
    }

    pub fn get(&self, region: &str, service: Service) -> Option<Fault> {
        let active = self.active.read();
        if active.is_empty() {
            return None;
        }
        let region = if service == Service::Identity { "" } else { region };
        let own = active.get(&(region.to_owned(), service));
        own.or_else(|| active.get(&("*".to_owned(), service))).cloned()
    }

    /// Lets the catalog name this address, or the service's own again.
    pub fn set_address(&self, region: &str, service: Service, url: Option<String>) {
        let key = (region.to_owned(), service);
        let mut elsewhere = self.elsewhere.write();
        match url {
            Some(url) => drop(elsewhere.insert(key, url)),
            None => drop(elsewhere.remove(&key)),
        }
    }

    /// The address the catalog names instead of the service's own.
    pub fn address(&self, region: &str, service: Service) -> Option<String> {
        self.elsewhere.read().get(&(region.to_owned(), service)).cloned()
    }

    pub fn list(&self) -> Vec<ActiveFault> {
        let active = self.active.read();
        let line = |((region, service), fault): (&(String, Service), &Fault)| ActiveFault {
            region: region.clone(),
            service: *service,
            fault: fault.clone(),
        };
        active.iter().map(line).collect()
    }
}

mod whole_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_millis(u64::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regions_own_fault_goes_before_that_of_all() {
        let faults = Faults::default();
        faults.set("*", Service::Compute, Some(Fault::Hang));
        faults.set("RegionTwo", Service::Compute, Some(Fault::Status(503)));
        assert_eq!(faults.get("RegionOne", Service::Compute), Some(Fault::Hang));
        assert_eq!(faults.get("RegionTwo", Service::Compute), Some(Fault::Status(503)));
        assert_eq!(faults.get("RegionOne", Service::Image), None);
        faults.set("*", Service::Compute, None);
        assert_eq!(faults.list(), []);
    }

    #[test]
    fn faults_read_from_the_json_of_the_control_api() {
        let read = |json: &str| serde_json::from_str::<Fault>(json).expect(json);
        assert_eq!(read(r#""hang""#), Fault::Hang);
        assert_eq!(read(r#"{"status": 503}"#), Fault::Status(503));
        assert_eq!(read(r#"{"drip": {"bytes_per_second": 100}}"#), Fault::Drip { bytes_per_second: 100 });
        assert_eq!(read(r#"{"lost_answer": 503}"#), Fault::LostAnswer(503));
        assert_eq!(read(r#"{"slow": 250}"#), Fault::Slow(Duration::from_millis(250)));
    }
}
