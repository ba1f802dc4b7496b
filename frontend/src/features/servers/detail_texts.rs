//! The words a person reads on a server's page.

pub const SERVERS: &str = "Servers";
pub const SECTIONS: &str = "Parts of this server";
pub const REFRESH: &str = "Refresh";
pub const ALL_ACTIONS: &str = "More actions";
pub const RESIZED: &str = "The server runs with its new size.";
pub const RESIZED_MORE: &str = "Confirm it, or go back to the old one.";
pub const RESIZE_ENDED: &str = "The resize ended";
pub const COPY: &str = "Copy";
pub const ON_ITS_WAY: &str = "Loading";
pub const UNKNOWN: &str = "—";
pub const LOCKED: &str = "Locked";
pub const UNNAMED: &str = "Unnamed server";

pub const GONE_TITLE: &str = "This server is no more";
pub const GONE_TEXT: &str = "It was deleted, or it is in another project.";
pub const BACK_TO_LIST: &str = "To the list of servers";
pub const NO_ADDRESS_TITLE: &str = "This is not the address of a server";
pub const NO_ADDRESS_TEXT: &str = "The region or the id in it is not one.";
pub const DEGRADED: &str = "Its region described this server in a way that could not be read as a whole. What could be \
                            read is shown; the JSON has all of it.";

pub const SERVER: &str = "Server";
pub const ID: &str = "ID";
pub const DESCRIPTION: &str = "Description";
pub const REGION: &str = "Region";
pub const ZONE: &str = "Availability zone";
pub const CREATED: &str = "Created";
pub const UPDATED: &str = "Updated";
pub const LAUNCHED: &str = "Launched";
pub const POWER: &str = "Power";
pub const VM_STATE: &str = "State in Nova";
pub const KEY: &str = "SSH key";
pub const USER: &str = "Created by";
pub const HOST: &str = "Host";
pub const CONFIG_DRIVE: &str = "Config drive";
pub const YES: &str = "Yes";
pub const NO: &str = "No";

pub const FLAVOR: &str = "Flavor";
pub const VCPUS: &str = "vCPUs";
pub const RAM: &str = "RAM";
pub const DISK: &str = "Disk";
pub const NO_DISK: &str = "As large as the image or volume";
pub const NO_FLAVOR: &str = "Not said";

pub const IMAGE: &str = "Image";
pub const IMAGE_ID: &str = "Image ID";
pub const FROM_VOLUME: &str = "Booted from a volume";
pub const IMAGE_GONE: &str = "Unknown, perhaps deleted";

pub const ADDRESSES: &str = "Addresses";
pub const ADDRESS: &str = "Address";
pub const NETWORK: &str = "Network";
pub const KIND: &str = "Kind";
pub const FIXED: &str = "Fixed";
pub const FLOATING: &str = "Floating";
pub const NO_ADDRESSES: &str = "It has no address.";
pub const PORTS: &str = "Ports";
pub const PORT: &str = "Port";
pub const MAC: &str = "MAC address";
pub const STATUS: &str = "Status";
pub const FIXED_IPS: &str = "Fixed IPs";
pub const NO_PORTS: &str = "No port is attached.";

pub const VOLUMES: &str = "Attached volumes";
pub const VOLUME: &str = "Volume";
pub const DEVICE: &str = "Device";
pub const WITH_SERVER: &str = "Deleted with the server";
pub const NO_VOLUMES: &str = "No volume is attached.";

pub const GROUPS: &str = "Security groups";
pub const NAME: &str = "Name";
pub const NO_GROUPS: &str = "It is in no security group.";

pub const TAGS: &str = "Tags";
pub const NO_TAGS: &str = "It has no tags.";
pub const METADATA: &str = "Metadata";
pub const VALUE: &str = "Value";
pub const NO_METADATA: &str = "It has no metadata.";

pub const HISTORY: &str = "Action history";
pub const ACTION: &str = "Action";
pub const STARTED: &str = "Started";
pub const OUTCOME: &str = "Outcome";
pub const BY: &str = "By";
pub const REQUEST: &str = "Request";
pub const OUR_REQUEST: &str = "For support";
pub const CLOUDS_REQUEST: &str = "In the cloud";
pub const DONE: &str = "No error";
pub const UNDER_WAY: &str = "Being asked for";
pub const UNCERTAIN: &str = "Not known: no answer says what became of it";
pub const PANEL: &str = "Panel";
pub const THROUGH_PANEL: &str = "Done through this panel";
pub const NOVAS_HISTORY: &str = "The cloud's own history";
pub const OUR_HISTORY: &str = "What was done through this panel";
pub const NO_HISTORY: &str = "Nothing was done to it yet.";

pub const JSON: &str = "JSON";
pub const JSON_ABOUT: &str = "What Nova answered, as it answered it.";
pub const COPY_JSON: &str = "Copy JSON";

/// What Neutron calls the state of a port, in words; what is not known is as it was said.
pub fn port_status(status: &str) -> &str {
    match status {
        "ACTIVE" => "Active",
        "BUILD" => "Building",
        "DOWN" => "Down",
        "ERROR" => "Error",
        other => other,
    }
}

/// What a part that could not be had says above its reason.
pub fn missing(what: &str) -> String {
    format!("{what} could not be loaded.")
}

/// The name of the button that copies this value.
pub fn copy(what: &str) -> String {
    format!("{COPY} {what}")
}

/// The name of the button that copies the id of a request; `log` says whose.
pub fn copy_request(log: &str, id: &str) -> String {
    format!("{COPY} request, {}: {id}", log.to_ascii_lowercase())
}

/// Why a server is locked, where somebody said.
pub fn locked_because(reason: Option<&str>) -> String {
    match reason.filter(|reason| !reason.trim().is_empty()) {
        Some(reason) => format!("{LOCKED}: {reason}"),
        None => LOCKED.to_owned(),
    }
}
