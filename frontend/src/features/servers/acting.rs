//! What somebody wants done to servers: from a row, the page of a server, the keyboard, or all that are ticked. Here
//! it is only taken down; what shows menus and dialogs is a part of its own and comes when there is time for it.

use std::{rc::Rc, time::Duration};

use api_types::{
    Region, ServerId,
    jobs::{Job, JobState},
    servers::{
        ServerRow,
        action::{ActionKind, ServerNow},
    },
};
use leptos::{prelude::*, wasm_split::wasm_split};
use web_sys::HtmlElement;

use super::{
    actions::layer,
    expecting::Expecting,
    rows::RowView,
    store::{Servers, ServersStore, use_servers_store},
    texts,
};
use crate::{
    jobs::{News, use_jobs},
    ui::{El, Held, derived, effect::after, el, part::Part, part::quiet_part, use_toasts},
};

/// What is wanted at the moment. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct Acting {
    menu: Held<Option<Rc<MenuWanted>>>,
    action: Held<Option<Rc<ActionWanted>>>,
    /// What shows it has to be here.
    is_needed: RwSignal<bool>,
    /// Servers that show in advance what a job is to do to them.
    expecting: Held<Expecting>,
    store: ServersStore,
}

/// A menu of all that can be done.
pub struct MenuWanted {
    pub whom: Whom,
    /// Where it opens, in pixels of the window: left, top, bottom of what it belongs to.
    pub at: (f64, f64, f64),
    /// Gets the focus back.
    pub opener: HtmlElement,
    /// A press on it closes the menu by itself.
    pub is_button: bool,
}

/// One thing to do.
pub struct ActionWanted {
    pub kind: ActionKind,
    pub servers: Rc<[Target]>,
}

/// To whom.
#[derive(Clone)]
pub enum Whom {
    /// A row of the list.
    Row(ServerId),
    /// The server of a page, as the page knows it.
    Server(Box<Target>),
    Ticked,
}

/// A server something is to be done to, as it is known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub region: Region,
    pub id: ServerId,
    pub name: String,
    pub status: String,
    pub task: Option<String>,
    pub is_locked: bool,
}

/// Long enough for a region to say what it did.
const TRUTH_COMES_WITHIN: Duration = Duration::from_secs(20);

impl Acting {
    pub fn menu(self) -> Held<Option<Rc<MenuWanted>>> {
        self.menu
    }

    pub fn action(self) -> Held<Option<Rc<ActionWanted>>> {
        self.action
    }

    /// Opens the menu below an element, or closes it where it is open for it.
    pub fn open_menu(self, whom: Whom, below: &HtmlElement) {
        if self.is_menu_of(below) {
            return self.close_menu();
        }
        let place = below.get_bounding_client_rect();
        self.want_menu(MenuWanted {
            whom,
            at: (place.left(), place.top(), place.bottom()),
            opener: below.clone(),
            is_button: true,
        });
    }

    /// Opens the menu at a place of the window: left, top, bottom of what it is about.
    pub fn open_menu_at(self, whom: Whom, at: (f64, f64, f64), opener: &HtmlElement) {
        self.want_menu(MenuWanted { whom, at, opener: opener.clone(), is_button: false });
    }

    /// Whether the menu is open below this button.
    pub fn is_menu_of(self, button: &HtmlElement) -> bool {
        self.menu.with(|menu| menu.as_ref().is_some_and(|menu| menu.is_button && menu.opener == *button))
    }

    pub fn close_menu(self) {
        self.menu.set(None);
    }

    /// Does something, or asks first where it has to.
    pub fn act(self, kind: ActionKind, servers: Rc<[Target]>) {
        self.is_needed.set(true);
        self.action.set(Some(Rc::new(ActionWanted { kind, servers })));
    }

    pub fn acted(self) {
        self.action.set(None);
    }

    /// Something new is asked of these servers: what an earlier job does to them is no longer what their rows show.
    pub fn expects_anew(self, servers: &[ServerId]) {
        self.expecting.update(|expecting| expecting.forget(servers));
    }

    /// From now on these servers' rows wait for what this job does.
    pub fn expects(self, job: &Job, servers: Vec<ServerId>) {
        self.expecting.update(|expecting| expecting.add(&job.id, servers));
    }

    /// The servers meant, as they are known now.
    pub fn servers(self, whom: &Whom) -> Rc<[Target]> {
        let of_list = self.store.with(|servers| match whom {
            Whom::Row(id) => {
                servers.rows.find(id).map(|row| Target::of_row(servers.rows.row(row))).into_iter().collect()
            }
            Whom::Server(target) => {
                let row = servers.rows.find(&target.id).map(|row| servers.rows.row(row));
                let row = row.filter(|row| !row.is_gone()).map(Target::of_row);
                vec![row.unwrap_or_else(|| (**target).clone())]
            }
            Whom::Ticked => ticked(servers),
        });
        of_list.unwrap_or_default().into()
    }

    fn want_menu(self, wanted: MenuWanted) {
        self.is_needed.set(true);
        self.menu.set(Some(Rc::new(wanted)));
    }

    fn hear(self, news: &News<'_>) {
        match news {
            News::NotDone(job, items) => {
                let servers: Vec<_> = items.iter().map(|item| item.server).collect();
                self.withdraw(|expecting| expecting.take_of(&job.id, &servers));
            }
            News::Ended(job) if job.state == JobState::Canceled => {
                self.withdraw(|expecting| expecting.take(&job.id));
            }
            News::Ended(job) => {
                let id = job.id.clone();
                set_timeout(move || self.withdraw(|expecting| expecting.take(&id)), TRUTH_COMES_WITHIN);
            }
        }
    }

    fn withdraw(self, take: impl FnOnce(&mut Expecting) -> Vec<ServerId>) {
        let mut servers = Vec::new();
        self.expecting.update(|expecting| servers = take(expecting));
        if !servers.is_empty() {
            self.store.withdraw(&servers);
        }
    }
}

impl Target {
    pub fn of_row(row: RowView<'_>) -> Self {
        Self {
            region: row.region().clone(),
            id: row.id(),
            name: row.name().to_owned(),
            status: row.status().to_owned(),
            task: row.task().map(str::to_owned),
            is_locked: row.is_locked(),
        }
    }

    /// Of a page that knows its server without the list.
    pub fn of_page(region: &Region, row: &ServerRow) -> Self {
        Self {
            region: region.clone(),
            id: row.id,
            name: row.name.clone(),
            status: row.status.clone(),
            task: row.task_state.clone(),
            is_locked: row.is_locked,
        }
    }

    pub fn now(&self) -> ServerNow<'_> {
        ServerNow { status: &self.status, task_state: self.task.as_deref(), is_locked: self.is_locked }
    }

    /// What it is called, also where it has no name.
    pub fn shown_name(&self) -> String {
        if self.name.trim().is_empty() { texts::unnamed(&self.id.to_string()) } else { self.name.clone() }
    }
}

/// Makes the servers' pages able to act, for as long as the calling component lives.
pub fn provide_acting() -> Acting {
    let store = use_servers_store();
    let acting = Acting {
        menu: Held::new(None),
        action: Held::new(None),
        is_needed: RwSignal::new(false),
        expecting: Held::new(Expecting::default()),
        store,
    };
    provide_context(acting);
    use_jobs().listen(move |news| acting.hear(news));
    acting
}

#[track_caller]
pub fn use_acting() -> Acting {
    expect_context()
}

/// Where menus and dialogs appear. What shows them comes once the list is at rest, or when it is needed.
pub fn acting_layer() -> El {
    let acting = use_acting();
    let toasts = use_toasts();
    let store = acting.store;
    let is_time =
        derived(move || acting.is_needed.get() || store.track_beside(Servers::is_at_rest) == Some(true));
    let is_wanted = RwSignal::new(false);
    after(move || {
        // Asked for again where it did not come before, and made once where it did.
        let is_needed = acting.is_needed.get();
        if !(is_time.get() || is_needed) || is_wanted.get_untracked() {
            return;
        }
        if is_needed {
            is_wanted.set(true);
        } else {
            // The frame that shows the whole list has enough to do.
            set_timeout(move || _ = is_wanted.try_set(true), Duration::ZERO);
        }
    });
    let missing = move || {
        // Where nobody waits for it, nobody has to hear of it.
        if acting.is_needed.get_untracked() {
            toasts.fail(texts::ACTIONS_NOT_HERE, None);
        }
        acting.close_menu();
        acting.acted();
        acting.is_needed.set(false);
        is_wanted.set(false);
    };
    el("div").class("over-page").live_view(move || {
        is_wanted
            .get()
            .then(|| untrack(|| leptos::prelude::IntoAny::into_any(quiet_part(actions(), missing))))
    })
}

/// Menus and dialogs, in a part of their own.
#[wasm_split(actions, wasm_split_path = ::leptos::wasm_split, fallible)]
fn actions() -> Part {
    Ok(layer().into_any())
}

fn ticked(servers: &Servers) -> Vec<Target> {
    servers.selected().into_iter().map(|row| Target::of_row(servers.rows.row(row))).collect()
}
