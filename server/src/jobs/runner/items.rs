//! The items of one job: those in one place one after the other at its rate, the places side by side.

use std::{collections::VecDeque, time::Duration};

use chrono::TimeDelta;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Node;
use crate::{
    jobs::{
        Found, Item, LeasedJob, Outcome, Reason, Work,
        store::{Ended, WaitingItem},
    },
    metrics::{Metric, Timer},
};

/// What is to be done with an item after an attempt.
enum Then {
    /// It has its result.
    Next,
    /// It is in line again.
    Again(WaitingItem),
    /// Nothing more is to be begun.
    Stop,
}

/// Why it is not known what became of an item.
#[derive(Debug, PartialEq, Eq)]
enum AfterWhat {
    /// Its node is gone.
    Crash,
    /// The call brought no answer to go by, for this reason.
    NoAnswer(Option<Reason>),
    /// Somebody says that it was not done, with this reason.
    Doubt(Reason),
}

/// Items read ahead.
const READ_AHEAD: i64 = 100;
/// What a call may take longer than it may, all in all.
const MARGIN: TimeDelta = TimeDelta::seconds(2);
/// A database that fails is asked again after so long.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);
/// A result is held on to for so long; after it the item is looked up again by whoever goes on.
const MOST_WRITES: u32 = 20;
/// How often the cloud is asked what became of an item before that counts as not known.
const MOST_LOOKS: u32 = 5;
/// Where somebody waits for it.
const MOST_LOOKS_FOR_ONE: u32 = 3;
/// How long a call without an answer has before that it was not taken on is believed.
const SECOND_LOOK: Duration = Duration::from_secs(2);
/// How often an item whose calls bring no answer is sent, where twice does no harm.
const MOST_ATTEMPTS: i32 = 2;

impl<W: Work> Node<W> {
    /// Does what is to be done, until nothing is left or `stop`. What is under way is finished either way.
    pub(super) async fn items(&self, job: &LeasedJob, open: Option<&W::Open>, stop: &CancellationToken) {
        // Read before anything is begun here: what is running now was begun by a node that is gone.
        let left = match self.jobs.store().list_left_running(job.id).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(job = %job.id, %error, "what was left running could not be read");
                return;
            }
        };
        // Those have to wait for the end of their calls, and the others need not wait for them.
        tokio::join!(self.settle(job, open, left, stop), self.places(job, open, stop));
        // One that may be repeated is in line again by now.
        self.places(job, open, stop).await;
    }

    /// Does all items that wait, until there are none or `stop`.
    async fn places(&self, job: &LeasedJob, open: Option<&W::Open>, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let places = match self.jobs.store().list_places(job, self.id).await {
                Ok(places) => places,
                Err(error) => {
                    tracing::warn!(job = %job.id, %error, "the job's items could not be read");
                    pause(DATABASE_PAUSE, stop).await;
                    continue;
                }
            };
            if places.is_empty() {
                return;
            }
            let Some(open) = open else {
                self.hold(job, NEEDS_OWNER).await;
                return;
            };
            let worked = join_all(places.iter().map(|place| self.place(job, open, place, stop))).await;
            if worked.contains(&false) {
                return;
            }
        }
    }

    /// Does the items of one place. False: the job is not to go on.
    async fn place(&self, job: &LeasedJob, open: &W::Open, place: &str, stop: &CancellationToken) -> bool {
        let mut next = VecDeque::new();
        let mut read_to = -1;
        let mut is_all_read = false;
        let mut under_way = FuturesUnordered::new();
        let most = if job.is_single { 1 } else { self.rates.concurrency() };
        loop {
            // Only while nothing is under way: what is, may hold a connection and would not go on meanwhile.
            if next.is_empty() && under_way.is_empty() && !is_all_read && !stop.is_cancelled() {
                match self.jobs.store().list_waiting(job.id, place, read_to, READ_AHEAD).await {
                    Ok(items) => {
                        is_all_read = items.is_empty();
                        read_to = items.last().map_or(read_to, |last| last.number);
                        next.extend(items);
                    }
                    Err(error) => {
                        tracing::warn!(job = %job.id, %error, "the job's items could not be read");
                        pause(DATABASE_PAUSE, stop).await;
                        continue;
                    }
                }
            }
            while under_way.len() < most && !stop.is_cancelled() {
                let Some(item) = next.pop_front() else { break };
                under_way.push(self.item(job, open, item, stop));
            }
            match under_way.next().await {
                Some(Then::Next) => {}
                Some(Then::Again(item)) => next.push_front(item),
                Some(Then::Stop) => stop.cancel(),
                None if stop.is_cancelled() => return false,
                None if next.is_empty() && is_all_read => return true,
                None => {}
            }
        }
    }

    /// One attempt at one item: waits for its turn, writes it down, does it, writes down what came of it.
    async fn item(
        &self,
        job: &LeasedJob,
        open: &W::Open,
        waiting: WaitingItem,
        stop: &CancellationToken,
    ) -> Then {
        let turn = async {
            // Somebody waits for it, so it waits for nobody.
            if job.is_single { None } else { Some(self.rates.turn(&waiting.place).await) }
        };
        let _turn = tokio::select! {
            biased;
            () = stop.cancelled() => return Then::Stop,
            turn = turn => turn,
        };
        let request_id = format!("req-{}", Uuid::new_v4());
        let longest = self.work.longest_call();
        let over_after = TimeDelta::from_std(longest).unwrap_or(TimeDelta::minutes(5)) + MARGIN;
        let (store, clock) = (self.jobs.store(), &self.jobs.0.clock);
        // Others believe from `over_at` on that nothing is on its way any more, and it counts from here: writing the
        // item down may take a while too.
        let begun_at = clock.instant();
        let room = job.is_single.then(|| self.rates.interval());
        let begun = store.begin_item(job, self.id, waiting.number, &request_id, over_after, room).await;
        let (sent_at, over_at) = match begun {
            Ok(Some(times)) => times,
            Ok(None) => return Then::Stop,
            Err(error) => {
                // Whether it was written down is not known; if it was, it is settled as after a crash.
                tracing::warn!(job = %job.id, %error, "an item could not be begun");
                return Then::Stop;
            }
        };
        let item = Item {
            number: waiting.number,
            place: waiting.place.clone(),
            target: waiting.target,
            name: waiting.name.clone(),
            attempts: waiting.attempts + 1,
            request_id,
            sent_at,
            over_at,
        };
        let timer = Timer::start();
        let left = longest.saturating_sub(clock.instant() - begun_at);
        let outcome = if left.is_zero() {
            Outcome::NotNow { retry_in: Duration::ZERO, slows: false }
        } else {
            let outcome = tokio::time::timeout(left, self.work.run(open, &item)).await;
            outcome.unwrap_or(Outcome::Unknown { reason: None })
        };
        self.metrics.time(Metric::JobItemDuration, &[&item.place], timer.elapsed());
        self.take_outcome(job, open, &item, outcome, stop).await
    }

    async fn take_outcome(
        &self,
        job: &LeasedJob,
        open: &W::Open,
        item: &Item,
        outcome: Outcome,
        stop: &CancellationToken,
    ) -> Then {
        let again = |attempts| WaitingItem {
            number: item.number,
            place: item.place.clone(),
            target: item.target,
            name: item.name.clone(),
            attempts,
        };
        match outcome {
            Outcome::Done { upstream_request_id, note } => {
                self.rates.went_well(&item.place);
                let end = Ended {
                    note: note.as_deref(),
                    upstream_request_id: upstream_request_id.as_deref(),
                    ..Ended::of(job, item, "done")
                };
                let then = self.end(end, item).await;
                self.work.done(open, item).await;
                then
            }
            Outcome::Failed { reason, upstream_request_id } => {
                let end = Ended {
                    reason: Some(&reason.0),
                    upstream_request_id: upstream_request_id.as_deref(),
                    ..Ended::of(job, item, "failed")
                };
                self.end(end, item).await
            }
            Outcome::NotNow { retry_in, slows } => {
                self.rates.pause(&item.place, retry_in, slows);
                match self.end(Ended::not_sent(job, item), item).await {
                    Then::Next => {
                        if job.is_single {
                            pause(retry_in, stop).await;
                        }
                        Then::Again(again(item.attempts - 1))
                    }
                    then => then,
                }
            }
            Outcome::Held { because } => {
                let then = self.end(Ended::not_sent(job, item), item).await;
                self.hold(job, &because).await;
                match then {
                    Then::Next => Then::Stop,
                    then => then,
                }
            }
            Outcome::Unknown { reason } => {
                match self.find_out(job, open, item, AfterWhat::NoAnswer(reason), stop).await {
                    Then::Again(_) => Then::Again(again(item.attempts)),
                    then => then,
                }
            }
            Outcome::Doubtful { reason, retry_in } => {
                self.rates.pause(&item.place, retry_in, false);
                match self.find_out(job, open, item, AfterWhat::Doubt(reason), stop).await {
                    Then::Again(_) => Then::Again(again(item.attempts)),
                    then => then,
                }
            }
        }
    }

    /// Items that another node, or this one before, began and did not end. Each is left alone until its call is surely
    /// over.
    async fn settle(
        &self,
        job: &LeasedJob,
        open: Option<&W::Open>,
        left: Vec<Item>,
        stop: &CancellationToken,
    ) {
        for item in left {
            tracing::warn!(job = %job.id, item = item.number, "an item was left running by a node that is gone");
            while !stop.is_cancelled() && self.jobs.0.clock.now() < item.over_at {
                pause(SETTLE_EVERY, stop).await;
            }
            if stop.is_cancelled() {
                return;
            }
            match open {
                Some(open) => {
                    self.find_out(job, open, &item, AfterWhat::Crash, stop).await;
                }
                // There is nothing left to ask with.
                None => {
                    self.end(Ended::of(job, &item, "uncertain"), &item).await;
                }
            }
        }
    }

    /// Asks what became of an item whose answer nobody has, and writes that down.
    async fn find_out(
        &self,
        job: &LeasedJob,
        open: &W::Open,
        item: &Item,
        after: AfterWhat,
        stop: &CancellationToken,
    ) -> Then {
        let failed = |reason| Ended { reason: Some(reason), ..Ended::of(job, item, "failed") };
        let mut is_first = true;
        let mut looks = 0;
        let is_waited_for = job.is_single && after != AfterWhat::Crash;
        let most = if is_waited_for { MOST_LOOKS_FOR_ONE } else { MOST_LOOKS };
        while looks < most {
            match (self.work.look_up(open, item).await, &after) {
                (Found::Done { upstream_request_id }, _) => {
                    let end = Ended {
                        upstream_request_id: upstream_request_id.as_deref(),
                        ..Ended::of(job, item, "done")
                    };
                    let then = self.end(end, item).await;
                    self.work.done(open, item).await;
                    return then;
                }
                (Found::Repeatable, AfterWhat::Doubt(reason)) if job.is_single => {
                    return self.end(failed(&reason.0), item).await;
                }
                (Found::Repeatable, AfterWhat::NoAnswer(reason)) if item.attempts >= MOST_ATTEMPTS => {
                    let Some(reason) = reason else { break };
                    return self.end(failed(&reason.0), item).await;
                }
                (Found::Repeatable, _) => return self.put_back(Ended::of(job, item, "waiting"), item).await,
                // What gave no answer in time may still be at it.
                (Found::NoTrace, AfterWhat::NoAnswer(_) | AfterWhat::Doubt(_))
                | (Found::Unknown, AfterWhat::NoAnswer(_))
                    if is_first =>
                {
                    is_first = false;
                    pause(SECOND_LOOK, stop).await;
                }
                // Both say that it was not done.
                (Found::NoTrace, AfterWhat::Doubt(reason)) if job.is_single => {
                    return self.end(failed(&reason.0), item).await;
                }
                (Found::NoTrace, AfterWhat::Doubt(_)) => {
                    let end = Ended { was_not_done: true, ..Ended::of(job, item, "waiting") };
                    return self.put_back(end, item).await;
                }
                (Found::NoTrace | Found::Unknown, _) => break,
                (Found::NotNow { retry_in }, after) => {
                    pause(retry_in, stop).await;
                    if stop.is_cancelled() {
                        // It stays as it is; whoever goes on asks again.
                        return Then::Stop;
                    }
                    // A service that was down is waited for, by those who have the time.
                    let can_wait = matches!(after, AfterWhat::Doubt(_)) && !job.is_single;
                    if can_wait && self.jobs.store().is_wanted(job.id, self.id).await.unwrap_or(true) {
                        self.rates.pause(&item.place, retry_in, false);
                        continue;
                    }
                }
            }
            looks += 1;
        }
        self.end(Ended::of(job, item, "uncertain"), item).await
    }

    /// Puts an item back in line.
    async fn put_back(&self, ended: Ended<'_>, item: &Item) -> Then {
        match self.end(ended, item).await {
            Then::Next => Then::Again(WaitingItem::of(item)),
            then => then,
        }
    }

    /// Writes down how an attempt ended, and does not give up soon: what is not written down has to be found out.
    async fn end(&self, ended: Ended<'_>, item: &Item) -> Then {
        self.metrics.count(Metric::JobItem, &[&item.place, ended.result]);
        for _ in 0..MOST_WRITES {
            match self.jobs.store().end_item(&ended).await {
                Ok(true) => return Then::Next,
                Ok(false) => {
                    tracing::warn!(job = %ended.job, item = item.number, "somebody else ended an item");
                    return Then::Next;
                }
                Err(error) => {
                    tracing::warn!(job = %ended.job, item = item.number, %error, "a result is written down later");
                    sleep(DATABASE_PAUSE).await;
                }
            }
        }
        Then::Stop
    }

    async fn hold(&self, job: &LeasedJob, because: &str) {
        match self.jobs.store().hold_job(job, self.id, because).await {
            Ok(true) => {
                tracing::info!(job = %job.id, because, "a job is held");
                self.metrics.count(Metric::JobHeld, &[]);
            }
            // Its owner was faster, or another of its items.
            Ok(false) => {}
            Err(error) => tracing::warn!(job = %job.id, %error, "a job could not be held"),
        }
    }
}

/// How often it is looked whether the calls of a dead node are over.
const SETTLE_EVERY: Duration = Duration::from_millis(250);

const NEEDS_OWNER: &str = "The panel needs your sign-in to go on with this. Resume it to go on.";

impl<'a> Ended<'a> {
    fn of(job: &LeasedJob, item: &'a Item, result: &'a str) -> Self {
        Self {
            job: job.id,
            number: item.number,
            request_id: &item.request_id,
            result,
            reason: None,
            note: None,
            upstream_request_id: None,
            was_not_done: false,
            was_not_sent: false,
        }
    }

    fn not_sent(job: &LeasedJob, item: &'a Item) -> Self {
        Self { was_not_done: true, was_not_sent: true, ..Self::of(job, item, "waiting") }
    }
}

impl WaitingItem {
    fn of(item: &Item) -> Self {
        Self {
            number: item.number,
            place: item.place.clone(),
            target: item.target,
            name: item.name.clone(),
            attempts: item.attempts,
        }
    }
}

/// Waits, or stops waiting when nothing more is to be begun.
async fn pause(wait: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(wait) => {}
    }
}
