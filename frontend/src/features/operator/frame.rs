//! What stands around every section: where one is, the sections, the way out.

use leptos::prelude::*;

use super::texts;
use crate::{
    router::{Step, use_router},
    ui::{El, Icon, derived, effect::after, el, element::icon, tabs::keep_current_in_view},
};

/// One section of the console.
pub struct Section {
    /// What follows `/operator/`.
    pub path: &'static str,
    pub name: &'static str,
    /// A whole SVG element.
    pub icon: &'static str,
    pub page: fn() -> AnyView,
}

/// The section of the address in the console's frame. The console's own address leads to the first section.
pub fn console_frame(sections: &'static [Section], not_found: fn() -> AnyView) -> AnyView {
    mark_document();
    let router = use_router();
    let path = router.path();
    let at = derived(move || path.with(|path| section_of(path).map(str::to_owned)));
    after(move || {
        if at.with(Option::is_none)
            && let Some(first) = sections.first()
        {
            router.go(&format!("/operator/{}", first.path), Step::Replace);
        }
    });
    let page = move || {
        let page = at.with(|at| {
            let at = at.as_deref()?;
            Some(sections.iter().find(|section| section.path == at).map_or(not_found, |section| section.page))
        });
        page.map(untrack)
    };
    let link = move |section: &'static Section| {
        let is_here = move || at.with(|at| at.as_deref() == Some(section.path));
        let drawing = el("span").class("icon").attr("aria-hidden", "true");
        drawing.element().set_inner_html(section.icon.trim_end());
        let link = el("a")
            .class("product")
            .attr("href", &format!("/operator/{}", section.path))
            .live_attr("aria-current", move || is_here().then(|| "page".to_owned()))
            .child(drawing)
            .text(section.name);
        el("li").child(link)
    };
    let nav = el("nav")
        .class("products operator-sections")
        .attr("aria-label", texts::SECTIONS)
        .child(el("ul").children(sections.iter().map(link).collect()));
    keep_current_in_view(&nav, move || at.with(|_| {}));
    el("div").class("page").child(mark()).child(nav).child(el("div").class("page").live_view(page)).into_any()
}

/// Says, beside the panel's name, that this is the console.
fn mark() -> El {
    let leave = el("a")
        .class("button quiet")
        .attr("href", "/")
        .attr("rel", "external")
        .child(icon(Icon::ArrowLeft))
        .child(el("span").text(texts::LEAVE));
    el("section")
        .class("operator-mark")
        .attr("aria-label", texts::CONSOLE)
        .child(icon(Icon::Shield))
        .child(el("strong").text(texts::CONSOLE))
        .child(el("span").class("operator-note").text(texts::IS_LOGGED))
        .child(leave)
}

/// The whole frame looks otherwise while one is here; the server's page begins so as well.
fn mark_document() {
    let Some(root) = document().document_element() else { return };
    _ = root.set_attribute(MARK, "");
    on_cleanup(|| {
        if let Some(root) = document().document_element() {
            _ = root.remove_attribute(MARK);
        }
    });
}

const MARK: &str = "data-operator";

fn section_of(path: &str) -> Option<&str> {
    path.trim_matches('/').split('/').nth(1).filter(|section| !section.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_what_follows_the_consoles_own_address() {
        assert_eq!(section_of("/operator/logs"), Some("logs"));
        assert_eq!(section_of("/operator/customers/4f1d"), Some("customers"));
        assert_eq!(section_of("/operator"), None);
        assert_eq!(section_of("/operator/"), None);
    }
}
