//! Who looks at an index, and on whose behalf the upstream is asked.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::RegionIndex;
use crate::session::ProjectScope;

/// Somebody's right to see a project's servers.
pub trait Credentials: Send + Sync {
    fn scope(&self) -> Arc<ProjectScope>;

    /// A service answered 401 to the token of `scope`. Only Keystone can tell what that means.
    fn refused<'a>(&'a self, scope: &'a ProjectScope) -> Pin<Box<dyn Future<Output = Refusal> + Send + 'a>>;
}

/// What a 401 means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is a token to go on with.
    Renewed,
    /// These credentials are over, and whoever has them is told.
    Ended,
    /// They may be good, but are of no use now: a code and a sentence.
    Unusable { code: &'static str, message: String },
}

/// One who looks. Dropping it means leaving.
pub struct Viewer {
    index: Arc<RegionIndex>,
    number: u64,
    pub news: watch::Receiver<u64>,
}

/// All who look at one index now.
pub(super) struct Viewers {
    present: BTreeMap<u64, Present>,
    next_number: u64,
    /// Somebody has gone to fetch the live stream and will be back until then.
    expected: Option<(Instant, Arc<dyn Credentials>)>,
    last_seen_at: Instant,
    /// The task that keeps the index true is running.
    pub is_kept: bool,
}

struct Present {
    credentials: Arc<dyn Credentials>,
    /// They were of no use when they were tried last, so others are tried first.
    was_useless: bool,
}

impl RegionIndex {
    /// Begins to look; the second value is true when the index has nobody who keeps it true.
    pub(super) fn enter(self: &Arc<Self>, credentials: Arc<dyn Credentials>) -> (Viewer, bool) {
        let news = self.news();
        let mut viewers = self.viewers.lock();
        let number = viewers.next_number;
        viewers.next_number += 1;
        viewers.present.insert(number, Present { credentials, was_useless: false });
        let needs_keeper = !std::mem::replace(&mut viewers.is_kept, true);
        drop(viewers);
        if self.health.lock().credentials_came(Instant::now()) {
            self.hurry.notify_one();
        }
        (Viewer { index: self.clone(), number, news }, needs_keeper)
    }

    /// Credentials to ask with: of any who look, those first that came last, since their tokens are the freshest;
    /// those that were of no use come after all others. `unless` says which need not be tried again now.
    pub(in crate::features::servers) fn credentials(
        &self,
        mut unless: impl FnMut(&Arc<dyn Credentials>) -> bool,
    ) -> Option<Arc<dyn Credentials>> {
        let viewers = self.viewers.lock();
        let of = |was_useless| {
            let present = viewers.present.values().rev();
            present.filter(move |one| one.was_useless == was_useless).map(|one| &one.credentials)
        };
        let expected = viewers.expected.iter().map(|(_, credentials)| credentials);
        of(false).chain(expected).chain(of(true)).find(|credentials| !unless(credentials)).cloned()
    }

    /// Remembers whether credentials were of use.
    pub(in crate::features::servers) fn note_use(
        &self,
        credentials: &Arc<dyn Credentials>,
        is_useless: bool,
    ) {
        for one in self.viewers.lock().present.values_mut() {
            if Arc::ptr_eq(&one.credentials, credentials) {
                one.was_useless = is_useless;
            }
        }
    }

    /// When nobody will be looking any more, if nobody comes; `None`: somebody looks.
    pub(in crate::features::servers) fn deserted_at(&self) -> Option<Instant> {
        let viewers = self.viewers.lock();
        if !viewers.present.is_empty() {
            return None;
        }
        Some(viewers.expected.as_ref().map_or(viewers.last_seen_at, |(until, _)| *until))
    }

    /// For the keeping task: true when nobody looks and it is to end.
    pub(in crate::features::servers) fn is_given_up(&self, now: Instant) -> bool {
        let mut viewers = self.viewers.lock();
        let is_expected = viewers.expected.as_ref().is_some_and(|(until, _)| now < *until);
        if !viewers.present.is_empty() || is_expected {
            return false;
        }
        viewers.expected = None;
        viewers.is_kept = false;
        true
    }

    pub fn viewers(&self) -> usize {
        self.viewers.lock().present.len()
    }
}

impl Viewer {
    pub fn index(&self) -> &Arc<RegionIndex> {
        &self.index
    }

    /// Leaves, but will be back within `within`: work under way goes on until then.
    pub fn leave_for(self, within: Duration) {
        let mut viewers = self.index.viewers.lock();
        if let Some(credentials) = viewers.present.get(&self.number).map(|one| one.credentials.clone()) {
            let until = Instant::now() + within;
            if viewers.expected.as_ref().is_none_or(|(present, _)| *present < until) {
                viewers.expected = Some((until, credentials));
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut viewers = self.index.viewers.lock();
        viewers.present.remove(&self.number);
        viewers.last_seen_at = Instant::now();
        let is_empty = viewers.present.is_empty();
        drop(viewers);
        if is_empty {
            self.index.attendance.notify_one();
        }
    }
}

impl Viewers {
    pub fn new(now: Instant) -> Self {
        Self { present: BTreeMap::new(), next_number: 0, expected: None, last_seen_at: now, is_kept: false }
    }

    pub fn idle_for(&self, now: Instant) -> Option<Duration> {
        // While its task still runs there is something to wait for.
        (self.present.is_empty() && !self.is_kept).then(|| now.duration_since(self.last_seen_at))
    }
}
