//! Makes key pairs as OpenSSH writes them: Ed25519, without a passphrase.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};

/// Both halves of a key pair, as files hold them.
pub struct Pair {
    /// `ssh-ed25519 AAAA... Generated-by-Nova`
    pub public_key: String,
    /// `-----BEGIN OPENSSH PRIVATE KEY-----` and so on.
    pub private_key: String,
}

const KIND: &[u8] = b"ssh-ed25519";
const COMMENT: &[u8] = b"Generated-by-Nova";

/// Where the 32 bytes of the key stand in the document that `ring` makes (RFC 8410).
const SEED: std::ops::Range<usize> = 16..48;

/// A new pair. `None` where the machine gives no random numbers.
pub fn generate() -> Option<Pair> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).ok()?;
    let seed = document.as_ref().get(SEED)?;
    let public = pair.public_key().as_ref();

    let mut blob = Vec::new();
    put(&mut blob, KIND);
    put(&mut blob, public);

    // The layout is that of openssh-portable/PROTOCOL.key.
    let check: [u8; 4] = rand::random();
    let mut secret = Vec::new();
    secret.extend(check);
    secret.extend(check);
    put(&mut secret, KIND);
    put(&mut secret, public);
    put(&mut secret, &[seed, public].concat());
    put(&mut secret, COMMENT);
    for number in 1_u8..8 {
        if secret.len() % 8 == 0 {
            break;
        }
        secret.push(number);
    }

    let mut file = b"openssh-key-v1\0".to_vec();
    put(&mut file, b"none");
    put(&mut file, b"none");
    put(&mut file, b"");
    file.extend(1_u32.to_be_bytes());
    put(&mut file, &blob);
    put(&mut file, &secret);

    let encoded = STANDARD.encode(&file);
    let mut private_key = "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned();
    for line in encoded.as_bytes().chunks(70) {
        private_key.push_str(&String::from_utf8_lossy(line));
        private_key.push('\n');
    }
    private_key.push_str("-----END OPENSSH PRIVATE KEY-----\n");
    let comment = String::from_utf8_lossy(COMMENT);
    Some(Pair { public_key: format!("ssh-ed25519 {} {comment}", STANDARD.encode(&blob)), private_key })
}

/// A text with its length before it, as SSH writes texts.
fn put(target: &mut Vec<u8>, text: &[u8]) {
    target.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    target.extend(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next text with its length before it.
    fn take<'a>(from: &mut &'a [u8]) -> &'a [u8] {
        let (length, rest) = from.split_at(4);
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let (text, rest) = rest.split_at(length);
        *from = rest;
        text
    }

    #[test]
    fn a_pair_holds_together() {
        let pair = generate().expect("a pair");
        let public = STANDARD.decode(pair.public_key.split(' ').nth(1).expect("a key")).expect("base64");
        let body: String = pair.private_key.lines().filter(|line| !line.starts_with('-')).collect();
        let file = STANDARD.decode(body).expect("base64");
        let mut rest = file.strip_prefix(b"openssh-key-v1\0").expect("the magic");
        assert_eq!(
            (take(&mut rest), take(&mut rest), take(&mut rest)),
            (&b"none"[..], &b"none"[..], &b""[..])
        );
        assert_eq!(rest[..4], [0, 0, 0, 1]);
        rest = &rest[4..];
        assert_eq!(take(&mut rest), public);
        let secret = take(&mut rest);
        assert_eq!(secret.len() % 8, 0);
        assert_eq!(secret[..4], secret[4..8]);
        let mut secret = &secret[8..];
        assert_eq!(take(&mut secret), KIND);
        let of_public = take(&mut secret);
        let both = take(&mut secret);
        let made = Ed25519KeyPair::from_seed_and_public_key(&both[..32], of_public);
        assert_eq!(made.expect("halves of one pair").public_key().as_ref(), of_public);
        assert_eq!(take(&mut secret), COMMENT);
        assert!(secret.iter().zip(1..).all(|(own, expected)| *own == expected));
    }
}
