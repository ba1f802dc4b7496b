//! The files under `assets/`, by what becomes of them.

use std::{fs, path::Path};

use anyhow::Context;

/// What `assets/` holds. Everything is in the order of its names, so the result is the same on every machine.
#[derive(Debug, Default)]
pub struct Sources {
    /// `styles/*.css`: name and text, to be joined into one sheet.
    pub styles: Vec<(String, String)>,
    /// `styles/parts/*.css`, the same: a sheet of its own, which the list of servers does not need.
    pub part_styles: Vec<(String, String)>,
    /// `scripts/*.js`: name and text, each its own file.
    pub scripts: Vec<(String, String)>,
    /// `fonts/*` and `images/*`: taken as they are.
    pub files: Vec<File>,
}

/// A file taken as it is.
#[derive(Debug)]
pub struct File {
    pub name: String,
    pub content: Vec<u8>,
}

/// Reads the folder; a kind that has no folder has no files. `icons/` is compiled in by
/// those who draw them, `pictures/` is for the README.
pub fn read(folder: &Path) -> anyhow::Result<Sources> {
    let mut files = Vec::new();
    for kind in ["fonts", "images"] {
        for (name, content) in files_in(&folder.join(kind), None)? {
            files.push(File { name, content });
        }
    }
    Ok(Sources {
        styles: texts_in(&folder.join("styles"), "css")?,
        part_styles: texts_in(&folder.join("styles/parts"), "css")?,
        scripts: texts_in(&folder.join("scripts"), "js")?,
        files,
    })
}

fn texts_in(folder: &Path, extension: &str) -> anyhow::Result<Vec<(String, String)>> {
    let files = files_in(folder, Some(extension))?.into_iter();
    files
        .map(|(name, content)| {
            let text = String::from_utf8(content).with_context(|| format!("{name} is not UTF-8"))?;
            Ok((name, text))
        })
        .collect()
}

/// Files and not folders; hidden ones are an editor's.
fn files_in(folder: &Path, extension: Option<&str>) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = extension.is_none_or(|wanted| path.extension().is_some_and(|found| found == wanted));
        if wanted && path.is_file() && !name.starts_with('.') && name != "README.md" {
            files.push((name, fs::read(&path).with_context(|| path.display().to_string())?));
        }
    }
    files.sort();
    Ok(files)
}
