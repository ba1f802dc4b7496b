//! The servers of one project, as this page holds them: rows, what of them is shown, what is ticked.
//!
//! All of it lives outside the reactive graph. One signal says that something changed, at most once a frame; who
//! shows something reads it then. Work is done in turns of a few milliseconds, so that typing never waits.

mod inner;

use std::{rc::Rc, time::Duration};

use api_types::{ProjectId, ServerId, servers::RegionStatus};
use leptos::prelude::*;

use super::{
    connection::{Connection, Happening, Health, Reason},
    live,
    rows::{Expected, Query, RowIndex, RowView, Rows, Selection, Sort, Step, View},
    turns::Deadline,
};
use inner::Drawn;
pub(super) use inner::{Arrived, Inner};

/// A handle to the servers of the project on screen.
#[derive(Clone, Copy)]
pub struct ServersStore {
    inner: StoredValue<Rc<Inner>, LocalStorage>,
    version: RwSignal<u32>,
    beside_version: RwSignal<u32>,
}

/// What there is to show.
pub struct Servers {
    pub project: Option<ProjectId>,
    pub rows: Rows,
    pub view: View,
    pub selection: Selection,
    /// Where the reader is in the list; kept while a server's page is open.
    pub place: ListPlace,
    pub connection: Health,
    /// Why nothing more will come.
    pub refusal: Option<Reason>,
    /// Everything known at the start of the stream is here.
    pub is_caught_up: bool,
    /// Nothing received is waiting, and the view shows what was asked of it.
    pub is_settled: bool,
    /// The list was complete once, or all of it but for regions that do not answer: from then on what is on screen
    /// stays in its place.
    pub has_been_complete: bool,
    /// Everything that came is in and shown, and nothing more came for a while.
    pub is_resting: bool,
    /// When each region said something last, in seconds since 1970, in the order of [`Rows::regions`].
    pub region_heard_at: Vec<i64>,
    /// Rises when a person asked for other rows or another order.
    pub asked: u32,
    /// What a person asked for is not found yet.
    pub is_asked: bool,
    /// Somebody points at the rows: they stay where they are.
    pub is_held: bool,
}

/// A place in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ListPlace {
    pub scroll_top: f64,
    pub cursor: Option<ServerId>,
}

/// How often silence is looked for.
const LISTEN_EVERY: Duration = Duration::from_secs(10);
/// How long a keystroke or a click may compute before it lets others go first. What it asks for is shown with the next
/// frame if it is found within this time, as it nearly always is.
const TYPING_MS: f64 = 36.0;
/// While rows pour in, they have a share of the same time; what was asked for follows in turns.
const TYPING_WHILE_LOADING_MS: f64 = 12.0;

impl ServersStore {
    /// Reads, now.
    pub fn with<T>(self, read: impl FnOnce(&Servers) -> T) -> Option<T> {
        self.inner.try_with_value(|inner| inner.servers.try_borrow().ok().map(|servers| read(&servers)))?
    }

    /// Reads, and again whenever something changed.
    pub fn track<T>(self, read: impl FnOnce(&Servers) -> T) -> Option<T> {
        self.version.track();
        self.with(read)
    }

    /// Rises when something changed, at most once a frame.
    pub fn version(self) -> Signal<u32> {
        self.version.into()
    }

    /// Reads, and again one frame after something changed: for what stands beside the rows. The rows are drawn first,
    /// and what they lead to needs no part of their frame.
    pub fn track_beside<T>(self, read: impl FnOnce(&Servers) -> T) -> Option<T> {
        self.beside_version.track();
        self.with(read)
    }

    /// Something changed that is drawn with the next frame.
    pub fn is_frame_asked(self) -> bool {
        let is_asked = |inner: &Rc<Inner>| {
            [&inner.is_frame_asked, &inner.is_beside_asked, &inner.is_answer_unpainted]
                .iter()
                .any(|is| is.get())
        };
        self.inner.try_with_value(is_asked).unwrap_or(false)
    }

    /// Changes what is shown or ticked; drawn with the next frame.
    pub fn update<T>(self, change: impl FnOnce(&mut Servers) -> T) -> Option<T> {
        self.inner.try_with_value(|inner| {
            let changed = inner.servers.try_borrow_mut().ok().map(|mut servers| change(&mut servers));
            inner.ask_frame();
            changed
        })?
    }

    /// Shows what this query lets through.
    pub fn set_query(self, query: Query) {
        self.ask(|servers| servers.view.set_query(query));
    }

    pub fn set_sort(self, sort: Sort) {
        self.ask(|servers| servers.view.set_sort(sort));
    }

    /// Shows with the next frame what is expected of these servers; see [`Rows::expect`].
    pub fn expect(self, servers: &[ServerId], expected: impl Fn(RowView<'_>) -> Expected) {
        self.change_rows(servers, |rows, row| {
            let expected = expected(rows.row(row));
            rows.expect(row, &expected);
        });
    }

    /// Shows these servers as their regions left them, where nothing was said since.
    pub fn withdraw(self, servers: &[ServerId]) {
        self.change_rows(servers, |rows, row| _ = rows.withdraw(row));
    }

    fn change_rows(self, servers: &[ServerId], change: impl Fn(&mut Rows, RowIndex)) {
        self.update(|held| {
            for row in servers.iter().filter_map(|id| held.rows.find(id)).collect::<Vec<_>>() {
                change(&mut held.rows, row);
            }
            held.is_settled = false;
        });
        self.inner.try_with_value(|inner| inner.ask_turn());
    }

    /// Keeps rows from coming and going, while somebody points at them. Not while they first arrive.
    pub fn hold(self, held: bool) {
        let has_changed = self.with(|servers| servers.is_held != (held && servers.has_been_complete));
        if has_changed == Some(true) {
            self.update(|servers| {
                servers.is_held = held;
                servers.view.hold(held);
                servers.is_settled = false;
            });
            self.inner.try_with_value(|inner| inner.ask_turn());
        }
    }

    /// Shows the new rows that were kept back.
    pub fn show_waiting(self) {
        self.update(|servers| {
            servers.view.hold(false);
            let mut deadline = Deadline::in_ms(TYPING_MS);
            // Out of time: what is left comes in turns, and holding begins again with the next movement.
            servers.is_held &= servers.step(&mut deadline) == Step::Done;
            servers.view.hold(servers.is_held);
            servers.is_settled = false;
        });
        self.inner.try_with_value(|inner| inner.ask_turn());
    }

    /// Remembers where the list was scrolled to; nothing is drawn for it.
    pub fn keep_scroll(self, top: f64) {
        self.inner.try_with_value(|inner| {
            if let Ok(mut servers) = inner.servers.try_borrow_mut() {
                servers.place.scroll_top = top;
            }
        });
    }

    /// Shows this project from now on; its stream stays open until [`Self::leave`] or another project.
    pub fn watch(self, project: ProjectId) {
        self.inner.try_with_value(|inner| {
            let is_same = inner.servers.borrow().project.as_ref() == Some(&project);
            if !is_same {
                inner.close();
                inner.servers.borrow_mut().turn_to(project);
                inner.ask_frame();
            }
            let is_connected = inner.connection.borrow().is_some();
            if !is_connected {
                let has_rows = inner.servers.borrow().rows.position().is_some();
                let (connection, act) = Connection::start(has_rows);
                *inner.connection.borrow_mut() = Some(connection);
                live::act(inner, act);
            }
        });
    }

    /// Closes the stream and keeps the rows.
    pub fn leave(self) {
        self.inner.try_with_value(|inner| inner.close());
    }

    /// Tries to connect now instead of waiting.
    pub fn nudge(self) {
        self.happen(Happening::Nudged);
    }

    /// Tries again now, whatever was decided before.
    pub fn try_again(self) {
        if self.with(|servers| servers.refusal.is_some()) == Some(true) {
            self.reconnect();
        } else {
            self.nudge();
        }
    }

    /// Starts over after the session was renewed, or after it was given up.
    pub fn reconnect(self) {
        let project = self.with(|servers| servers.project.clone()).flatten();
        self.leave();
        self.update(|servers| servers.refusal = None);
        if let Some(project) = project {
            self.watch(project);
        }
    }

    pub fn happen(self, happening: Happening) {
        self.inner.try_with_value(|inner| inner.happen(happening));
    }

    fn ask(self, change: impl FnOnce(&mut Servers)) {
        self.inner.try_with_value(|inner| {
            if let Ok(mut servers) = inner.servers.try_borrow_mut() {
                change(&mut servers);
                servers.asked = servers.asked.wrapping_add(1);
                // Most lists answer within this very keystroke; the others go on in turns.
                let mut deadline = Deadline::in_ms(servers.typing_ms());
                servers.is_asked = servers.find(&mut deadline) == Step::More;
                servers.is_settled &= !servers.is_asked;
                if !servers.is_asked {
                    drop(servers);
                    // The counts follow, once the rows are painted.
                    return inner.show_answer();
                }
            }
            inner.ask_turn();
        });
    }
}

impl Servers {
    /// How many servers match; a row that stays in sight though its server is gone is none.
    pub fn matching(&self) -> usize {
        self.view.len() - self.view.gone(&self.rows)
    }

    fn new(project: Option<ProjectId>) -> Self {
        Self {
            project,
            rows: Rows::new(),
            view: View::new(),
            selection: Selection::default(),
            place: ListPlace::default(),
            connection: Health::Live,
            refusal: None,
            is_caught_up: false,
            is_settled: true,
            has_been_complete: false,
            is_resting: false,
            region_heard_at: Vec::new(),
            asked: 0,
            is_asked: false,
            is_held: false,
        }
    }

    /// Forgets one project's servers for another's. What was asked for stays: the URL may have said it already.
    fn turn_to(&mut self, project: ProjectId) {
        let mut fresh = Self::new(Some(project));
        fresh.view.set_query(self.view.query().clone());
        fresh.view.set_sort(self.view.sort());
        fresh.asked = self.asked.wrapping_add(1);
        *self = fresh;
    }

    /// Every region has told all it will tell for now, and the view shows it.
    pub fn is_complete(&self) -> bool {
        self.is_caught_up && self.is_settled && !self.is_any_region_loading()
    }

    /// There is time to draw what is out of sight: a region that does not answer holds nothing else up.
    pub fn is_at_rest(&self) -> bool {
        self.is_settled && (self.is_resting || self.is_complete())
    }

    /// Every region that said anything has said all; rows may be looked at.
    fn is_whole_but_for_silent_regions(&self) -> bool {
        let is_done_or_silent = |region: &super::rows::RegionInfo| {
            let is_loading = region.state.as_ref().is_none_or(|state| state.status == RegionStatus::Loading);
            !is_loading || region.rows == 0
        };
        !self.rows.is_empty() && self.rows.regions().iter().all(is_done_or_silent)
    }

    /// How many servers there will be, as far as the regions have said.
    pub fn expected(&self) -> usize {
        let of_region = |region: &super::rows::RegionInfo| {
            let said = region.state.as_ref().filter(|state| state.status == RegionStatus::Loading);
            let expected = said.and_then(|state| state.expected).unwrap_or(0) as usize;
            expected.max(region.rows)
        };
        self.rows.regions().iter().map(of_region).sum()
    }

    pub fn is_any_region_loading(&self) -> bool {
        let is_loading = |region: &super::rows::RegionInfo| {
            region.state.as_ref().is_none_or(|state| state.status == RegionStatus::Loading)
        };
        self.rows.regions().iter().any(is_loading)
    }

    /// The ticked rows: those in the list in its order, then those that the search leaves out.
    pub fn selected(&self) -> Vec<RowIndex> {
        self.selection.rows(&self.rows, &self.view)
    }

    /// How long a keystroke or a click may compute.
    fn typing_ms(&self) -> f64 {
        if self.has_been_complete { TYPING_MS } else { TYPING_WHILE_LOADING_MS }
    }

    /// Lets the view look for its rows until it has them or is out of time; what is counted follows with [`Self::step`].
    fn find(&mut self, deadline: &mut Deadline) -> Step {
        self.view.find(&mut self.rows, &mut || deadline.has_time())
    }

    /// Lets the view work until it is done or out of time.
    fn step(&mut self, deadline: &mut Deadline) -> Step {
        self.view.step(&mut self.rows, &mut || deadline.has_time())
    }
}

/// Makes the store of the servers pages and keeps it for as long as the calling component lives.
pub fn provide_servers_store() -> ServersStore {
    let version = RwSignal::new(0u32);
    let beside_version = RwSignal::new(0u32);
    let inner = Inner::new(move |drawn| {
        let version = if drawn == Drawn::Rows { version } else { beside_version };
        _ = version.try_update(|version| *version = version.wrapping_add(1));
    });
    let store = ServersStore { inner: StoredValue::new_local(inner), version, beside_version };
    provide_context(store);
    let nudge = move |_| {
        if document().hidden() {
            store.happen(Happening::Hidden);
        } else {
            store.nudge();
        }
    };
    let seen = window_event_listener_untyped("visibilitychange", nudge);
    let online = window_event_listener_untyped("online", move |_| store.nudge());
    let left = window_event_listener_untyped("pagehide", move |_| store.happen(Happening::Left));
    let back = window_event_listener_untyped("pageshow", move |_| store.nudge());
    let listen = move || _ = store.inner.try_with_value(|inner| inner.check_silence());
    let listening = set_interval_with_handle(listen, LISTEN_EVERY);
    on_cleanup(move || {
        seen.remove();
        online.remove();
        left.remove();
        back.remove();
        if let Ok(listening) = listening {
            listening.clear();
        }
        store.leave();
    });
    store
}

/// The store of the servers pages.
#[track_caller]
pub fn use_servers_store() -> ServersStore {
    expect_context()
}
