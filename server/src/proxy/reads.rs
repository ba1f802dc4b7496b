//! Reads that are made once for all who ask the same at the same time, and remembered for about a second.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use api_types::{ProjectId, Region};
use axum::http::HeaderMap;
use bytes::Bytes;
use hashbrown::{
    HashTable,
    hash_table::{Entry, OccupiedEntry},
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{clock::Clock, session::ProjectScope, upstream::ServiceType};

/// The reads that are under way or were just made. Cheap to clone.
///
/// Only the same token gets the same answer: what a person may see is not known here.
#[derive(Clone)]
pub struct Reads(Arc<Inner>);

/// What makes two reads the same.
#[derive(Clone)]
pub struct Question(Arc<Asked>);

struct Asked {
    scope: Arc<ProjectScope>,
    service: ServiceType,
    region: Region,
    text: String,
    /// Of all that, made once: a read is looked up several times.
    hash: u64,
    /// Those who wait while this one is asked. Whoever asks has them, even when the read is to be forgotten.
    waiting: Mutex<Vec<oneshot::Sender<Shared>>>,
}

/// A document a service answered with: status 200, JSON, whole.
#[derive(Debug)]
pub struct Document {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What to do about a read.
pub enum Turn {
    /// The answer is known.
    Known(Arc<Document>),
    /// Somebody is asking already.
    Wait(Waiting),
    /// Ask, and tell the others.
    Ask(Asking),
}

/// Somebody else's read.
pub struct Waiting(oneshot::Receiver<Shared>);

/// One's own read, that others may wait for.
pub struct Asking {
    reads: Reads,
    question: Question,
    is_settled: bool,
}

/// What became of somebody else's read.
#[derive(Clone)]
pub enum Shared {
    Document(Arc<Document>),
    /// It is nothing to share: everybody asks for himself.
    Alone,
    /// Whoever asked has left; somebody else has to.
    Left,
}

struct Inner {
    clock: Clock,
    kept_for: Duration,
    hashing: RandomState,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    slots: HashTable<Slot>,
    /// What is kept, the oldest first.
    kept: VecDeque<(Instant, Question)>,
    bytes: usize,
}

struct Slot {
    /// Of whoever asks, or asked.
    question: Question,
    content: Content,
}

enum Content {
    UnderWay,
    Kept(Arc<Document>, Instant),
}

/// All that is kept at a time; it is a second's worth.
const MOST_BYTES: usize = 32 << 20;
const MOST_DOCUMENTS: usize = 2_000;

impl Reads {
    /// `kept_for`: how long an answer is good for others; nothing is kept or shared with zero.
    pub fn new(kept_for: Duration, clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, kept_for, hashing: RandomState::new(), table: Mutex::default() }))
    }

    /// `text`: the URL, and every header that is sent on.
    pub fn question(
        &self,
        scope: &Arc<ProjectScope>,
        service: ServiceType,
        region: &Region,
        text: String,
    ) -> Question {
        let hash = self.0.hashing.hash_one((Arc::as_ptr(scope), service, region, &text));
        let (scope, region) = (scope.clone(), region.clone());
        Question(Arc::new(Asked { scope, service, region, text, hash, waiting: Mutex::default() }))
    }

    /// False where nothing is to be shared at all.
    pub fn is_on(&self) -> bool {
        !self.0.kept_for.is_zero()
    }

    pub fn take_turn(&self, question: &Question) -> Turn {
        let mut table = self.0.table.lock();
        let now = self.0.clock.instant();
        table.drop_before(now.checked_sub(self.0.kept_for));
        let own = || Slot { question: question.clone(), content: Content::UnderWay };
        match table.slots.entry(question.0.hash, |slot| slot.question == *question, Slot::hash) {
            Entry::Vacant(vacant) => drop(vacant.insert(own())),
            Entry::Occupied(mut occupied) => match &occupied.get().content {
                Content::Kept(document, at) if now.duration_since(*at) < self.0.kept_for => {
                    return Turn::Known(document.clone());
                }
                Content::UnderWay => {
                    let (told, outcome) = oneshot::channel();
                    occupied.get().question.0.waiting.lock().push(told);
                    return Turn::Wait(Waiting(outcome));
                }
                Content::Kept(..) => *occupied.get_mut() = own(),
            },
        }
        Turn::Ask(Asking { reads: self.clone(), question: question.clone(), is_settled: false })
    }

    /// Forgets what is known of a project in a region, all services: something was changed there. Reads under way go
    /// on for those who wait for them already, and for nobody else.
    pub fn forget(&self, project: &ProjectId, region: &Region) {
        let mut table = self.0.table.lock();
        if table.slots.is_empty() {
            return;
        }
        let Table { slots, bytes, .. } = &mut *table;
        slots.retain(|slot| {
            let asked = &slot.question.0;
            let is_other = asked.scope.project != *project || asked.region != *region;
            if !is_other && let Content::Kept(document, _) = &slot.content {
                *bytes -= document.body.len();
            }
            is_other
        });
    }
}

impl Waiting {
    pub async fn outcome(self) -> Shared {
        self.0.await.unwrap_or(Shared::Left)
    }
}

impl Asking {
    /// Hands the answer to those who wait, and keeps it, unless it was forgotten meanwhile.
    pub fn share(mut self, document: Arc<Document>) {
        self.settle(Some(&document));
        self.tell(&Shared::Document(document));
    }

    /// Lets those who wait ask for themselves.
    pub fn alone(mut self) {
        self.settle(None);
        self.tell(&Shared::Alone);
    }

    fn tell(&self, outcome: &Shared) {
        for told in self.question.0.waiting.lock().drain(..) {
            // Who has left needs no answer.
            let _ = told.send(outcome.clone());
        }
    }

    /// Nobody asks any more: there is an answer to keep, or none.
    fn settle(&mut self, answer: Option<&Arc<Document>>) {
        self.is_settled = true;
        let mut table = self.reads.0.table.lock();
        // With the lock, so that what is kept is in the order of its age.
        let now = self.reads.0.clock.instant();
        let Table { slots, kept, bytes } = &mut *table;
        let Some(mut slot) = self.question.slot(slots) else { return };
        let is_room =
            |document: &Document| *bytes + document.body.len() <= MOST_BYTES && kept.len() < MOST_DOCUMENTS;
        match answer.filter(|document| is_room(document)) {
            Some(document) => {
                *bytes += document.body.len();
                slot.get_mut().content = Content::Kept(document.clone(), now);
                kept.push_back((now, self.question.clone()));
            }
            None => drop(slot.remove()),
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_settled {
            self.settle(None);
        }
        // Who still waits learns that nobody asks.
        self.question.0.waiting.lock().clear();
    }
}

impl Slot {
    fn hash(&self) -> u64 {
        self.question.0.hash
    }
}

impl Table {
    fn drop_before(&mut self, oldest: Option<Instant>) {
        let Some(oldest) = oldest else { return };
        while self.kept.front().is_some_and(|(at, ..)| *at <= oldest) {
            let Some((_, question)) = self.kept.pop_front() else { break };
            if let Some(slot) = question.slot(&mut self.slots)
                && let Content::Kept(document, _) = &slot.get().content
            {
                self.bytes -= document.body.len();
                slot.remove();
            }
        }
    }
}

impl Question {
    /// The slot of this very question, and not of another that asks the same.
    fn slot<'a>(&self, slots: &'a mut HashTable<Slot>) -> Option<OccupiedEntry<'a, Slot>> {
        slots.find_entry(self.0.hash, |slot| Arc::ptr_eq(&slot.question.0, &self.0)).ok()
    }
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (&*self.0, &*other.0);
        std::ptr::eq(one, other)
            || one.hash == other.hash
                && Arc::ptr_eq(&one.scope, &other.scope)
                && one.service == other.service
                && one.region == other.region
                && one.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{secret::Secret, upstream::ServiceCatalog};

    fn scope(project: &str) -> Arc<ProjectScope> {
        Arc::new(ProjectScope {
            project: project.parse().expect("a project"),
            project_name: project.to_owned(),
            token: Secret::new("token".to_owned()),
            expires_at: chrono::Utc::now(),
            roles: Vec::new(),
            catalog: Arc::new(ServiceCatalog::default()),
        })
    }

    fn question(reads: &Reads, scope: &Arc<ProjectScope>, text: &str) -> Question {
        let region = "RegionOne".parse().expect("a region");
        reads.question(scope, ServiceType::Compute, &region, text.to_owned())
    }

    fn document(body: &'static str) -> Arc<Document> {
        Arc::new(Document { headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) })
    }

    fn ask(reads: &Reads, question: &Question) -> Asking {
        match reads.take_turn(question) {
            Turn::Ask(asking) => asking,
            Turn::Known(_) => panic!("it is known"),
            Turn::Wait(_) => panic!("somebody asks"),
        }
    }

    fn known(reads: &Reads, question: &Question) -> Option<Bytes> {
        match reads.take_turn(question) {
            Turn::Known(document) => Some(document.body.clone()),
            _ => None,
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn the_same_read_is_made_once_and_kept_for_its_time() {
        let clock = Clock::movable();
        let reads = Reads::new(SECOND, clock.clone());
        let (alpha, other_token) = (scope("alpha"), scope("alpha"));
        let servers = question(&reads, &alpha, "servers");
        let asking = ask(&reads, &servers);
        let Turn::Wait(waiting) = reads.take_turn(&servers) else { panic!("it is under way") };
        // Neither another address nor another token is the same.
        ask(&reads, &question(&reads, &alpha, "flavors")).alone();
        ask(&reads, &question(&reads, &other_token, "servers")).alone();
        asking.share(document("one"));
        assert!(matches!(waiting.outcome().await, Shared::Document(document) if document.body == "one"));
        assert_eq!(known(&reads, &servers).as_deref(), Some(&b"one"[..]));
        clock.advance(SECOND);
        ask(&reads, &servers).alone();
        assert_eq!(reads.0.table.lock().bytes, 0);
    }

    #[tokio::test]
    async fn a_write_empties_what_is_kept_and_keeps_out_what_is_under_way() {
        let reads = Reads::new(SECOND, Clock::movable());
        let (alpha, beta) = (scope("alpha"), scope("beta"));
        ask(&reads, &question(&reads, &alpha, "kept")).share(document("old"));
        ask(&reads, &question(&reads, &beta, "kept")).share(document("old"));
        let under_way = ask(&reads, &question(&reads, &alpha, "slow"));
        let Turn::Wait(early) = reads.take_turn(&question(&reads, &alpha, "slow")) else {
            panic!("it is under way")
        };
        reads.forget(&alpha.project, &"RegionOne".parse().expect("a region"));
        assert_eq!(known(&reads, &question(&reads, &alpha, "kept")), None);
        assert!(known(&reads, &question(&reads, &beta, "kept")).is_some(), "of another project");
        // Who asks from now on is not to hear what was read before the write.
        let afresh = ask(&reads, &question(&reads, &alpha, "slow"));
        under_way.share(document("before"));
        assert!(matches!(early.outcome().await, Shared::Document(_)));
        afresh.share(document("after"));
        assert_eq!(known(&reads, &question(&reads, &alpha, "slow")).as_deref(), Some(&b"after"[..]));
    }

    #[tokio::test]
    async fn who_waits_for_somebody_that_left_asks_himself() {
        let reads = Reads::new(SECOND, Clock::movable());
        let alpha = scope("alpha");
        let servers = question(&reads, &alpha, "servers");
        let asking = ask(&reads, &servers);
        let Turn::Wait(waiting) = reads.take_turn(&servers) else { panic!("it is under way") };
        drop(asking);
        assert!(matches!(waiting.outcome().await, Shared::Left));
        let asking = ask(&reads, &servers);
        let Turn::Wait(waiting) = reads.take_turn(&servers) else { panic!("it is under way") };
        asking.alone();
        assert!(matches!(waiting.outcome().await, Shared::Alone));
    }
}
