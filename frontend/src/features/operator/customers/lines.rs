//! Lines of the log in few words, each leading to all that belongs to its request.

use api_types::operator::logs::LogLine;

use super::texts;
use crate::{
    features::operator::logs::{LogAddress, level_mark, shortened},
    ui::{
        El, el,
        table::{Cell, table},
        time::relative_time,
    },
};

/// A table of lines.
pub fn line_table(lines: &[LogLine], test_id: &str) -> El {
    table(texts::LINE_HEADS, lines.iter().map(line_row).collect())
        .class("table stacked customer-lines")
        .attr("data-testid", test_id)
}

fn line_row(line: &LogLine) -> Vec<Cell> {
    let request = match &line.request_id {
        Some(id) => el("a")
            .class("mono")
            .attr("href", &LogAddress::of_request(id).href())
            .attr("title", id)
            .text(shortened(id)),
        None => el("span"),
    };
    vec![
        Cell::El(relative_time(line.at_us / 1_000_000)),
        Cell::El(level_mark(&line.level)),
        Cell::Text(line.description.clone()),
        Cell::El(request),
    ]
}
