//! What a server's screen shows: a title, what the shell has said, and the time, which changes every second.

use super::Facts;
use super::font::glyph;
use super::shell::Shell;

/// In dots.
pub const WIDTH: usize = 640;
pub const HEIGHT: usize = 400;

const COLUMNS: usize = 80;
const ROWS: usize = 25;
const CELL: (usize, usize) = (8, 16);

/// Red, green and blue.
const TEXT: [u8; 3] = [0xd0, 0xd0, 0xd0];
const GROUND: [u8; 3] = [0x10, 0x14, 0x1c];
const BAR: [u8; 3] = [0x2a, 0x5c, 0x9a];

/// A screen with a shell on it.
pub struct Screen {
    shell: Shell,
    lines: Vec<String>,
}

/// The dots of a screen, row by row.
pub type Picture = Vec<[u8; 3]>;

impl Screen {
    pub fn new(facts: &Facts) -> Self {
        let (shell, greeting) = Shell::new(facts);
        let mut screen = Screen { shell, lines: vec![String::new()] };
        screen.write(&greeting);
        screen
    }

    /// Lets happen what was typed and what the server has done. A shell that was left begins anew: a screen
    /// does not end with it.
    pub fn advance(&mut self, typed: &[u8], facts: &Facts) {
        match self.shell.advance(typed, facts) {
            Ok(said) => self.write(&said),
            Err(last_words) => {
                self.write(&last_words);
                let (shell, greeting) = Shell::new(facts);
                self.shell = shell;
                self.write(&greeting);
            }
        }
    }

    pub fn picture(&self, facts: &Facts) -> Picture {
        let mut picture = vec![GROUND; WIDTH * HEIGHT];
        let title = format!(" {} - {}", facts.name, facts.status);
        draw(&mut picture, 0, &title, TEXT, BAR);
        let shown = &self.lines[self.lines.len().saturating_sub(ROWS - 2)..];
        for (row, line) in shown.iter().enumerate() {
            draw(&mut picture, row + 1, line, TEXT, GROUND);
        }
        let clock = format!(" {} UTC", facts.now.format("%Y-%m-%d %H:%M:%S"));
        draw(&mut picture, ROWS - 1, &clock, TEXT, BAR);
        picture
    }

    fn write(&mut self, said: &[u8]) {
        for c in String::from_utf8_lossy(said).chars() {
            let Some(line) = self.lines.last_mut() else { return };
            match c {
                '\n' => self.lines.push(String::new()),
                '\u{8}' => {
                    line.pop();
                }
                c if c.is_control() => {}
                c if line.chars().count() < COLUMNS => line.push(c),
                c => self.lines.push(c.to_string()),
            }
        }
        let surplus = self.lines.len().saturating_sub(ROWS * 4);
        self.lines.drain(..surplus);
    }
}

/// Writes a line of text over the whole width, each letter twice as high as its dots.
fn draw(picture: &mut Picture, row: usize, text: &str, ink: [u8; 3], ground: [u8; 3]) {
    let mut letters = text.chars();
    for column in 0..COLUMNS {
        let dots = glyph(letters.next().unwrap_or(' '));
        for y in 0..CELL.1 {
            for x in 0..CELL.0 {
                let is_ink = x > 0 && dots.get(x - 1).is_some_and(|column| column >> (y / 2) & 1 == 1);
                let at = (row * CELL.1 + y) * WIDTH + column * CELL.0 + x;
                picture[at] = if is_ink { ink } else { ground };
            }
        }
    }
}
