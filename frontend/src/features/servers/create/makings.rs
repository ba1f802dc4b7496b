//! The servers of the last press on Create, in each project. They are made to the end while other pages are looked at,
//! and the form that is come back to shows how they are doing.

use std::cell::RefCell;

use api_types::ProjectId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudError;

/// One server on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Making {
    pub name: String,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Asking,
    /// Nova has taken it up, under this id.
    Made(String),
    Failed(CloudError),
    /// No answer came: it may have been made all the same.
    Unsure(CloudError),
    /// The tab was closed or loaded anew before it was known. It may have been made where it was asked for.
    Interrupted {
        was_asked: bool,
    },
}

/// The servers of one press, and of further ones for those that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub makings: Vec<Making>,
    pub phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Idle,
    Busy,
    /// All were made: the form has become servers.
    Done,
}

/// What is kept of a making with the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMaking {
    name: String,
    state: KeptState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum KeptState {
    Made(String),
    Asked,
    NotMade,
}

impl State {
    /// It can be asked for again.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unsure(_) | Self::Interrupted { .. })
    }

    /// It may have been made although nothing says so.
    pub fn is_unsure(&self) -> bool {
        matches!(self, Self::Unsure(_) | Self::Interrupted { was_asked: true })
    }
}

impl Batch {
    pub fn is_busy(&self) -> bool {
        self.phase == Phase::Busy
    }

    pub fn has_failures(&self) -> bool {
        self.makings.iter().any(|making| making.state.is_failure())
    }

    /// Those of these names that were not made yet. A name that is wanted twice has to be made twice.
    pub fn not_made(&self, names: Vec<String>) -> Vec<String> {
        let is_made = |making: &&Making| matches!(making.state, State::Made(_));
        let mut made: Vec<&str> =
            self.makings.iter().filter(is_made).map(|making| making.name.as_str()).collect();
        let is_missing = |name: &String| match made.iter().position(|made| made == name) {
            Some(at) => {
                made.swap_remove(at);
                false
            }
            None => true,
        };
        names.into_iter().filter(is_missing).collect()
    }

    /// The ids of those that were made.
    pub fn ids(&self) -> Vec<String> {
        let id = |making: &Making| match &making.state {
            State::Made(id) => Some(id.clone()),
            _ => None,
        };
        self.makings.iter().filter_map(id).collect()
    }

    /// What is worth keeping: nothing where nothing was made.
    pub fn kept(&self) -> Vec<KeptMaking> {
        let keep = |making: &Making| KeptMaking {
            name: making.name.clone(),
            state: match &making.state {
                State::Made(id) => KeptState::Made(id.clone()),
                State::Asking => KeptState::Asked,
                state if state.is_unsure() => KeptState::Asked,
                _ => KeptState::NotMade,
            },
        };
        let kept: Vec<_> = self.makings.iter().map(keep).collect();
        if kept.iter().all(|making| making.state == KeptState::NotMade) { Vec::new() } else { kept }
    }

    /// From what was kept.
    pub fn restored(kept: Vec<KeptMaking>) -> Self {
        let restore = |making: KeptMaking| Making {
            name: making.name,
            state: match making.state {
                KeptState::Made(id) => State::Made(id),
                KeptState::Asked => State::Interrupted { was_asked: true },
                KeptState::NotMade => State::Interrupted { was_asked: false },
            },
        };
        Self { makings: kept.into_iter().map(restore).collect(), phase: Phase::Idle }
    }
}

/// Reads how a project's servers are doing, and follows it.
pub fn read<U>(project: Option<&ProjectId>, read: impl FnOnce(&Batch) -> U) -> U {
    VERSION.with(|version| version.track());
    BATCHES.with_borrow(|batches| match batches.iter().find(|(held, _)| Some(held) == project) {
        Some((_, batch)) => read(batch),
        None => read(&Batch::default()),
    })
}

/// Changes it, and tells who follows it.
pub fn change(project: &ProjectId, change: impl FnOnce(&mut Batch)) {
    BATCHES.with_borrow_mut(|batches| {
        if !batches.iter().any(|(held, _)| held == project) {
            batches.push((project.clone(), Batch::default()));
        }
        if let Some((_, batch)) = batches.iter_mut().find(|(held, _)| held == project) {
            change(batch);
        }
    });
    VERSION.with(|version| version.set(version.get_untracked().wrapping_add(1)));
}

thread_local! {
    static BATCHES: RefCell<Vec<(ProjectId, Batch)>> = const { RefCell::new(Vec::new()) };
    // Without an owner: no page that is left takes it along.
    static VERSION: ArcRwSignal<u32> = ArcRwSignal::new(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(states: &[(&str, State)]) -> Batch {
        let making =
            |(name, state): &(&str, State)| Making { name: (*name).to_owned(), state: state.clone() };
        Batch { makings: states.iter().map(making).collect(), phase: Phase::Busy }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_was_made_is_not_asked_for_again_and_a_name_wanted_twice_is_made_twice() {
        let made = batch(&[("a", State::Made("1".into())), ("b", State::Waiting)]);
        assert_eq!(made.not_made(names(&["a", "b", "a"])), ["b", "a"]);
        assert_eq!(Batch::default().not_made(names(&["a"])), ["a"]);
    }

    #[test]
    fn a_tab_that_was_closed_leaves_what_is_made_and_what_is_in_doubt() {
        let busy = batch(&[("a", State::Made("1".into())), ("b", State::Asking), ("c", State::Waiting)]);
        let states: Vec<_> =
            Batch::restored(busy.kept()).makings.into_iter().map(|making| making.state).collect();
        let interrupted = |was_asked| State::Interrupted { was_asked };
        assert_eq!(states, [State::Made("1".into()), interrupted(true), interrupted(false)]);
        assert!(interrupted(true).is_unsure() && !interrupted(false).is_unsure());
        // What is in doubt stays so, however often it is kept.
        assert_eq!(Batch::restored(busy.kept()).kept(), busy.kept());
    }

    #[test]
    fn where_nothing_was_made_nothing_is_kept() {
        assert_eq!(batch(&[("a", State::Waiting), ("b", State::Waiting)]).kept(), []);
    }
}
