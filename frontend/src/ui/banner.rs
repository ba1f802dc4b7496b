//! A banner: something is not as it should be, the rest works. Calm, in the flow of the page.

use super::{
    Icon,
    element::{El, el, icon},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BannerKind {
    #[default]
    Note,
    Warning,
    Failure,
}

/// One line with a reason. `lead` is what it is about, in bold.
pub fn text_banner(kind: BannerKind, lead: Option<&str>, text: &str, action: Option<El>) -> El {
    let lead = lead.map(|lead| el("strong").text(lead).text(" "));
    let text = el("div").class("banner-text foreign").child_if(lead).text(text);
    banner(kind, text, el("div").class("banner-actions").child_if(action))
}

/// A banner of any content.
pub fn banner(kind: BannerKind, text: El, actions: El) -> El {
    let (class, of_kind) = match kind {
        BannerKind::Note => ("banner", Icon::Info),
        BannerKind::Warning => ("banner warning", Icon::Alert),
        BannerKind::Failure => ("banner failure", Icon::Alert),
    };
    el("div").class(class).attr("role", "status").child(icon(of_kind)).child(text).child(actions)
}
