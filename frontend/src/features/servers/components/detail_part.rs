//! A part of a server's page that was asked for separately: there, on its way, or a gap of its own.

use api_types::servers::{ServerDetail, detail::Part};
use leptos::prelude::*;

use crate::{
    features::servers::{detail_texts as texts, shown_server::ShownServer},
    ui::{
        BannerKind, El,
        banner::text_banner,
        el,
        loaded::{lines, retry_button},
        table::{Cell, table},
    },
};

/// A titled block of the page.
pub fn section(title: &str, content: El) -> El {
    el("section").class("card").child(el("h2").text(title)).child(content)
}

/// A titled table of things that came with the rest of the server. A missing part says why and asks again.
pub fn part_section<T: 'static>(
    title: &'static str,
    server: ShownServer,
    part: fn(&ServerDetail) -> &Part<Vec<T>>,
    heads: &'static [&'static str],
    row: fn(&T) -> Vec<Cell>,
    nothing: &'static str,
) -> El {
    let content = move || {
        server.detail.with(|detail| match detail.map(part)? {
            Part::Known(items) => Some(table_or(heads, items.iter().map(row).collect(), nothing)),
            Part::Missing(body) => Some(gap(title, &body.message, server.refresh)),
        })
    };
    section(title, el("div").live_children(move || vec![content().unwrap_or_else(|| absent(title, server))]))
}

/// Something that comes with the rest of the server, while there is no rest: on its way, or a gap with its reason.
pub fn absent(title: &str, server: ShownServer) -> El {
    match server.detail.failure() {
        None => lines(4),
        Some(failure) => gap(title, &failure.message(), server.refresh),
    }
}

/// A table, or the word that there is nothing in it.
pub fn table_or(heads: &'static [&'static str], rows: Vec<Vec<Cell>>, nothing: &str) -> El {
    if rows.is_empty() { el("p").class("nothing").text(nothing) } else { table(heads, rows) }
}

/// A cell of a value with a button to copy it.
pub fn copied(value: &str) -> Cell {
    Cell::Copied(value.to_owned(), texts::copy(value))
}

/// The reason why something is not there, and a way to ask again.
pub fn gap(title: &str, reason: &str, retry: Callback<()>) -> El {
    let banner =
        text_banner(BannerKind::Warning, Some(&texts::missing(title)), reason, Some(retry_button(retry)));
    banner.attr("data-testid", "missing-part")
}
