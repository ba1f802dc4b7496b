//! Help: the calls to the cloud, the keys of this page with the switch that turns them off, and the place the operator named.

use leptos::prelude::*;

use crate::{
    cloud::shown::CallsShown,
    session::use_session,
    ui::{
        Align, El, Icon,
        menu::{icon_menu, menu_item, menu_link},
    },
};

pub fn help_menu(is_help_open: RwSignal<bool>, calls: CallsShown) -> El {
    let session = use_session();
    icon_menu(
        || Icon::Help,
        "Help",
        Align::End,
        move || {
            let keys = menu_item(Icon::Keyboard, "Keyboard", move || is_help_open.set(true));
            let url = session.current().and_then(|current| current.help_url);
            let more = url.map(|url| menu_link(Icon::External, "Documentation and support", &url, true));
            let calls = menu_item(Icon::Code, "Show the calls", move || calls.show());
            [calls, keys].into_iter().chain(more).collect()
        },
    )
}
