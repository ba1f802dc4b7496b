//! People and projects as tables have them.

use api_types::operator::customers::{CustomerProject, Person};

use super::{
    place::{project_href, user_href},
    support::Support,
    texts,
};
use crate::ui::{El, el, table::Cell, time::relative_time};

/// A row of people, as [`texts::PERSON_HEADS`] has it.
pub fn person_row(person: &Person) -> Vec<Cell> {
    let name = el("a").class("foreign").attr("href", &user_href(&person.id)).text(&person.name);
    let seen = match person.last_seen_at {
        Some(at) => relative_time(at),
        None => el("span").class("nothing").text(texts::NEVER),
    };
    vec![
        Cell::El(name),
        Cell::Text(person.domain.clone()),
        Cell::El(el("span").class("numbers").text(&person.sessions.to_string())),
        Cell::El(seen),
    ]
}

/// The same where Keystone was asked about them, as [`texts::FOUND_PERSON_HEADS`] has it.
pub fn found_person_row(person: &Person) -> Vec<Cell> {
    let mut row = person_row(person);
    row.push(Cell::El(state_of(person.is_enabled)));
    row
}

/// Rows of projects, each with its support view.
pub fn project_rows(
    projects: &[CustomerProject],
    support: Support,
    customer: Option<&str>,
) -> Vec<Vec<Cell>> {
    let row = |project: &CustomerProject| {
        let name = el("a").class("foreign").attr("href", &project_href(&project.id)).text(&name_of(project));
        vec![
            Cell::El(name),
            Cell::Mono(project.id.to_string()),
            Cell::El(state_of(project.is_enabled)),
            Cell::El(support.button(project, customer)),
        ]
    };
    projects.iter().map(row).collect()
}

/// Keystone's word on whether it can be used.
pub fn state_of(is_enabled: Option<bool>) -> El {
    match is_enabled {
        Some(true) => el("span").text(texts::ENABLED),
        Some(false) => el("span").text(texts::DISABLED),
        None => el("span").class("nothing").text(texts::UNTOLD),
    }
}

/// Its name; where nobody said it, its id.
pub fn name_of(project: &CustomerProject) -> String {
    if project.name.is_empty() { project.id.to_string() } else { project.name.clone() }
}
