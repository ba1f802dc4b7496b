//! The table of servers: its head, its rows, and what pointer and keys do in it.

use api_types::ServerId;
use leptos::{
    ev::{KeyboardEvent, MouseEvent, PointerEvent},
    html,
    prelude::*,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Element, HtmlElement, ResizeObserver};

use super::{
    row_tips::RowTips,
    row_view::KINDS,
    table_body::Layout,
    table_head::TableHead,
    table_layout::{addresses_shown, grid_template, is_narrow, visible_columns},
    table_view::{Step, TableView},
};
use crate::{
    features::servers::{
        rows::{Column, Sort},
        state,
        store::{ServersStore, use_servers_store},
        texts,
    },
    ui::{Shortcut, keyboard::use_shortcuts, time::use_now},
};

/// Row heights in pixels: the usual one, and the compact one.
const ROW_HEIGHT: f64 = 40.0;
const COMPACT_ROW_HEIGHT: f64 = 32.0;

/// The table. `columns` are those chosen; the ones that do not fit are left out.
#[component]
pub fn ServerTable(
    #[prop(into)] columns: Signal<Vec<Column>>,
    #[prop(into)] sort: Signal<Sort>,
    #[prop(into)] is_compact: Signal<bool>,
    on_sort: Callback<Column>,
    /// A tag was pressed.
    on_tag: Callback<String>,
) -> impl IntoView {
    let store = use_servers_store();
    let scroller = NodeRef::<html::Div>::new();
    let canvas = NodeRef::<html::Div>::new();
    let view = StoredValue::new_local(None::<TableView>);
    let tips = StoredValue::new_local(RowTips::new(store));
    let width = RwSignal::new(0u32);
    let visible = Memo::new(move |_| match width.get() {
        0 => Vec::new(),
        width => columns.with(|columns| visible_columns(columns, width)),
    });
    let template = Memo::new(move |_| visible.with(|visible| grid_template(visible, width.get())));

    Effect::new(move || {
        let (Some(scroller), Some(canvas)) = (scroller.get(), canvas.get()) else { return };
        set_status_drawings(&scroller);
        view.set_value(Some(TableView::new(store, scroller.clone().into(), canvas.into())));
        width.set(u32::try_from(scroller.client_width()).unwrap_or(0));
        watch_size(&scroller, move |now| {
            width.set(now);
            with(view, TableView::measure);
        });
    });
    let project = Memo::new(move |_| store.track(|servers| servers.project.clone()).flatten());
    let layout = Memo::new(move |_| Layout {
        columns: visible.get(),
        addresses_shown: addresses_shown(&visible.read(), width.get()),
        row_height: if is_compact.get() { COMPACT_ROW_HEIGHT } else { ROW_HEIGHT },
    });
    Effect::new(move || {
        if let Some(project) = project.get()
            && !visible.read().is_empty()
        {
            with(view, |view| view.lay_out(&layout.read(), &project));
        }
    });
    let version = store.version();
    let now = use_now();
    Effect::new(move || {
        version.track();
        now.track();
        with(view, TableView::draw);
        keep_hold(store, scroller);
    });

    let press = move |event: MouseEvent| pressed(&event, store, on_tag);
    let over = move |event: PointerEvent| {
        let target = target_of(&event);
        let server = target.as_ref().and_then(server_of);
        with(view, |view| view.point_at(server));
        if let Some(target) = target {
            tips.with_value(|tips| tips.show(&target));
        }
    };
    let leave = move |_: PointerEvent| {
        with(view, |view| view.point_at(None));
        keep_hold(store, scroller);
    };
    let key = move |event: KeyboardEvent| with(view, |view| pressed_key(&event, view, store));
    offer_shortcuts(view, scroller);

    view! {
        <div
            class="server-table"
            class:compact=is_compact
            class:narrow=move || is_narrow(width.get())
            data-testid="server-table"
            data-state="loading"
            role="grid"
            tabindex="0"
            aria-label=texts::TITLE
            aria-multiselectable="true"
            aria-colcount=move || visible.read().len() + 1
            node_ref=scroller
            style:--columns=move || template.get()
            on:scroll=move |_| with(view, TableView::scrolled)
            on:keydown=key
            on:focus=move |_| keep_hold(store, scroller)
            on:blur=move |_| keep_hold(store, scroller)
        >
            <TableHead
                columns=visible
                sort
                on_sort
                rows_in_sight=Callback::new(move |()| {
                    view.with_value(|view| view.as_ref().map_or(0..0, TableView::rows_in_sight))
                })
            />
            <div
                class="rows"
                role="rowgroup"
                node_ref=canvas
                on:click=press
                on:pointerover=over
                on:pointerenter=move |_| keep_hold(store, scroller)
                on:pointerleave=leave
            ></div>
        </div>
    }
}

fn with(view: StoredValue<Option<TableView>, LocalStorage>, act: impl FnOnce(&TableView)) {
    // Cloned out, so that what is done may come back here.
    if let Some(view) = view.try_get_value().flatten() {
        act(&view);
    }
}

/// Rows stay where they are while the pointer is among them or the keyboard is.
fn keep_hold(store: ServersStore, scroller: NodeRef<html::Div>) {
    let Some(scroller) = scroller.get_untracked() else { return };
    let is_pointed_at = scroller.query_selector(".rows:hover").is_ok_and(|found| found.is_some());
    let has_focus = document().active_element().is_some_and(|focused| focused == **scroller);
    store.hold(is_pointed_at || has_focus);
}

fn pressed(event: &MouseEvent, store: ServersStore, on_tag: Callback<String>) {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let Some(server) = server_of(&target) else { return };
    if closest(&target, ".cell.select").is_some() {
        toggle(store, server, event.shift_key());
    } else if let Some(button) = closest(&target, ".copy-button") {
        super::row_tips::copy_beside(&button);
    } else if let Some(tag) = closest(&target, ".tag") {
        on_tag.run(tag.text_content().unwrap_or_default());
    } else if closest(&target, "a").is_none() {
        store.update(|servers| servers.place.cursor = Some(server));
    }
}

/// Ticks or unticks a server; with shift, all between it and the one before become like it.
fn toggle(store: ServersStore, server: ServerId, is_range: bool) {
    store.update(|servers| {
        let Some(row) = servers.rows.find(&server) else { return };
        let selected = !servers.selection.contains(servers.rows.row(row));
        let position = |servers: &crate::features::servers::store::Servers, id: &ServerId| {
            servers.view.position_of(servers.rows.find(id)?)
        };
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

fn pressed_key(event: &KeyboardEvent, view: &TableView, store: ServersStore) {
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
fn offer_shortcuts(view: StoredValue<Option<TableView>, LocalStorage>, scroller: NodeRef<html::Div>) {
    let enter = move || {
        if let Some(scroller) = scroller.get_untracked() {
            crate::ui::dom::focus(&scroller);
        }
    };
    let go = move |step| {
        Callback::new(move |()| {
            enter();
            with(view, |view| view.step(step, false));
        })
    };
    let tick = Callback::new(move |()| with(view, TableView::toggle_cursor));
    use_shortcuts(
        "In the list",
        vec![
            Shortcut { keys: &["j"], does: "Next server", run: Some(go(Step::Next)) },
            Shortcut { keys: &["k"], does: "Previous server", run: Some(go(Step::Previous)) },
            Shortcut { keys: &["ArrowDown", "ArrowUp"], does: "Next and previous, in the list", run: None },
            Shortcut { keys: &["Home", "End"], does: "First and last, in the list", run: None },
            Shortcut { keys: &["PageDown", "PageUp"], does: "A page on or back, in the list", run: None },
            Shortcut { keys: &["Enter"], does: "Open the server", run: None },
            Shortcut { keys: &["x"], does: "Select the server", run: Some(tick) },
            Shortcut { keys: &["Escape"], does: "Clear the selection", run: None },
        ],
    );
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

fn target_of(event: &PointerEvent) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

fn server_of(element: &Element) -> Option<ServerId> {
    closest(element, "[data-id]")?.get_attribute("data-id")?.parse().ok()
}

fn closest(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}

/// Calls `changed` with the box's width whenever its size changes, for as long as the calling component lives.
fn watch_size(element: &HtmlElement, changed: impl Fn(u32) + 'static) {
    let watched = element.clone();
    let on_resize = Closure::<dyn FnMut()>::new(move || {
        changed(u32::try_from(watched.client_width()).unwrap_or(0));
    });
    let Ok(observer) = ResizeObserver::new(on_resize.as_ref().unchecked_ref()) else { return };
    observer.observe(element);
    let held = StoredValue::new_local((observer, on_resize));
    on_cleanup(move || held.with_value(|(observer, _)| observer.disconnect()));
}
