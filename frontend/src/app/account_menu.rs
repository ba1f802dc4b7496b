//! Who I am, my sessions, and the ways out.

use leptos::task::spawn_local;

use crate::{
    session::use_session,
    ui::{
        Align, El, Icon, el,
        menu::{icon_menu, menu_heading, menu_item, menu_link, menu_separator},
        use_toasts,
    },
};

pub fn account_menu() -> El {
    let session = use_session();
    let toasts = use_toasts();
    let sign_out = move |is_everywhere: bool| {
        spawn_local(async move {
            let outcome =
                if is_everywhere { session.sign_out_everywhere().await } else { session.sign_out().await };
            if let Err(error) = outcome {
                toasts.fail(error.message(), error.request_id().map(str::to_owned));
            }
        });
    };
    let items = move || {
        let current = session.current();
        let console = current.as_ref().filter(|current| current.is_operator);
        let console = console.map(|_| menu_link(Icon::Laptop, "Operator console", "/operator/logs", false));
        let (user, release) = current.map(|current| (current.user, current.release)).unzip();
        let who = user.map(|user| {
            menu_heading()
                .child(el("strong").class("foreign").text(&user.name))
                .child(el("span").class("foreign").text(&user.domain))
        });
        let release = release.map(|release| el("p").class("menu-note").text("Release ").text(&release));
        let items = [
            menu_link(Icon::Shield, "My sessions", "/account/sessions", false),
            menu_separator(),
            menu_item(Icon::SignOut, "Sign out", move || sign_out(false)),
            menu_item(Icon::SignOut, "Sign out everywhere", move || sign_out(true)),
        ];
        who.into_iter().chain(console).chain(items).chain(release).collect()
    };
    icon_menu(|| Icon::User, "Account", Align::End, items)
}
