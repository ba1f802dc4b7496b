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
        Cell::Text(text) => {
            cell.class(if is_short(&text) { "foreign unbroken" } else { "foreign" }).text(&text)
        }
        Cell::Mono(text) => {
            cell.class(if is_short(&text) { "foreign mono unbroken" } else { "foreign mono" }).text(&text)
        }
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

/// No word of it is so long that a column could not be as wide: a MAC address is, an id is not.
fn is_short(text: &str) -> bool {
    const LONGEST: usize = 20;
    text.split_whitespace().all(|word| word.chars().nth(LONGEST).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_stay_whole_and_ids_may_be_broken() {
        assert!(is_short("fa:16:3e:5f:43:8e") && is_short("On different hosts, if possible") && is_short(""));
        assert!(
            !is_short("73c344c2-0b77-4253-873f-aa4d3c5c0ed4")
                && !is_short("10.22.126.5, fd00:1:d:0:f816:3eff:fecf:ccbf")
        );
    }
}
