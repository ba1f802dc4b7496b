//! Where configuration comes from: the process, or a map in tests.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
};

/// The configuration file's text, the environment, and the files they may name.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Name and text of the TOML file, where there is one.
    pub(super) file: Option<(String, String)>,
    pub(super) env: BTreeMap<String, String>,
    /// Variables that are set to something that is no UTF-8.
    pub(super) unreadable_env: BTreeSet<String>,
    files: Files,
}

/// The configuration file that was named cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the configuration file {path} cannot be read")]
pub struct UnreadableFile {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Source {
    /// The process's environment and, where one is named, the file.
    pub fn from_process(config_file: Option<&Path>) -> Result<Self, UnreadableFile> {
        let file = match config_file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| UnreadableFile { path: path.to_owned(), source })?;
                Some((path.display().to_string(), text))
            }
            None => None,
        };
        let mut source = Self { file, files: Files::Real, ..Self::default() };
        // None of ours has a name that is no UTF-8.
        for (name, value) in
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        {
            match value.into_string() {
                Ok(value) => drop(source.env.insert(name, value)),
                Err(_) => drop(source.unreadable_env.insert(name)),
            }
        }
        Ok(source)
    }

    /// Only what the map says, as if it were the environment.
    pub fn from_map<const N: usize>(env: [(&str, &str); N]) -> Self {
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { env, ..Self::default() }
    }

    /// Adds a configuration file's text.
    pub fn with_file(mut self, text: &str) -> Self {
        self.file = Some(("meridian.toml".to_owned(), text.to_owned()));
        self
    }

    /// Sets one variable.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets one variable unless it is set already.
    pub fn with_default_env(mut self, name: &str, value: &str) -> Self {
        self.env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        self
    }

    /// Removes one variable.
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Adds a file that the configuration may name, such as a clouds.yaml.
    pub fn with_named_file(mut self, path: &str, text: &str) -> Self {
        if let Files::Given(files) = &mut self.files {
            files.insert(PathBuf::from(path), text.to_owned());
        }
        self
    }

    pub(super) fn read_file(&self, path: &Path) -> io::Result<String> {
        match &self.files {
            Files::Real => std::fs::read_to_string(path),
            Files::Given(files) => files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
        }
    }
}

#[derive(Clone, Debug)]
enum Files {
    Real,
    Given(HashMap<PathBuf, String>),
}

impl Default for Files {
    fn default() -> Self {
        Self::Given(HashMap::new())
    }
}
