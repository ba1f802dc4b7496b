//! What was filled in so far: what is kept over a reload, what a clone brings, what is sent to Nova.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    names::{NameError, names_of},
    texts,
    user_data::{self, Finding, Kind, base64},
};

/// A thing that was chosen: its id in the region, and its name, by which another region may have it too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub id: String,
    pub name: String,
}

/// User data that is no text, such as a packed one: it is sent as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    pub name: String,
    pub base64: String,
}

/// The form. Nothing in it is asked for as a secret, but user data and metadata may hold some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// A name or a pattern.
    pub name: String,
    pub description: String,
    pub region: String,
    pub image: Option<Chosen>,
    pub flavor: Option<Chosen>,
    pub networks: Vec<Chosen>,
    /// No network is wanted, rather than none chosen yet.
    pub is_without_network: bool,
    pub security_groups: Vec<Chosen>,
    /// A name.
    pub key_pair: Option<String>,
    /// Plain, not base64.
    pub user_data: String,
    /// In place of the text.
    pub user_data_file: Option<DataFile>,
    pub boots_from_volume: bool,
    pub volume_gib: String,
    pub is_volume_kept: bool,
    pub tags: Vec<String>,
    pub metadata: Vec<(String, String)>,
    pub server_group: Option<Chosen>,
    /// An availability zone's name; empty: any.
    pub zone: String,
}

/// The parts of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Name,
    Region,
    Image,
    Flavor,
    Disk,
    Networks,
    KeyPair,
    UserData,
    Labels,
    Placement,
}

/// Something without which nothing can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub section: Section,
    pub text: String,
}

impl Draft {
    pub fn names(&self) -> Result<Vec<String>, NameError> {
        names_of(&self.name)
    }

    /// How many servers it makes; 1 while the name is not right yet.
    pub fn count(&self) -> usize {
        self.names().map_or(1, |names| names.len())
    }

    /// Nothing was filled in that would be missed.
    pub fn is_blank(&self) -> bool {
        let untouched = Self { region: self.region.clone(), ..Self::default() };
        *self == untouched
    }

    /// The volume's size, where one is to be made.
    pub fn volume_size_gib(&self) -> Option<u32> {
        self.volume_gib.trim().parse().ok().filter(|size| (1..=1_000_000).contains(size))
    }

    /// Everything that is missing or wrong, in the order of the form.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |section, text: &str| problems.push(Problem { section, text: text.to_owned() });
        if let Err(error) = self.names() {
            problem(Section::Name, &texts::name_problem(&error));
        }
        if self.region.is_empty() {
            problem(Section::Region, texts::CHOOSE_REGION);
        }
        if self.image.is_none() {
            problem(Section::Image, texts::CHOOSE_IMAGE);
        }
        if self.flavor.is_none() {
            problem(Section::Flavor, texts::CHOOSE_FLAVOR);
        }
        if self.boots_from_volume && self.volume_size_gib().is_none() {
            problem(Section::Disk, texts::SAY_VOLUME_SIZE);
        }
        if self.networks.is_empty() && !self.is_without_network {
            problem(Section::Networks, texts::CHOOSE_NETWORK);
        }
        if self.user_data_findings().iter().any(Finding::is_problem) {
            problem(Section::UserData, texts::USELESS_USER_DATA);
        }
        if let Some(text) = self.labels_problem() {
            problem(Section::Labels, &text);
        }
        problems
    }

    /// What is wrong with the user data, or may be.
    pub fn user_data_findings(&self) -> Vec<Finding> {
        match &self.user_data_file {
            Some(file) => user_data::check_file(&file.base64),
            None => user_data::check(&self.user_data),
        }
    }

    pub fn user_data_kind(&self) -> Option<Kind> {
        match &self.user_data_file {
            Some(file) => user_data::kind_of_file(&file.base64),
            None => user_data::kind_of(&self.user_data),
        }
    }

    /// Its length as it is sent, in letters of base64.
    pub fn user_data_len(&self) -> usize {
        match &self.user_data_file {
            Some(file) => file.base64.len(),
            None => user_data::encoded_len(self.user_data.len()),
        }
    }

    /// What is sent to make the server of this name. `None` before the essentials are chosen.
    pub fn body(&self, name: &str) -> Option<Value> {
        let (image, flavor) = (self.image.as_ref()?, self.flavor.as_ref()?);
        let mut server = Map::new();
        let mut put = |key: &str, value: Value| _ = server.insert(key.to_owned(), value);
        put("name", json!(name));
        put("flavorRef", json!(flavor.id));
        if self.boots_from_volume {
            put(
                "block_device_mapping_v2",
                json!([{
                    "boot_index": 0,
                    "uuid": image.id,
                    "source_type": "image",
                    "destination_type": "volume",
                    "volume_size": self.volume_size_gib()?,
                    "delete_on_termination": !self.is_volume_kept,
                }]),
            );
        } else {
            put("imageRef", json!(image.id));
        }
        if self.networks.is_empty() {
            put("networks", json!("none"));
        } else {
            put("networks", self.networks.iter().map(|network| json!({"uuid": network.id})).collect());
            // Without a port there is nothing to guard.
            if !self.security_groups.is_empty() {
                let groups = self.security_groups.iter();
                put(
                    "security_groups",
                    groups.map(|group| json!({"name": self.group_reference(group)})).collect(),
                );
            }
        }
        if let Some(key_pair) = &self.key_pair {
            put("key_name", json!(key_pair));
        }
        if let Some(file) = &self.user_data_file {
            put("user_data", json!(file.base64));
        } else if !self.user_data.trim().is_empty() {
            put("user_data", json!(base64(self.user_data.as_bytes())));
        }
        if !self.description.trim().is_empty() {
            put("description", json!(self.description.trim()));
        }
        if !self.tags.is_empty() {
            put("tags", json!(self.tags));
        }
        let pairs: Map<String, Value> =
            self.filled_metadata().map(|(key, value)| (key.clone(), json!(value))).collect();
        if !pairs.is_empty() {
            put("metadata", Value::Object(pairs));
        }
        if !self.zone.is_empty() {
            put("availability_zone", json!(self.zone));
        }
        let mut body = json!({"server": server});
        if let Some(group) = &self.server_group {
            body["os:scheduler_hints"] = json!({"group": group.id});
        }
        Some(body)
    }

    /// Without the entries that were added and left empty.
    fn filled_metadata(&self) -> impl Iterator<Item = &(String, String)> {
        self.metadata.iter().filter(|(key, value)| !(key.is_empty() && value.is_empty()))
    }

    /// By name, as people read it; by id where two groups share a name.
    fn group_reference<'a>(&self, group: &'a Chosen) -> &'a str {
        let same = self.security_groups.iter().filter(|other| other.name == group.name).count();
        if same > 1 { &group.id } else { &group.name }
    }

    /// Source: compute API, create server; tags from 2.52: at most 50 of 60 characters, no `/` and `,`.
    fn labels_problem(&self) -> Option<String> {
        let tag = self.tags.iter().find(|tag| tag.contains(['/', ',']) || tag.chars().count() > 60);
        if let Some(tag) = tag {
            return Some(texts::no_tag(tag));
        }
        if self.tags.len() > 50 {
            return Some(texts::TOO_MANY_TAGS.to_owned());
        }
        let is_key = |key: &str| {
            (1..=255).contains(&key.len())
                && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_:. ".contains(letter))
        };
        for (at, (key, value)) in self.filled_metadata().enumerate() {
            if key.is_empty() {
                return Some(texts::METADATA_UNNAMED.to_owned());
            }
            if !is_key(key) {
                return Some(texts::no_metadata_name(key));
            }
            if value.chars().count() > 255 {
                return Some(texts::long_metadata(key));
            }
            if self.filled_metadata().take(at).any(|(before, _)| before == key) {
                return Some(texts::metadata_twice(key));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(id: &str, name: &str) -> Chosen {
        Chosen { id: id.to_owned(), name: name.to_owned() }
    }

    fn draft() -> Draft {
        Draft {
            name: "web-{1..2}".into(),
            region: "RegionOne".into(),
            image: Some(chosen("i", "debian")),
            flavor: Some(chosen("f", "m1")),
            networks: vec![chosen("n", "private")],
            ..Draft::default()
        }
    }

    #[test]
    fn the_least_that_is_needed_makes_a_body() {
        assert_eq!(draft().problems(), []);
        assert_eq!(
            draft().body("web-1"),
            Some(
                json!({"server": {"name": "web-1", "flavorRef": "f", "imageRef": "i", "networks": [{"uuid": "n"}]}})
            )
        );
    }

    #[test]
    fn everything_that_was_chosen_is_sent() {
        let full = Draft {
            description: " mine ".into(),
            security_groups: vec![chosen("s1", "web"), chosen("s2", "web"), chosen("s3", "ssh")],
            key_pair: Some("laptop".into()),
            user_data: "#!/bin/sh\n".into(),
            boots_from_volume: true,
            volume_gib: "20".into(),
            tags: vec!["a".into()],
            metadata: vec![("env".into(), "x".into())],
            server_group: Some(chosen("g", "apart")),
            zone: "az-1".into(),
            ..draft()
        };
        assert_eq!(full.problems(), []);
        assert_eq!(
            full.body("a"),
            Some(json!({
                "server": {
                    "name": "a", "flavorRef": "f", "networks": [{"uuid": "n"}], "description": "mine",
                    "security_groups": [{"name": "s1"}, {"name": "s2"}, {"name": "ssh"}], "key_name": "laptop",
                    "user_data": "IyEvYmluL3NoCg==", "tags": ["a"], "metadata": {"env": "x"},
                    "availability_zone": "az-1",
                    "block_device_mapping_v2": [{"boot_index": 0, "uuid": "i", "source_type": "image",
                        "destination_type": "volume", "volume_size": 20, "delete_on_termination": true}],
                },
                "os:scheduler_hints": {"group": "g"},
            }))
        );
    }

    #[test]
    fn a_server_without_a_network_has_no_security_groups() {
        let alone = Draft {
            networks: Vec::new(),
            is_without_network: true,
            security_groups: vec![chosen("s", "web")],
            ..draft()
        };
        assert_eq!(alone.problems(), []);
        let body = alone.body("a").expect("a body");
        assert_eq!(body["server"]["networks"], "none");
        assert!(body["server"].get("security_groups").is_none());
    }

    #[test]
    fn what_is_missing_is_told_in_the_order_of_the_form() {
        let empty = Draft { boots_from_volume: true, volume_gib: "0".into(), ..Draft::default() };
        let sections: Vec<_> = empty.problems().into_iter().map(|problem| problem.section).collect();
        use Section::*;
        assert_eq!(sections, [Name, Region, Image, Flavor, Disk, Networks]);
        let wrong = Draft { user_data: "#cloud-config\n- a".into(), tags: vec!["a/b".into()], ..draft() };
        let sections: Vec<_> = wrong.problems().into_iter().map(|problem| problem.section).collect();
        assert_eq!(sections, [UserData, Labels]);
    }

    #[test]
    fn metadata_that_would_be_lost_is_told() {
        let told = |pairs: &[(&str, &str)]| {
            let metadata =
                pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            Draft { metadata, ..draft() }
                .problems()
                .into_iter()
                .map(|problem| problem.text)
                .collect::<String>()
        };
        assert_eq!(told(&[("env", "a"), ("", "")]), "");
        assert_eq!(told(&[("", "a")]), texts::METADATA_UNNAMED);
        assert_eq!(told(&[("env", "a"), ("env", "b")]), texts::metadata_twice("env"));
        assert_eq!(told(&[("a/b", "a")]), texts::no_metadata_name("a/b"));
    }

    #[test]
    fn a_file_that_is_no_text_is_sent_as_it_is() {
        let packed = base64(b"\x1f\x8b\x08\0\xff");
        let file = Some(DataFile { name: "user-data.gz".into(), base64: packed.clone() });
        let draft = Draft { user_data: "left from before".into(), user_data_file: file, ..draft() };
        assert_eq!((draft.problems(), draft.user_data_kind()), (Vec::new(), Some(Kind::Packed)));
        assert_eq!(draft.body("a").expect("a body")["server"]["user_data"], packed);
        let large = Some(DataFile { name: "large".into(), base64: base64(&[0xff; 50_000]) });
        let draft = Draft { user_data_file: large, ..draft };
        assert_eq!(draft.problems().first().map(|problem| problem.section), Some(Section::UserData));
    }

    #[test]
    fn a_draft_of_an_older_form_is_still_read() {
        let kept: Draft = serde_json::from_str(r#"{"name": "a", "of_the_past": 1}"#).expect("a draft");
        assert_eq!(kept.name, "a");
        assert!(!kept.is_blank() && Draft { region: "R".into(), ..Draft::default() }.is_blank());
    }
}
