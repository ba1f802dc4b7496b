//! A row of a terminal as runs of letters that look alike. Values in, values out.

use vt100::{Color, Screen};

/// Letters that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub look: Look,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    pub fore: Color,
    pub back: Color,
    pub is_bold: bool,
    pub is_dim: bool,
    pub is_italic: bool,
    pub is_underlined: bool,
    pub is_inverse: bool,
    pub is_cursor: bool,
}

/// The runs of one row. The cursor is a run of its own, where it is shown.
pub fn runs(screen: &Screen, row: u16) -> Vec<Run> {
    let (_, columns) = screen.size();
    let is_live = screen.scrollback() == 0 && !screen.hide_cursor();
    let cursor = is_live.then(|| screen.cursor_position());
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns.get() {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else {
            continue;
        };
        let look = Look {
            fore: cell.fgcolor(),
            back: cell.bgcolor(),
            is_bold: cell.bold(),
            is_dim: cell.dim(),
            is_italic: cell.italic(),
            is_underlined: cell.underline(),
            is_inverse: cell.inverse(),
            is_cursor: cursor == Some((row, column)),
        };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut().filter(|run| run.look == look) {
            Some(run) => run.text.push_str(text),
            None => runs.push(Run { text: text.to_owned(), look }),
        }
    }
    // Blanks at the end are nothing to lay out.
    if let Some(last) = runs.last_mut().filter(|run| run.look == Look::default()) {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if last.text.is_empty() {
            runs.pop();
        }
    }
    runs
}

impl Look {
    /// The classes that draw it, but for its colours.
    pub fn classes(self) -> String {
        let marks = [
            (self.is_bold, "bold"),
            (self.is_dim, "dim"),
            (self.is_italic, "italic"),
            (self.is_underlined, "underlined"),
            // With no colours of its own there is nothing to swap: the style knows the terminal's.
            (self.is_inverse, "inverse"),
            (self.is_cursor, "cursor"),
        ];
        let classes: Vec<_> = marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, class)| class).collect();
        classes.join(" ")
    }

    /// The colours of the letters, and of what is behind them; `None` for the terminal's own.
    pub fn rgb(self) -> (Option<String>, Option<String>) {
        let (fore, back) = self.colours();
        (rgb(fore), rgb(back))
    }

    fn colours(self) -> (Color, Color) {
        if self.is_inverse { (self.back, self.fore) } else { (self.fore, self.back) }
    }
}

/// The 256 colours of xterm: sixteen named ones, a cube of six by six by six, and greys.
fn rgb(colour: Color) -> Option<String> {
    let (red, green, blue) = match colour {
        Color::Default => return None,
        Color::Idx(index @ 0..16) => return NAMED.get(usize::from(index)).map(|colour| (*colour).to_owned()),
        Color::Idx(index @ 16..232) => {
            let index = index - 16;
            let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
            (level(index / 36), level(index / 6 % 6), level(index % 6))
        }
        Color::Idx(index) => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
        Color::Rgb(red, green, blue) => (red, green, blue),
    };
    Some(format!("rgb({red} {green} {blue})"))
}

/// Black, red, green, yellow, blue, magenta, cyan, white, and the same brighter; readable on the terminal's dark.
const NAMED: [&str; 16] = [
    "#5b6678", "#ff8a80", "#5fc98f", "#e9b44c", "#8fb3ff", "#d59bf6", "#5cc8d7", "#d5dbe6", "#8792a5",
    "#ffaea7", "#8be0b1", "#f5cd7d", "#b6cdff", "#e6c2fb", "#92e0ea", "#ffffff",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(output: &str) -> Vec<Run> {
        let mut parser = vt100::Parser::default();
        parser.process(output.as_bytes());
        runs(parser.screen(), 0)
    }

    #[test]
    fn letters_that_look_alike_are_one_run_and_the_cursor_stands_alone() {
        let runs = shown("\u{1b}[1;31mred\u{1b}[0m plain");
        let texts: Vec<_> = runs.iter().map(|run| (run.text.as_str(), run.look.classes())).collect();
        assert_eq!(
            texts,
            [("red", "bold".to_owned()), (" plain", String::new()), (" ", "cursor".to_owned()),]
        );
    }

    #[test]
    fn an_empty_row_is_nothing_to_draw() {
        let parser = vt100::Parser::default();
        assert!(runs(parser.screen(), 5).is_empty());
    }

    #[test]
    fn the_sixteen_have_names_and_all_others_are_worked_out() {
        assert_eq!(rgb(Color::Idx(16)).as_deref(), Some("rgb(0 0 0)"));
        assert_eq!(rgb(Color::Idx(231)).as_deref(), Some("rgb(255 255 255)"));
        assert_eq!(rgb(Color::Idx(255)).as_deref(), Some("rgb(238 238 238)"));
        assert_eq!(rgb(Color::Idx(1)).as_deref(), Some("#ff8a80"));
        assert_eq!(rgb(Color::Default), None);
    }

    #[test]
    fn hostile_output_is_text() {
        let runs = shown("<b>\u{202e}&amp;");
        assert!(runs[0].text.starts_with("<b>") && runs[0].text.contains("&amp;"), "{runs:?}");
    }
}
