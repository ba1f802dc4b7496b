//! Who has which flag where operators set nothing.

use api_types::flags::Flag;

use super::reader::Reader;

/// The share of users who have each flag, in percent, until operators set another in the console.
#[derive(Clone, Copy, Debug)]
pub struct FlagsConfig {
    /// Pages tell the panel what happens in them. `flags.client_log`, `FLAGS_CLIENT_LOG`, default 100.
    pub client_log: u8,
}

impl FlagsConfig {
    pub fn percent(&self, flag: Flag) -> u8 {
        match flag {
            Flag::ClientLog => self.client_log,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        Self {
            client_log: reader.number("flags.client_log", "FLAGS_CLIENT_LOG", default.client_log, 0..=100),
        }
    }
}

impl Default for FlagsConfig {
    fn default() -> Self {
        Self { client_log: 100 }
    }
}
