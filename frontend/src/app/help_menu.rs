//! Help: the keys of this page, and the place the operator named.

use leptos::prelude::*;

use crate::{
    session::use_session,
    ui::{Align, Icon, Menu, MenuItem, MenuLink},
};

#[component]
pub fn HelpMenu(is_help_open: RwSignal<bool>) -> impl IntoView {
    let session = use_session();
    let help_url = Memo::new(move |_| session.current().and_then(|current| current.help_url));
    let show_keys = Callback::new(move |()| is_help_open.set(true));
    view! {
        <Menu label="Help" icon=Icon::Help icon_only=true button_class="button quiet" align=Align::End>
            <MenuItem icon=Icon::Keyboard on_select=show_keys>
                "Keyboard"
            </MenuItem>
            <Show when=move || help_url.get().is_some()>
                <MenuLink
                    icon=Icon::External
                    is_external=true
                    href=Signal::derive(move || help_url.get().unwrap_or_default())
                >
                    "Documentation and support"
                </MenuLink>
            </Show>
        </Menu>
    }
}
