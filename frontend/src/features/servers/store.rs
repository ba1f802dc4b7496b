//! The servers of one project, as this page holds them: rows, what of them is shown, what is ticked.
//!
//! All of it lives outside the reactive graph. One signal says that something changed, at most once a frame; who
//! shows something reads it then. Work is done in turns of a few milliseconds, so that typing never waits.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
    time::Duration,
};

use api_types::{ProjectId, ServerId, servers::RegionStatus};
use js_sys::Uint8Array;
use leptos::prelude::*;

use super::{
    connection::{Connection, Happening, Health, Reason},
    live::{self, Link},
    receive::Receiver,
    rows::{Query, RowIndex, Rows, Selection, Sort, Step, View},
    turns::{Deadline, TURN_MS, Turns, now_ms},
};

/// A handle to the servers of the project on screen.
#[derive(Clone, Copy)]
pub struct ServersStore {
    inner: StoredValue<Rc<Inner>, LocalStorage>,
    version: RwSignal<u32>,
    counts_version: RwSignal<u32>,
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

    /// Rises with [`Self::version`], but after a keystroke or a click one frame later: what a person asked for is
    /// drawn first, and what it leads to beside it needs no part of that frame.
    pub fn counts_version(self) -> Signal<u32> {
        self.counts_version.into()
    }

    /// Something changed that is drawn with the next frame.
    pub fn is_frame_asked(self) -> bool {
        self.inner.try_with_value(|inner| inner.is_frame_asked.get()).unwrap_or(false)
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
                servers.is_settled = false;
                // Most lists answer within this very keystroke; the others go on in turns.
                let mut deadline = Deadline::in_ms(servers.typing_ms());
                servers.is_asked = servers.step(&mut deadline) == Step::More;
                if !servers.is_asked {
                    inner.ask_frame();
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

    /// Lets the view work until it is done or out of time.
    fn step(&mut self, deadline: &mut Deadline) -> Step {
        self.view.step(&mut self.rows, &mut || deadline.has_time())
    }
}

/// Makes the store of the servers pages and keeps it for as long as the calling component lives.
pub fn provide_servers_store() -> ServersStore {
    let version = RwSignal::new(0u32);
    let counts_version = RwSignal::new(0u32);
    let inner = Inner::new(move |drawn| {
        let version = if drawn == Drawn::Rows { version } else { counts_version };
        _ = version.try_update(|version| *version = version.wrapping_add(1));
    });
    let store = ServersStore { inner: StoredValue::new_local(inner), version, counts_version };
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

/// The server pings every 20 s: two that are missing are no accident.
const SILENCE_MS: f64 = 50_000.0;
const LISTEN_EVERY: Duration = Duration::from_secs(10);
/// How long a keystroke or a click may compute before it lets others go first. What it asks for is shown with the next
/// frame if it is found within this time, as it nearly always is.
const TYPING_MS: f64 = 36.0;
/// While rows pour in, they have a share of the same time; what was asked for follows in turns.
const TYPING_WHILE_LOADING_MS: f64 = 12.0;
/// While rows pour in, the view catches up with them no more often than this.
const VIEW_EVERY_MS: f64 = 14.0;
/// So long after the last rows the others are not waited for.
const RESTS_AFTER: Duration = Duration::from_millis(700);
/// And the page shows them no more often than this: drawing a frame takes the browser as long as reading some ten
/// thousand rows, and nobody reads a list that is replaced with the next one.
const LOADING_FRAME_MS: f64 = 100.0;

/// What a store is made of; [`live`] works on it.
pub(super) struct Inner {
    pub(super) servers: RefCell<Servers>,
    pub(super) connection: RefCell<Option<Connection>>,
    pub(super) link: RefCell<Link>,
    pub(super) inbox: RefCell<VecDeque<Arrived>>,
    receiver: RefCell<Receiver>,
    turns: RefCell<Option<Turns>>,
    is_frame_asked: Cell<bool>,
    is_frame_waited_for: Cell<bool>,
    /// When the page was drawn last.
    shown_at: Cell<f64>,
    rest_timer: Cell<Option<TimeoutHandle>>,
    view_stepped_at: Cell<f64>,
    /// When the server said something last.
    heard_at: Cell<f64>,
    /// What of [`Servers::asked`] was drawn last.
    asked_shown: Cell<u32>,
    on_frame: Box<dyn Fn(Drawn)>,
    pub(super) this: Weak<Inner>,
}

/// What is drawn with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    /// The list, and all else but the counts.
    Rows,
    Counts,
}

/// What came over the connection, in order.
pub(super) enum Arrived {
    /// A new connection begins: nothing of an earlier one is whole.
    Start,
    Bytes(Uint8Array),
    End(Happening),
}

impl Inner {
    fn new(on_frame: impl Fn(Drawn) + 'static) -> Rc<Self> {
        let inner = Rc::new_cyclic(|this| Self {
            servers: RefCell::new(Servers::new(None)),
            connection: RefCell::new(None),
            link: RefCell::new(Link::None),
            inbox: RefCell::new(VecDeque::new()),
            receiver: RefCell::new(Receiver::default()),
            turns: RefCell::new(None),
            is_frame_asked: Cell::new(false),
            is_frame_waited_for: Cell::new(false),
            shown_at: Cell::new(f64::MIN),
            rest_timer: Cell::new(None),
            view_stepped_at: Cell::new(0.0),
            heard_at: Cell::new(0.0),
            asked_shown: Cell::new(0),
            on_frame: Box::new(on_frame),
            this: this.clone(),
        });
        let this = inner.this.clone();
        let turns =
            Turns::new(TURN_MS, move |deadline| this.upgrade().is_some_and(|inner| inner.turn(deadline)));
        *inner.turns.borrow_mut() = turns;
        inner
    }

    /// Puts something into the inbox, to be worked off in turns.
    pub(super) fn arrive(&self, arrived: Arrived) {
        self.heard_at.set(now_ms());
        self.inbox.borrow_mut().push_back(arrived);
        self.ask_turn();
    }

    pub(super) fn happen(&self, happening: Happening) {
        let Some(inner) = self.this.upgrade() else { return };
        let act = match &mut *self.connection.borrow_mut() {
            Some(connection) => connection.on(happening, js_sys::Math::random()),
            None => None,
        };
        self.refresh_health();
        if let Some(act) = act {
            live::act(&inner, act);
        }
    }

    pub(super) fn refresh_health(&self) {
        let health = self.connection.borrow().as_ref().map_or(Health::Live, Connection::health);
        let mut servers = self.servers.borrow_mut();
        if servers.connection != health {
            servers.connection = health;
            drop(servers);
            self.ask_frame();
        }
    }

    pub(super) fn ask_frame(&self) {
        if self.is_frame_asked.replace(true) {
            return;
        }
        let this = self.this.clone();
        request_animation_frame(move || {
            if let Some(inner) = this.upgrade() {
                inner.is_frame_asked.set(false);
                inner.show_now();
            }
        });
    }

    fn show_now(&self) {
        self.shown_at.set(now_ms());
        (self.on_frame)(Drawn::Rows);
        let asked = self.servers.try_borrow().map_or(0, |servers| servers.asked);
        if self.asked_shown.replace(asked) == asked {
            return (self.on_frame)(Drawn::Counts);
        }
        let this = self.this.clone();
        request_animation_frame(move || {
            if let Some(inner) = this.upgrade() {
                (inner.on_frame)(Drawn::Counts);
            }
        });
    }

    /// A frame of many on the way to a whole list.
    fn ask_frame_of_loading(&self) {
        let wait_ms = self.shown_at.get() + LOADING_FRAME_MS - now_ms();
        if wait_ms <= 0.0 {
            return self.ask_frame();
        }
        if self.is_frame_waited_for.replace(true) {
            return;
        }
        let this = self.this.clone();
        let ask = move || {
            if let Some(inner) = this.upgrade() {
                inner.is_frame_waited_for.set(false);
                inner.ask_frame();
            }
        };
        set_timeout(ask, Duration::from_millis(wait_ms as u64));
    }

    fn ask_turn(&self) {
        if let Some(turns) = &*self.turns.borrow() {
            turns.ask();
        }
    }

    /// Counts anew with every piece that comes.
    fn rest_after_a_while(&self) {
        let this = self.this.clone();
        let rest = move || {
            let Some(inner) = this.upgrade() else { return };
            let Ok(mut servers) = inner.servers.try_borrow_mut() else { return };
            servers.is_resting = servers.is_caught_up;
            servers.has_been_complete |= servers.is_at_rest() && servers.is_whole_but_for_silent_regions();
            drop(servers);
            inner.ask_frame();
        };
        let timer = set_timeout_with_handle(rest, RESTS_AFTER).ok();
        if let Some(before) = self.rest_timer.replace(timer) {
            before.clear();
        }
    }

    fn ask_turn_after_frame(&self) {
        let this = self.this.clone();
        request_animation_frame(move || {
            if let Some(inner) = this.upgrade() {
                inner.ask_turn();
            }
        });
    }

    /// A connection that should say something now and then, and did not for long, is gone without saying so.
    fn check_silence(&self) {
        let is_open = matches!(&*self.link.borrow(), Link::Socket { .. } | Link::Stream(_));
        if is_open && now_ms() - self.heard_at.get() > SILENCE_MS {
            *self.link.borrow_mut() = Link::None;
            self.arrive(Arrived::End(Happening::Lost));
        }
    }

    fn close(&self) {
        *self.connection.borrow_mut() = None;
        *self.link.borrow_mut() = Link::None;
        self.inbox.borrow_mut().clear();
    }

    /// One turn of work: takes in what arrived, then lets the view catch up. True while there is more to do.
    fn turn(&self, deadline: &mut Deadline) -> bool {
        let mut happened = Vec::new();
        let has_more = self.take_in(deadline, &mut happened);
        for happening in happened {
            if happening == Happening::Heard && live::waits_for_socket(self) {
                continue;
            }
            self.happen(happening);
        }
        let Ok(mut servers) = self.servers.try_borrow_mut() else { return true };
        let now = now_ms();
        let is_first = servers.is_first_sight();
        if servers.is_settled || (has_more && !is_first && now - self.view_stepped_at.get() < VIEW_EVERY_MS) {
            return has_more;
        }
        self.view_stepped_at.set(now);
        let is_asked = servers.is_asked;
        let is_done = match is_asked && servers.has_been_complete {
            true => servers.step(&mut Deadline::in_ms(TYPING_MS)) == Step::Done,
            false => servers.step(deadline) == Step::Done,
        };
        servers.is_asked &= !is_done;
        servers.is_settled = is_done && !has_more;
        servers.has_been_complete |= servers.is_complete();
        let is_loading = !servers.has_been_complete;
        drop(servers);
        if is_loading {
            self.rest_after_a_while();
        }
        if is_first && is_done {
            // Drawn with the very next frame, not in the one after it; and nothing is read before that frame is out.
            self.show_now();
            self.ask_turn_after_frame();
            return false;
        } else if is_asked && !is_done {
            // What a person asked for shows all at once: a frame before would only put it off.
        } else if is_loading && !is_asked {
            self.ask_frame_of_loading();
        } else {
            self.ask_frame();
        }
        has_more || !is_done
    }

    fn take_in(&self, deadline: &mut Deadline, happened: &mut Vec<Happening>) -> bool {
        let mut inbox = self.inbox.borrow_mut();
        let Ok(mut servers) = self.servers.try_borrow_mut() else { return true };
        let mut receiver = self.receiver.borrow_mut();
        while let Some(arrived) = inbox.front() {
            let is_used_up = match arrived {
                Arrived::Start => {
                    receiver.start();
                    true
                }
                Arrived::Bytes(bytes) => receiver.take_in(bytes, &mut servers, deadline, happened),
                Arrived::End(happening) => {
                    happened.push(happening.clone());
                    true
                }
            };
            if is_used_up {
                inbox.pop_front();
            }
            // The first rows are shown before the next ones are read.
            if !deadline.has_time() || servers.is_first_sight() {
                break;
            }
        }
        !inbox.is_empty()
    }
}
