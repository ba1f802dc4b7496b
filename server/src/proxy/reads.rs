//! Reads that are made once for all who ask the same at the same time, and remembered for about a second.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use api_types::{ProjectId, Region};
use axum::http::HeaderMap;
use bytes::Bytes;
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
    id: u64,
    waiting: Waiters,
    is_kept: bool,
}

/// Those who wait for a read. Whoever asks has them, even when the read is to be forgotten.
type Waiters = Arc<Mutex<Vec<oneshot::Sender<Shared>>>>;

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
    slots: HashMap<Question, Slot>,
    /// What is kept, the oldest first.
    kept: VecDeque<(Instant, Question, u64)>,
    bytes: usize,
    last_id: u64,
}

struct Slot {
    id: u64,
    content: Content,
}

enum Content {
    UnderWay(Waiters),
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
        Question(Arc::new(Asked { scope: scope.clone(), service, region: region.clone(), text, hash }))
    }

    /// False where nothing is to be shared at all.
    pub fn is_on(&self) -> bool {
        !self.0.kept_for.is_zero()
    }

    pub fn take_turn(&self, question: &Question) -> Turn {
        let now = self.0.clock.instant();
        let mut table = self.0.table.lock();
        table.drop_before(now.checked_sub(self.0.kept_for));
        match table.slots.get(question).map(|slot| &slot.content) {
            Some(Content::Kept(document, at)) if now.duration_since(*at) < self.0.kept_for => {
                return Turn::Known(document.clone());
            }
            Some(Content::UnderWay(waiting)) => {
                let (told, outcome) = oneshot::channel();
                waiting.lock().push(told);
                return Turn::Wait(Waiting(outcome));
            }
            _ => {}
        }
        let waiting = Waiters::default();
        table.last_id += 1;
        let id = table.last_id;
        table.slots.insert(question.clone(), Slot { id, content: Content::UnderWay(waiting.clone()) });
        Turn::Ask(Asking { reads: self.clone(), question: question.clone(), id, waiting, is_kept: false })
    }

    /// Forgets what is known of a project in a region, all services: something was changed there. Reads under way go
    /// on for those who wait for them already, and for nobody else.
    pub fn forget(&self, project: &ProjectId, region: &Region) {
        let mut table = self.0.table.lock();
        if table.slots.is_empty() {
            return;
        }
        let Table { slots, bytes, .. } = &mut *table;
        slots.retain(|question, slot| {
            let is_other = question.0.scope.project != *project || question.0.region != *region;
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
        let now = self.reads.0.clock.instant();
        let mut table = self.reads.0.table.lock();
        let Table { slots, kept, bytes, .. } = &mut *table;
        let is_room = *bytes + document.body.len() <= MOST_BYTES && kept.len() < MOST_DOCUMENTS;
        let slot = slots.get_mut(&self.question).filter(|slot| slot.id == self.id && is_room);
        if let Some(slot) = slot {
            *bytes += document.body.len();
            slot.content = Content::Kept(document.clone(), now);
            kept.push_back((now, self.question.clone(), self.id));
            self.is_kept = true;
        }
        drop(table);
        self.tell(&Shared::Document(document));
    }

    /// Lets those who wait ask for themselves.
    pub fn alone(self) {
        self.tell(&Shared::Alone);
    }

    fn tell(&self, outcome: &Shared) {
        for told in self.waiting.lock().drain(..) {
            // Who has left needs no answer.
            let _ = told.send(outcome.clone());
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let mut table = self.reads.0.table.lock();
        let is_own = |slot: &Slot| slot.id == self.id && matches!(slot.content, Content::UnderWay(_));
        if table.slots.get(&self.question).is_some_and(is_own) {
            table.slots.remove(&self.question);
        }
    }
}

impl Table {
    fn drop_before(&mut self, oldest: Option<Instant>) {
        let Some(oldest) = oldest else { return };
        while self.kept.front().is_some_and(|(at, ..)| *at <= oldest) {
            let Some((_, question, id)) = self.kept.pop_front() else { break };
            if self.slots.get(&question).is_some_and(|slot| slot.id == id)
                && let Some(Slot { content: Content::Kept(document, _), .. }) = self.slots.remove(&question)
            {
                self.bytes -= document.body.len();
            }
        }
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

impl Eq for Question {}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
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
