//! What the switcher offers and which of it is marked: values in, values out.

use api_types::{
    ProjectId,
    projects::{Project, ProjectList},
};

/// The projects on offer, in groups as they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// What was searched for.
    pub search: String,
    /// Visited lately; only while nothing is searched for.
    pub recent: Vec<Project>,
    pub found: Vec<Project>,
    /// Projects that match and are not among `found`.
    pub more: usize,
}

impl Choices {
    /// What to offer for a search that found `list`, on the page of project `current`.
    pub fn new(search: &str, recent: Vec<Project>, list: ProjectList, current: Option<&ProjectId>) -> Self {
        let more = list.total.saturating_sub(list.items.len());
        // With few projects a second list of the same ones is only noise.
        let is_long = list.total > 8;
        let recent = if search.trim().is_empty() && is_long {
            recent.into_iter().filter(|project| Some(&project.id) != current).collect()
        } else {
            Vec::new()
        };
        Self { search: search.to_owned(), recent, found: list.items, more }
    }

    pub fn len(&self) -> usize {
        self.recent.len() + self.found.len()
    }

    /// The project that Enter means at a place while `typed` stands in the search field; `None` while these are still
    /// the choices of another search.
    pub fn meant(&self, typed: &str, place: usize) -> Option<&Project> {
        if self.search == typed { self.at(place) } else { None }
    }

    /// The project at a place, counted through both groups.
    pub fn at(&self, place: usize) -> Option<&Project> {
        self.recent.iter().chain(&self.found).nth(place)
    }
}

/// Where a key moves the mark from `place` among `count`; `None` for keys that do not move it.
pub fn moved(key: &str, place: usize, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    match key {
        "ArrowDown" => Some(if place >= last { 0 } else { place + 1 }),
        "ArrowUp" => Some(if place == 0 { last } else { place - 1 }),
        "PageDown" => Some((place + 8).min(last)),
        "PageUp" => Some(place.saturating_sub(8)),
        _ => None,
    }
}

/// The recent projects of a user in what the browser kept: a user's id and their projects.
pub fn recent_of(user: &str, kept: &str) -> Vec<Project> {
    let kept: Option<(String, Vec<Project>)> = serde_json::from_slice(kept.as_bytes()).ok();
    kept.filter(|(owner, _)| owner == user).map(|(_, recent)| recent).unwrap_or_default()
}

/// The recent projects after a visit to `project`.
pub fn with_recent(mut recent: Vec<Project>, project: &Project) -> Vec<Project> {
    const KEPT: usize = 6;
    recent.retain(|known| known.id != project.id);
    recent.insert(0, project.clone());
    recent.truncate(KEPT);
    recent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> Project {
        let id = name.parse().expect("a valid id");
        Project { id, name: name.to_owned(), domain: "default".to_owned() }
    }

    fn list(names: &[&str], total: usize) -> ProjectList {
        ProjectList { items: names.iter().map(|name| project(name)).collect(), total }
    }

    #[test]
    fn recent_projects_lead_while_nothing_is_searched_for_and_leave_out_the_current_one() {
        let recent = vec![project("b"), project("c")];
        let current = "b".parse().ok();
        let choices = Choices::new(" ", recent.clone(), list(&["a", "b"], 3000), current.as_ref());
        assert_eq!(choices.recent, [project("c")]);
        assert_eq!(choices.at(0), Some(&project("c")));
        assert_eq!(choices.at(2), Some(&project("b")));
        assert_eq!(choices.at(3), None);
        assert_eq!(choices.more, 2998);
        assert!(Choices::new("a", recent, list(&["a"], 1), current.as_ref()).recent.is_empty());
    }

    #[test]
    fn enter_means_none_of_the_choices_of_another_search() {
        let choices = Choices::new("al", Vec::new(), list(&["alpha"], 1), None);
        assert_eq!(choices.meant("al", 0), Some(&project("alpha")));
        assert_eq!(choices.meant("alp", 0), None);
        assert_eq!(choices.meant("al", 1), None);
    }

    #[test]
    fn few_projects_are_listed_once() {
        let choices = Choices::new("", vec![project("a")], list(&["a", "b"], 2), None);
        assert_eq!((choices.recent.len(), choices.len(), choices.more), (0, 2, 0));
    }

    #[test]
    fn the_mark_goes_round_and_pages_stop_at_the_ends() {
        assert_eq!(moved("ArrowDown", 2, 3), Some(0));
        assert_eq!(moved("ArrowUp", 0, 3), Some(2));
        assert_eq!(moved("PageDown", 0, 3), Some(2));
        assert_eq!(moved("PageUp", 2, 3), Some(0));
        assert_eq!(moved("a", 0, 3), None);
        assert_eq!(moved("ArrowDown", 0, 0), None);
    }

    #[test]
    fn what_is_kept_is_its_owners_and_garbled_text_is_nobodys() {
        let kept = serde_json::to_string(&("u-1", vec![project("a")])).expect("JSON");
        assert_eq!(recent_of("u-1", &kept), [project("a")]);
        assert_eq!(recent_of("u-2", &kept), []);
        for garbled in ["", "[]", "[{\"id\":\"a\"}]", "[\"u-1\",[{}]]"] {
            assert_eq!(recent_of("u-1", garbled), [], "{garbled}");
        }
    }

    #[test]
    fn a_visited_project_leads_the_recent_ones_and_the_oldest_leaves() {
        let mut recent = Vec::new();
        for name in ["a", "b", "c", "d", "e", "f", "g", "b"] {
            recent = with_recent(recent, &project(name));
        }
        let names: Vec<_> = recent.iter().map(|project| project.name.as_str()).collect();
        assert_eq!(names, ["b", "g", "f", "e", "d", "c"]);
    }
}
