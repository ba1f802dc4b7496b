//! The style of the pages that load in one round trip, inside the page and allowed by its hash; and the theme of all.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::session::plain_cookie;

/// Goes between `<style>` and `</style>` as it is: the hash covers every byte.
pub const CSS: &str = include_str!("../templates/page.css");

/// The theme a person chose, kept by the browser's program in a cookie, so that the first paint has it: `light`, `dark`
/// or `system`.
pub fn theme(headers: &HeaderMap) -> &'static str {
    match plain_cookie(headers, "theme") {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "system",
    }
}

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
