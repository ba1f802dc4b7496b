//! What a row shows at once when something is asked for.

use api_types::servers::action::ServerAction;

use crate::features::servers::rows::{Expected, RowView};

/// What is expected of a server that this will be done to.
pub fn expected(action: &ServerAction, row: RowView<'_>) -> Expected {
    let task = action.kind().task_state().map(str::to_owned);
    let expected = Expected { task, ..Expected::default() };
    match action {
        ServerAction::Rename { name } => Expected { name: Some(name.clone()), ..expected },
        ServerAction::Lock { .. } => Expected { is_locked: Some(true), ..expected },
        ServerAction::Unlock => Expected { is_locked: Some(false), ..expected },
        ServerAction::Tag { add, remove } => {
            let tags = with_tags(row.tags(), add, remove);
            Expected { tags: Some(tags), ..expected }
        }
        _ => expected,
    }
}

/// Tags after some came and some went, in Nova's order, which is by letter.
fn with_tags<'t>(now: impl Iterator<Item = &'t str>, add: &[String], remove: &[String]) -> Vec<String> {
    let mut tags: Vec<_> = now.map(str::to_owned).filter(|tag| !remove.contains(tag)).collect();
    tags.extend(add.iter().filter(|tag| !remove.contains(tag)).cloned());
    tags.sort();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_and_go_and_none_is_there_twice() {
        let strings = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let now = ["b", "a"].into_iter();
        assert_eq!(with_tags(now, &strings(&["c", "a"]), &strings(&["b"])), strings(&["a", "c"]));
    }
}
