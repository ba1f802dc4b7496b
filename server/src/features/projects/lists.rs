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

/// The lists of this node's sessions. Cheap to clone.
#[derive(Clone)]
pub struct ProjectLists {
    keystone: Keystone,
    clock: Clock,
    lists: Arc<Mutex<HashMap<SessionId, Slot>>>,
}

#[derive(Clone, Default)]
struct Slot {
    list: Option<(Instant, Arc<[Project]>)>,
    /// Held while Keystone is asked, so that keystrokes in between wait for the same answer.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

const FRESH: Duration = Duration::from_secs(60);
/// While Keystone does not answer, an older list is better than none.
const USABLE: Duration = Duration::from_secs(3600);
/// 3,000 projects take about 400 KB.
const MOST_LISTS: usize = 500;

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
        let fetching = self.lists.lock().entry(session.id).or_default().fetching.clone();
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
        self.keep(session.id, list.clone());
        Ok(list)
    }

    fn kept(&self, session: SessionId, no_older_than: Duration) -> Option<Arc<[Project]>> {
        let lists = self.lists.lock();
        let (at, list) = lists.get(&session)?.list.as_ref()?;
        (self.clock.instant().duration_since(*at) < no_older_than).then(|| list.clone())
    }

    fn keep(&self, session: SessionId, list: Arc<[Project]>) {
        let now = self.clock.instant();
        let mut lists = self.lists.lock();
        if lists.len() >= MOST_LISTS {
            lists.retain(|_, slot| slot.list.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < FRESH));
        }
        if lists.len() >= MOST_LISTS {
            lists.clear();
        }
        lists.entry(session).or_default().list = Some((now, list));
    }
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
