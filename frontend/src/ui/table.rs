//! Small tables: a head, rows of cells, and on narrow screens cards with each value's name before it.

use super::{
    El, copy_button,
    element::{el, icon},
    icon::Icon,
    time::relative_time,
};

/// A cell's content.
pub enum Cell {
    Text(String),
    /// Text to compare letter by letter: ids, addresses.
    Mono(String),
    /// The same, with a button to copy it, which this names.
    Copied(String, String),
    /// Seconds since 1970.
    Moment(i64),
    /// What went wrong.
    Failure(String),
    El(El),
}

/// A table. The first cell of a row names it. `heads` may end with an empty one, for buttons.
pub fn table(heads: &'static [&'static str], rows: Vec<Vec<Cell>>) -> El {
    let head = |head: &&str| el("th").attr("scope", "col").text(head);
    let head_row = el("tr").children(heads.iter().map(head).collect());
    let row = |cells: Vec<Cell>| {
        let cell =
            |(at, content): (usize, Cell)| cell(at, heads.get(at).copied().unwrap_or_default(), content);
        el("tr").children(cells.into_iter().enumerate().map(cell).collect())
    };
    el("table")
        .class("table stacked")
        .child(el("thead").child(head_row))
        .child(el("tbody").children(rows.into_iter().map(row).collect()))
}

fn cell(at: usize, head: &str, content: Cell) -> El {
    let cell = if at == 0 { el("th").attr("scope", "row") } else { el("td").attr("data-label", head) };
    match content {
        Cell::Text(text) => cell.class("foreign").text(&text),
        Cell::Mono(text) => cell.class("foreign mono").text(&text),
        Cell::Copied(text, what) => {
            let button = copy_button::copy_button(text.clone(), what);
            cell.class("foreign mono").text(&text).text(" ").child(button)
        }
        Cell::Moment(at) => cell.child(relative_time(at)),
        Cell::Failure(text) => {
            cell.child(el("span").class("outcome bad foreign").child(icon(Icon::Alert)).text(&text))
        }
        Cell::El(el) => cell.child(el),
    }
}
