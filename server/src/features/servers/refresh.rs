//! Keeps one region's index true for as long as somebody looks: filled once, then asked for what changed.

mod asking;
mod filling;
mod flavors;
mod images;
mod reconciling;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use api_types::{ServerId, servers::ServerRow};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use self::asking::Trouble;
use super::{
    decode::{self, RawPage},
    index::{RegionIndex, Rows, Shared},
    upstream::{Page, PageAnswer},
};
use crate::{
    metrics::Metric,
    upstream::{ServiceType, UpstreamError},
};

pub(super) use self::images::AskedImages;

/// Runs until nobody looks at the index any more. What it was waiting for then is dropped, which ends the calls under
/// way; what was had stays.
pub(super) async fn keep(index: Arc<RegionIndex>, shared: Arc<Shared>) {
    let keeper = Keeper {
        index: &index,
        shared: &shared,
        asked_flavors: tokio::sync::Mutex::default(),
        changed_rows: AtomicU32::new(CHANGED_ROWS),
    };
    loop {
        tokio::select! {
            () = keeper.deserted() => {}
            () = keeper.work() => {}
            () = keeper.compare() => {}
            () = keeper.learn_image_names() => {}
        }
        if index.is_given_up(Instant::now()) {
            return;
        }
    }
}

/// The task that keeps one index.
struct Keeper<'a> {
    index: &'a RegionIndex,
    shared: &'a Shared,
    /// When flavors were asked for last; held while they are.
    asked_flavors: tokio::sync::Mutex<Option<Instant>>,
    /// Rows of one answer about changes.
    changed_rows: AtomicU32,
}

/// What a look at the changes brought.
struct Changes {
    asked_at: Instant,
    /// The upstream's time then.
    upstream_time: i64,
    /// Servers that changed and are still there.
    present: HashSet<ServerId>,
}

impl Keeper<'_> {
    /// Asks whenever it is time; never ends by itself.
    async fn work(&self) {
        loop {
            self.wait_until_due().await;
            let result = if !self.index.health(|health| health.is_complete()) {
                self.fill().await
            } else if self.is_compared() {
                self.finish_comparison().await
            } else {
                self.refresh().await
            };
            match result {
                Ok(asked_at) => self.note_success(asked_at),
                Err(trouble) => self.note_failure(trouble),
            }
        }
    }

    async fn wait_until_due(&self) {
        loop {
            let due_at = self.index.health(|health| health.due_at());
            tokio::select! {
                () = sleep_until(due_at) => return,
                () = self.index.hurry.notified() => {
                    if self.index.read(Rows::in_transition) > 0 {
                        self.index.update_health(|health| health.hasten(Instant::now(), &self.shared.config));
                    }
                }
            }
        }
    }

    /// Asks for what changed since the last time.
    async fn refresh(&self) -> Result<Instant, Trouble> {
        let since = self.index.health(|health| health.changes_since).unwrap_or(0);
        let changes = self.changes(since).await?;
        self.index.update_health(|health| health.changes_since = Some(changes.upstream_time));
        Ok(changes.asked_at)
    }

    /// Takes in what changed at or after an upstream's time.
    async fn changes(&self, since: i64) -> Result<Changes, Trouble> {
        let limit = self.changed_rows.load(Ordering::Relaxed);
        let changes = self.changes_by(limit, since).await;
        let next = match &changes {
            Ok(_) => (limit * 2).min(CHANGED_ROWS),
            // Tried with fewer the next time, not now: a region that hangs is to be noticed soon.
            Err(trouble) if trouble.is_too_much() => (limit / 2).max(FEWEST_CHANGED_ROWS),
            Err(_) => limit,
        };
        self.changed_rows.store(next, Ordering::Relaxed);
        changes
    }

    async fn changes_by(&self, limit: u32, since: i64) -> Result<Changes, Trouble> {
        let mut page = Page {
            limit,
            changes_since: Some(since - OVERLAP_SECS),
            deadline: Some(self.shared.config.refresh_timeout),
            ..Page::default()
        };
        let mut changes: Option<Changes> = None;
        let mut is_full = false;
        loop {
            let answer = self.ask(ServiceType::Compute, |up, at| up.list_detailed(at, page).boxed()).await?;
            self.learn_flavors_if_needed().await;
            let (rows, next) = self.read_page(&answer)?;
            let changes = changes.get_or_insert_with(|| Changes {
                asked_at: answer.asked_at,
                upstream_time: upstream_time(&answer),
                present: HashSet::new(),
            });
            let (gone, present): (Vec<ServerRow>, Vec<ServerRow>) =
                rows.into_iter().partition(decode::is_gone);
            for row in &gone {
                changes.present.remove(&row.id);
            }
            changes.present.extend(present.iter().map(|row| row.id));
            let gone: Vec<ServerId> = gone.iter().map(|row| row.id).collect();
            if self.check_room(&present, answer.answer.body.len()).is_ok() {
                self.index.apply(&present, &gone);
            } else {
                // What needs no room is true all the same.
                let held: Vec<&ServerRow> =
                    self.index.read(|held| present.iter().filter(|row| held.contains(row.id)).collect());
                self.index.apply(held, &gone);
                is_full = true;
            }
            match next {
                // The same page again would be a fault of the upstream.
                Some(marker) if page.marker != Some(marker) => page.marker = Some(marker),
                _ => break,
            }
        }
        if is_full { Err(Trouble::Full) } else { changes.ok_or(Trouble::Nobody) }
    }

    /// The rows of a page, and the marker of the next one, if there is one.
    fn read_page(&self, answer: &PageAnswer) -> Result<(Vec<ServerRow>, Option<ServerId>), Trouble> {
        let page = RawPage::parse(&answer.answer.body).map_err(|error| self.malformed(&error))?;
        let names = self.index.names();
        let rows = page.servers.iter().map(|raw| decode::decode_row(raw, &names)).collect();
        let next = if page.has_next() { page.ids().last().copied() } else { None };
        Ok((rows, next))
    }

    /// Whether these rows, which came in a body of so many bytes, may be put in.
    fn check_room(&self, rows: &[ServerRow], body_bytes: usize) -> Result<(), Trouble> {
        let (new, growth) = self.index.read(|held| {
            let new = rows.iter().filter(|row| !held.contains(row.id)).count();
            (new, held.growth(new))
        });
        let text = body_bytes * new / rows.len().max(1) / JSON_TO_HELD;
        let has_room = new == 0 || self.shared.has_room_for(text + growth);
        if has_room { Ok(()) } else { Err(Trouble::Full) }
    }

    fn malformed(&self, error: &serde_json::Error) -> Trouble {
        let error = UpstreamError::Malformed { reason: error.to_string() };
        Trouble::upstream(self.target(ServiceType::Compute), error)
    }

    fn note_success(&self, asked_at: Instant) {
        let is_any_in_transition = self.index.read(Rows::in_transition) > 0;
        let config = &self.shared.config;
        self.index.update_health(|health| {
            health.succeeded(asked_at, Instant::now(), is_any_in_transition, config);
        });
        let (project, region) = (&self.index.key.project, &self.index.key.region);
        self.shared.metrics.count(Metric::IndexRefresh, &[region.as_str(), "ok"]);
        tracing::debug!(%project, upstream_region = %region, rows = self.index.read(Rows::len), "refreshed a list");
    }

    fn note_failure(&self, trouble: Trouble) {
        let failure = trouble.failure();
        let (project, region) = (&self.index.key.project, &self.index.key.region);
        if trouble.is_of_credentials() {
            tracing::debug!(%project, upstream_region = %region, code = failure.code, "nobody who looks has a token that is accepted");
            let why = matches!(trouble, Trouble::Credentials { .. }).then_some(failure);
            let now = Instant::now();
            self.index.update_health(|health| health.lacks_credentials(why, now, &self.shared.config));
            return;
        }
        tracing::warn!(%project, upstream_region = %region, code = failure.code, error = %trouble.chain(), "a region could not be asked");
        self.shared.metrics.count(Metric::IndexRefresh, &[region.as_str(), &failure.code]);
        let jitter = rand::random();
        self.index
            .update_health(|health| health.failed(failure, Instant::now(), jitter, &self.shared.config));
    }

    /// Resolves when nobody looks and nobody is expected.
    async fn deserted(&self) {
        loop {
            match self.index.deserted_at() {
                None => self.index.attendance.notified().await,
                Some(at) if at <= Instant::now() => return,
                Some(at) => {
                    tokio::select! {
                        () = sleep_until(at) => {}
                        () = self.index.attendance.notified() => {}
                    }
                }
            }
        }
    }
}

/// Rows of one answer about changes: a Nova three times as slow as usual still computes them within the deadline, and a
/// region that hangs is noticed soon. One that is slower is asked for fewer.
const CHANGED_ROWS: u32 = 200;
const FEWEST_CHANGED_ROWS: u32 = 10;

/// A row held takes an eighth of the bytes of its JSON; one with long names and much metadata somewhat more.
const JSON_TO_HELD: usize = 4;

/// Changes are asked for from a little before the last time: the clocks of a region's hosts differ by some seconds, and
/// a change is written with the time at which it began.
const OVERLAP_SECS: i64 = 5;

/// The upstream's time when it was asked. One that does not tell it has a clock like ours, more or less.
fn upstream_time(answer: &PageAnswer) -> i64 {
    let ours = || (chrono::Utc::now() - answer.asked_at.elapsed()).timestamp() - UNTOLD_SKEW_SECS;
    answer.upstream_time.unwrap_or_else(ours)
}

/// How far an upstream's clock may be behind ours where it does not tell its time.
const UNTOLD_SKEW_SECS: i64 = 30;
