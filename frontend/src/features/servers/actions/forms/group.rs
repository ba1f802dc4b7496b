//! Security groups to be in, and to leave.

use api_types::servers::{ServerDetail, action::ServerAction, detail::Part};

use super::{
    About, Form,
    choices::{Choice, Chosen, choices},
};
use crate::{
    api_client::ApiError,
    asked::ask,
    features::servers::api,
    offers::{SecurityGroup, list_security_groups},
};

pub fn add(about: &About) -> Form {
    let chosen = Chosen::new();
    let (cloud, server) = (about.cloud(), about.is_one().then(|| about.first()));
    let groups = ask(move |until| {
        let (cloud, server) = (cloud.clone(), server.clone());
        Some(Box::pin(async move {
            let groups = list_security_groups(&cloud, until.as_ref()).await?;
            let mut own = Vec::new();
            if let Some(server) = server {
                // What it is in already is marked where it is known.
                let detail =
                    api::show_server(&cloud.project, &server.region, &server.id, until.as_ref()).await;
                own = detail.ok().and_then(own_groups).unwrap_or_default();
            }
            Ok(groups.iter().map(|group| to_add(group, &own)).collect())
        }))
    });
    let table = choices(LABEL, HEADS, groups, Vec::clone, NONE, chosen);
    Form::new(vec![table], move || Some(ServerAction::AddSecurityGroup { name: chosen.read(MISSING)? }))
}

pub fn remove(about: &About) -> Form {
    let chosen = Chosen::new();
    let (cloud, server) = (about.cloud(), about.is_one().then(|| about.first()));
    let groups = ask(move |until| {
        let (cloud, server) = (cloud.clone(), server.clone());
        Some(Box::pin(async move {
            let Some(server) = server else {
                let groups = list_security_groups(&cloud, until.as_ref()).await?;
                return Ok(groups.iter().map(|group| to_add(group, &[])).collect());
            };
            let detail = api::show_server(&cloud.project, &server.region, &server.id, until.as_ref()).await?;
            match detail.security_groups {
                Part::Known(groups) => {
                    Ok(groups.iter().map(|group| line(&group.name, &group.description)).collect())
                }
                Part::Missing(body) => Err(ApiError::Refused { status: 502, body }),
            }
        }))
    });
    let table = choices(LABEL, HEADS, groups, Vec::clone, NONE_IN, chosen);
    Form::new(vec![table], move || Some(ServerAction::RemoveSecurityGroup { name: chosen.read(MISSING)? }))
}

fn own_groups(detail: ServerDetail) -> Option<Vec<String>> {
    match detail.security_groups {
        Part::Known(groups) => Some(groups.into_iter().map(|group| group.name).collect()),
        Part::Missing(_) => None,
    }
}

fn to_add(group: &SecurityGroup, own: &[String]) -> Choice {
    let off = own.contains(&group.name).then(|| IN_IT.to_owned());
    Choice { off, ..line(&group.name, &group.description) }
}

fn line(name: &str, description: &str) -> Choice {
    Choice { value: name.to_owned(), cells: vec![name.to_owned(), description.to_owned()], off: None }
}

const LABEL: &str = "Security groups";
const HEADS: &[&str] = &["Security group", "Description"];
const NONE: &str = "The project has no security group in this region.";
const NONE_IN: &str = "It is in no security group.";
const IN_IT: &str = "It is in this one.";
const MISSING: &str = "Choose a security group.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_it_is_in_cannot_be_added_again() {
        let group = SecurityGroup { name: "web".to_owned(), ..SecurityGroup::default() };
        assert_eq!(to_add(&group, &["web".to_owned()]).off.as_deref(), Some(IN_IT));
        assert_eq!(to_add(&group, &[]).off, None);
    }
}
