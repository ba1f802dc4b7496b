//! Which node this is and where it stands.

use super::reader::Reader;

/// How this node is called in the log, in the table of nodes and in the operator's console. The regions of the cloud
/// are something else: this is where the panel's own process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// `node.name`, `NODE_NAME`, default the host's name.
    pub name: String,
    /// `node.region`, `NODE_REGION`, default none.
    pub region: Option<String>,
    /// `node.zone`, `NODE_ZONE`, default none.
    pub zone: Option<String>,
    /// `node.environment`, `NODE_ENVIRONMENT`, such as `production`; default none.
    pub environment: Option<String>,
}

const LONGEST: usize = 64;

impl NodeConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            name: reader.parse("node.name", "NODE_NAME", parse).unwrap_or_else(host_name),
            region: reader.parse("node.region", "NODE_REGION", parse),
            zone: reader.parse("node.zone", "NODE_ZONE", parse),
            environment: reader.parse("node.environment", "NODE_ENVIRONMENT", parse),
        }
    }
}

fn parse(text: &str) -> Result<String, String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text.len() <= LONGEST && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("has more than {LONGEST} letters, digits, dots, hyphens and underscores"))
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    name.and_then(|name| parse(name.trim()).ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "node".to_owned())
}
