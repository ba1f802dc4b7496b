//! What stands around both kinds of live console: how it stands with the connection, and what can be done about it.

use super::{
    link::{Link, LinkState, Why},
    texts,
};
use crate::{
    explain::{Fault, Traces, explained},
    ui::{BannerKind, El, banner::banner, el},
};

/// The state of the connection, said politely; a console that was refused or has ended can be connected to again.
pub fn status(link: &Link) -> El {
    let state = link.state();
    let again = {
        let link = link.clone();
        move || {
            let link = link.clone();
            el("button")
                .attr("type", "button")
                .class("button")
                .text(texts::CONNECT)
                .on("click", move |_| link.again())
        }
    };
    let words = move || {
        let word = |text: &str| vec![el("p").class("console-state").text(text)];
        match state.get() {
            LinkState::Connecting => word(texts::CONNECTING),
            LinkState::Open => word(texts::CONNECTED),
            LinkState::Again => word(texts::RECONNECTING),
            LinkState::Over => word(texts::OVER),
            LinkState::Ended => {
                let actions = el("div").class("banner-actions").child(again());
                let text = el("div").class("banner-text").text(texts::ENDED);
                vec![banner(BannerKind::Note, text, actions)]
            }
            LinkState::Refused(why) => {
                let actions = el("div").class("banner-actions").child(again());
                vec![banner(BannerKind::Failure, el("div").class("banner-text").child(reason(&why)), actions)]
            }
        }
    };
    el("div").attr("role", "status").attr("data-testid", "console-state").live_children(words)
}

fn reason(why: &Why) -> El {
    let words = if why.words.is_empty() { &why.message } else { &why.words };
    let traces = Traces { request_id: why.request_id.clone(), upstream_request_id: None };
    explained(Fault { status: None, code: &why.code, words }, &traces)
}
