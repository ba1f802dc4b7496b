//! One-time passwords (RFC 6238, SHA-1, six digits, 30 s), as Keystone and authenticator apps make them.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha1::Sha1;

const STEP_SECONDS: i64 = 30;

/// The code of a base32 secret at a time. `None` when the secret is not base32.
pub fn code(secret_base32: &str, at: DateTime<Utc>) -> Option<String> {
    code_of_step(secret_base32, at.timestamp().div_euclid(STEP_SECONDS))
}

/// Whether a code is that of now or of the step before, which Keystone takes as well.
pub fn is_good(secret_base32: &str, passcode: &str, now: DateTime<Utc>) -> bool {
    let step = now.timestamp().div_euclid(STEP_SECONDS);
    [step, step - 1].iter().any(|step| code_of_step(secret_base32, *step).as_deref() == Some(passcode))
}

fn code_of_step(secret_base32: &str, step: i64) -> Option<String> {
    let secret = base32(secret_base32)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let four = [digest[offset] & 0x7f, digest[offset + 1], digest[offset + 2], digest[offset + 3]];
    Some(format!("{:06}", u32::from_be_bytes(four) % 1_000_000))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238's test vectors, `12345678901234567890`.
    const RFC_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The RFC gives eight digits; ours are the last six.
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            let at = DateTime::from_timestamp(seconds, 0).expect("time");
            assert_eq!(code(RFC_SECRET, at).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_the_next() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("time");
        assert!(is_good(RFC_SECRET, "287082", at(59)));
        assert!(is_good(RFC_SECRET, "287082", at(60)));
        assert!(!is_good(RFC_SECRET, "287082", at(90)));
        assert!(!is_good(RFC_SECRET, "", at(59)));
    }
}
