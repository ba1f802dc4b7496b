//! Ids that follow from the seed: the same name under the same seed always has the same id.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Makes the ids of one cloud.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    seed: u64,
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Ids { seed }
    }

    /// A UUID for a thing, named by the parts of its name: `["image", region, "debian-12"]`.
    pub fn uuid(&self, name: &[&str]) -> Uuid {
        let digest = self.digest(name);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Keystone's form of an id: 32 hex digits.
    pub fn hex(&self, name: &[&str]) -> String {
        hex::encode(&self.digest(name)[..16])
    }

    /// A seed for a generator of random numbers.
    pub fn number(&self, name: &[&str]) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.digest(name)[..8]);
        u64::from_le_bytes(bytes)
    }

    fn digest(&self, name: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        for part in name {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

/// A fresh id that nobody can guess or repeat, for tokens and what is created while the cloud runs.
pub fn fresh_uuid() -> Uuid {
    Uuid::new_v4()
}

/// The id of a request, as every service puts it into its answers.
pub fn request_id() -> String {
    format!("req-{}", Uuid::new_v4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_seed_and_name() {
        let one = Ids::new(1);
        assert_eq!(one.hex(&["user", "demo"]), Ids::new(1).hex(&["user", "demo"]));
        assert_ne!(one.hex(&["user", "demo"]), Ids::new(2).hex(&["user", "demo"]));
        assert_ne!(one.hex(&["ab", "c"]), one.hex(&["a", "bc"]));
        assert_eq!(one.uuid(&["x"]).get_version_num(), 4);
    }
}
