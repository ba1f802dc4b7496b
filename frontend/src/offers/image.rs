//! Images: whose they are, which system is on them.

use std::collections::BTreeMap;

use api_types::ProjectId;
use serde::Deserialize;
use serde_json::Value;
use web_sys::AbortSignal;

use super::until_is;
use crate::cloud::{Cloud, CloudError, Service};

/// Source: image API, list images.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Image {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    pub status: String,
    pub visibility: String,
    #[serde(default)]
    pub owner: Option<String>,
    /// In bytes; none until something was uploaded.
    #[serde(default)]
    pub size: Option<u64>,
    /// In bytes: what it takes on a server's disk.
    #[serde(default)]
    pub virtual_size: Option<u64>,
    #[serde(default, rename = "min_disk")]
    pub min_disk_gib: u32,
    #[serde(default, rename = "min_ram")]
    pub min_ram_mib: u32,
    #[serde(default)]
    pub disk_format: Option<String>,
    #[serde(default)]
    pub container_format: Option<String>,
    #[serde(default)]
    pub protected: bool,
    #[serde(default)]
    pub os_hidden: bool,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub created_at: String,
    #[serde(default)]
    pub updated_at: String,
    /// Everything else, which operators and users name freely.
    #[serde(flatten)]
    pub properties: BTreeMap<String, Value>,
}

/// Whose an image is, seen from a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// For everybody, by the operator.
    Provided,
    /// The project's own, snapshots among them.
    Mine,
    /// Another project's, which let this one use it.
    Shared,
}

impl Image {
    pub fn origin(&self, project: &ProjectId) -> Origin {
        if self.owner.as_deref() == Some(project.as_str()) {
            Origin::Mine
        } else if self.visibility == "public" {
            Origin::Provided
        } else {
            Origin::Shared
        }
    }

    /// Its name, or its id where it has none.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.id)
    }

    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).and_then(Value::as_str)
    }

    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    pub fn is_snapshot(&self) -> bool {
        self.property("image_type") == Some("snapshot")
    }

    /// The family of systems it belongs to, in small letters: `ubuntu`. What the image says itself wins over what its
    /// name begins with.
    pub fn family(&self) -> Option<String> {
        let said = self.property("os_distro").map(str::to_ascii_lowercase);
        let by_name = || {
            let name = self.name.as_deref().unwrap_or_default().to_ascii_lowercase();
            FAMILIES.iter().map(|(key, _)| *key).find(|key| name.starts_with(key)).map(str::to_owned)
        };
        said.filter(|said| !said.is_empty()).or_else(by_name)
    }

    /// The least disk a server needs for it, in GiB: what it asks for, and room for what is on it.
    pub fn disk_needed_gib(&self) -> u32 {
        const GIB: u64 = 1 << 30;
        let content = self.virtual_size.or(self.size).unwrap_or_default().div_ceil(GIB);
        self.min_disk_gib.max(u32::try_from(content).unwrap_or(u32::MAX))
    }

    /// Seconds since 1970, of a moment as Glance writes it: `2026-11-20T19:03:35Z`.
    pub fn created(&self) -> Option<i64> {
        moment(&self.created_at)
    }
}

/// A family's name as people know it.
pub fn family_name(key: &str) -> String {
    let known = FAMILIES.iter().find(|(known, _)| *known == key).map(|(_, name)| (*name).to_owned());
    known.unwrap_or_else(|| {
        let mut letters = key.chars();
        letters
            .next()
            .map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    })
}

/// All images the project may use, by name. With `is_every_state` also those that cannot be used now.
pub async fn list_images(
    cloud: &Cloud,
    is_every_state: bool,
    until: Option<&AbortSignal>,
) -> Result<Vec<Image>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        images: Vec<Image>,
        /// A path with the marker in it: `/v2/images?limit=…&marker=…`.
        next: Option<String>,
    }
    let filter = if is_every_state { "" } else { "&status=active" };
    let mut path = format!("images?limit=200{filter}");
    let mut all = Vec::new();
    // Bounded: a service that always names a next page must not be asked for ever.
    for _ in 0..100 {
        let page: Answer = until_is(cloud.get(Service::Image, &path), until).json().await?;
        all.extend(page.images);
        match page.next.as_deref().and_then(|next| next.split_once("/images?")) {
            Some((_, query)) => path = format!("images?{query}"),
            None => break,
        }
    }
    all.retain(|image| !image.os_hidden);
    all.sort_by(|a, b| a.shown_name().cmp(b.shown_name()));
    Ok(all)
}

/// `os_distro` as images say it, or what their name begins with; the name people know.
const FAMILIES: &[(&str, &str)] = &[
    ("ubuntu", "Ubuntu"),
    ("debian", "Debian"),
    ("almalinux", "AlmaLinux"),
    ("alma", "AlmaLinux"),
    ("alpine", "Alpine"),
    ("arch", "Arch Linux"),
    ("centos", "CentOS"),
    ("cirros", "CirrOS"),
    ("fedora", "Fedora"),
    ("flatcar", "Flatcar"),
    ("freebsd", "FreeBSD"),
    ("opensuse", "openSUSE"),
    ("rhel", "Red Hat"),
    ("rocky", "Rocky Linux"),
    ("sles", "SUSE"),
    ("windows", "Windows"),
];

/// Seconds since 1970, of a moment in UTC as the cloud's services write it: `2026-11-20T19:03:35Z`.
pub fn moment(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // March is the first month: leap days are the last day of a year then.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(json: serde_json::Value) -> Image {
        serde_json::from_value(json).expect("an image")
    }

    #[test]
    fn an_image_is_read_as_glance_tells_it() {
        let image = image(serde_json::json!({"os_distro": "debian", "os_version": "12", "name": "debian-12",
            "visibility": "public", "size": 60554, "virtual_size": 68_719_476_736_u64, "status": "active",
            "min_ram": 0, "min_disk": 4, "owner": "4142", "id": "ec20", "tags": [], "os_hidden": false,
            "created_at": "2026-11-20T19:03:35Z"}));
        let project: ProjectId = "fb24".parse().expect("an id");
        assert_eq!(image.origin(&project), Origin::Provided);
        assert_eq!(image.family().as_deref(), Some("debian"));
        assert_eq!(image.disk_needed_gib(), 64);
        assert_eq!(image.property("os_version"), Some("12"));
        assert_eq!(image.created(), Some(1_795_201_415));
    }

    #[test]
    fn an_image_of_another_project_is_shared_and_one_without_a_name_has_its_id() {
        let mine: ProjectId = "fb24".parse().expect("an id");
        let image = |owner: &str| {
            image(serde_json::json!({"id": "i1", "name": "", "status": "queued", "visibility": "shared",
                "owner": owner}))
        };
        assert_eq!(image("fb24").origin(&mine), Origin::Mine);
        assert_eq!(image("other").origin(&mine), Origin::Shared);
        assert_eq!(image("other").shown_name(), "i1");
    }

    #[test]
    fn families_have_names_and_unknown_ones_a_capital() {
        assert_eq!(family_name("opensuse"), "openSUSE");
        assert_eq!(family_name("gentoo"), "Gentoo");
    }

    #[test]
    fn moments_are_seconds_since_1970() {
        assert_eq!(moment("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(moment("2024-02-29T12:00:00.123456"), Some(1_709_208_000));
        assert_eq!(moment("yesterday"), None);
    }
}
