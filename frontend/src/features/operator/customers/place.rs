//! Which page of the section an address shows.

use api_types::ProjectId;

use crate::router::parts_of;

pub const PATH: &str = "/operator/customers";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Find,
    /// The id as the address has it: encoded.
    User(String),
    Project(ProjectId),
}

impl Place {
    /// `None`: nothing lives there.
    pub fn of(path: &str) -> Option<Self> {
        if parts_of(PATH, path).is_some() {
            return Some(Self::Find);
        }
        if let Some([id]) = parts_of("/operator/customers/users/{user}", path).as_deref() {
            return Some(Self::User((*id).to_owned()));
        }
        let parts = parts_of("/operator/customers/projects/{project}", path)?;
        Some(Self::Project(parts.first()?.parse().ok()?))
    }
}

pub fn user_href(id: &str) -> String {
    format!("{PATH}/users/{}", String::from(js_sys::encode_uri_component(id)))
}

pub fn project_href(id: &ProjectId) -> String {
    format!("{PATH}/projects/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_search_a_person_or_a_project() {
        assert_eq!(Place::of("/operator/customers"), Some(Place::Find));
        assert_eq!(Place::of("/operator/customers/users/a%40b"), Some(Place::User("a%40b".to_owned())));
        let project = "4f1d".parse().expect("an id");
        assert_eq!(Place::of("/operator/customers/projects/4f1d"), Some(Place::Project(project)));
        for other in
            ["/operator/customers/users", "/operator/customers/projects/a.b", "/operator/customers/x/y/z"]
        {
            assert_eq!(Place::of(other), None, "{other}");
        }
    }
}
