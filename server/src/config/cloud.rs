//! What the cloud's operator set in its services and no API tells.

use super::reader::Reader;

/// How the cloud behaves.
#[derive(Clone, Debug, Default)]
pub struct CloudConfig {
    /// Nova's `resize_confirm_window` in seconds: a resize nobody confirmed or reverted for so long is confirmed by
    /// Nova itself. `cloud.resize_confirm_secs`, `CLOUD_RESIZE_CONFIRM_SECS`, default none: it waits for a person, as
    /// it does in Nova with 0.
    pub resize_confirm_secs: Option<u32>,
}

impl CloudConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const LONGEST: u32 = 365 * 86_400;
        let secs = reader.number("cloud.resize_confirm_secs", "CLOUD_RESIZE_CONFIRM_SECS", 0, 0..=LONGEST);
        Self { resize_confirm_secs: Some(secs).filter(|secs| *secs > 0) }
    }
}
