//! How the panel is used, counted: pages and dialogs by their kinds, browsers by their versions, countries where an
//! address database is given. No cookie, no id, no address is kept, and numbers are kept apart from one another.
//!
//! What browsers send is added up in memory and written in batches; a request waits for nothing.

mod store;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use api_types::analytics::{
    AnalyticsBatch, AnalyticsConsent, AnalyticsReport, AnalyticsRules, Counted, LARGEST_COUNT, MOST_ITEMS,
};
use axum::http::HeaderMap;
use chrono::{Days, NaiveDate, TimeDelta};
use parking_lot::Mutex;
use sqlx::PgPool;
use uuid::Uuid;

use self::store::AnalyticsStore;
use crate::{
    clock::Clock,
    config::AnalyticsConfig,
    error::ApiError,
    session::{BrowserVersion, SessionId},
    shutdown::Shutdown,
};

/// The counts of this node, and behind them those of all. Cheap to clone.
#[derive(Clone)]
pub struct Analytics(Arc<Inner>);

struct Inner {
    store: AnalyticsStore,
    config: AnalyticsConfig,
    clock: Clock,
    shutdown: Shutdown,
    /// What is not written yet.
    counts: Mutex<Counts>,
    browsers: Mutex<Browsers>,
    /// Held while something is written.
    handed_over: tokio::sync::Mutex<Option<Batch>>,
    /// What each session has sent of late.
    senders: Mutex<HashMap<SessionId, Sender>>,
}

/// Numbers by day, kind and name, in the order they are written in: nodes that write at the same time take the rows
/// one after the other.
type Counts = BTreeMap<(NaiveDate, Kind, String), u64>;

/// Counts on their way into the table: under the same id until they are known to be in it, so that they are added once.
struct Batch {
    id: Uuid,
    counts: Counts,
}

/// The browsers of a day that have a number of their own.
#[derive(Default)]
struct Browsers {
    day: NaiveDate,
    names: BTreeSet<String>,
}

/// A kind of number as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Browser,
    Country,
    Created,
    Executed,
    Page,
    Shown,
}

struct Sender {
    since: Instant,
    batches: u32,
    counted: u32,
}

/// What a session may send within [`WINDOW`]: more than anybody's browser does.
const MOST_BATCHES: u32 = 120;
const MOST_COUNTED: u32 = 2_000;
const WINDOW: Duration = Duration::from_secs(600);
/// Browsers of one day on one node; further ones are counted together. Each name is the browser's own word.
const MOST_BROWSERS: usize = 100;
const OTHER_BROWSERS: &str = "Other";
/// An address that the database does not know.
const UNKNOWN_COUNTRY: &str = "??";
/// Numbers that may wait to be written while Postgres is away, some days' worth.
const MOST_WAITING: usize = 5_000;
const WRITE_EVERY: Duration = Duration::from_secs(5);
const CLEAN_EVERY: Duration = Duration::from_secs(3600);
/// Longer than a node would be without an answer of Postgres and go on.
const KEEP_BATCHES: TimeDelta = TimeDelta::days(7);

impl Analytics {
    pub fn new(
        db: PgPool,
        config: AnalyticsConfig,
        clock: Clock,
        shutdown: Shutdown,
        timeout: Duration,
    ) -> Self {
        let store = AnalyticsStore::new(db, timeout);
        Self(Arc::new(Inner {
            store,
            config,
            clock,
            shutdown,
            counts: Mutex::default(),
            browsers: Mutex::default(),
            handed_over: tokio::sync::Mutex::default(),
            senders: Mutex::default(),
        }))
    }

    /// What a browser has to know before it counts.
    pub fn rules(&self) -> AnalyticsRules {
        AnalyticsRules { consent: self.0.config.consent, keep_days: self.0.config.keep_days }
    }

    /// Adds what a browser counted. Nothing is added where nothing is counted, nobody agreed, or the browser asks not to
    /// be tracked.
    ///
    /// Errors: 400 `invalid_analytics`: a name nobody made, or numbers out of bounds; then nothing of the batch is
    /// counted. 429 `too_often`.
    pub async fn add(
        &self,
        session: SessionId,
        batch: &AnalyticsBatch,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<(), ApiError> {
        let inner = &*self.0;
        let items = checked(batch)?;
        inner.take_turn(session, items.iter().map(|(.., count)| count).sum())?;
        let may_count = match inner.config.consent {
            AnalyticsConsent::Off => false,
            AnalyticsConsent::Ask => batch.consented,
            AnalyticsConsent::NotNeeded => true,
        };
        if !may_count || asks_not_to_be_tracked(headers) {
            return Ok(());
        }
        let views = items.iter().filter(|(kind, ..)| *kind == Kind::Page).map(|(.., count)| *count).sum();
        let country =
            inner.config.countries.as_ref().zip(address).map(|(countries, address)| {
                countries.of(address).unwrap_or_else(|| UNKNOWN_COUNTRY.to_owned())
            });
        inner.count(&items, views, BrowserVersion::of(headers).0, country);
        if inner.shutdown.has_begun() {
            // The last turn of writing may be over.
            self.write().await;
        }
        Ok(())
    }

    /// What was counted on the last so many days, today included, as far as it is written.
    ///
    /// Errors: 503 Postgres does not answer.
    pub async fn report(&self, days: u32) -> Result<AnalyticsReport, ApiError> {
        let today = self.0.clock.now().date_naive();
        let first = days_before(today, days.saturating_sub(1));
        let sums = self.0.store.sum(first, today).await?;
        Ok(sums.report(self.rules(), self.0.config.countries.is_some(), first, today))
    }

    /// Writes what was counted since the last time; keeps it for the next time where Postgres does not answer. What it
    /// may have taken without saying so goes there again as it was.
    pub async fn write(&self) {
        let mut handed_over = self.0.handed_over.lock().await;
        loop {
            if handed_over.is_none() {
                let counts = std::mem::take(&mut *self.0.counts.lock());
                if counts.is_empty() {
                    return;
                }
                *handed_over = Some(Batch { id: Uuid::new_v4(), counts });
            }
            let Some(batch) = &*handed_over else { return };
            if let Err(error) = self.0.store.add_counts(batch.id, self.0.clock.now(), &batch.counts).await {
                tracing::debug!(%error, "what was counted is written later");
                return;
            }
            *handed_over = None;
        }
    }

    /// Deletes what is older than it is kept.
    pub async fn delete_old(&self) -> sqlx::Result<u64> {
        let now = self.0.clock.now();
        let today = now.date_naive();
        self.0.store.delete_batches_before(now - KEEP_BATCHES).await?;
        self.0.store.delete_days_before(days_before(today, self.0.config.keep_days)).await
    }

    /// Writes and cleans until the panel stops.
    pub async fn run(self) {
        let mut cleaned_at: Option<Instant> = None;
        loop {
            let now = self.0.clock.instant();
            if cleaned_at.is_none_or(|at| now.duration_since(at) >= CLEAN_EVERY) {
                cleaned_at = Some(now);
                self.0.senders.lock().retain(|_, sender| now.duration_since(sender.since) < WINDOW);
                if let Err(error) = self.delete_old().await {
                    tracing::debug!(%error, "old counts are deleted later");
                }
            }
            let has_begun = tokio::time::timeout(WRITE_EVERY, self.0.shutdown.begun()).await.is_ok();
            self.write().await;
            if has_begun {
                return;
            }
        }
    }
}

impl Inner {
    fn take_turn(&self, session: SessionId, counted: u32) -> Result<(), ApiError> {
        let now = self.clock.instant();
        let mut senders = self.senders.lock();
        let fresh = || Sender { since: now, batches: 0, counted: 0 };
        let sender = senders.entry(session).or_insert_with(fresh);
        let age = now.duration_since(sender.since);
        if age >= WINDOW {
            *sender = fresh();
        }
        sender.batches = sender.batches.saturating_add(1);
        sender.counted = sender.counted.saturating_add(counted);
        if sender.batches > MOST_BATCHES || sender.counted > MOST_COUNTED {
            return Err(ApiError::TooOften { retry_after: WINDOW.saturating_sub(age) });
        }
        Ok(())
    }

    fn count(&self, items: &[Item], views: u32, browser: String, country: Option<String>) {
        let today = self.clock.now().date_naive();
        let browser = self.browsers.lock().take_in(today, browser);
        let of_views = country.map(|country| (Kind::Country, country)).into_iter();
        let of_views = of_views.chain([(Kind::Browser, browser)]).map(|(kind, name)| (kind, name, views));
        let items = items.iter().map(|(kind, name, count)| (*kind, (*name).to_owned(), *count));
        let mut counts = self.counts.lock();
        for (kind, name, count) in items.chain(of_views).filter(|(.., count)| *count > 0) {
            let key = (today, kind, name);
            if counts.len() < MOST_WAITING || counts.contains_key(&key) {
                *counts.entry(key).or_default() += u64::from(count);
            }
        }
    }
}

impl Browsers {
    /// The name under which a browser is counted.
    fn take_in(&mut self, today: NaiveDate, name: String) -> String {
        if self.day != today {
            *self = Self { day: today, names: BTreeSet::new() };
        }
        if self.names.contains(&name) {
            return name;
        }
        if self.names.len() >= MOST_BROWSERS {
            return OTHER_BROWSERS.to_owned();
        }
        self.names.insert(name.clone());
        name
    }
}

impl Kind {
    const fn text(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Country => "country",
            Self::Created => "created",
            Self::Executed => "executed",
            Self::Page => "page",
            Self::Shown => "shown",
        }
    }
}

impl From<Counted> for Kind {
    fn from(counted: Counted) -> Self {
        match counted {
            Counted::Page => Self::Page,
            Counted::Shown => Self::Shown,
            Counted::Executed => Self::Executed,
            Counted::Created => Self::Created,
        }
    }
}

/// Something that is counted, under a name of ours.
type Item = (Kind, &'static str, u32);

fn checked(batch: &AnalyticsBatch) -> Result<Vec<Item>, ApiError> {
    let invalid =
        |message: &str| ApiError::Invalid { code: "invalid_analytics", message: message.to_owned() };
    if batch.items.len() > MOST_ITEMS {
        return Err(invalid("These are more things than are counted at once."));
    }
    let item = |item: &api_types::analytics::AnalyticsItem| {
        let name = item.kind.known(&item.name).ok_or_else(|| invalid("Nothing of this name is counted."))?;
        if !(1..=LARGEST_COUNT).contains(&item.count) {
            return Err(invalid("A count is out of bounds."));
        }
        Ok((item.kind.into(), name, item.count))
    };
    batch.items.iter().map(item).collect()
}

/// Do Not Track and Global Privacy Control, as browsers say them.
fn asks_not_to_be_tracked(headers: &HeaderMap) -> bool {
    ["dnt", "sec-gpc"].iter().any(|name| headers.get(*name).is_some_and(|value| value.as_bytes() == b"1"))
}

fn days_before(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN)
}
