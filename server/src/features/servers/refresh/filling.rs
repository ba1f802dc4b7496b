//! Makes the calls a fill needs, side by side, and puts what they bring into the index.

use api_types::{ServerId, servers::ServerRow};
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use super::{Keeper, Trouble, upstream_time};
use crate::{
    features::servers::{
        decode::{RawPage, decode_row},
        fill::{FillPlan, Outcome, Step},
        index::{Rows, StartedFill},
        upstream::{Page, PageAnswer},
    },
    metrics::Metric,
    upstream::ServiceType,
};

/// What a step's call brought: what the plan is told, and what can be put into the index.
struct Brought {
    outcome: Outcome,
    rows: Vec<ServerRow>,
    body_bytes: usize,
    /// The index's last change when it was asked.
    asked_at_change: u64,
    /// The upstream's time when it was asked.
    upstream_time: Option<i64>,
}

impl Keeper<'_> {
    /// Has every server of the region; gives when the last question was asked.
    ///
    /// A fill that was broken off goes on where it was: what changed since its start comes at its end.
    pub(super) async fn fill(&self) -> Result<Instant, Trouble> {
        self.walk(self.shared.upstream.client.config().concurrency).await?;
        self.finish_fill().await
    }

    /// Asks for every page and takes it in, with so many calls side by side. One that was broken off goes on.
    pub(super) async fn walk(&self, cap: usize) -> Result<(), Trouble> {
        self.begin_fill(cap);
        let mut calls = FuturesUnordered::new();
        // Mishaps and timeouts since something usable was answered.
        let mut setbacks = 0;
        loop {
            while calls.len() < cap {
                let Some(step) = self.with_fill(FillPlan::next_step).flatten() else { break };
                calls.push(self.call(step));
            }
            if self.with_fill(|plan| plan.is_complete()).unwrap_or(true) {
                break;
            }
            let Some((step, brought)) = calls.next().await else {
                return Err(Trouble::Stuck { target: self.target(ServiceType::Compute) });
            };
            match brought {
                Ok(brought) => {
                    setbacks = 0;
                    self.take(step, brought)?;
                }
                Err(trouble) => {
                    setbacks += 1;
                    self.take_trouble(step, trouble, setbacks)?;
                }
            }
        }
        // Calls that are still under way are of no use any more.
        Ok(())
    }

    fn begin_fill(&self, cap: usize) {
        let mut fill = self.index.fill.lock();
        match &mut *fill {
            Some(started) if started.started_at.elapsed() < self.shared.config.reconcile => {
                started.plan.give_back_all();
            }
            _ => {
                *fill = Some(StartedFill {
                    plan: FillPlan::new(cap),
                    started_at: Instant::now(),
                    upstream_time: None,
                    began_empty: self.index.read(Rows::is_empty),
                });
            }
        }
    }

    pub(super) fn with_fill<T>(&self, act: impl FnOnce(&mut FillPlan) -> T) -> Option<T> {
        self.index.fill.lock().as_mut().map(|fill| act(&mut fill.plan))
    }

    async fn call(&self, step: Step) -> (Step, Result<Brought, Trouble>) {
        let compute = ServiceType::Compute;
        let asked_at_change = self.index.read(Rows::latest_change);
        let detailed = |page: Page| self.ask(compute, move |up, at| up.list_detailed(at, page).boxed());
        let answer = match step {
            Step::First { limit } => detailed(Page { limit, ..Page::default() }).await,
            Step::Follow { marker, limit } => detailed(Page { marker, limit, ..Page::default() }).await,
            Step::Walk { side, marker, limit, .. } => {
                detailed(Page { marker, limit, by_id: Some(side), ..Page::default() }).await
            }
            Step::Light { marker, limit } => {
                let page = Page { marker, limit, ..Page::default() };
                self.ask(compute, move |up, at| up.list_light(at, page).boxed()).await
            }
            Step::Count => {
                let count = self.ask(compute, |up, at| up.count_servers(at).boxed()).await;
                return (step, count.map(Brought::count));
            }
        };
        if answer.is_ok() && !matches!(step, Step::Light { .. }) {
            self.learn_flavors_if_needed().await;
        }
        (step, answer.and_then(|answer| self.read(step, &answer, asked_at_change)))
    }

    /// Reads a page. One that cannot be read is no answer, however good its status was.
    fn read(&self, step: Step, answer: &PageAnswer, asked_at_change: u64) -> Result<Brought, Trouble> {
        let page = RawPage::parse(&answer.answer.body).map_err(|error| self.malformed(&error))?;
        let rows = if matches!(step, Step::Light { .. }) {
            Vec::new()
        } else {
            let names = self.index.names();
            page.servers.iter().map(|raw| decode_row(raw, &names)).collect()
        };
        let outcome = Outcome::Page { ids: page.ids(), has_next: page.has_next() };
        let body_bytes = answer.answer.body.len();
        let upstream_time = Some(upstream_time(answer));
        Ok(Brought { outcome, rows, body_bytes, asked_at_change, upstream_time })
    }

    fn take(&self, step: Step, brought: Brought) -> Result<(), Trouble> {
        if let Some(fill) = self.index.fill.lock().as_mut() {
            fill.upstream_time = fill.upstream_time.or(brought.upstream_time);
        }
        if let Err(trouble) = self.check_room(&brought.rows, brought.body_bytes) {
            self.with_fill(|plan| plan.give_back(step));
            return Err(trouble);
        }
        // A refresh beside the walk may have taken out what this page still has.
        let gone = self.index.read(|rows| rows.gone_after(brought.asked_at_change));
        self.index.apply(brought.rows.iter().filter(|row| !gone.contains(&row.id)), &[]);
        let ids: Vec<ServerId> = brought.rows.iter().map(|row| row.id).collect();
        self.note(step, brought.outcome, &ids)
    }

    /// Tells the plan, and the viewers what is expected now.
    fn note(&self, step: Step, outcome: Outcome, rows: &[ServerId]) -> Result<(), Trouble> {
        let noted = self.with_fill(|plan| {
            let noted = plan.done(step, outcome);
            for id in rows {
                plan.saw_stray(*id);
            }
            noted.map(|()| plan.expected())
        });
        match noted {
            // A comparison is nothing that viewers are told of.
            Some(Ok(_)) if self.index.health(|health| health.is_complete()) => Ok(()),
            Some(Ok(expected)) => {
                self.index.update_health(|health| {
                    health.expect(expected);
                    health.answers();
                });
                Ok(())
            }
            Some(Err(_)) => Err(Trouble::Stuck { target: self.target(ServiceType::Compute) }),
            None => Ok(()),
        }
    }

    /// Goes on where that is possible: with fewer rows, with another question, or with the same once more.
    fn take_trouble(&self, step: Step, trouble: Trouble, setbacks: u32) -> Result<(), Trouble> {
        if trouble.is_of_credentials() {
            self.with_fill(|plan| plan.give_back(step));
            return Err(trouble);
        }
        let is_extra = matches!(step, Step::Light { .. } | Step::Count);
        let is_first = matches!(step, Step::First { .. });
        let outcome = match &trouble {
            // What can be done without is not asked twice. That the region is down the first page will tell.
            _ if is_extra => Some(Outcome::Refused),
            trouble if is_first && (trouble.is_refusal() || trouble.is_timeout()) => None,
            trouble if trouble.is_refusal() => Some(Outcome::Refused),
            // When nothing is answered any more, the region hangs; it is not the size of the pages.
            trouble if trouble.is_too_much() && setbacks <= MOST_SETBACKS => Some(Outcome::TooMuch),
            _ => None,
        };
        if let Some(outcome) = outcome {
            return self
                .with_fill(|plan| plan.done(step, outcome))
                .transpose()
                .map(drop)
                .map_err(|_| trouble);
        }
        self.with_fill(|plan| plan.give_back(step));
        let may_try_again = trouble.is_mishap() && !is_first && setbacks <= MOST_SETBACKS;
        if may_try_again { Ok(()) } else { Err(trouble) }
    }

    /// Every page is here. What changed while they came is asked for next; where rows were held before, that comes
    /// first, so that those no page had can be told from those that are new.
    pub(super) async fn finish_fill(&self) -> Result<Instant, Trouble> {
        let started = self
            .index
            .fill
            .lock()
            .as_ref()
            .map(|fill| (fill.upstream_time, fill.started_at, fill.began_empty));
        let (upstream_time, started_at, began_empty) = started.ok_or(Trouble::Nobody)?;
        let (mut asked_at, mut since) = (started_at, upstream_time.unwrap_or(0));
        if !began_empty {
            let changes = self.changes(since).await?;
            (asked_at, since) = (changes.asked_at, changes.upstream_time);
            self.remove_absent(&changes).await;
        }
        *self.index.fill.lock() = None;
        let is_first = !self.index.health(|health| health.is_complete());
        self.index.update_health(|health| {
            health.changes_since = Some(since);
            health.reconciled(Instant::now());
        });
        if is_first {
            let region = self.index.key.region.as_str();
            self.shared.metrics.time(Metric::IndexFill, &[region], started_at.elapsed());
        }
        Ok(asked_at)
    }
}

impl Brought {
    fn count(count: Option<u32>) -> Self {
        let outcome = Outcome::Count(count);
        Self { outcome, rows: Vec::new(), body_bytes: 0, asked_at_change: 0, upstream_time: None }
    }
}

/// Mishaps in a row, without an answer between them, after which a fill is given up for now.
const MOST_SETBACKS: u32 = 3;
