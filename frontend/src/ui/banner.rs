//! A banner: something is not as it should be, the rest works. Calm, in the flow of the page.

use leptos::prelude::*;

use super::Icon;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BannerKind {
    #[default]
    Note,
    Warning,
    Failure,
}

/// One line with a reason; buttons go into `actions`.
#[component]
pub fn Banner(
    #[prop(optional)] kind: BannerKind,
    #[prop(into, optional)] actions: ViewFn,
    children: Children,
) -> impl IntoView {
    let (class, icon) = match kind {
        BannerKind::Note => ("banner", Icon::Info),
        BannerKind::Warning => ("banner warning", Icon::Alert),
        BannerKind::Failure => ("banner failure", Icon::Alert),
    };
    view! {
        <div class=class role="status">
            {icon.view()}
            <div class="banner-text">{children()}</div>
            <div class="banner-actions">{actions.run()}</div>
        </div>
    }
}
