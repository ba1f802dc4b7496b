//! The rows in the document: blocks of fixed height, of which the browser lays out only those in sight.
//!
//! Up to [`ALL_IN_DOCUMENT`] rows are all there, so that the browser's own search finds them; beyond that only the
//! blocks around what is in sight. The blocks in sight are drawn first, the others in turns. A row keeps its element
//! when it moves, so a text marked in it stays marked.

use std::collections::BTreeMap;

use api_types::ProjectId;
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};

use super::row_view::{DrawnRow, Place, RowPainter};
use crate::features::servers::{
    rows::{Column, RowIndex},
    store::Servers,
    turns::Deadline,
};

/// Up to so many matching rows stay in the document.
pub const ALL_IN_DOCUMENT: usize = 10_000;

/// Rows of a block. Small enough to be drawn well within a turn, large enough that the browser has few to look after.
pub const BLOCK_ROWS: usize = 20;

/// So many new blocks come into the document together.
const PLACED_TOGETHER: usize = 125;

/// What is drawn of the list.
pub struct TableBody {
    /// As high as all rows together; holds the blocks.
    canvas: HtmlElement,
    painter: RowPainter,
    row_height: f64,
    sight: Sight,
    blocks: BTreeMap<usize, Block>,
    /// Blocks that are drawn and not in the document yet.
    unplaced: Vec<usize>,
    drawn: Vec<DrawnRow>,
    /// Where in `drawn` a row is, by its index; [`NOWHERE`] if it is not.
    drawn_at: Vec<u32>,
    /// Block of each drawn row; [`NOWHERE`] while it is in none.
    block_of: Vec<u32>,
    spare: Vec<u32>,
    matching: usize,
    cursor: Option<RowIndex>,
    /// Rows still pour in: every drawing is of another list.
    is_pouring: bool,
    was_loading: bool,
    asked: u32,
    /// Rises with every change to show; a block with an older one is out of date.
    tick: u64,
}

/// What every row looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub columns: Vec<Column>,
    pub addresses_shown: usize,
    /// Each row has the button of all that can be done to it; else the one that is pointed at gets it.
    pub has_buttons: bool,
    /// In pixels.
    pub row_height: f64,
}

/// What of the list is in sight, in pixels. Told rather than asked for: asking makes the browser lay out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    pub top: f64,
    /// Without the head, which covers the first rows of the box.
    pub height: f64,
}

struct Block {
    element: HtmlElement,
    /// The rows it shows, as places in `drawn`.
    rows: Vec<u32>,
    tick: u64,
    /// Of which list it shows rows, as [`Servers::asked`] counts.
    asked: u32,
}

const NOWHERE: u32 = u32::MAX;

impl TableBody {
    /// `None` where the document refuses to make elements.
    pub fn new(canvas: HtmlElement, layout: &Layout, project: &ProjectId) -> Option<Self> {
        canvas.set_text_content(None);
        Some(Self {
            canvas,
            painter: RowPainter::new(&layout.columns, layout.addresses_shown, layout.has_buttons, project)?,
            row_height: layout.row_height,
            sight: Sight::default(),
            blocks: BTreeMap::new(),
            unplaced: Vec::new(),
            drawn: Vec::new(),
            drawn_at: Vec::new(),
            block_of: Vec::new(),
            spare: Vec::new(),
            matching: usize::MAX,
            cursor: None,
            is_pouring: true,
            was_loading: true,
            asked: 0,
            tick: 0,
        })
    }

    /// Ages are told by this clock from the next drawing on. Seconds since 1970.
    pub fn set_now(&mut self, now: i64) {
        self.painter.set_now(now);
    }

    /// Something changed: takes over the size of the list and draws what is in sight.
    pub fn draw(&mut self, servers: &Servers, cursor: Option<RowIndex>) {
        self.tick += 1;
        self.move_cursor(cursor);
        let is_loading = !servers.has_been_complete;
        // The drawing that completes the list still belongs to its loading.
        self.is_pouring = is_loading || self.was_loading;
        self.was_loading = is_loading;
        self.asked = servers.asked;
        let matching = servers.view.len();
        if matching != self.matching {
            self.matching = matching;
            set_style(&self.canvas, "height", &format!("{}px", matching as u64 * self.row_height as u64));
        }
        self.draw_sight(servers);
    }

    /// The reader scrolled: draws what came into sight, if it is not there yet.
    pub fn draw_sight(&mut self, servers: &Servers) {
        let sight = self.blocks_in_sight();
        self.drop_blocks_but(sight.clone());
        for block in sight {
            self.draw_block(block, servers);
        }
        self.place_blocks();
    }

    /// Draws what is out of sight, as far as time allows; true while there is more.
    pub fn draw_rest(&mut self, servers: &Servers, deadline: &mut Deadline) -> bool {
        for block in self.blocks_to_keep() {
            if self.blocks.get(&block).is_none_or(|held| held.tick != self.tick) {
                if deadline.is_over_now() {
                    if self.unplaced.len() >= PLACED_TOGETHER {
                        self.place_blocks();
                    }
                    return true;
                }
                self.draw_block(block, servers);
            }
        }
        self.place_blocks();
        self.put_away_leftovers();
        false
    }

    pub fn set_sight(&mut self, sight: Sight) {
        self.sight = sight;
    }

    /// The rows in sight, by their position in the list.
    pub fn rows_in_sight(&self) -> std::ops::Range<usize> {
        let first = (self.sight.top / self.row_height).floor() as usize;
        let last = ((self.sight.top + self.sight.height) / self.row_height).ceil() as usize;
        first.min(self.matching)..last.min(self.matching)
    }

    /// The element of a row, if it is in the document.
    pub fn element_of(&self, row: RowIndex) -> Option<&Element> {
        let at = *self.drawn_at.get(row as usize)?;
        let is_placed = *self.block_of.get(at as usize)? != NOWHERE;
        is_placed.then(|| &self.drawn[at as usize].element)
    }

    pub fn row_height(&self) -> f64 {
        self.row_height
    }

    /// The row it leaves may be in a block that is drawn later, or not at all: two rows must never have its mark.
    fn move_cursor(&mut self, cursor: Option<RowIndex>) {
        let before = std::mem::replace(&mut self.cursor, cursor);
        if let Some(before) = before.filter(|_| before != cursor)
            && let Some(drawn) =
                self.drawn_at.get(before as usize).and_then(|at| self.drawn.get_mut(*at as usize))
        {
            drawn.lose_cursor();
        }
    }

    fn block_count(&self) -> usize {
        self.matching.div_ceil(BLOCK_ROWS)
    }

    fn blocks_in_sight(&self) -> std::ops::Range<usize> {
        let rows = self.rows_in_sight();
        let last = rows.end.max(rows.start + 1).div_ceil(BLOCK_ROWS);
        (rows.start / BLOCK_ROWS).min(self.block_count())..last.min(self.block_count())
    }

    fn blocks_to_keep(&self) -> std::ops::Range<usize> {
        if self.matching <= ALL_IN_DOCUMENT {
            return 0..self.block_count();
        }
        let sight = self.blocks_in_sight();
        sight.start.saturating_sub(2)..(sight.end + 2).min(self.block_count())
    }

    fn drop_blocks_but(&mut self, sight: std::ops::Range<usize>) {
        let keep = self.blocks_to_keep();
        debug_assert!(sight.is_empty() || (keep.start <= sight.start && sight.end <= keep.end));
        if self.blocks.first_key_value().is_none_or(|(first, _)| keep.contains(first))
            && self.blocks.last_key_value().is_none_or(|(last, _)| keep.contains(last))
        {
            return;
        }
        let gone: Vec<usize> = self.blocks.keys().copied().filter(|block| !keep.contains(block)).collect();
        for block in gone {
            let Some(block) = self.blocks.remove(&block) else { continue };
            block.element.remove();
            // They stay in it until they are used again: to take thousands out one by one costs a frame.
            for at in block.rows {
                self.keep_for_later(at);
            }
        }
    }

    fn draw_block(&mut self, number: usize, servers: &Servers) {
        let from = (number * BLOCK_ROWS).min(servers.view.len());
        let until = (from + BLOCK_ROWS).min(servers.view.len());
        let wanted = &servers.view.order()[from..until];
        let held = self.blocks.remove(&number);
        let is_new = held.is_none();
        let Some(mut block) = held.or_else(|| make_block(number)) else { return };
        if block.tick != self.tick {
            self.arrange(&mut block, number as u32, wanted);
            self.read_ahead(wanted, servers);
            for (offset, row) in wanted.iter().enumerate() {
                let Some(at) = self.drawn_at.get(*row as usize).map(|at| *at as usize) else { continue };
                let Some(drawn) = self.drawn.get_mut(at) else { continue };
                let view = servers.rows.row(*row);
                let place = Place {
                    at: from + offset,
                    is_selected: servers.selection.contains(view),
                    has_cursor: self.cursor == Some(*row),
                };
                self.painter.paint(drawn, view, servers.rows.version(*row), place);
            }
            block.tick = self.tick;
        }
        if is_new {
            self.unplaced.push(number);
        }
        self.blocks.insert(number, block);
    }

    /// Puts new blocks into the document, whole and many at once: each time costs the browser a frame.
    fn place_blocks(&mut self) {
        self.unplaced.sort_unstable();
        // From the last on, so that the one behind is always there.
        for number in std::mem::take(&mut self.unplaced).into_iter().rev() {
            let mut from_here = self.blocks.range(number..).map(|(_, block)| &block.element);
            let Some(element) = from_here.next().filter(|_| self.blocks.contains_key(&number)) else {
                continue;
            };
            let next: Option<&Node> = from_here.next().map(|element| element.as_ref());
            _ = self.canvas.insert_before(element, next);
        }
    }

    fn read_ahead(&mut self, wanted: &[RowIndex], servers: &Servers) {
        let (drawn, drawn_at) = (&self.drawn, &self.drawn_at);
        let needs_content = |row: &&RowIndex| {
            let drawn = drawn_at.get(**row as usize).and_then(|at| drawn.get(*at as usize));
            drawn.is_some_and(|drawn| RowPainter::needs_content(drawn, servers.rows.version(**row)))
        };
        let rows = wanted.iter().filter(needs_content).map(|row| servers.rows.row(*row));
        self.painter.read_ahead(rows);
    }

    /// Puts elements for the wanted rows into the block, in order.
    fn arrange(&mut self, block: &mut Block, number: u32, wanted: &[RowIndex]) {
        let is_as_wanted = block.rows.len() == wanted.len()
            && block.rows.iter().zip(wanted).all(|(at, row)| {
                self.block_of[*at as usize] == number && self.drawn[*at as usize].row == *row
            });
        if is_as_wanted {
            for (at, row) in block.rows.iter().zip(wanted) {
                self.drawn_at[*row as usize] = *at;
            }
        } else if self.is_pouring || block.asked != self.asked {
            self.rewrite(block, number, wanted);
        } else {
            self.rearrange(block, number, wanted);
        }
        block.asked = self.asked;
    }

    /// Another list: the elements stay and show other rows. Nothing moves, so only the texts are laid out again.
    fn rewrite(&mut self, block: &mut Block, number: u32, wanted: &[RowIndex]) {
        let mut held = std::mem::take(&mut block.rows);
        held.retain(|at| self.block_of[*at as usize] == number);
        for at in held.split_off(held.len().min(wanted.len())) {
            self.set_aside(at);
        }
        for row in wanted {
            let at = match held.get(block.rows.len()) {
                Some(at) => *at,
                None => {
                    let Some(at) = self.spare_one() else { return };
                    _ = block.element.append_child(&self.drawn[at as usize].element);
                    self.block_of[at as usize] = number;
                    at
                }
            };
            self.show(at, *row);
            block.rows.push(at);
        }
    }

    /// The same list, of which rows came and went: elements go with their rows, moving no more than needed.
    fn rearrange(&mut self, block: &mut Block, number: u32, wanted: &[RowIndex]) {
        // First out with those that go elsewhere, so that the ones behind them need not move.
        let mut held: Vec<u32> = Vec::with_capacity(block.rows.len());
        for at in std::mem::take(&mut block.rows) {
            if self.block_of[at as usize] != number {
                continue;
            }
            if wanted.contains(&self.drawn[at as usize].row) {
                held.push(at);
            } else {
                self.drawn[at as usize].element.remove();
                self.block_of[at as usize] = NOWHERE;
            }
        }
        let mut next_held = 0;
        for row in wanted {
            if let Some(at) = held.get(next_held).copied()
                && self.drawn[at as usize].row == *row
            {
                self.show(at, *row);
                block.rows.push(at);
                next_held += 1;
                continue;
            }
            let Some(at) = self.drawn_for(*row) else { continue };
            if self.block_of[at as usize] == number
                && let Some(behind) = held.iter().skip(next_held).position(|held| *held == at)
            {
                held.remove(next_held + behind);
            }
            let before: Option<&Node> =
                held.get(next_held).map(|at| self.drawn[*at as usize].element.as_ref());
            _ = block.element.insert_before(&self.drawn[at as usize].element, before);
            self.block_of[at as usize] = number;
            block.rows.push(at);
        }
    }

    /// The element for a row: its own, wherever it is now, else a spare one, else a new one.
    fn drawn_for(&mut self, row: RowIndex) -> Option<u32> {
        let held = self.drawn_at.get(row as usize).copied().unwrap_or(NOWHERE);
        if held != NOWHERE {
            return Some(held);
        }
        let at = self.spare_one()?;
        self.show(at, row);
        Some(at)
    }

    fn spare_one(&mut self) -> Option<u32> {
        if let Some(at) = self.spare.pop() {
            return Some(at);
        }
        self.drawn.push(self.painter.make()?);
        self.block_of.push(NOWHERE);
        Some((self.drawn.len() - 1) as u32)
    }

    /// Notes that this element is the row's. Another one that was may still stand in a block that is not up to date.
    fn show(&mut self, at: u32, row: RowIndex) {
        if self.drawn_at.len() <= row as usize {
            self.drawn_at.resize(row as usize + 1, NOWHERE);
        }
        let before = self.drawn[at as usize].row;
        if before != row {
            self.forget(at, before);
            self.drawn[at as usize].take_over(row);
        }
        self.drawn_at[row as usize] = at;
    }

    fn forget(&mut self, at: u32, row: RowIndex) {
        if let Some(held) = self.drawn_at.get_mut(row as usize)
            && *held == at
        {
            *held = NOWHERE;
        }
    }

    /// Rows that no block wanted are not in the list any more: their elements wait for other rows.
    fn put_away_leftovers(&mut self) {
        for at in 0..self.drawn.len() as u32 {
            let row = self.drawn[at as usize].row;
            if self.block_of[at as usize] == NOWHERE && row != RowIndex::MAX {
                self.set_aside(at);
            }
        }
    }

    /// Takes an element out of the document; it waits for another row.
    fn set_aside(&mut self, at: u32) {
        self.drawn[at as usize].element.remove();
        self.keep_for_later(at);
    }

    /// An element that is in no block of the document waits for another row.
    fn keep_for_later(&mut self, at: u32) {
        self.forget(at, self.drawn[at as usize].row);
        self.drawn[at as usize].let_go();
        self.block_of[at as usize] = NOWHERE;
        self.spare.push(at);
    }
}

fn make_block(number: usize) -> Option<Block> {
    let element: HtmlElement = document().create_element("div").ok()?.unchecked_into();
    element.set_class_name("block");
    _ = element.set_attribute("role", "presentation");
    set_style(&element, "--block", &number.to_string());
    Some(Block { element, rows: Vec::with_capacity(BLOCK_ROWS), tick: 0, asked: 0 })
}

fn set_style(element: &HtmlElement, property: &str, value: &str) {
    _ = element.style().set_property(property, value);
}
