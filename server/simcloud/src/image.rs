//! An image as the simulated Glance keeps it: its record, whom it is shared with, and what stands for its
//! data.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha512};

/// An image of one region.
#[derive(Clone, Debug)]
pub struct Image {
    pub id: Arc<str>,
    /// Empty for one that was made without a name.
    pub name: String,
    /// `queued`, `saving`, `active`, `deactivated`.
    pub status: String,
    /// `public`, `private`, `shared`, `community`.
    pub visibility: String,
    pub owner: Arc<str>,
    pub disk_format: Option<String>,
    pub container_format: Option<String>,
    pub size_bytes: Option<u64>,
    pub virtual_size_bytes: Option<u64>,
    pub min_ram_mib: u64,
    pub min_disk_gib: u32,
    pub is_protected: bool,
    pub is_hidden: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub tags: Vec<String>,
    /// `os_distro`, `architecture` and the like, at the top level of the answer.
    pub properties: Vec<(String, String)>,
    pub members: Vec<Member>,
    /// What was uploaded, where it was small. Larger data was counted and thrown away.
    pub kept: Option<Bytes>,
}

/// A project that a shared image was offered to.
#[derive(Clone, Debug)]
pub struct Member {
    pub project_id: Arc<str>,
    /// `pending`, `accepted`, `rejected`.
    pub status: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Data as long as the image says, made from its id while it is sent: the same every time.
#[derive(Clone, Debug)]
pub struct Generated {
    pub length: u64,
    first: Bytes,
    block: Bytes,
}

/// A part of such data: from a position up to another.
#[derive(Clone, Debug)]
pub struct Part {
    pub data: Generated,
    pub from: u64,
    pub to: u64,
}

/// Uploads up to this size are kept and given back as they came.
pub const KEPT_BYTES: usize = 1 << 20;

const BLOCK_BYTES: usize = 64 * 1024;

impl Image {
    /// An image of a project without anything in it.
    pub fn queued(id: Arc<str>, name: String, owner: Arc<str>, now: DateTime<Utc>) -> Self {
        Image {
            id,
            name,
            status: "queued".to_owned(),
            visibility: "shared".to_owned(),
            owner,
            disk_format: None,
            container_format: None,
            size_bytes: None,
            virtual_size_bytes: None,
            min_ram_mib: 0,
            min_disk_gib: 0,
            is_protected: false,
            is_hidden: false,
            created_at: now,
            updated_at: now,
            tags: Vec::new(),
            properties: Vec::new(),
            members: Vec::new(),
            kept: None,
        }
    }

    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    /// MD5 and SHA-512, in hex. Those of the data where it was kept; otherwise made from the id.
    pub fn sums(&self) -> (String, String) {
        let data = self.kept.as_deref().unwrap_or(self.id.as_bytes());
        (hex::encode(<md5::Md5 as md5::Digest>::digest(data)), hex::encode(Sha512::digest(data)))
    }

    /// What a download gives where the data was not kept. `None` without data.
    pub fn generated(&self) -> Option<Generated> {
        let length = self.size_bytes?;
        let mut seed = [0; 32];
        seed.copy_from_slice(&Sha512::digest(self.id.as_bytes())[..32]);
        let mut block = vec![0; BLOCK_BYTES];
        StdRng::from_seed(seed).fill(block.as_mut_slice());
        let mut first = block.clone();
        if self.disk_format.as_deref() == Some("qcow2") {
            // So that what was downloaded can be uploaded again.
            first[..QCOW2_MAGIC.len()].copy_from_slice(QCOW2_MAGIC);
        }
        Some(Generated { length, first: first.into(), block: block.into() })
    }
}

/// How a qcow2 image begins.
pub const QCOW2_MAGIC: &[u8] = b"QFI\xfb";

impl Generated {
    /// The piece at a position, up to 64 KiB of it. `None` at the end.
    pub fn piece(&self, at: u64) -> Option<Bytes> {
        let left = self.length.checked_sub(at).filter(|left| *left > 0)?;
        let block = if at < BLOCK_BYTES as u64 { &self.first } else { &self.block };
        let offset = usize::try_from(at % BLOCK_BYTES as u64).unwrap_or(0);
        let end = usize::try_from(left).map_or(BLOCK_BYTES, |left| BLOCK_BYTES.min(offset + left));
        Some(block.slice(offset..end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_data_has_its_length_and_is_the_same_wherever_it_is_cut() {
        let mut image = Image::queued("id".into(), String::new(), "owner".into(), Utc::now());
        assert!(image.generated().is_none());
        image.disk_format = Some("qcow2".to_owned());
        for length in [1, 65_535, 65_536, 65_537, 200_000] {
            image.size_bytes = Some(length);
            let generated = image.generated().expect("data");
            let mut all = Vec::new();
            while let Some(piece) = generated.piece(all.len() as u64) {
                all.extend_from_slice(&piece);
            }
            assert_eq!(all.len() as u64, length);
            let middle = generated.piece(length / 2).expect("a middle");
            let from = usize::try_from(length / 2).expect("small");
            assert_eq!(all[from..from + middle.len()], middle);
        }
        assert!(image.generated().expect("data").piece(0).expect("a start").starts_with(QCOW2_MAGIC));
    }
}
