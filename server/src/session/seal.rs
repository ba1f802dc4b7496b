//! Encrypts what must not lie readable in Postgres or in a cookie.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    AeadCore, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, OsRng, Payload},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::{EncryptionKey, SessionConfig};

/// Seals with the current key and opens with the current or the previous one (XChaCha20-Poly1305).
///
/// Sealed bytes: one byte of version, four that name the key, 24 of nonce, then the ciphertext. Each use has its own
/// `purpose`, which is authenticated but not stored: bytes moved to another row or another use do not open.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    current: Key,
    previous: Option<Key>,
}

struct Key {
    name: [u8; 4],
    cipher: XChaCha20Poly1305,
    /// Signs; derived, so that no key has two uses.
    mac: Hmac<Sha256>,
}

/// The cipher refused to encrypt, which only a plaintext of 256 GiB makes it do.
#[derive(Debug, thiserror::Error)]
#[error("the cipher refused")]
pub struct SealError;

const VERSION: u8 = 1;
const NONCE: std::ops::Range<usize> = 5..29;

impl Sealer {
    pub fn new(config: &SessionConfig) -> Self {
        let previous = config.previous_key.as_ref().map(Key::new);
        Self(Arc::new(Keys { current: Key::new(&config.key), previous }))
    }

    pub fn seal(&self, purpose: &str, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = &self.0.current;
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: plaintext, aad: purpose.as_bytes() };
        let ciphertext = key.cipher.encrypt(&nonce, payload).map_err(|_| SealError)?;
        Ok([&[VERSION], &key.name[..], &nonce[..], &ciphertext].concat())
    }

    /// A token that only we can have made for this purpose and these bytes: base64, 43 characters.
    pub fn sign(&self, purpose: &str, bytes: &[u8]) -> String {
        self.0.current.sign(purpose, bytes)
    }

    /// Whether a token was made by [`sign`](Self::sign), with either key; told in constant time.
    pub fn is_signed(&self, purpose: &str, bytes: &[u8], token: &str) -> bool {
        [Some(&self.0.current), self.0.previous.as_ref()]
            .into_iter()
            .flatten()
            .any(|key| key.sign(purpose, bytes).as_bytes().ct_eq(token.as_bytes()).into())
    }

    /// `None`: sealed with a key we no longer have, for another purpose, or not by us at all.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (name, nonce) = (sealed.get(1..5)?, sealed.get(NONCE)?);
        if sealed[0] != VERSION {
            return None;
        }
        let key = [Some(&self.0.current), self.0.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.name == name)?;
        let payload = Payload { msg: &sealed[NONCE.end..], aad: purpose.as_bytes() };
        key.cipher.decrypt(XNonce::from_slice(nonce), payload).ok()
    }
}

impl Key {
    fn new(key: &EncryptionKey) -> Self {
        // The name is derived, so that nobody has to keep a list of names in step with a list of keys.
        let digest = Sha256::new().chain_update(b"meridian key name").chain_update(key.expose()).finalize();
        let mut name = [0; 4];
        name.copy_from_slice(&digest[..4]);
        let mac_key = Sha256::new().chain_update(b"meridian mac key").chain_update(key.expose()).finalize();
        let mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&{
            // HMAC takes keys of its block's length; the rest is zeros by its definition.
            let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
            block[..32].copy_from_slice(&mac_key);
            block
        });
        Self { name, cipher: XChaCha20Poly1305::new(key.expose().into()), mac }
    }

    fn sign(&self, purpose: &str, bytes: &[u8]) -> String {
        let mut mac = self.mac.clone();
        // The length keeps a purpose from running into the bytes.
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(bytes);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(current: u8, previous: Option<u8>) -> Sealer {
        let key = |byte| Key::new(&EncryptionKey::new([byte; 32]));
        Sealer(Arc::new(Keys { current: key(current), previous: previous.map(key) }))
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_purpose_only() {
        let sealer = sealer(1, None);
        let sealed = sealer.seal("token of a", b"secret").expect("sealed");
        assert_eq!(sealer.open("token of a", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(sealer.open("token of b", &sealed), None);
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn during_rotation_both_keys_open_and_after_it_the_old_one_does_not() {
        let old = sealer(1, None).seal("p", b"secret").expect("sealed");
        assert!(sealer(2, Some(1)).open("p", &old).is_some());
        assert!(sealer(2, None).open("p", &old).is_none());
        let new = sealer(2, Some(1)).seal("p", b"secret").expect("sealed");
        assert!(sealer(2, None).open("p", &new).is_some());
    }

    #[test]
    fn a_signature_holds_for_its_purpose_and_bytes_and_through_a_rotation() {
        let token = sealer(1, None).sign("csrf", b"a");
        assert!(sealer(1, None).is_signed("csrf", b"a", &token));
        assert!(sealer(2, Some(1)).is_signed("csrf", b"a", &token));
        assert!(!sealer(2, None).is_signed("csrf", b"a", &token));
        assert!(!sealer(1, None).is_signed("csrf", b"b", &token));
        assert!(!sealer(1, None).is_signed("csr", b"fa", &token));
        assert!(!sealer(1, None).is_signed("csrf", b"a", ""));
    }

    #[test]
    fn bytes_that_were_changed_cut_or_made_up_do_not_open() {
        let sealer = sealer(1, None);
        let sealed = sealer.seal("p", b"secret").expect("sealed");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(sealer.open("p", &changed), None, "byte {at}");
            assert_eq!(sealer.open("p", &sealed[..at]), None, "cut at {at}");
        }
    }
}
