//! Light, dark, or as the system has it.

use crate::{
    session::use_session,
    theme::{Theme, use_theme},
    ui::{
        Align, El, Icon,
        menu::{icon_menu, menu_choice},
    },
};

pub fn theme_menu() -> El {
    let session = use_session();
    let current = use_theme();
    let choice = move |theme: Theme| {
        let (icon, name) = face_of(theme);
        menu_choice(icon, name, current.get() == theme, move || {
            current.choose(theme);
            session.tell_theme(theme);
        })
    };
    icon_menu(move || face_of(current.get()).0, "Theme", Align::End, move || Theme::ALL.map(choice).into())
}

fn face_of(theme: Theme) -> (Icon, &'static str) {
    match theme {
        Theme::System => (Icon::Laptop, "As the system"),
        Theme::Light => (Icon::Sun, "Light"),
        Theme::Dark => (Icon::Moon, "Dark"),
    }
}
