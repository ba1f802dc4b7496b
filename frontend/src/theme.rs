//! Light, dark, or as the system has it. Kept in a cookie, so that the server's first page has it already.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlDocument;

use crate::ui::Held;

/// How the panel looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As the cookie and `<html data-theme>` have it.
    pub fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Anything unknown is the system's.
    pub fn from_key(key: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.key() == key).unwrap_or_default()
    }
}

/// The theme of this document, for as long as it lives.
#[derive(Clone, Copy)]
pub struct CurrentTheme(Held<Theme>);

impl CurrentTheme {
    pub fn get(self) -> Theme {
        self.0.get()
    }

    /// Draws the document in this theme and keeps it for the next visit.
    pub fn choose(self, theme: Theme) {
        self.0.set(theme);
        show(theme);
        keep(theme);
    }

    /// Draws it only: another tab has kept it already.
    pub fn follow(self, theme: Theme) {
        self.0.set(theme);
        show(theme);
    }
}

pub fn provide_theme() -> CurrentTheme {
    let key = document().document_element().and_then(|root| root.get_attribute("data-theme"));
    let theme = CurrentTheme(Held::new(Theme::from_key(key.as_deref().unwrap_or_default())));
    provide_context(theme);
    theme
}

pub fn use_theme() -> CurrentTheme {
    use_context().unwrap_or_else(|| CurrentTheme(Held::new(Theme::System)))
}

fn show(theme: Theme) {
    if let Some(root) = document().document_element() {
        _ = root.set_attribute("data-theme", theme.key());
    }
}

fn keep(theme: Theme) {
    const YEAR_SECS: u32 = 365 * 24 * 60 * 60;
    let cookie = format!("theme={}; Path=/; Max-Age={YEAR_SECS}; SameSite=Lax", theme.key());
    if let Ok(document) = document().dyn_into::<HtmlDocument>() {
        _ = document.set_cookie(&cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_survives_its_cookie_and_an_unknown_one_is_the_systems() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_key(theme.key()), theme);
        }
        assert_eq!(Theme::from_key("\"><script>"), Theme::System);
    }
}
