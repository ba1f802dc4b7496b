//! Light, dark, or as the system has it.

use leptos::prelude::*;

use crate::{
    session::use_session,
    theme::{Theme, use_theme},
    ui::{Align, Icon, Menu, MenuChoice},
};

#[component]
pub fn ThemeMenu() -> impl IntoView {
    let session = use_session();
    let current = use_theme();
    let choose = move |theme| {
        current.choose(theme);
        session.tell_theme(theme);
    };
    let face = move || move || face_of(current.get()).0.view();
    view! {
        <Menu label="Theme" icon_only=true button_class="button quiet" align=Align::End face=face>
            {Theme::ALL
                .map(|theme| {
                    let (icon, name) = face_of(theme);
                    view! {
                        <MenuChoice
                            icon=icon
                            chosen=Signal::derive(move || current.get() == theme)
                            on_select=Callback::new(move |()| choose(theme))
                        >
                            {name}
                        </MenuChoice>
                    }
                })
                .collect_view()}
        </Menu>
    }
}

fn face_of(theme: Theme) -> (Icon, &'static str) {
    match theme {
        Theme::System => (Icon::Laptop, "As the system"),
        Theme::Light => (Icon::Sun, "Light"),
        Theme::Dark => (Icon::Moon, "Dark"),
    }
}
