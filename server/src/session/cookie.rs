//! The session's cookie, and the tokens that keep other sites from using it.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::PublicUrl;

/// Names and attributes of our cookies.
///
/// Over HTTPS the names begin with `__Host-`, so that no other host and no plain connection can set them, and
/// `Secure` is on. Over plain HTTP on this machine (see [`PublicUrl`]) browsers would refuse both.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    is_https: bool,
}

/// 256 random bits that only the browser keeps. We keep their hash.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieSecret([u8; 32]);

impl Cookies {
    /// The session.
    pub const SESSION: &'static str = "meridian";
    /// Ties the sign-in form to the browser that asked for it.
    pub const FORM: &'static str = "meridian-form";
    /// The first factor, accepted, while the second is asked for.
    pub const FACTOR: &'static str = "meridian-factor";

    pub fn new(public_url: &PublicUrl) -> Self {
        Self { is_https: public_url.is_https() }
    }

    /// The full name of one of the cookies above.
    pub fn name(self, name: &str) -> String {
        if self.is_https { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// The value of one of the cookies above.
    pub fn get(self, headers: &HeaderMap, name: &str) -> Option<String> {
        plain_cookie(headers, &self.name(name)).map(str::to_owned)
    }

    /// The secret in a request's session cookie, or in the form's, if it has the shape of one.
    pub fn secret(self, headers: &HeaderMap, name: &str) -> Option<CookieSecret> {
        CookieSecret::parse(plain_cookie(headers, &self.name(name))?)
    }

    /// `Set-Cookie`: kept until the browser is closed, or for `max_age_secs`.
    pub fn set(self, name: &str, value: &str, max_age_secs: Option<u64>) -> HeaderValue {
        let secure = if self.is_https { "; Secure" } else { "" };
        let age = max_age_secs.map(|secs| format!("; Max-Age={secs}")).unwrap_or_default();
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(name));
        // Names are constants and values base64: always a valid header.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// `Set-Cookie` that removes it.
    pub fn clear(self, name: &str) -> HeaderValue {
        self.set(name, "", Some(0))
    }
}

/// The first cookie of this name, as it was sent.
pub fn plain_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

impl CookieSecret {
    /// Errors: the operating system gives no random bytes.
    pub fn random() -> Result<Self, rand::rand_core::OsError> {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub fn parse(text: &str) -> Option<Self> {
        // The length first: nobody makes us decode a megabyte.
        if text.len() != 43 {
            return None;
        }
        // As long as the decoder asks for.
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        bytes[..length].try_into().ok().map(Self)
    }

    /// As the cookie holds it.
    pub fn encoded(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What Postgres holds.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// The token that a form must carry as well as the cookie: another site can make a browser send the cookie, but
    /// cannot read it.
    pub fn form_token(&self) -> String {
        // The secret is 256 random bits and has one length: hashing it behind a prefix is a keyed hash.
        URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(b"meridian form 1").chain_update(self.0).finalize())
    }

    /// Whether a token is this cookie's, told in constant time.
    pub fn is_form_token(&self, token: &str) -> bool {
        self.form_token().as_bytes().ct_eq(token.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("a header"));
        headers
    }

    #[test]
    fn a_secret_is_read_back_from_its_cookie_and_nothing_else_is() {
        let secret = CookieSecret::random().expect("random bytes");
        let cookies = Cookies { is_https: true };
        let line = format!("theme=dark; __Host-meridian={}; x=y", secret.encoded());
        assert!(cookies.secret(&headers(&line), Cookies::SESSION) == Some(secret.clone()));
        for line in [
            "",
            "__Host-meridian=",
            "__Host-meridian=abc",
            "meridian=x",
            &format!("meridian={}", secret.encoded()),
        ] {
            assert!(cookies.secret(&headers(line), Cookies::SESSION).is_none(), "{line}");
        }
        let longer = format!("__Host-meridian={}A", secret.encoded());
        assert!(cookies.secret(&headers(&longer), Cookies::SESSION).is_none());
    }

    #[test]
    fn over_https_the_cookie_is_bound_to_the_host_and_secure() {
        let text = Cookies { is_https: true }.set(Cookies::SESSION, "v", None);
        assert_eq!(text, "__Host-meridian=v; Path=/; HttpOnly; SameSite=Lax; Secure");
        let text = Cookies { is_https: false }.clear(Cookies::SESSION);
        assert_eq!(text, "meridian=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn a_form_token_fits_its_own_cookie_only() {
        let (one, other) = (CookieSecret([1; 32]), CookieSecret([2; 32]));
        assert!(one.is_form_token(&one.form_token()));
        assert!(!one.is_form_token(&other.form_token()));
        assert!(!one.is_form_token(""));
    }
}
