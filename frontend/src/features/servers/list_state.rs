//! What a person asked of the list: search, facets, order, columns. The URL holds it, so that a link shows the same
//! rows; the columns and the height of rows are remembered in the browser too.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    rows::{Column, Facet, FacetSelection, Problem, Query, Sort, UrlState},
    store::ServersStore,
};
use crate::{
    project::{servers_path, use_project},
    router::{Step, use_router},
    ui::{Held, effect::after_change, format},
};

/// Puts a query behind the page's path.
type WriteUrl = Box<dyn Fn(&str)>;

/// The list's settings, and the one way to change each.
#[derive(Clone, Copy)]
pub struct ListState {
    store: ServersStore,
    text: RwSignal<String>,
    facets: Held<FacetSelection>,
    sort: Held<Sort>,
    columns: Held<Vec<Column>>,
    is_compact: RwSignal<bool>,
    write_url: Held<WriteUrl>,
    timer: Held<Option<TimeoutHandle>>,
    /// The URL's query as we wrote or read it last.
    written: Held<String>,
}

impl ListState {
    pub fn text(self) -> Signal<String> {
        self.text.into()
    }

    pub fn facets(self) -> Held<FacetSelection> {
        self.facets
    }

    pub fn sort(self) -> Held<Sort> {
        self.sort
    }

    pub fn columns(self) -> Held<Vec<Column>> {
        self.columns
    }

    pub fn is_compact(self) -> Signal<bool> {
        self.is_compact.into()
    }

    /// Nothing is left out.
    pub fn is_unfiltered(self) -> bool {
        self.text.with(|text| text.trim().is_empty()) && self.facets.with(FacetSelection::is_empty)
    }

    /// What of the search could not be read.
    pub fn problems(self) -> Vec<Problem> {
        self.text.track();
        self.store.with(|servers| servers.view.query().problems().to_vec()).unwrap_or_default()
    }

    /// Searches, with every letter typed. The URL follows when the typing pauses.
    pub fn search(self, text: String) {
        self.ask(&text, &self.facets.get_untracked());
        self.text.set(text);
        self.flush_by(set_timeout_with_handle(move || self.flush(), URL_FOLLOWS_AFTER).ok());
    }

    pub fn choose(self, facet: Facet, value: &str, chosen: bool) {
        self.facets.update(|facets| facets.set(facet, value, chosen));
        self.filter();
    }

    /// Lets all facets go and keeps the search.
    pub fn clear_facets(self) {
        self.facets.set(FacetSelection::default());
        self.filter();
    }

    /// Shows all servers again.
    pub fn clear(self) {
        self.text.set(String::new());
        self.clear_facets();
    }

    /// Sorts by this column; by the same again, the other way round.
    pub fn sort_by(self, column: Column) {
        self.sort.update(|sort| {
            *sort = if sort.column == column {
                Sort { column, descending: !sort.descending }
            } else {
                // Of moments the latest is wanted first, of everything else the beginning.
                Sort { column, descending: matches!(column, Column::Created | Column::Updated) }
            };
        });
        self.store.set_sort(self.sort.get_untracked());
        self.flush();
    }

    pub fn set_columns(self, columns: Vec<Column>) {
        remember(COLUMNS_KEY, &columns.iter().map(|column| column.key()).collect::<Vec<_>>().join(","));
        self.columns.set(columns);
        self.flush();
    }

    pub fn set_compact(self, is_compact: bool) {
        remember(COMPACT_KEY, if is_compact { "yes" } else { "no" });
        self.is_compact.set(is_compact);
    }

    /// Writes the URL now, before something else happens to it.
    pub fn flush(self) {
        self.flush_by(None);
        let query = UrlState {
            text: self.text.get_untracked(),
            facets: self.facets.get_untracked(),
            sort: self.sort.get_untracked(),
            columns: self.columns.get_untracked(),
        }
        .to_query();
        if self.written.with_untracked(|written| *written != query) {
            self.written.set(query.clone());
            self.write_url.with_untracked(|write| write(&query));
        }
    }

    /// This timer takes the place of the one before.
    fn flush_by(self, timer: Option<TimeoutHandle>) {
        self.timer.update(|held| {
            if let Some(before) = std::mem::replace(held, timer) {
                before.clear();
            }
        });
    }

    fn filter(self) {
        self.ask(&self.text.get_untracked(), &self.facets.get_untracked());
        self.flush();
    }

    fn ask(self, text: &str, facets: &FacetSelection) {
        let is_shown = self.store.with(|servers| {
            let query = servers.view.query();
            query.text == text && query.facets == *facets
        });
        if is_shown != Some(true) {
            let now = u32::try_from(format::now()).unwrap_or(u32::MAX);
            self.store.set_query(Query::parse(text, facets.clone(), now));
        }
    }

    /// Takes over what a URL says.
    fn read(self, query: &str) {
        let state = UrlState::from_query(query);
        let is_of_reader = !names_columns(query);
        let columns = if is_of_reader { remembered_columns() } else { state.columns };
        self.ask(&state.text, &state.facets);
        if self.store.with(|servers| servers.view.sort()) != Some(state.sort) {
            self.store.set_sort(state.sort);
        }
        self.text.set(state.text);
        self.facets.set(state.facets);
        self.sort.set(state.sort);
        let is_to_be_shared = is_of_reader && columns != Column::DEFAULT;
        self.columns.set(columns);
        self.written.set(query.to_owned());
        if is_to_be_shared {
            // Whoever is sent this address sees the same columns.
            self.flush();
        }
    }
}

/// The settings of the list in the URL, for as long as the calling component lives.
pub fn use_list_state(store: ServersStore) -> ListState {
    let project = use_project();
    let router = use_router();
    let here = router.path();
    let write_url = move |query: &str| {
        let Some(path) = project.get_untracked().map(|project| servers_path(&project)) else { return };
        // On the way to another page the address is no longer the list's to write.
        if here.with_untracked(|here| here.trim_end_matches('/') != path) {
            return;
        }
        let url = if query.is_empty() { path } else { format!("{path}?{query}") };
        router.go(&url, Step::Replace);
    };
    let state = ListState {
        store,
        text: RwSignal::new(String::new()),
        facets: Held::new(FacetSelection::default()),
        sort: Held::new(Sort::default()),
        columns: Held::new(Column::DEFAULT.to_vec()),
        is_compact: RwSignal::new(remembered(COMPACT_KEY).as_deref() == Some("yes")),
        write_url: Held::new(Box::new(write_url) as WriteUrl),
        timer: Held::new(None),
        written: Held::new(String::new()),
    };
    let search = router.search();
    state.read(&search.get_untracked());
    // Back, forward, and links to this list: the URL leads. What we wrote ourselves comes back here as well.
    after_change(
        move || search.track(),
        move || {
            let query = search.get_untracked();
            if state.written.with_untracked(|written| *written != query) {
                state.read(&query);
            }
        },
    );
    on_cleanup(move || state.flush_by(None));
    state
}

/// A pause in typing.
const URL_FOLLOWS_AFTER: Duration = Duration::from_millis(250);
const COLUMNS_KEY: &str = "servers.columns";
const COMPACT_KEY: &str = "servers.compact";

fn names_columns(query: &str) -> bool {
    query.trim_start_matches('?').split('&').any(|part| part.starts_with("columns="))
}

fn remembered_columns() -> Vec<Column> {
    let held = remembered(COLUMNS_KEY).unwrap_or_default();
    let mut columns = Vec::new();
    for column in held.split(',').filter_map(Column::from_key) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() { Column::DEFAULT.to_vec() } else { columns }
}

fn remembered(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Where the browser keeps nothing, the choice lasts as long as the page.
fn remember(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        _ = storage.set_item(key, value);
    }
}
