//! Projects a user may work in.

use serde::{Deserialize, Serialize};

use crate::{ProjectId, Region};

/// A project the caller has a role in. Source: identity API, projects a token may be scoped to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    /// The name of its domain, where Keystone lets the caller know it; else the domain's id.
    pub domain: String,
}

/// Which projects to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListProjectsQuery {
    /// Part of a name or the start of an id; upper and lower case are the same. Empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// At most so many, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// The first projects that match, by name, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectList {
    pub items: Vec<Project>,
    /// How many match in all.
    pub total: usize,
}

/// What each region offers a project, as the service catalog of its token says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectServices {
    /// By name.
    pub regions: Vec<RegionServices>,
}

/// The services of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionServices {
    pub region: Region,
    /// Of `compute`, `image`, `network` and `block-storage` those that are there.
    pub services: Vec<String>,
}
