//! The table of servers: its head, its rows, and what pointer and keys do in it.

use std::cell::RefCell;

use api_types::{ProjectId, ServerId};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, MouseEvent, ResizeObserver};

use super::{
    row_more::{RowMore, open_at_cursor, open_at_pointer},
    row_tips::RowTips,
    row_view::KINDS,
    table_body::Layout,
    table_head::table_head,
    table_layout::{addresses_shown, grid_template, is_narrow, visible_columns},
    table_view::{Step, TableView},
};
use crate::{
    features::servers::{
        acting::{Acting, Whom, use_acting},
        list_state::ListState,
        rows::{Column, Facet},
        state,
        store::{Servers, ServersStore, use_servers_store},
        texts,
    },
    ui::{
        El, Held, Shortcut,
        copy_button::copy_text,
        derived,
        dom::focus,
        effect::{after, live},
        el,
        keyboard::use_shortcuts,
        pointer::has_moved,
        time::use_now,
        toast::ToastBox,
        use_toasts,
    },
};

/// Row heights in pixels: the usual one, and the compact one.
const ROW_HEIGHT: f64 = 40.0;
const COMPACT_ROW_HEIGHT: f64 = 32.0;

/// The table. Of the columns chosen, those that do not fit are left out.
pub fn server_table(state: ListState) -> El {
    let store = use_servers_store();
    let width = RwSignal::new(0u32);
    let columns = derived(move || match width.get() {
        0 => Vec::new(),
        width => state.columns().with(|columns| visible_columns(columns, width)),
    });
    let rows = el("div").class("rows").attr("role", "rowgroup");
    let table = el("div")
        .class("server-table")
        .attr("data-testid", "server-table")
        .attr("data-state", "loading")
        .attr("role", "grid")
        .attr("tabindex", "0")
        .attr("aria-label", texts::TITLE)
        .attr("aria-multiselectable", "true")
        .live_attr("aria-colcount", move || Some((columns.with(Vec::len) + 2).to_string()))
        .live_class("compact", move || state.is_compact().get())
        .live_class("narrow", move || is_narrow(width.get()));
    let view = TableView::new(store, table.html().clone(), rows.html().clone());
    set_status_drawings(table.html());
    follow_columns(table.html().clone(), columns, width);
    follow_size(table.html(), view.clone(), width);
    follow_layout(state, view.clone(), columns, width);
    let acting = use_acting();
    follow_changes(store, view.clone());
    // No pointer leaves a table that is taken away from under it.
    on_cleanup(move || store.hold(false));
    offer_shortcuts(&view, table.html(), store);
    let of_head = view.clone();
    let head = table_head(state, columns, move || of_head.rows_in_sight());
    listen_to_table(table, store, &view, acting)
        .child(head)
        .child(listen_to_rows(rows, state, store, &view, acting))
}

fn listen_to_table(table: El, store: ServersStore, view: &TableView, acting: Acting) -> El {
    let (scrolled, pressed, focused, blurred) = (view.clone(), view.clone(), view.clone(), view.clone());
    let html = send_wrapper::SendWrapper::new(table.html().clone());
    table
        .on("contextmenu", move |event| open_at_pointer(event.unchecked_ref(), acting, store, &html))
        .on("scroll", move |_| scrolled.scrolled())
        .on("keydown", move |event| pressed_key(event.unchecked_ref(), &pressed, store, acting))
        .on("focus", move |_| focused.keep_hold())
        .on("blur", move |_| blurred.keep_hold())
}

fn listen_to_rows(rows: El, state: ListState, store: ServersStore, view: &TableView, acting: Acting) -> El {
    let tips = RowTips::new(store);
    let more = RowMore::new();
    let (entered, over, left) = (view.clone(), view.clone(), view.clone());
    let by_tag = move |tag: &str| state.choose(Facet::Tag, tag, true);
    let copied = tips.clone();
    rows.on("click", move |event| pressed(event.unchecked_ref(), store, acting, &copied, &by_tag))
        .on("pointermove", move |event| {
            let event: &MouseEvent = event.unchecked_ref();
            // A list that comes up under a resting pointer is not pointed at: whoever made a server wants to see it.
            if has_moved(event) {
                entered.point(true);
            }
        })
        .on("pointerover", move |event| {
            if let Some(target) = target(&event) {
                over.point_at(server_of(&target));
                tips.show(&target);
                more.show(&target);
            }
        })
        .on("pointerleave", move |_| left.point(false))
}

fn follow_columns(table: HtmlElement, columns: Held<Vec<Column>>, width: RwSignal<u32>) {
    live(Box::new(move || {
        let template = columns.with(|columns| grid_template(columns, width.get()));
        _ = table.style().set_property("--columns", &template);
    }));
}

/// What every row looks like; another look draws all of them anew.
fn follow_layout(state: ListState, view: TableView, columns: Held<Vec<Column>>, width: RwSignal<u32>) {
    let store = use_servers_store();
    let drawn = RefCell::new(None::<(Layout, ProjectId)>);
    after(move || {
        let project = store.track(|servers| servers.project.clone()).flatten();
        let Some(project) = project.filter(|_| columns.with(|columns| !columns.is_empty())) else { return };
        let layout = Layout {
            columns: columns.get(),
            addresses_shown: columns.with(|columns| addresses_shown(columns, width.get())),
            has_buttons: is_narrow(width.get()),
            row_height: if state.is_compact().get() { COMPACT_ROW_HEIGHT } else { ROW_HEIGHT },
        };
        let wanted = Some((layout, project));
        if *drawn.borrow() != wanted {
            if let Some((layout, project)) = &wanted {
                view.lay_out(layout, project);
            }
            drawn.replace(wanted);
        }
    });
}

fn follow_changes(store: ServersStore, view: TableView) {
    let now = use_now();
    let rest = view.clone();
    after(move || {
        store.version().track();
        now.track();
        view.draw();
        view.keep_hold();
    });
    // What is out of sight comes after all that is in sight.
    after(move || {
        store.track_beside(|_| ());
        rest.ask_for_rest();
    });
}

/// Measures now that the box is in the document, and whenever its size changes.
fn follow_size(table: &HtmlElement, view: TableView, width: RwSignal<u32>) {
    let measured = table.clone();
    let measure = move || {
        let now = u32::try_from(measured.client_width()).unwrap_or(0);
        if width.try_get_untracked().is_some_and(|before| before != now) {
            width.set(now);
        }
        view.measure();
    };
    let first = measure.clone();
    after(first);
    let on_resize = Closure::<dyn FnMut()>::new(measure);
    let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) else { return };
    observer.observe(table);
    let held = send_wrapper::SendWrapper::new((observer, on_resize));
    on_cleanup(move || held.0.disconnect());
}

fn pressed(event: &MouseEvent, store: ServersStore, acting: Acting, tips: &RowTips, by_tag: &dyn Fn(&str)) {
    let Some(target) = target(event) else { return };
    let Some(server) = server_of(&target) else { return };
    if closest(&target, ".cell.select").is_some() {
        toggle(store, server, event.shift_key());
    } else if let Some(button) = closest(&target, ".row-more > button") {
        store.update(|servers| servers.place.cursor = Some(server));
        let place = button.get_bounding_client_rect();
        let table = event.current_target().and_then(|rows| rows.dyn_into::<Element>().ok()?.parent_element());
        if let Some(table) = table {
            let at = (place.left(), place.top(), place.bottom());
            acting.open_menu_at(Whom::Row(server), at, table.unchecked_ref());
        }
    } else if let Some(button) = closest(&target, ".copy-button") {
        tips.copy(&button);
    } else if let Some(tag) = closest(&target, ".tag") {
        by_tag(&tag.text_content().unwrap_or_default());
    } else {
        // A link leads away as well; on the way back the row it stood in is the one the keyboard is on.
        store.update(|servers| servers.place.cursor = Some(server));
    }
}

/// Ticks or unticks a server; with shift, all between it and the one before become like it.
fn toggle(store: ServersStore, server: ServerId, is_range: bool) {
    store.update(|servers| {
        let Some(row) = servers.rows.find(&server) else { return };
        let selected = !servers.selection.contains(servers.rows.row(row));
        let position = |servers: &Servers, id: &ServerId| servers.view.position_of(servers.rows.find(id)?);
        let before = servers.place.cursor.filter(|_| is_range).and_then(|id| position(servers, &id));
        match (before, position(servers, &server)) {
            (Some(from), Some(to)) => {
                let range = from.min(to)..from.max(to) + 1;
                servers.selection.set_range(&servers.rows, &servers.view, range, selected);
            }
            _ => servers.selection.set(servers.rows.row(row), selected),
        }
        servers.place.cursor = Some(server);
    });
}

fn pressed_key(event: &KeyboardEvent, view: &TableView, store: ServersStore, acting: Acting) {
    // Keys on a button of the head or a link of a row are theirs.
    let is_ours = event.target() == event.current_target();
    if !is_ours || event.alt_key() {
        return;
    }
    let key = event.key();
    let is_command = event.ctrl_key() || event.meta_key();
    if is_command && key == "a" {
        store.update(|servers| servers.selection.select_all_matching());
    } else if is_command {
        return;
    } else if let Some(step) = Step::of_key(&key) {
        view.step(step, event.shift_key());
    } else {
        match key.as_str() {
            "Enter" => {
                let Some(link) = view.cursor_link() else { return };
                link.click();
            }
            " " | "x" => view.toggle_cursor(),
            "." | "ContextMenu" => open_at_cursor(view, acting, store),
            "F10" if event.shift_key() => open_at_cursor(view, acting, store),
            "Escape" => {
                let is_empty =
                    store.with(|servers| servers.selection.count(&servers.rows, &servers.view) == 0);
                if is_empty == Some(true) {
                    return;
                }
                store.update(|servers| servers.selection.clear());
            }
            _ => return,
        }
    }
    event.prevent_default();
}

/// The same keys from anywhere on the page; the focus goes to the table with them.
fn offer_shortcuts(view: &TableView, table: &HtmlElement, store: ServersStore) {
    let go = |step| {
        let held = send_wrapper::SendWrapper::new((view.clone(), table.clone()));
        Callback::new(move |()| {
            let (view, table) = &*held;
            focus(table);
            view.step(step, false);
        })
    };
    let held = send_wrapper::SendWrapper::new(view.clone());
    let tick = Callback::new(move |()| held.toggle_cursor());
    let held = send_wrapper::SendWrapper::new(view.clone());
    let acting = use_acting();
    let act = Callback::new(move |()| open_at_cursor(&held, acting, store));
    let toasts = use_toasts();
    let copy = Callback::new(move |()| copy_address(store, toasts));
    let offered = |keys, does, run| Shortcut { keys, does, run };
    use_shortcuts(
        texts::KEYS_LIST,
        vec![
            offered(&["j"], texts::KEY_NEXT, Some(go(Step::Next))),
            offered(&["k"], texts::KEY_PREVIOUS, Some(go(Step::Previous))),
            offered(&["ArrowDown", "ArrowUp"], texts::KEY_ARROWS, None),
            offered(&["Home", "End"], texts::KEY_ENDS, None),
            offered(&["PageDown", "PageUp"], texts::KEY_PAGES, None),
            offered(&["Enter"], texts::KEY_OPEN, None),
            offered(&["x"], texts::KEY_SELECT, Some(tick)),
            offered(&["."], texts::KEY_ACTIONS, Some(act)),
            offered(&["c"], texts::KEY_COPY, Some(copy)),
            offered(&["Escape"], texts::KEY_CLEAR, None),
        ],
    );
}

/// Copies the first address of the keyboard's row.
fn copy_address(store: ServersStore, toasts: ToastBox) {
    let address = store.with(|servers| {
        let row = servers.rows.row(servers.rows.find(&servers.place.cursor?)?);
        Some(row.addresses().next().map(|address| address.ip_text()))
    });
    match address.flatten() {
        Some(Some(address)) => spawn_local(async move {
            match copy_text(&address).await {
                true => toasts.say(texts::copied(&address)),
                false => toasts.fail(texts::CANNOT_COPY, None),
            }
        }),
        Some(None) => toasts.say(texts::NO_ADDRESS),
        None => {}
    }
}

/// Ten thousand rows show their states by one drawing each kind, as masks in the colour of the state: an SVG in every
/// row would be most of what a row costs.
fn set_status_drawings(table: &HtmlElement) {
    for kind in KINDS {
        // In a mask what is white shows and what is black does not.
        let svg =
            state::icon_of(kind).svg().replace("currentColor", "#fff").replace("var(--on-status)", "#000");
        let url = format!("url(\"data:image/svg+xml,{}\")", js_sys::encode_uri_component(&svg));
        let name = state::class_of(kind).replace(' ', "-");
        _ = table.style().set_property(&format!("--{name}"), &url);
    }
}

pub fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

pub fn server_of(element: &Element) -> Option<ServerId> {
    closest(element, "[data-id]")?.get_attribute("data-id")?.parse().ok()
}

fn closest(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}
