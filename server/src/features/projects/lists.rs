//! Each session's projects, remembered for a minute: the switcher asks with every keystroke.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use api_types::projects::Project;
use parking_lot::Mutex;

use crate::{
    clock::Clock,
    error::ApiError,
    session::{AuthError, Keystone, KeystoneProject, Session, SessionId},
};

/// The lists of this node's sessions, bounded by their bytes. Cheap to clone.
#[derive(Clone)]
pub struct ProjectLists {
    keystone: Keystone,
    clock: Clock,
    lists: Arc<Mutex<Lists>>,
}

const FRESH: Duration = Duration::from_secs(60);
/// While Keystone does not answer, an older list is better than none.
const USABLE: Duration = Duration::from_secs(3600);
/// What all lists together may take; 3,000 projects take about 400 KB.
const MOST_BYTES: usize = 64 << 20;

impl ProjectLists {
    pub fn new(keystone: Keystone, clock: Clock) -> Self {
        Self { keystone, clock, lists: Arc::default() }
    }

    /// All projects of a session, by name.
    ///
    /// Errors: 401 the token has expired or is no longer accepted, 503 or 504 Keystone does not answer.
    pub async fn list(&self, session: &Session) -> Result<Arc<[Project]>, ApiError> {
        if let Some(list) = self.kept(session.id, FRESH) {
            return Ok(list);
        }
        let fetching = self.lists.lock().fetching(session.id, self.clock.instant());
        let _turn = fetching.lock().await;
        if let Some(list) = self.kept(session.id, FRESH) {
            return Ok(list);
        }
        let (projects, domains) = tokio::join!(
            self.keystone.list_projects(&session.token),
            // Without names the domains' ids have to do.
            self.keystone.list_domains(&session.token),
        );
        let projects = match projects {
            Ok(projects) => projects,
            Err(AuthError::Refused) => return Err(ApiError::TokenExpired),
            Err(AuthError::Unavailable(error)) => {
                return self
                    .kept(session.id, USABLE)
                    .ok_or_else(|| ApiError::upstream(&Keystone::target())(error));
            }
        };
        let mut names: HashMap<String, String> = domains.unwrap_or_default().into_iter().collect();
        names.insert(session.user.domain_id.clone(), session.user.domain.clone());
        let list: Arc<[Project]> = sorted(projects, &names).into();
        self.lists.lock().keep(session.id, list.clone(), self.clock.instant(), MOST_BYTES);
        Ok(list)
    }

    /// Drops what is too old to be shown.
    pub fn prune(&self) {
        self.lists.lock().prune(self.clock.instant());
    }

    fn kept(&self, session: SessionId, no_older_than: Duration) -> Option<Arc<[Project]>> {
        self.lists.lock().find(session, no_older_than, self.clock.instant())
    }
}

#[derive(Default)]
struct Lists {
    slots: HashMap<SessionId, Slot>,
    bytes: usize,
}

struct Slot {
    list: Option<(Instant, Arc<[Project]>)>,
    bytes: usize,
    used_at: Instant,
    /// Held while Keystone is asked, so that keystrokes in between wait for the same answer.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

impl Lists {
    fn find(&mut self, session: SessionId, no_older_than: Duration, now: Instant) -> Option<Arc<[Project]>> {
        let slot = self.slots.get_mut(&session)?;
        let (at, list) = slot.list.as_ref()?;
        if now.duration_since(*at) >= no_older_than {
            return None;
        }
        slot.used_at = now;
        Some(list.clone())
    }

    fn fetching(&mut self, session: SessionId, now: Instant) -> Arc<tokio::sync::Mutex<()>> {
        self.slot(session, now).fetching.clone()
    }

    fn keep(&mut self, session: SessionId, list: Arc<[Project]>, now: Instant, most_bytes: usize) {
        let bytes = size_of_list(&list);
        let slot = self.slot(session, now);
        let before = std::mem::replace(&mut slot.bytes, bytes);
        slot.list = Some((now, list));
        slot.used_at = now;
        self.bytes = self.bytes - before + bytes;
        if self.bytes > most_bytes {
            self.drop_least_used(most_bytes);
        }
    }

    fn prune(&mut self, now: Instant) {
        self.slots.retain(|_, slot| {
            let is_usable = slot.list.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < USABLE);
            is_usable || slot.is_being_fetched()
        });
        self.bytes = self.slots.values().map(|slot| slot.bytes).sum();
    }

    /// Drops the lists used longest ago until a tenth of the room is free again, so that this is seldom done.
    fn drop_least_used(&mut self, most_bytes: usize) {
        let mut by_use: Vec<_> =
            self.slots.iter().map(|(id, slot)| (slot.used_at, *id, slot.bytes)).collect();
        by_use.sort_unstable();
        let enough = most_bytes - most_bytes / 10;
        for (_, id, bytes) in by_use {
            if self.bytes <= enough {
                break;
            }
            self.bytes -= bytes;
            // Whoever fetches it at this moment holds the slot's lock and puts a new list in its place.
            self.slots.remove(&id);
        }
    }

    fn slot(&mut self, session: SessionId, now: Instant) -> &mut Slot {
        self.slots.entry(session).or_insert_with(|| {
            self.bytes += SLOT_BYTES;
            Slot { list: None, bytes: SLOT_BYTES, used_at: now, fetching: Arc::default() }
        })
    }
}

impl Slot {
    fn is_being_fetched(&self) -> bool {
        Arc::strong_count(&self.fetching) > 1
    }
}

/// What a slot takes beside its list.
const SLOT_BYTES: usize = 256;

fn size_of_list(list: &[Project]) -> usize {
    let texts =
        list.iter().map(|project| project.id.as_str().len() + project.name.len() + project.domain.len());
    SLOT_BYTES + size_of_val(list) + texts.sum::<usize>()
}

fn sorted(projects: Vec<KeystoneProject>, domains: &HashMap<String, String>) -> Vec<Project> {
    let mut list: Vec<Project> = projects
        .into_iter()
        .filter_map(|project| {
            Some(Project {
                id: project.id.parse().ok()?,
                name: project.name,
                domain: domains.get(&project.domain_id).cloned().unwrap_or(project.domain_id),
            })
        })
        .collect();
    list.sort_by_cached_key(|project| (project.name.to_lowercase(), project.id.clone()));
    list
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const MOST: usize = 100_000;

    /// About 10 KB.
    fn list() -> Arc<[Project]> {
        let project = Project {
            id: "a".repeat(32).parse().expect("an id"),
            name: "n".repeat(9_500),
            domain: "Default".to_owned(),
        };
        [project].into()
    }

    #[test]
    fn the_lists_used_longest_ago_make_room_and_the_others_stay() {
        let (mut lists, began) = (Lists::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        let sessions: Vec<SessionId> = (0..30).map(|_| SessionId(Uuid::new_v4())).collect();
        for (second, session) in (0..).zip(&sessions) {
            lists.keep(*session, list(), at(second), MOST);
            assert!(lists.bytes <= MOST, "{}", lists.bytes);
            // The first one is used all the time.
            assert!(lists.find(sessions[0], USABLE, at(second)).is_some(), "second {second}");
        }
        assert!(lists.slots.len() > 5, "what fits stays: {}", lists.slots.len());
        for session in &sessions[25..] {
            assert!(lists.find(*session, USABLE, at(30)).is_some());
        }
        assert!(lists.find(sessions[1], USABLE, at(30)).is_none());
        assert_eq!(lists.bytes, lists.slots.values().map(|slot| slot.bytes).sum::<usize>());
    }

    #[test]
    fn a_list_replaced_counts_once_and_one_too_old_is_pruned() {
        let (mut lists, began) = (Lists::default(), Instant::now());
        let session = SessionId(Uuid::new_v4());
        for _ in 0..50 {
            lists.keep(session, list(), began, MOST);
        }
        assert_eq!(lists.bytes, size_of_list(&list()));
        let asking = SessionId(Uuid::new_v4());
        let turn = lists.fetching(asking, began);
        lists.prune(began + USABLE);
        assert_eq!(lists.slots.len(), 1, "only the one that is being fetched");
        drop(turn);
        lists.prune(began + USABLE);
        assert_eq!((lists.slots.len(), lists.bytes), (0, 0));
    }
}
