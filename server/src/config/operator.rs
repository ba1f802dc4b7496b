//! Who runs the cloud, and may see everybody's lines.

use std::time::Duration;

use api_types::ProjectId;

use super::reader::Reader;

/// Who may open the operator's console, and how long its searches may take.
#[derive(Clone, Debug)]
pub struct OperatorConfig {
    /// The Keystone role that makes an operator, held on the system. `operator.role`, `OPERATOR_ROLE`, default `admin`.
    pub role: String,
    /// The id of a project on which the role has to be held instead. `operator.project`, `OPERATOR_PROJECT`, default
    /// none: the system.
    pub project: Option<ProjectId>,
    /// How long Keystone's word on it is good for. `operator.recheck_secs`, `OPERATOR_RECHECK_SECS`, default 300.
    pub recheck: Duration,
    /// Longest time that Postgres may spend on one search of the log. `operator.search_secs`, `OPERATOR_SEARCH_SECS`,
    /// default 5.
    pub search: Duration,
}

impl OperatorConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let role = reader.parse("operator.role", "OPERATOR_ROLE", |text| {
            if text.chars().count() <= 255 && !text.chars().any(char::is_control) {
                Ok(text.to_owned())
            } else {
                Err("is longer than 255 characters, or has control characters".to_owned())
            }
        });
        Self {
            role: role.unwrap_or_else(|| "admin".to_owned()),
            project: reader.parse("operator.project", "OPERATOR_PROJECT", |text| {
                text.parse().map_err(|_| "is no project's id".to_owned())
            }),
            recheck: reader.seconds(
                "operator.recheck_secs",
                "OPERATOR_RECHECK_SECS",
                Duration::from_secs(300),
                1.0..=3600.0,
            ),
            search: reader.seconds(
                "operator.search_secs",
                "OPERATOR_SEARCH_SECS",
                Duration::from_secs(5),
                0.1..=25.0,
            ),
        }
    }
}
