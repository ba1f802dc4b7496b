//! Whether and how the panel's use is counted.

use std::sync::Arc;

use api_types::analytics::AnalyticsConsent;

use super::reader::Reader;
use crate::countries::Countries;

/// What is counted of the panel's use. Nothing of it tells who somebody is: see `server/src/analytics/`.
#[derive(Clone, Debug)]
pub struct AnalyticsConfig {
    /// Whether people are asked first: `ask`, `not_needed`, or `off`, which counts nothing. `analytics.consent`,
    /// `ANALYTICS_CONSENT`, default `ask`.
    pub consent: AnalyticsConsent,
    /// How many days counts are kept. `analytics.keep_days`, `ANALYTICS_KEEP_DAYS`, default 400.
    pub keep_days: u32,
    /// A database of addresses in MaxMind's format (MMDB), which names the country of one. `analytics.address_database`,
    /// `ANALYTICS_ADDRESS_DATABASE`, default none: countries are not counted.
    pub countries: Option<Arc<Countries>>,
}

impl AnalyticsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        let consent = reader.parse("analytics.consent", "ANALYTICS_CONSENT", |text| match text {
            "ask" => Ok(AnalyticsConsent::Ask),
            "not_needed" => Ok(AnalyticsConsent::NotNeeded),
            "off" => Ok(AnalyticsConsent::Off),
            _ => Err("is none of ask, not_needed, off".to_owned()),
        });
        Self {
            consent: consent.unwrap_or(default.consent),
            keep_days: reader.number(
                "analytics.keep_days",
                "ANALYTICS_KEEP_DAYS",
                default.keep_days,
                1..=3650,
            ),
            countries: reader
                .parse("analytics.address_database", "ANALYTICS_ADDRESS_DATABASE", Countries::open)
                .map(Arc::new),
        }
    }
}

impl Default for AnalyticsConfig {
    fn default() -> Self {
        Self { consent: AnalyticsConsent::Ask, keep_days: 400, countries: None }
    }
}
