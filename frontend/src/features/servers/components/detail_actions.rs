//! What can be done to the server of a page: what is done most as buttons, everything in a menu, and the question
//! that a resize leaves open.

use std::rc::Rc;

use api_types::servers::{ServerRow, action::ActionKind};
use leptos::prelude::{Get, use_context};
use send_wrapper::SendWrapper;

use crate::{
    features::servers::{
        acting::{Target, Whom, use_acting},
        actions::catalog::MAIN,
        detail_texts as texts,
        resize_wait::{what_becomes, window_of},
        shown_server::ShownServer,
    },
    jobs::texts::{action, impossible},
    project::why_only_looked_at,
    session::Session,
    ui::{
        BannerKind, El, Icon,
        banner::banner,
        el,
        element::icon,
        time::{relative_time, use_seconds},
    },
};

/// The buttons of the page's head.
pub fn detail_actions(server: ShownServer) -> Vec<El> {
    let acting = use_acting();
    let menu = el("button")
        .attr("type", "button")
        .class("button")
        .attr("aria-haspopup", "menu")
        .attr("data-testid", "all-actions")
        .child(el("span").text(texts::ALL_ACTIONS))
        .child(icon(Icon::ChevronDown));
    let html = SendWrapper::new(menu.html().clone());
    let own = html.clone();
    let menu = menu.live_attr("aria-expanded", move || Some(acting.is_menu_of(&own).to_string())).on(
        "click",
        move |_| {
            if let Some(target) = target(server) {
                acting.open_menu(Whom::Server(Box::new(target)), &html);
            }
        },
    );
    let main =
        el("div").class("main-actions").children(MAIN.map(|kind| button(server, kind, "button")).into());
    vec![main, menu]
}

/// The new size works, and somebody has to say whether it stays.
pub fn resize_note(server: ShownServer, row: &ServerRow) -> Option<El> {
    if row.status != "VERIFY_RESIZE" {
        return None;
    }
    // The row is touched by other changes as well; Nova notes the end of the resize as a launch.
    let launched_at = server.detail.with(|detail| {
        let detail = detail.filter(|detail| detail.row.status == row.status)?;
        detail.launched_at.filter(|at| *at > 0)
    });
    let ended_at = i64::from(launched_at.unwrap_or(row.updated_at));
    let (session, now) = (use_context::<Session>(), use_seconds());
    let left = move || what_becomes(ended_at, session.and_then(window_of), now.get());
    let text = el("div")
        .class("banner-text")
        .child(el("strong").text(texts::RESIZED))
        .text(" ")
        .text(texts::RESIZED_MORE)
        .text(" ")
        // Not read out every second.
        .child(el("span").class("numbers").attr("role", "timer").live_text(left))
        .text(" ")
        .text(texts::RESIZE_ENDED)
        .text(" ")
        .child(relative_time(ended_at))
        .text(".");
    let actions = el("div")
        .class("banner-actions")
        .child(button(server, ActionKind::ConfirmResize, "button primary"))
        .child(button(server, ActionKind::RevertResize, "button"));
    Some(banner(BannerKind::Warning, text, actions).attr("data-testid", "resize-note"))
}

/// A button that can always be reached, so that it can say why it does nothing.
fn button(server: ShownServer, kind: ActionKind, class: &str) -> El {
    let acting = use_acting();
    let why_not = move || match why_only_looked_at() {
        Some(why) => Some(why.to_owned()),
        None => target(server).and_then(|target| kind.check(target.now()).err()).map(|why| impossible(&why)),
    };
    el("button")
        .attr("type", "button")
        .class(class)
        .attr("data-action", action(kind))
        .live_attr("aria-disabled", move || why_not().map(|_| "true".to_owned()))
        .live_attr("aria-description", why_not)
        .live_attr("title", why_not)
        .text(action(kind))
        .on("click", move |_| {
            let is_possible = |target: &Target| kind.check(target.now()).is_ok();
            if let Some(target) = target(server).filter(is_possible)
                && why_only_looked_at().is_none()
            {
                acting.act(kind, Rc::new([target]));
            }
        })
}

fn target(server: ShownServer) -> Option<Target> {
    let address = server.address.get();
    server.row.with(|row| Some(Target::of_page(&address?.0, row.as_ref()?)))
}
