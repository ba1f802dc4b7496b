//! The sign-in page and its limits.

use std::time::Duration;

use url::Url;

use super::reader::Reader;

/// What the sign-in page shows, and when it refuses.
#[derive(Clone, Debug)]
pub struct SignInConfig {
    /// The name over the form and in titles. `sign_in.brand`, `SIGN_IN_BRAND`, default `Meridian`.
    pub brand: String,
    /// Where "Help" leads. `sign_in.help_url`, `SIGN_IN_HELP_URL` (https, http or mailto), default none: no link.
    pub help_url: Option<String>,
    /// The domains people may choose from; with one, or none said (`Default`), the field is hidden.
    /// `sign_in.domains`, `SIGN_IN_DOMAINS`. The single entry `*` shows a free field.
    pub domains: Vec<String>,
    pub lockout: LockoutConfig,
    /// A refusal takes at least this long and always a multiple of it, so that the time it takes does not tell
    /// whether the user exists. `sign_in.refusal_step_secs`, `SIGN_IN_REFUSAL_STEP_SECS`, default 1.
    pub refusal_step: Duration,
}

/// When too many failures lock a user or an address out.
#[derive(Clone, Debug)]
pub struct LockoutConfig {
    /// Failures of one user (by name and domain) within the window that lock it. `sign_in.lockout_user_failures`,
    /// `SIGN_IN_LOCKOUT_USER_FAILURES`, default 10.
    pub user_failures: u32,
    /// Failures from one address (IPv6: one /64) within the window that lock it. `sign_in.lockout_address_failures`,
    /// `SIGN_IN_LOCKOUT_ADDRESS_FAILURES`, default 50.
    pub address_failures: u32,
    /// Failures older than this no longer count. `sign_in.lockout_window_secs`, `SIGN_IN_LOCKOUT_WINDOW_SECS`,
    /// default 900.
    pub window: Duration,
    /// How long a lockout lasts. `sign_in.lockout_secs`, `SIGN_IN_LOCKOUT_SECS`, default 900.
    pub duration: Duration,
}

impl SignInConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let brand = reader.parse("sign_in.brand", "SIGN_IN_BRAND", |text| {
            if text.chars().count() <= 40 && !text.chars().any(char::is_control) {
                Ok(text.to_owned())
            } else {
                Err("is longer than 40 characters, or has control characters".to_owned())
            }
        });
        let help_url = reader.parse("sign_in.help_url", "SIGN_IN_HELP_URL", |text| {
            let is_link =
                Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "mailto"));
            if is_link { Ok(text.to_owned()) } else { Err("is not an https, http or mailto URL".to_owned()) }
        });
        let domains = reader.list("sign_in.domains", "SIGN_IN_DOMAINS", |text| Ok(text.to_owned()));
        let seconds = Duration::from_secs;
        let lockout = LockoutConfig {
            user_failures: reader.number(
                "sign_in.lockout_user_failures",
                "SIGN_IN_LOCKOUT_USER_FAILURES",
                10,
                1..=10_000,
            ),
            address_failures: reader.number(
                "sign_in.lockout_address_failures",
                "SIGN_IN_LOCKOUT_ADDRESS_FAILURES",
                50,
                1..=1_000_000,
            ),
            window: reader.seconds(
                "sign_in.lockout_window_secs",
                "SIGN_IN_LOCKOUT_WINDOW_SECS",
                seconds(900),
                1.0..=86_400.0,
            ),
            duration: reader.seconds(
                "sign_in.lockout_secs",
                "SIGN_IN_LOCKOUT_SECS",
                seconds(900),
                1.0..=86_400.0,
            ),
        };
        Self {
            brand: brand.unwrap_or_else(|| "Meridian".to_owned()),
            help_url,
            domains: if domains.is_empty() { vec!["Default".to_owned()] } else { domains },
            lockout,
            refusal_step: reader.seconds(
                "sign_in.refusal_step_secs",
                "SIGN_IN_REFUSAL_STEP_SECS",
                seconds(1),
                0.0..=10.0,
            ),
        }
    }
}
