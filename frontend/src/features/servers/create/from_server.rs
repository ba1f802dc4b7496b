//! A form that begins with what a server is made of, or with an image.

use std::collections::BTreeMap;

use api_types::Region;
use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;
use serde_json::Value;

use super::{
    draft::{Chosen, Draft},
    form::Form,
    texts,
};
use crate::{
    cloud::{Cloud, CloudError, Service, encoded},
    offers::compute,
    router::value_of,
    ui::{effect::after, toast::ToastBox},
};

/// What the address asks the form to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Clone { region: Region, server: String },
    Image { region: Region, image: String },
}

impl Start {
    /// `clone=RegionOne/5f3c…` or `image=RegionOne/5f3c…`
    pub fn of(search: &str) -> Option<Self> {
        let pair = |key: &str| {
            let value = value_of(search, key)?;
            let (region, id) = value.split_once('/')?;
            Some((region.parse::<Region>().ok()?, id.to_owned()))
        };
        pair("clone")
            .map(|(region, server)| Self::Clone { region, server })
            .or_else(|| pair("image").map(|(region, image)| Self::Image { region, image }))
    }
}

/// Begins the form with it, once the project is known.
pub fn begin_with(form: Form, start: Start, toasts: ToastBox) {
    let is_begun = StoredValue::new(false);
    after(move || {
        let Some(project) = form.project.get() else { return };
        if is_begun.get_value() {
            return;
        }
        is_begun.set_value(true);
        match start.clone() {
            Start::Image { region, image } => form.change(|draft| {
                draft.region = region.to_string();
                // Its name comes with the region's images.
                draft.image = Some(Chosen { id: image, name: String::new() });
            }),
            Start::Clone { region, server } => spawn_local(async move {
                let cloud = Cloud::new(&project, &region);
                match show(&cloud, &server).await {
                    Ok(server) => {
                        let note = texts::filled_in_from(&server.name);
                        form.draft.set(server.into_draft(region.as_str()));
                        form.notes.update(|notes| notes.push(note));
                    }
                    Err(error) => toasts.fail(error.message(), error.request_ids().first().cloned()),
                }
            }),
        }
    });
}

/// What of a server another one is made of. Source: compute API, show server.
#[derive(Deserialize)]
struct Original {
    name: String,
    #[serde(default)]
    description: Option<String>,
    flavor: Value,
    /// An empty text where it starts from a volume.
    #[serde(default)]
    image: Value,
    #[serde(default)]
    addresses: BTreeMap<String, Value>,
    #[serde(default)]
    security_groups: Vec<Named>,
    #[serde(default)]
    key_name: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default, rename = "OS-EXT-AZ:availability_zone")]
    zone: Option<String>,
    #[serde(default)]
    server_groups: Vec<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn show(cloud: &Cloud, server: &str) -> Result<Original, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        server: Original,
    }
    let call = compute(cloud.get(Service::Compute, &format!("servers/{}", encoded(server))), None);
    call.json::<Answer>().await.map(|answer| answer.server)
}

impl Original {
    /// Things are named by what the region calls them: their ids come with what it offers.
    fn into_draft(self, region: &str) -> Draft {
        let by_name = |name: String| Chosen { id: String::new(), name };
        let by_id = |id: &str| Chosen { id: id.to_owned(), name: String::new() };
        let flavor = self.flavor["original_name"].as_str().map(|name| by_name(name.to_owned()));
        let mut groups: Vec<Chosen> = Vec::new();
        for group in self.security_groups {
            // Nova names a group once for each port.
            if !groups.iter().any(|known| known.name == group.name) {
                groups.push(by_name(group.name));
            }
        }
        Draft {
            name: format!("{}-copy", self.name),
            description: self.description.unwrap_or_default(),
            region: region.to_owned(),
            image: self.image["id"].as_str().map(by_id),
            flavor: flavor.or_else(|| self.flavor["id"].as_str().map(by_id)),
            is_without_network: self.addresses.is_empty(),
            networks: self.addresses.into_keys().map(by_name).collect(),
            security_groups: groups,
            key_pair: self.key_name,
            metadata: self.metadata.into_iter().collect(),
            tags: self.tags,
            zone: self.zone.unwrap_or_default(),
            server_group: self.server_groups.first().map(|id| by_id(id)),
            ..Draft::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_server_or_an_image_with_its_region() {
        let region: Region = "RegionOne".parse().expect("a region");
        assert_eq!(
            Start::of("clone=RegionOne%2F5f"),
            Some(Start::Clone { region: region.clone(), server: "5f".to_owned() })
        );
        assert_eq!(Start::of("image=RegionOne/5f"), Some(Start::Image { region, image: "5f".to_owned() }));
        assert_eq!(Start::of("clone=5f"), None);
        assert_eq!(Start::of(""), None);
    }

    #[test]
    fn a_copy_has_what_the_original_was_made_of() {
        let original: Original = serde_json::from_value(serde_json::json!({
            "name": "web", "flavor": {"original_name": "m1.small", "vcpus": 1}, "image": {"id": "i1"},
            "addresses": {"private": []}, "security_groups": [{"name": "web"}, {"name": "web"}],
            "key_name": "laptop", "metadata": {"env": "test"}, "tags": ["a"],
            "OS-EXT-AZ:availability_zone": "az-1", "server_groups": ["g"]
        }))
        .expect("a server");
        let draft = original.into_draft("RegionOne");
        assert_eq!(draft.name, "web-copy");
        assert_eq!(draft.flavor.as_ref().map(|flavor| flavor.name.as_str()), Some("m1.small"));
        assert_eq!(draft.security_groups.len(), 1);
        assert_eq!(draft.metadata, [("env".to_owned(), "test".to_owned())]);
        assert!(!draft.is_without_network && draft.networks[0].name == "private");
    }

    #[test]
    fn a_server_that_starts_from_a_volume_has_no_image_to_copy() {
        let original: Original =
            serde_json::from_value(serde_json::json!({"name": "db", "flavor": {"id": "f"}, "image": ""}))
                .expect("a server");
        let draft = original.into_draft("RegionOne");
        assert_eq!(draft.image, None);
        assert!(draft.is_without_network);
    }
}
