//! Where Keystone is: said directly, or by a cloud of clouds.yaml.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::{
    Source,
    interface::EndpointInterface,
    reader::{Reader, name_of},
};

/// The identity service.
#[derive(Clone, Debug)]
pub struct KeystoneConfig {
    /// Its v3 API, without a slash at the end. `keystone.auth_url`, `OS_AUTH_URL`, or the `auth_url` of the cloud
    /// that `keystone.cloud`, `OS_CLOUD` names in clouds.yaml; required one way or the other.
    pub auth_url: Url,
}

/// What we take from a clouds.yaml: where the cloud is and how to reach it, never who we are. Its passwords are
/// skipped.
///
/// The file is `keystone.clouds_file`, `OS_CLIENT_CONFIG_FILE`, or the first of `./clouds.yaml`,
/// `~/.config/openstack/clouds.yaml` and `/etc/openstack/clouds.yaml`; it is opened only when a cloud is named.
#[derive(Debug, Default)]
pub struct CloudsYaml {
    pub auth_url: Option<String>,
    pub interface: Option<EndpointInterface>,
    pub ca_file: Option<PathBuf>,
    pub is_insecure: bool,
}

impl KeystoneConfig {
    pub(super) fn read(reader: &mut Reader<'_>, clouds: &CloudsYaml) -> Self {
        let told = reader.parse("keystone.auth_url", "OS_AUTH_URL", v3_url);
        let auth_url = told.or_else(|| {
            let text = clouds.auth_url.as_deref()?;
            v3_url(text)
                .map_err(|message| {
                    let name = name_of("keystone.cloud", "OS_CLOUD");
                    reader.problem(name, format!("its auth_url {text:?} {message}"));
                })
                .ok()
        });
        if auth_url.is_none() && clouds.auth_url.is_none() {
            reader.missing(
                "keystone.auth_url",
                "OS_AUTH_URL",
                "is required, unless OS_CLOUD names a cloud of clouds.yaml",
            );
        }
        Self { auth_url: auth_url.unwrap_or_else(nowhere) }
    }
}

impl CloudsYaml {
    pub(super) fn find(reader: &mut Reader<'_>, source: &Source) -> Self {
        let told_file = reader.text("keystone.clouds_file", "OS_CLIENT_CONFIG_FILE").map(PathBuf::from);
        let Some(cloud) = reader.text("keystone.cloud", "OS_CLOUD") else { return Self::default() };
        let name = name_of("keystone.cloud", "OS_CLOUD");
        let places = match told_file {
            Some(path) => vec![path],
            None => usual_places(source),
        };
        let Some((path, text)) =
            places.iter().find_map(|path| Some((path.clone(), source.read_file(path).ok()?)))
        else {
            let looked = places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            reader.problem(
                name,
                format!("names the cloud {cloud:?}, but no clouds.yaml can be read (looked for {looked})"),
            );
            return Self::default();
        };
        match serde_yaml_ng::from_str::<CloudsFile>(&text) {
            Ok(mut file) => match file.clouds.remove(&cloud) {
                Some(entry) => entry.into_clouds_yaml(reader, &path),
                None => {
                    reader.problem(
                        name,
                        format!("names the cloud {cloud:?}, which {} does not have", path.display()),
                    );
                    Self::default()
                }
            },
            Err(error) => {
                let line = error.location().map(|at| format!(", line {}", at.line())).unwrap_or_default();
                reader.problem(name, format!("{}{line} is not a clouds.yaml", path.display()));
                Self::default()
            }
        }
    }
}

#[derive(Deserialize)]
struct CloudsFile {
    clouds: std::collections::BTreeMap<String, CloudEntry>,
}

#[derive(Deserialize)]
struct CloudEntry {
    #[serde(default)]
    auth: AuthEntry,
    interface: Option<String>,
    endpoint_type: Option<String>,
    cacert: Option<PathBuf>,
    verify: Option<bool>,
    insecure: Option<bool>,
}

#[derive(Default, Deserialize)]
struct AuthEntry {
    auth_url: Option<String>,
}

impl CloudEntry {
    fn into_clouds_yaml(self, reader: &mut Reader<'_>, path: &Path) -> CloudsYaml {
        let name = name_of("keystone.cloud", "OS_CLOUD");
        if self.auth.auth_url.is_none() {
            reader.problem(name.clone(), format!("its entry in {} has no auth.auth_url", path.display()));
        }
        let interface = self.interface.or(self.endpoint_type).and_then(|text| {
            EndpointInterface::parse(&text)
                .map_err(|message| reader.problem(name, format!("its interface {text:?} {message}")))
                .ok()
        });
        CloudsYaml {
            auth_url: self.auth.auth_url,
            interface,
            ca_file: self.cacert,
            is_insecure: self.verify == Some(false) || self.insecure == Some(true),
        }
    }
}

fn usual_places(source: &Source) -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("clouds.yaml")];
    let config_home = source.env.get("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = source.env.get("HOME").map(|home| PathBuf::from(home).join(".config"));
    places.extend(config_home.or(home).map(|folder| folder.join("openstack/clouds.yaml")));
    places.push(PathBuf::from("/etc/openstack/clouds.yaml"));
    places
}

/// `http://host:5000` and `http://host/identity/v3/` alike become the URL of the v3 API without a slash at the end.
fn v3_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|_| "is not a URL".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("is not an http or https URL".to_owned());
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err("has more than scheme, host, port and path".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with("/v2.0") {
        return Err("is Keystone's version 2; version 3 is needed".to_owned());
    }
    let path = if path.ends_with("/v3") { path } else { format!("{path}/v3") };
    url.set_path(&path);
    Ok(url)
}

/// Stands in while problems are collected; the start stops, so nothing ever calls it.
fn nowhere() -> Url {
    Url::parse("http://0.0.0.0:1/v3").expect("a constant URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_url_always_ends_in_v3() {
        for text in ["http://k:5000", "http://k:5000/", "http://k:5000/v3", "http://k:5000/v3/"] {
            assert_eq!(v3_url(text).expect("a URL").as_str(), "http://k:5000/v3", "{text}");
        }
        assert_eq!(v3_url("https://cloud/identity").expect("a URL").as_str(), "https://cloud/identity/v3");
        for text in ["k:5000", "ftp://k", "http://k/v2.0", "http://u:p@k/v3", ""] {
            assert!(v3_url(text).is_err(), "{text}");
        }
    }
}
