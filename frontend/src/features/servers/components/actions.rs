//! Making servers, and acting on those that are ticked.

use send_wrapper::SendWrapper;

use crate::{
    features::servers::{
        acting::{Whom, use_acting},
        texts,
    },
    project::{changing, new_server_path, use_project},
    ui::{El, Icon, el, element::icon},
};

/// What can be done with the ticked servers together.
pub fn actions_menu() -> El {
    let acting = use_acting();
    let button = el("button")
        .attr("type", "button")
        .class("button")
        .attr("aria-haspopup", "menu")
        .attr("data-testid", "bulk-actions")
        .child(el("span").text(texts::ACTIONS))
        .child(icon(Icon::ChevronDown));
    let html = SendWrapper::new(button.html().clone());
    let own = html.clone();
    button
        .live_attr("aria-expanded", move || Some(acting.is_menu_of(&own).to_string()))
        .on("click", move |_| acting.open_menu(Whom::Ticked, &html))
}

/// To the page where servers are made.
pub fn create_button() -> El {
    let project = use_project();
    let href = move || project.get().map(|project| new_server_path(&project));
    changing(el("a").class("button primary").live_attr("href", href).text(texts::CREATE))
}
