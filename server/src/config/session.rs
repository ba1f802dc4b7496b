//! How long sessions live and what protects the tokens in them.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::reader::Reader;
use crate::secret::Secret;

/// Sessions and the keys that protect their tokens.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Encrypts tokens. 32 random bytes in base64 (`openssl rand -base64 32`): `session.key`, `SESSION_KEY`, required.
    pub key: EncryptionKey,
    /// Still decrypts what was encrypted before the key was changed. `session.previous_key`, `SESSION_PREVIOUS_KEY`,
    /// default none. Also the key that other nodes have already: how keys are changed stands in the README.
    pub previous_key: Option<EncryptionKey>,
    /// A session unused for so long has ended; uses are written down once a minute. `session.idle_secs`, `SESSION_IDLE_SECS`, default 7200.
    pub idle: Duration,
    /// A session ends so long after its sign-in, used or not. `session.absolute_secs`, `SESSION_ABSOLUTE_SECS`,
    /// default 86400.
    pub absolute: Duration,
    /// How long sessions in memory go on being served while Postgres does not answer, since they were last read.
    /// `session.memory_grace_secs`, `SESSION_MEMORY_GRACE_SECS`, default 900.
    pub memory_grace: Duration,
    /// How old a session in memory may get before it is read again, while revocations are heard at once.
    /// `session.cache_secs`, `SESSION_CACHE_SECS`, default 60.
    pub cache: Duration,
    /// The same while the connection that brings revocations is down. `session.cache_deaf_secs`,
    /// `SESSION_CACHE_DEAF_SECS`, default 5.
    pub cache_deaf: Duration,
    /// The panel warns so long before Keystone's token expires. `session.warn_before_expiry_secs`,
    /// `SESSION_WARN_BEFORE_EXPIRY_SECS`, default 300.
    pub warn_before_expiry: Duration,
    /// Keystone's tokens of an ended session are revoked so much later: servers that are being built go on with them.
    /// `session.revoke_after_secs`, `SESSION_REVOKE_AFTER_SECS`, default 600; 0 revokes at once.
    pub revoke_after: Duration,
}

/// 256 bits, printed as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey(Secret<[u8; 32]>);

impl SessionConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let seconds = Duration::from_secs;
        let key = reader.parse_secret("session.key", "SESSION_KEY", EncryptionKey::parse);
        if key.is_none() {
            reader.missing(
                "session.key",
                "SESSION_KEY",
                "is required: 32 random bytes in base64 (openssl rand -base64 32)",
            );
        }
        let day = 86_400.0;
        Self {
            key: key.unwrap_or_else(|| EncryptionKey::new([0; 32])),
            previous_key: reader.parse_secret(
                "session.previous_key",
                "SESSION_PREVIOUS_KEY",
                EncryptionKey::parse,
            ),
            idle: reader.seconds("session.idle_secs", "SESSION_IDLE_SECS", seconds(7200), 300.0..=30.0 * day),
            absolute: reader.seconds(
                "session.absolute_secs",
                "SESSION_ABSOLUTE_SECS",
                seconds(86_400),
                300.0..=90.0 * day,
            ),
            memory_grace: reader.seconds(
                "session.memory_grace_secs",
                "SESSION_MEMORY_GRACE_SECS",
                seconds(900),
                0.0..=86_400.0,
            ),
            cache: reader.seconds("session.cache_secs", "SESSION_CACHE_SECS", seconds(60), 0.0..=3600.0),
            cache_deaf: reader.seconds(
                "session.cache_deaf_secs",
                "SESSION_CACHE_DEAF_SECS",
                seconds(5),
                0.0..=60.0,
            ),
            warn_before_expiry: reader.seconds(
                "session.warn_before_expiry_secs",
                "SESSION_WARN_BEFORE_EXPIRY_SECS",
                seconds(300),
                10.0..=3600.0,
            ),
            revoke_after: reader.seconds(
                "session.revoke_after_secs",
                "SESSION_REVOKE_AFTER_SECS",
                seconds(600),
                0.0..=3600.0,
            ),
        }
    }
}

impl EncryptionKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// As the configuration has it: base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refusal = "is not base64 of exactly 32 bytes (openssl rand -base64 32)";
        let bytes = STANDARD.decode(text).map_err(|_| refusal.to_owned())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| refusal.to_owned())?;
        // A key of one byte repeated is an example somebody forgot to replace.
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err("is one byte repeated, not random".to_owned());
        }
        Ok(Self::new(bytes))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
