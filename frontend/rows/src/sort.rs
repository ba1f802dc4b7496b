//! The order of the list.
//!
//! Rows are compared by words of 64 bits: a column gives as many as it takes to tell two rows apart (natural order of
//! names, addresses as numbers, statuses by urgency), and the id follows. Sorting looks at the first word of all
//! rows, then at further ones only where the first are equal.

use std::cmp::Ordering;

use api_types::servers::{StatusKind, status_kind};

use super::{
    Column, RowIndex, Rows,
    block::{AddressCells, Block, Ip},
    fold::{common_start, natural_cmp, natural_key, natural_key_len},
    words::WordRanks,
};

/// Which column orders the list, and which way.
///
/// Rows without a value (no address, no tag, booted from a volume) come last either way; rows that compare equal
/// stand in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub descending: bool,
}

/// Gives the words by which rows are compared.
#[derive(Default)]
pub struct SortKeys {
    sort: Sort,
    /// By code of the status: how urgent it is and where it stands among its like.
    urgency: Vec<u64>,
    /// By region.
    regions: Vec<u64>,
}

/// A sort in the making, in slices.
#[derive(Default)]
pub struct Sorting {
    /// The first word of each row.
    rows: Vec<(u64, RowIndex)>,
    /// Runs of rows that are equal so far.
    equal: Vec<Run>,
    scratch: Vec<(u64, RowIndex)>,
    is_begun: bool,
}

/// Rows from `start` to `end` that are equal in all words before this one.
struct Run {
    start: usize,
    end: usize,
    word: Word,
}

/// Which of the words of a row.
#[derive(Clone, Copy)]
enum Word {
    Column(u32),
    Id(u32),
}

impl Default for Sort {
    /// The newest first: what was just created is at the top.
    fn default() -> Self {
        Self { column: Column::Created, descending: true }
    }
}

impl SortKeys {
    pub fn set(&mut self, sort: Sort) {
        self.sort = sort;
    }

    /// Takes in values that are new; to be called before keys are asked for after rows came.
    pub fn refresh(&mut self, rows: &Rows, ranks: &WordRanks) {
        let words = rows.words();
        self.urgency.clear();
        self.urgency.extend((0..=words.statuses.len() as u32).map(|code| {
            urgency(status_kind(words.statuses.get(code))) << 56 | u64::from(ranks.statuses.get(code)) << 28
        }));
        let names: Vec<_> =
            rows.all_regions().iter().map(|region| super::fold::fold(region.name.as_str())).collect();
        let rank = |name: &String| {
            1 + names.iter().filter(|other| natural_cmp(other.as_bytes(), name.as_bytes()).is_lt()).count()
                as u64
        };
        self.regions = names.iter().map(rank).collect();
    }

    /// The first word of a row: what [`Self::compare`] looks at first.
    #[inline]
    pub fn first(&self, rows: &Rows, ranks: &WordRanks, block: &Block, at: usize) -> u64 {
        self.word_at(rows, ranks, block, at, Word::Column(0)).0
    }

    /// How two rows stand.
    pub fn compare(&self, rows: &Rows, ranks: &WordRanks, left: RowIndex, right: RowIndex) -> Ordering {
        let mut at = Some(Word::Column(0));
        if self.sort.column == Column::Name {
            // Names can be long; looking at them word by word would begin anew with every word.
            let name = |row| {
                let (block, at) = rows.cell(row);
                block.names.folded_line(at)
            };
            let (first, is_missing) = (name(left), |name: &[u8]| name.starts_with(b"\n"));
            let order = match (is_missing(first), is_missing(name(right))) {
                (false, false) if self.sort.descending => natural_cmp(name(right), first),
                (false, false) => natural_cmp(first, name(right)),
                (left, right) => left.cmp(&right),
            };
            if order.is_ne() {
                return order;
            }
            at = Some(Word::Id(0));
        }
        while let Some(word) = at {
            let (left, is_last) = self.word(rows, ranks, left, word);
            let (right, _) = self.word(rows, ranks, right, word);
            if left != right {
                return left.cmp(&right);
            }
            at = word.next(is_last);
        }
        Ordering::Equal
    }

    /// A word of a row, and whether the row has no further one of the column. Rows with equal words so far have as
    /// many.
    #[inline]
    fn word(&self, rows: &Rows, ranks: &WordRanks, row: RowIndex, word: Word) -> (u64, bool) {
        let (block, at) = rows.cell(row);
        self.word_at(rows, ranks, block, at, word)
    }

    #[inline]
    fn word_at(&self, rows: &Rows, ranks: &WordRanks, block: &Block, at: usize, word: Word) -> (u64, bool) {
        match word {
            Word::Id(depth) => {
                let id = u128::from_be_bytes(block.ids[at].0);
                ((id >> (64 - 64 * depth)) as u64, depth == 1)
            }
            Word::Column(depth) => {
                let (word, is_last) = self.column_word(rows, ranks, block, at, depth);
                let is_missing = depth == 0 && word == 0;
                if is_missing {
                    (u64::MAX, true)
                } else {
                    (if self.sort.descending { !word } else { word }, is_last)
                }
            }
        }
    }

    /// The word from which on rows that are equal up to `word` can differ: names that begin alike are gone through once
    /// and not word by word.
    fn skip(&self, rows: &Rows, run: &[(u64, RowIndex)], word: Word) -> Word {
        const LONG: u32 = 4;
        let Word::Column(depth @ LONG..) = word else { return word };
        if self.sort.column != Column::Name {
            return word;
        }
        let mut names = run.iter().map(|(_, row)| {
            let (block, at) = rows.cell(*row);
            block.names.folded_line(at)
        });
        let first = names.next().unwrap_or_default();
        let (mut common, mut is_same) = (first, true);
        for name in names {
            if name != first {
                is_same = false;
                common = &common[..common_start(common, name)];
            }
        }
        if is_same { Word::Id(0) } else { Word::Column(depth.max(natural_key_len(common) as u32 / 8)) }
    }

    /// A word of the column, upwards; the first is 0 where the value is missing, and never [`u64::MAX`].
    #[inline]
    fn column_word(
        &self,
        rows: &Rows,
        ranks: &WordRanks,
        block: &Block,
        at: usize,
        depth: u32,
    ) -> (u64, bool) {
        let words = rows.words();
        let amount = |of: fn(&api_types::servers::Flavor) -> u32| {
            words.flavors.get(block.flavors[at]).map_or(0, |flavor| u64::from(of(flavor)) + 1)
        };
        let word = match self.sort.column {
            Column::Name => return natural_key(block.names.folded_line(at), depth),
            Column::Tags => return tags_word(block.tags.get(at), ranks, depth),
            Column::Addresses => return address_word(block.addresses.get(at), ranks, depth),
            Column::Id => {
                let id = u128::from_be_bytes(block.ids[at].0);
                return match depth {
                    0 => (1 << 63 | (id >> 65) as u64, false),
                    1 => ((id >> 1) as u64, false),
                    _ => (id as u64 & 1, true),
                };
            }
            Column::Status => {
                let task = block.tasks[at];
                let mut word = self.urgency.get(block.statuses[at] as usize).copied().unwrap_or(1 << 56);
                if task != 0 && word >> 56 > urgency(StatusKind::Changing) {
                    word = urgency(StatusKind::Changing) << 56 | (word & ((1 << 56) - 1));
                }
                word | u64::from(ranks.tasks.get(task))
            }
            Column::Region => self.regions.get(usize::from(block.regions[at])).copied().unwrap_or(0),
            Column::Flavor => u64::from(ranks.flavors.get(words.flavors.parts(block.flavors[at]).0)),
            Column::Image => u64::from(ranks.images.get(words.images.name(block.images[at]))),
            Column::Zone => u64::from(ranks.zones.get(block.zones[at])),
            Column::Created => u64::from(block.created[at]),
            Column::Updated => u64::from(block.updated[at]),
            Column::Vcpus => amount(|flavor| flavor.vcpus),
            Column::Ram => amount(|flavor| flavor.ram_mib),
            Column::Disk => amount(|flavor| flavor.disk_gib),
        };
        (word, true)
    }
}

impl Sorting {
    /// Room for so many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), ..Self::default() }
    }

    pub fn push(&mut self, first: u64, row: RowIndex) {
        self.rows.push((first, row));
    }

    /// Goes on sorting while `within` says there is time; true when all is in order.
    pub fn step(
        &mut self,
        keys: &SortKeys,
        rows: &Rows,
        ranks: &WordRanks,
        within: &mut dyn FnMut() -> bool,
    ) -> bool {
        /// So many rows are looked at between two looks at the clock.
        const SLICE: usize = 2048;
        if !self.is_begun {
            self.is_begun = true;
            self.rows.sort_unstable_by(by_word);
            let mut runs = std::mem::take(&mut self.equal);
            let is_last = |row| keys.word(rows, ranks, row, Word::Column(0)).1;
            equal_runs(&self.rows, |start, end| {
                let word = Word::Column(0).next(is_last(self.rows[start].1));
                runs.extend(word.map(|word| Run { start, end, word }));
            });
            self.equal = runs;
        }
        let mut looked_at = 0;
        while let Some(Run { start, end, word }) = self.equal.pop() {
            if looked_at > SLICE {
                looked_at = 0;
                if !within() {
                    self.equal.push(Run { start, end, word });
                    return false;
                }
            }
            looked_at += end - start;
            let word = keys.skip(rows, &self.rows[start..end], word);
            self.scratch.clear();
            let word_of = |row| keys.word(rows, ranks, row, word);
            self.scratch.extend(self.rows[start..end].iter().map(|(_, row)| (word_of(*row).0, *row)));
            self.scratch.sort_unstable_by(by_word);
            for ((_, row), (_, sorted)) in self.rows[start..end].iter_mut().zip(&self.scratch) {
                *row = *sorted;
            }
            equal_runs(&self.scratch, |from, to| {
                let next = word.next(word_of(self.scratch[from].1).1);
                self.equal.extend(next.map(|word| Run { start: start + from, end: start + to, word }));
            });
        }
        true
    }

    /// First words and rows, in order.
    pub fn into_sorted(self) -> Vec<(u64, RowIndex)> {
        self.rows
    }
}

impl Word {
    fn next(self, is_last: bool) -> Option<Self> {
        match self {
            Self::Column(depth) if !is_last => Some(Self::Column(depth + 1)),
            Self::Column(_) => Some(Self::Id(0)),
            Self::Id(depth) if !is_last => Some(Self::Id(depth + 1)),
            Self::Id(_) => None,
        }
    }
}

/// By the word alone: equal ones are many, and then cheap.
fn by_word(left: &(u64, RowIndex), right: &(u64, RowIndex)) -> Ordering {
    left.0.cmp(&right.0)
}

/// Calls `run` with the bounds of every run of several equal words.
fn equal_runs(rows: &[(u64, RowIndex)], mut run: impl FnMut(usize, usize)) {
    let mut start = 0;
    for end in 1..=rows.len() {
        if rows.get(end).is_none_or(|row| row.0 != rows[start].0) {
            if end - start > 1 {
                run(start, end);
            }
            start = end;
        }
    }
}

/// What needs somebody comes first.
fn urgency(kind: StatusKind) -> u64 {
    match kind {
        StatusKind::Failed => 1,
        StatusKind::Waiting => 2,
        StatusKind::Changing => 3,
        StatusKind::Unknown => 4,
        StatusKind::Running => 5,
        StatusKind::Resting => 6,
    }
}

/// Tag by tag, two a word.
fn tags_word(tags: &[u32], ranks: &WordRanks, depth: u32) -> (u64, bool) {
    let rank = |at: u32| tags.get(at as usize).map_or(0, |tag| u64::from(ranks.tags.get(*tag)));
    let (first, second) = (rank(2 * depth), rank(2 * depth + 1));
    (first << 32 | second, second == 0)
}

/// The first address: IPv4 before IPv6 before what is neither.
fn address_word(addresses: &[u32], ranks: &WordRanks, depth: u32) -> (u64, bool) {
    const V4: u64 = 1 << 62;
    const V6: u64 = 2 << 62;
    const ODD: u64 = 3 << 62;
    match (AddressCells(addresses).next().map(|address| address.ip), depth) {
        (None, _) => (0, true),
        (Some(Ip::V4(ip)), _) => (V4 | u64::from(ip), true),
        (Some(Ip::V6(ip)), 0) => (V6 | (ip >> 66) as u64, false),
        (Some(Ip::V6(ip)), 1) => ((ip >> 2) as u64, false),
        (Some(Ip::V6(ip)), _) => (ip as u64 & 3, true),
        (Some(Ip::Text(code)), _) => (ODD | u64::from(ranks.odd_addresses.get(code)), true),
    }
}
