//! What rows show before their region has said so: somebody just asked for it.
//!
//! It is written into the row itself, so that search, order and counts agree with what is seen, and what the region
//! said last is kept beside it. Whatever the region says next takes its place; what is withdrawn leaves the row as it
//! was.

use std::collections::HashMap;

use super::Rows;
use crate::{RowIndex, block::flag, store::place};

/// What is expected of a server; what is not said here stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// What will be done to it, as Nova spells it.
    pub task: Option<String>,
    pub name: Option<String>,
    pub is_locked: Option<bool>,
    /// All it will have.
    pub tags: Option<Vec<String>>,
}

/// Rows that show what is expected of them.
#[derive(Default)]
pub struct Expectations(HashMap<RowIndex, Before>);

/// What the region said last.
struct Before {
    /// Of the row as it was left here: another one is newer.
    version: u32,
    task: u32,
    name: String,
    is_locked: bool,
    tags: Vec<u32>,
}

impl Rows {
    /// Shows what is expected of a row, until its region says something or it is withdrawn.
    pub fn expect(&mut self, index: RowIndex, expected: &Expected) {
        let (number, at) = place(index);
        let Some(block) =
            self.blocks.get_mut(number).filter(|block| at < block.len() && block.is_present(at))
        else {
            return;
        };
        let earlier =
            self.expectations.0.remove(&index).filter(|before| before.version == block.versions[at]);
        let mut before = earlier.unwrap_or_else(|| Before {
            version: 0,
            task: block.tasks[at],
            name: block.names.get(at).to_owned(),
            is_locked: block.flags[at] & flag::LOCKED != 0,
            tags: block.tags.get(at).to_vec(),
        });
        if let Some(task) = &expected.task {
            block.tasks[at] = self.words.tasks.intern(task);
        }
        if let Some(name) = expected.name.as_deref().filter(|name| *name != block.names.get(at)) {
            block.names.set(at, name, &mut self.cells.scratch);
        }
        if let Some(is_locked) = expected.is_locked {
            set_locked(&mut block.flags[at], is_locked);
        }
        if let Some(tags) = &expected.tags {
            let tags: Vec<_> = tags.iter().map(|tag| self.words.tags.intern(tag)).collect();
            block.tags.set(at, &tags);
        }
        block.versions[at] = block.versions[at].wrapping_add(1);
        before.version = block.versions[at];
        self.expectations.0.insert(index, before);
        self.log(index);
    }

    /// Shows a row as its region left it, unless the region has said something since; false where nothing was expected
    /// of it any more.
    pub fn withdraw(&mut self, index: RowIndex) -> bool {
        let Some(before) = self.expectations.0.remove(&index) else { return false };
        let (number, at) = place(index);
        let Some(block) = self.blocks.get_mut(number).filter(|block| block.versions[at] == before.version)
        else {
            return false;
        };
        block.tasks[at] = before.task;
        if block.names.get(at) != before.name {
            block.names.set(at, &before.name, &mut self.cells.scratch);
        }
        set_locked(&mut block.flags[at], before.is_locked);
        block.tags.set(at, &before.tags);
        block.versions[at] = block.versions[at].wrapping_add(1);
        self.log(index);
        true
    }

    /// The region sent the row just as it was expected to be: from now on that is what it said.
    pub(super) fn fulfil(&mut self, index: RowIndex) {
        if !self.expectations.0.is_empty() {
            self.expectations.0.remove(&index);
        }
    }
}

fn set_locked(flags: &mut u8, is_locked: bool) {
    *flags = if is_locked { *flags | flag::LOCKED } else { *flags & !flag::LOCKED };
}

#[cfg(test)]
mod tests {
    use api_types::servers::ServerRow;

    use super::*;
    use crate::{
        RowView,
        testing::{Cloud, plain_row},
    };

    fn one() -> (Cloud, Rows, RowIndex, ServerRow) {
        let mut cloud = Cloud::new(&["RegionOne"]);
        let mut rows = Rows::new();
        let row = plain_row("web");
        cloud.send(&mut rows, 0, std::slice::from_ref(&row));
        let index = rows.find(&row.id).expect("a row");
        (cloud, rows, index, row)
    }

    fn stopping() -> Expected {
        Expected { task: Some("powering-off".to_owned()), ..Expected::default() }
    }

    fn shown(row: RowView<'_>) -> (&str, Option<&str>, bool, Vec<&str>) {
        (row.name(), row.task(), row.is_locked(), row.tags().collect())
    }

    #[test]
    fn a_row_shows_what_is_expected_at_once_and_what_it_was_when_that_is_withdrawn() {
        let (_, mut rows, index, row) = one();
        rows.take_changes();
        let version = rows.version(index);
        let all = Expected {
            name: Some("db".to_owned()),
            is_locked: Some(true),
            tags: Some(vec!["prod".to_owned()]),
            ..stopping()
        };
        rows.expect(index, &all);
        assert_eq!(shown(rows.row(index)), ("db", Some("powering-off"), true, vec!["prod"]));
        assert!(rows.version(index) != version && rows.has_changes());
        assert!(rows.withdraw(index));
        assert_eq!(rows.row(index).to_server_row(), row);
        assert!(!rows.withdraw(index), "once");
    }

    #[test]
    fn what_the_region_says_takes_the_place_of_what_was_expected() {
        let (mut cloud, mut rows, index, mut row) = one();
        rows.expect(index, &stopping());
        row.status = "SHUTOFF".to_owned();
        row.updated_at += 1;
        cloud.send(&mut rows, 0, std::slice::from_ref(&row));
        assert_eq!(rows.row(index).to_server_row(), row);
        assert!(!rows.withdraw(index), "what came since is newer");
        assert_eq!(rows.row(index).to_server_row(), row);
    }

    #[test]
    fn a_region_that_says_exactly_what_was_expected_is_not_contradicted_later() {
        let (mut cloud, mut rows, index, mut row) = one();
        rows.expect(index, &Expected { is_locked: Some(true), ..Expected::default() });
        row.is_locked = true;
        cloud.send(&mut rows, 0, std::slice::from_ref(&row));
        assert!(!rows.withdraw(index));
        assert!(rows.row(index).is_locked());
    }

    #[test]
    fn a_second_expectation_keeps_what_the_region_said_before_the_first() {
        let (_, mut rows, index, row) = one();
        rows.expect(index, &stopping());
        rows.expect(index, &Expected { name: Some("db".to_owned()), ..Expected::default() });
        assert_eq!(shown(rows.row(index)), ("db", Some("powering-off"), false, vec![]));
        assert!(rows.withdraw(index));
        assert_eq!(rows.row(index).to_server_row(), row);
    }

    #[test]
    fn nothing_is_expected_of_a_server_that_is_gone() {
        let (mut cloud, mut rows, index, row) = one();
        cloud.send_gone(&mut rows, 0, &[row.id]);
        rows.expect(index, &stopping());
        assert_eq!(rows.row(index).task(), None);
        assert!(!rows.withdraw(index));
        rows.expect(9_999, &stopping());
    }
}
