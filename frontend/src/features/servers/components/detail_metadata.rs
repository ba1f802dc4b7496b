//! A server's tags and metadata, and what Nova answered as it answered it.

use super::detail_part::{absent, section, table_or};
use crate::{
    features::servers::{detail_state::pretty_json, detail_texts as texts, shown_server::ShownServer},
    ui::{El, copy_button::copy_button, el, table::Cell},
};

pub fn metadata(server: ShownServer) -> Vec<El> {
    let tags = move || {
        server.row.with(|row| match row {
            Some(row) if !row.tags.is_empty() => {
                let tag = |tag: &String| el("li").class("badge plain foreign").text(tag);
                vec![el("ul").class("tag-list").children(row.tags.iter().map(tag).collect())]
            }
            _ => vec![el("p").class("nothing").text(texts::NO_TAGS)],
        })
    };
    let entries = move || {
        let entry =
            |(key, value): &(String, String)| vec![Cell::Mono(key.clone()), Cell::Mono(value.clone())];
        let rows = server
            .row
            .with(|row| row.as_ref().map(|row| row.metadata.iter().map(entry).collect()).unwrap_or_default());
        vec![table_or(&[texts::NAME, texts::VALUE], rows, texts::NO_METADATA)]
    };
    vec![
        section(texts::TAGS, el("div").live_children(tags)),
        section(texts::METADATA, el("div").live_children(entries)),
    ]
}

pub fn json(server: ShownServer) -> Vec<El> {
    let content = move || {
        server.detail.with(|detail| {
            let Some(detail) = detail else { return vec![absent(texts::JSON, server)] };
            let json = pretty_json(&detail.raw);
            let copy = copy_button(json.clone(), texts::COPY_JSON.to_owned());
            let text = el("pre")
                .class("json")
                .attr("tabindex", "0")
                .attr("role", "region")
                .attr("aria-label", texts::JSON)
                .text(&json);
            vec![el("p").class("page-about").text(texts::JSON_ABOUT).text(" ").child(copy), text]
        })
    };
    vec![section(texts::JSON, el("div").live_children(content))]
}
