//! The sessions in this node's memory. Pure bookkeeping: it decides nothing and waits for nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Instant,
};

use chrono::{DateTime, Utc};

use super::{AsOf, Liveness, Look, Session, SessionId, SupportView, store::LiveSessionRow};

/// Sessions by the hash of their cookie.
#[derive(Default)]
pub struct Cache {
    entries: HashMap<[u8; 32], Entry>,
    /// The cookies under which a session is known: the present one, and shortly the one before.
    cookies: HashMap<SessionId, Vec<[u8; 32]>>,
    /// Outlives an entry for as long as a stream holds the session, so that the stream still hears of its end.
    liveness: HashMap<SessionId, Weak<Liveness>>,
}

/// A session as this node knows it.
#[derive(Clone)]
pub struct Entry {
    pub session: Arc<Session>,
    /// When Postgres last said that the session exists.
    pub confirmed_at: Instant,
    pub last_seen_at: DateTime<Utc>,
    /// When a use was last handed on to be written.
    pub touched_at: Option<DateTime<Utc>>,
    /// Set once the cookie has been replaced: then it is worth nothing, though the session goes on.
    pub good_until: Option<Instant>,
}

/// Beyond so many sessions the ones confirmed longest ago are dropped; a session takes about 1 KB.
const MOST_ENTRIES: usize = 50_000;

impl Cache {
    /// The session of a cookie, unless the cookie has been replaced and its time is over.
    pub fn get(&self, cookie_hash: &[u8; 32], at: Instant) -> Option<&Entry> {
        self.entries.get(cookie_hash).filter(|entry| entry.good_until.is_none_or(|until| at < until))
    }

    pub fn get_mut(&mut self, cookie_hash: &[u8; 32]) -> Option<&mut Entry> {
        self.entries.get_mut(cookie_hash)
    }

    /// The newest value known of a session.
    pub fn find(&self, id: SessionId) -> Option<&Entry> {
        let entries = self.cookies.get(&id)?.iter().filter_map(|hash| self.entries.get(hash));
        entries.max_by_key(|entry| entry.session.token_expires_at)
    }

    pub fn put(&mut self, cookie_hash: [u8; 32], entry: Entry) {
        if self.entries.len() >= MOST_ENTRIES && !self.entries.contains_key(&cookie_hash) {
            self.drop_older_half();
        }
        let hashes = self.cookies.entry(entry.session.id).or_default();
        if !hashes.contains(&cookie_hash) {
            hashes.push(cookie_hash);
        }
        self.entries.insert(cookie_hash, entry);
    }

    /// Notes that a cookie has been replaced. What was noted first stays: a cookie never becomes good again.
    pub fn replace_cookie(&mut self, cookie_hash: &[u8; 32], until: Instant) {
        if let Some(entry) = self.entries.get_mut(cookie_hash) {
            entry.good_until.get_or_insert(until);
        }
    }

    /// Forgets a cookie; whose it was. The session and the other cookies of it stay.
    pub fn forget_cookie(&mut self, cookie_hash: &[u8; 32]) -> Option<SessionId> {
        let entry = self.entries.remove(cookie_hash)?;
        let id = entry.session.id;
        if let Some(hashes) = self.cookies.get_mut(&id) {
            hashes.retain(|hash| hash != cookie_hash);
            if hashes.is_empty() {
                self.cookies.remove(&id);
            }
        }
        Some(id)
    }

    /// The one liveness of a session on this node.
    pub fn liveness(&mut self, id: SessionId) -> Arc<Liveness> {
        let slot = self.liveness.entry(id).or_default();
        slot.upgrade().unwrap_or_else(|| {
            let liveness = Arc::new(Liveness::default());
            *slot = Arc::downgrade(&liveness);
            liveness
        })
    }

    /// Forgets a session and tells everybody who holds it. `true` if somebody could have.
    pub fn end(&mut self, id: SessionId) -> bool {
        for hash in self.cookies.remove(&id).unwrap_or_default() {
            self.entries.remove(&hash);
        }
        let liveness = self.liveness.remove(&id).and_then(|liveness| liveness.upgrade());
        liveness.inspect(|liveness| liveness.ended.cancel()).is_some()
    }

    /// Notes what a session looks at, unless something is known that is newer.
    pub fn look_at(&mut self, id: SessionId, support_view: Option<SupportView>, as_of: AsOf) {
        let liveness = self.liveness(id);
        let mut look = liveness.look.lock();
        if as_of < look.as_of {
            return;
        }
        let is_other = look.support_view != support_view;
        *look = Look { support_view, as_of };
        drop(look);
        if is_other {
            liveness.look_changed.notify_waiters();
        }
    }

    /// Every session that somebody holds or that is kept here.
    pub fn known(&self) -> Vec<SessionId> {
        self.liveness.iter().filter(|(_, liveness)| liveness.strong_count() > 0).map(|(id, _)| *id).collect()
    }

    /// Notes what Postgres says of a session that it was asked about by id, then. Returns when the session was last seen,
    /// here or elsewhere. A cookie that Postgres does not name is forgotten; it will be asked about if it comes.
    pub fn confirm(
        &mut self,
        live: &LiveSessionRow,
        as_of: AsOf,
        now: DateTime<Utc>,
        at: Instant,
    ) -> DateTime<Utc> {
        let mut latest = live.last_seen_at;
        self.look_at(live.id, live.support_view.clone(), as_of);
        for hash in self.cookies.get(&live.id).cloned().unwrap_or_default() {
            let previous = live.previous_cookie.as_ref().filter(|(previous, _)| *previous == hash);
            if let Some((_, until)) = previous {
                self.replace_cookie(&hash, at + (*until - now).to_std().unwrap_or_default());
            } else if live.cookie_hash != hash {
                self.forget_cookie(&hash);
            }
            if let Some(entry) = self.entries.get_mut(&hash) {
                entry.confirmed_at = at;
                entry.last_seen_at = entry.last_seen_at.max(live.last_seen_at);
                latest = latest.max(entry.last_seen_at);
            }
        }
        latest
    }

    /// Drops what was confirmed before `before`, cookies whose time was over by then, and the traces of sessions
    /// nobody holds any more.
    pub fn prune(&mut self, before: Instant) {
        self.entries.retain(|_, entry| {
            entry.confirmed_at >= before && entry.good_until.is_none_or(|until| until >= before)
        });
        let entries = &self.entries;
        self.cookies.retain(|_, hashes| {
            hashes.retain(|hash| entries.contains_key(hash));
            !hashes.is_empty()
        });
        self.liveness.retain(|_, liveness| liveness.strong_count() > 0);
    }

    /// Whether a session is kept here under any cookie.
    pub fn knows(&self, id: SessionId) -> bool {
        self.cookies.contains_key(&id)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn drop_older_half(&mut self) {
        let mut times: Vec<Instant> = self.entries.values().map(|entry| entry.confirmed_at).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.prune(median);
        // All confirmed at once: nothing is older than the median.
        if self.entries.len() >= MOST_ENTRIES {
            let surplus: Vec<_> = self.entries.keys().take(middle).copied().collect();
            surplus.iter().for_each(|hash| drop(self.entries.remove(hash)));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ID: SessionId = SessionId(Uuid::from_u128(1));

    fn view() -> SupportView {
        SupportView {
            id: Uuid::from_u128(2),
            project: "alpha".parse().expect("a project id"),
            project_name: "alpha".to_owned(),
            customer: None,
            reason: "Ticket 4711".to_owned(),
            until: Utc::now(),
        }
    }

    fn row(support_view: Option<SupportView>) -> LiveSessionRow {
        LiveSessionRow {
            id: ID,
            last_seen_at: Utc::now(),
            cookie_hash: vec![0; 32],
            previous_cookie: None,
            support_view,
        }
    }

    #[test]
    fn an_answer_to_what_was_asked_before_a_view_began_or_ended_changes_nothing() {
        let mut cache = Cache::default();
        let liveness = cache.liveness(ID);
        let looks = || liveness.look.lock().support_view.is_some();
        let confirm = |cache: &mut Cache, view, as_of| {
            cache.confirm(&row(view), AsOf(as_of), Utc::now(), Instant::now());
            looks()
        };
        cache.look_at(ID, Some(view()), AsOf(2));
        assert!(confirm(&mut cache, None, 1), "asked before it began");
        assert!(!confirm(&mut cache, None, 3), "asked after it: it has ended elsewhere");
        assert!(confirm(&mut cache, Some(view()), 4), "and another one has begun");
        cache.look_at(ID, None, AsOf(6));
        assert!(!confirm(&mut cache, Some(view()), 5), "asked before it ended");
    }
}
