//! Who I am, my sessions, and the ways out.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    session::use_session,
    ui::{Align, Icon, Menu, MenuHeading, MenuItem, MenuLink, MenuSeparator, use_toasts},
};

#[component]
pub fn AccountMenu() -> impl IntoView {
    let session = use_session();
    let toasts = use_toasts();
    let sign_out = move |is_everywhere: bool| {
        Callback::new(move |()| {
            spawn_local(async move {
                let outcome = if is_everywhere {
                    session.sign_out_everywhere().await
                } else {
                    session.sign_out().await
                };
                if let Err(error) = outcome {
                    toasts.fail(error.message(), error.request_id().map(str::to_owned));
                }
            });
        })
    };
    let name = move || session.current().map(|current| current.user.name).unwrap_or_default();
    let domain = move || session.current().map(|current| current.user.domain).unwrap_or_default();
    let release = move || session.current().map(|current| current.release).unwrap_or_default();
    view! {
        <Menu label="Account" icon=Icon::User icon_only=true button_class="button quiet" align=Align::End>
            <MenuHeading>
                <strong class="foreign">{name}</strong>
                <span class="foreign">{domain}</span>
            </MenuHeading>
            <MenuSeparator />
            <MenuLink href="/account/sessions" icon=Icon::Shield>
                "My sessions"
            </MenuLink>
            <MenuSeparator />
            <MenuItem icon=Icon::SignOut on_select=sign_out(false)>
                "Sign out"
            </MenuItem>
            <MenuItem icon=Icon::SignOut on_select=sign_out(true)>
                "Sign out everywhere"
            </MenuItem>
            <MenuSeparator />
            <p class="menu-note">"Meridian " {release}</p>
        </Menu>
    }
}
