//! Making servers and acting on many at once: in their places, saying why they cannot be pressed yet.

use crate::{
    features::servers::texts,
    ui::{
        El, Icon, Opener, el,
        element::icon,
        menu::{menu, menu_item_off},
        use_toasts,
    },
};

/// What can be done with the ticked servers together.
pub fn actions_menu() -> El {
    let face = vec![el("span").text(texts::ACTIONS), icon(Icon::ChevronDown)];
    let opener =
        Opener { is_wordless: false, class: "button", ..Opener::with_face(texts::ACTIONS, face, "menu") };
    menu(opener, || {
        let mut items: Vec<El> =
            texts::BULK_ACTIONS.iter().map(|action| menu_item_off(action, texts::ACTIONS_LATER)).collect();
        items.push(el("p").class("menu-note").attr("role", "presentation").text(texts::ACTIONS_LATER));
        items
    })
}

/// Can be reached and pressed although it does nothing yet, so that it can say why.
pub fn create_button() -> El {
    let toasts = use_toasts();
    el("button")
        .attr("type", "button")
        .class("button primary")
        .attr("aria-disabled", "true")
        .attr("aria-description", texts::CREATE_LATER)
        .attr("title", texts::CREATE_LATER)
        .text(texts::CREATE)
        .on("click", move |_| toasts.say(texts::CREATE_LATER))
}
