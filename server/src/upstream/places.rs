//! How many calls to one service of one region run side by side, and whose turn it is.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

use super::Lane;

/// The places under one cap. Whoever wants one gets it at once, or waits in the queue of its lane.
pub struct Places {
    cap: usize,
    state: Mutex<State>,
}

/// A place that is taken, until this is dropped.
pub struct Place {
    places: Option<Arc<Places>>,
    lane: Lane,
}

/// A place that was not free.
pub struct Waiting(oneshot::Receiver<Place>);

#[derive(Default)]
struct State {
    running: ByLane<usize>,
    waiting: ByLane<VecDeque<oneshot::Sender<Place>>>,
    /// When somebody last waited for a call: for a while after it one place is kept free.
    wanted_at: Option<Instant>,
}

#[derive(Default)]
struct ByLane<T> {
    interactive: T,
    aside: T,
    bulk: T,
}

impl Places {
    /// `cap`: calls side by side, at least 1.
    pub fn new(cap: usize) -> Arc<Self> {
        Arc::new(Self { cap: cap.max(1), state: Mutex::default() })
    }

    /// Takes a free place, or gets in line.
    pub fn take(self: &Arc<Self>, lane: Lane) -> Result<Place, Waiting> {
        let mut state = self.state.lock();
        let now = Instant::now();
        if lane != Lane::Bulk {
            state.wanted_at = Some(now);
        }
        // Mostly nobody waits, and there is room.
        if state.is_nobody_waiting() && state.may_run(lane, self.cap, now) {
            *state.running.of(lane) += 1;
            return Ok(Place { places: Some(self.clone()), lane });
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.of(lane).push_back(sender);
        self.hand_out(&mut state);
        let mut waiting = Waiting(receiver);
        drop(state);
        waiting.0.try_recv().map_err(|_| waiting)
    }

    /// Calls that wait for their turn. Those that left are forgotten.
    pub fn waiting(&self) -> usize {
        let mut state = self.state.lock();
        let mut patient = |lane| {
            let queue = state.waiting.of(lane);
            queue.retain(|sender| !sender.is_closed());
            queue.len()
        };
        [Lane::Interactive, Lane::Aside, Lane::Bulk].into_iter().map(&mut patient).sum()
    }

    /// Hands out the place that was kept free, if it has been for long enough.
    pub fn look_again(self: &Arc<Self>) {
        self.hand_out(&mut self.state.lock());
    }

    fn give_back(self: &Arc<Self>, lane: Lane) {
        let mut state = self.state.lock();
        *state.running.of(lane) -= 1;
        if !state.is_nobody_waiting() {
            self.hand_out(&mut state);
        }
    }

    /// Gives the free places to those whose turn it is.
    fn hand_out(self: &Arc<Self>, state: &mut State) {
        let now = Instant::now();
        for lane in [Lane::Interactive, Lane::Aside, Lane::Bulk] {
            while state.may_run(lane, self.cap, now) {
                let Some(sender) = state.waiting.of(lane).pop_front() else { break };
                *state.running.of(lane) += 1;
                if let Err(mut place) = sender.send(Place { places: Some(self.clone()), lane }) {
                    // Whoever waited has left.
                    place.places = None;
                    *state.running.of(lane) -= 1;
                }
            }
        }
    }
}

impl State {
    fn is_nobody_waiting(&self) -> bool {
        let ByLane { interactive, aside, bulk } = &self.waiting;
        [interactive, aside, bulk].into_iter().all(VecDeque::is_empty)
    }

    /// Whether one more call of a lane may run. Lanes are asked in their order, so that one that could run has the
    /// place before the next is asked.
    fn may_run(&self, lane: Lane, cap: usize, now: Instant) -> bool {
        let ByLane { interactive, aside, bulk } = self.running;
        let is_wanted = self.wanted_at.is_some_and(|at| now.duration_since(at) < KEPT_FREE_FOR);
        let kept_free = usize::from(cap > 1 && is_wanted);
        let is_free = interactive + aside + bulk < cap;
        let others = aside + bulk;
        match lane {
            // One is always left for lists: whatever hangs for people is not to make them stale.
            Lane::Interactive => is_free && interactive < (cap - 1).max(1),
            Lane::Aside => is_free && others < cap - kept_free && aside < (cap / 2).max(1),
            Lane::Bulk => is_free && others < cap - kept_free,
        }
    }
}

/// After somebody waited for a call, more calls follow: the next page somebody opens, the next person. Lists are filled
/// with all places only while nobody asks for anything else.
pub const KEPT_FREE_FOR: Duration = Duration::from_secs(10);

impl Waiting {
    pub async fn place(self) -> Option<Place> {
        self.0.await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.places.take() {
            places.give_back(self.lane);
        }
    }
}

impl<T> ByLane<T> {
    fn of(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Interactive => &mut self.interactive,
            Lane::Aside => &mut self.aside,
            Lane::Bulk => &mut self.bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes places until one has to be waited for.
    fn fill(places: &Arc<Places>, lane: Lane) -> Vec<Place> {
        std::iter::from_fn(|| places.take(lane).ok()).collect()
    }

    #[tokio::test]
    async fn all_lanes_together_have_no_more_places_than_the_cap() {
        for cap in [1, 2, 4, 8] {
            let places = Places::new(cap);
            let lists = fill(&places, Lane::Bulk);
            assert_eq!(lists.len(), cap, "a list alone has all of them");
            assert!(places.take(Lane::Interactive).is_err());
            drop(lists);
            let pages = fill(&places, Lane::Interactive);
            assert_eq!(pages.len(), (cap - 1).max(1));
            let list = places.take(Lane::Bulk);
            assert_eq!(list.is_ok(), cap > 1, "one is left for lists");
            assert!(places.take(Lane::Bulk).is_err());
        }
    }

    #[tokio::test]
    async fn whoever_waits_comes_before_the_pages_of_lists_and_finds_a_place_free_the_next_time() {
        let places = Places::new(4);
        let mut lists = fill(&places, Lane::Bulk);
        let Err(person) = places.take(Lane::Interactive) else { panic!("a fifth place") };
        let Err(next_page) = places.take(Lane::Bulk) else { panic!("a fifth place") };
        drop(lists.pop());
        let person = person.place().await.expect("the free place");
        assert_eq!(places.waiting(), 1, "the page");
        drop(person);
        // One is kept free, and the page has to wait on.
        assert!(places.take(Lane::Interactive).is_ok());
        places.state.lock().wanted_at = Instant::now().checked_sub(KEPT_FREE_FOR);
        drop(lists.pop());
        let next_page = next_page.place().await.expect("a place, once nobody asks any more");
        drop((lists, next_page));
        assert_eq!(fill(&places, Lane::Bulk).len(), 4);
    }

    #[tokio::test]
    async fn what_is_asked_for_beside_something_leaves_places_for_the_thing_itself_and_for_lists() {
        let places = Places::new(4);
        let parts = fill(&places, Lane::Aside);
        assert_eq!(parts.len(), 2);
        let page = places.take(Lane::Bulk);
        assert!(page.is_ok() && places.take(Lane::Bulk).is_err());
        assert!(places.take(Lane::Interactive).is_ok());
        let alone = Places::new(1);
        assert_eq!(fill(&alone, Lane::Aside).len(), 1);
    }

    #[tokio::test]
    async fn the_place_kept_free_is_handed_out_when_its_time_is_over() {
        let places = Places::new(2);
        drop(places.take(Lane::Interactive));
        let list = places.take(Lane::Bulk);
        let Err(waiting) = places.take(Lane::Bulk) else { panic!("one is kept free") };
        places.state.lock().wanted_at = Instant::now().checked_sub(KEPT_FREE_FOR);
        places.look_again();
        assert!(waiting.place().await.is_some());
        drop(list);
    }

    #[tokio::test]
    async fn the_line_forgets_who_left_it() {
        let places = Places::new(1);
        let held = places.take(Lane::Bulk);
        for _ in 0..100 {
            drop(places.take(Lane::Interactive));
            assert_eq!(places.waiting(), 0);
        }
        assert_eq!(places.state.lock().waiting.interactive.len(), 0);
        drop(held);
    }

    #[tokio::test]
    async fn who_left_the_line_holds_nobody_up_and_keeps_no_place() {
        let places = Places::new(1);
        let held = places.take(Lane::Bulk).ok().expect("a place");
        let left = places.take(Lane::Bulk);
        let Err(patient) = places.take(Lane::Bulk) else { panic!("a second place") };
        // One that leaves before its turn, and one that leaves with the place already on its way.
        drop(left);
        assert_eq!(places.waiting(), 1);
        drop(held);
        drop(patient);
        assert!(places.take(Lane::Bulk).is_ok());
    }
}
