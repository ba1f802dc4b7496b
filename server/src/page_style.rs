//! The style of the pages that load in one round trip: inside the page, allowed by its hash.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// Goes between `<style>` and `</style>` as it is: the hash covers every byte.
pub const CSS: &str = include_str!("../templates/page.css");

/// `Content-Security-Policy` of such a page: no script, this one style. Without a script nothing connects; what looks
/// at the page from outside (Lighthouse at robots.txt) may.
pub fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(CSS));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self' data:; connect-src 'self'; \
             base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        )
    });
    &POLICY
}
