//! The menu of all that can be done to a server, or to those ticked. What cannot be done now says why.

use std::rc::Rc;

use api_types::servers::action::ActionKind;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlElement, KeyboardEvent, Node};

use super::{
    catalog::{GROUPS, Group},
    tally::{Offer, Tally},
    texts,
};
use crate::{
    features::servers::{
        acting::{MenuWanted, Target, use_acting},
        resize_wait::{use_window, what_becomes},
        store::use_servers_store,
    },
    jobs::texts::action,
    project::why_only_looked_at,
    regions::use_regions,
    ui::{
        El,
        dom::{focus, focused, query_all, unique_id},
        effect::after,
        el, format,
        menu::move_focus,
    },
};

/// The menu, wherever it is wanted.
pub fn menu_layer() -> El {
    let acting = use_acting();
    let regions = use_regions();
    el("div").live_children(move || {
        let Some(wanted) = acting.menu().get() else { return Vec::new() };
        let servers = acting.servers(&wanted.whom);
        let offers = untrack(|| regions.with(|regions| offers(&servers, regions.map(Vec::as_slice))));
        vec![untrack(|| panel(&wanted, servers.clone(), offers))]
    })
}

type Offered = Vec<(ActionKind, Offer)>;

fn offers(servers: &[Target], services: Option<&[api_types::projects::RegionServices]>) -> Offered {
    if let Some(why) = why_only_looked_at() {
        let refused = |kind: &ActionKind| (*kind, Offer::No(why.to_owned()));
        return ActionKind::ALL.iter().map(refused).collect();
    }
    let tally = Tally::of(servers);
    ActionKind::ALL.iter().map(|kind| (*kind, tally.offer(*kind, services))).collect()
}

fn panel(wanted: &Rc<MenuWanted>, servers: Rc<[Target]>, offers: Offered) -> El {
    let acting = use_acting();
    let name = match &*servers {
        [one] => Some(one.shown_name()),
        _ => None,
    };
    let total = servers.len();
    let why = RwSignal::new(String::new());
    let note_id = unique_id("why-not");
    let waiting = waiting(&servers);
    let item = |kind: ActionKind| {
        let hint =
            waiting.clone().filter(|_| matches!(kind, ActionKind::ConfirmResize | ActionKind::RevertResize));
        let offer = offers.iter().find(|(other, _)| *other == kind).map(|(_, offer)| offer.clone());
        let servers = servers.clone();
        let opener = SendWrapper::new(wanted.opener.clone());
        item(kind, offer, total, (why, hint.unwrap_or_default()), move || {
            acting.close_menu();
            focus(&opener);
            acting.act(kind, servers.clone());
        })
    };
    let group = |group: &Group| {
        el("div")
            .class("action-group")
            .attr("role", "group")
            .attr("aria-label", group.title)
            .child(el("p").class("menu-heading").attr("aria-hidden", "true").text(group.title))
            .children(group.actions.iter().map(|kind| item(*kind)).collect())
    };
    let label = texts::menu_label(name.as_deref(), total);
    let head = el("p").class("action-menu-head foreign").attr("aria-hidden", "true").text(&label);
    let note = el("p")
        .class("action-why")
        .attr("id", &note_id)
        .attr("aria-hidden", "true")
        .live_text(move || why.get());
    let menu = el("div")
        .class("action-menu popover-panel")
        .attr("role", "menu")
        .attr("tabindex", "-1")
        .attr("data-testid", "action-menu")
        .attr("aria-label", &label)
        .child(head)
        .child(el("div").class("action-groups").children(GROUPS.iter().map(group).collect()))
        .child(note);
    listen(place(menu, wanted.at), wanted)
}

/// What becomes of the resize of the one server, where one waits and the list has it.
fn waiting(servers: &[Target]) -> Option<String> {
    let [one] = servers else { return None };
    if one.status != "VERIFY_RESIZE" {
        return None;
    }
    let ended_at = use_servers_store()
        .with(|servers| Some(servers.rows.row(servers.rows.find(&one.id)?).updated_at()))
        .flatten()?;
    Some(what_becomes(i64::from(ended_at), use_window(), format::now()))
}

fn item(
    kind: ActionKind,
    offer: Option<Offer>,
    total: usize,
    (why, hint): (RwSignal<String>, String),
    run: impl Fn() + 'static,
) -> El {
    let item = el("button")
        .attr("type", "button")
        .class("menu-item")
        .attr("role", "menuitem")
        .attr("tabindex", "-1")
        .attr("data-action", &key(kind))
        .child(el("span").text(action(kind)));
    match offer {
        Some(Offer::To(possible)) => {
            let of = (possible < total).then(|| texts::of(possible, total));
            let of = of.map(|of| el("span").class("menu-count numbers").text(&of));
            let is_grave = kind == ActionKind::Delete;
            let (pointed, focused) = (hint.clone(), hint.clone());
            item.live_class("grave", move || is_grave)
                .child_if(of)
                .attr_if("aria-description", Some(hint.as_str()).filter(|hint| !hint.is_empty()))
                .on("focus", move |_| why.set(focused.clone()))
                .on("pointerenter", move |_| why.set(pointed.clone()))
                .on("click", move |_| run())
        }
        offer => {
            let reason = match offer {
                Some(Offer::No(reason)) => reason,
                _ => String::new(),
            };
            let (pointed, focused, pressed) = (reason.clone(), reason.clone(), reason.clone());
            item.attr("aria-disabled", "true")
                .attr("aria-description", &reason)
                .attr("title", &reason)
                .on("focus", move |_| why.set(focused.clone()))
                .on("pointerenter", move |_| why.set(pointed.clone()))
                .on("click", move |_| why.set(pressed.clone()))
        }
    }
}

/// The action as it is called in what is sent: `hard_reboot`.
pub fn key(kind: ActionKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(key)) => key,
        _ => String::new(),
    }
}

/// Puts the menu below what it belongs to, inside the window.
fn place(menu: El, (left, top, bottom): (f64, f64, f64)) -> El {
    const GAP: f64 = 4.0;
    const EDGE: f64 = 8.0;
    let html = SendWrapper::new(menu.html().clone());
    after(move || {
        let size = html.get_bounding_client_rect();
        let inner = |value: Result<wasm_bindgen::JsValue, _>| {
            value.ok().and_then(|value: wasm_bindgen::JsValue| value.as_f64()).unwrap_or_default()
        };
        let (width, height) = (inner(window().inner_width()), inner(window().inner_height()));
        let x = left.min(width - size.width() - EDGE).max(EDGE);
        let below = bottom + GAP;
        let above = top - GAP - size.height();
        let y = if below + size.height() <= height - EDGE || above < EDGE { below } else { above };
        let y = y.min(height - size.height() - EDGE).max(EDGE);
        let style = html.style();
        _ = style.set_property("left", &format!("{}px", x as i32));
        _ = style.set_property("top", &format!("{}px", y as i32));
        let items = query_all(&html, "[role=menuitem]");
        let first = items.iter().find(|item| !item.has_attribute("aria-disabled")).or(items.first());
        focus(first.unwrap_or(&html));
    });
    menu
}

fn listen(menu: El, wanted: &Rc<MenuWanted>) -> El {
    let acting = use_acting();
    let html = SendWrapper::new(menu.html().clone());
    let opener = SendWrapper::new(wanted.opener.clone());
    let (inside, own, is_button) = (html.clone(), opener.clone(), wanted.is_button);
    let contains = |root: &HtmlElement, target: Option<web_sys::EventTarget>| {
        root.contains(target.and_then(|target| target.dyn_into::<Node>().ok()).as_ref())
    };
    let pressed = window_event_listener_untyped("pointerdown", move |event| {
        let is_of_button = is_button && contains(&own, event.target());
        if !contains(&inside, event.target()) && !is_of_button {
            acting.close_menu();
        }
    });
    let resized = window_event_listener_untyped("resize", move |_| acting.close_menu());
    on_cleanup(move || {
        pressed.remove();
        resized.remove();
    });
    menu.on("keydown", move |event| {
        let event: &KeyboardEvent = event.unchecked_ref();
        match event.key().as_str() {
            "Escape" | "Tab" => {
                event.prevent_default();
                event.stop_propagation();
                acting.close_menu();
                focus(&opener);
            }
            "ArrowRight" | "ArrowLeft" => {
                event.prevent_default();
                event.stop_propagation();
                to_next_group(&html, event.key() == "ArrowRight");
            }
            _ => move_focus(event),
        }
    })
    .on("focusout", move |event| {
        let to = event.unchecked_ref::<FocusEvent>().related_target();
        let menu = event.current_target().and_then(|menu| menu.dyn_into::<HtmlElement>().ok());
        if let (Some(to), Some(menu)) = (to, menu)
            && !contains(&menu, Some(to))
        {
            acting.close_menu();
        }
    })
}

/// The item beside the one with the focus, in the next column.
fn to_next_group(menu: &Element, is_forward: bool) {
    let groups = query_all(menu, ".action-group");
    let Some(focused) = focused() else { return };
    let Some(at) = groups.iter().position(|group| group.contains(Some(&focused))) else { return };
    let count = groups.len();
    let to = if is_forward { (at + 1) % count } else { (at + count - 1) % count };
    let place = query_all(&groups[at], "[role=menuitem]").iter().position(|item| *item == focused);
    let items = query_all(&groups[to], "[role=menuitem]");
    if let Some(item) = items.get(place.unwrap_or(0)).or(items.last()) {
        focus(item);
    }
}
