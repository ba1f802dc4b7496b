//! Names by content, compression, and the list of it all.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{assets::Sources, module, references};

/// The files of a bundle before they are written.
#[derive(Debug, Default)]
pub struct Bundle {
    entries: BTreeMap<String, (Entry, Vec<u8>)>,
}

/// `manifest.json`: what the server compiles in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub files: Vec<Entry>,
}

/// One file of the bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// What the project calls it: `app.wasm`.
    pub name: String,
    /// What the browser calls it: `app-0123456789abcdef.wasm`. Beside it lie `.br` and `.gz` where they help.
    pub file: String,
    pub content_type: String,
    pub size: usize,
    /// Bytes after brotli, gzip; `None` for what is compressed by itself.
    pub size_br: Option<usize>,
    pub size_gz: Option<usize>,
    pub sha256: String,
}

impl Bundle {
    /// Adds a file as it is.
    pub fn add(&mut self, name: &str, content: Vec<u8>) -> anyhow::Result<()> {
        let sha256 = hex::encode(Sha256::digest(&content));
        let (stem, extension) = name.rsplit_once('.').with_context(|| format!("{name} has no extension"))?;
        let entry = Entry {
            name: name.to_owned(),
            file: format!("{stem}-{}.{extension}", &sha256[..16]),
            content_type: content_type(extension)?.to_owned(),
            size: content.len(),
            size_br: None,
            size_gz: None,
            sha256,
        };
        if self.entries.insert(name.to_owned(), (entry, content)).is_some() {
            bail!("two files are called {name}");
        }
        Ok(())
    }

    /// Adds texts that refer to files already here and to each other.
    pub fn add_all_linked(&mut self, texts: Vec<(String, String)>) -> anyhow::Result<()> {
        for (name, text) in references::in_order(texts)? {
            let files = self.entries.iter().map(|(name, (entry, _))| (name.clone(), entry.file.clone()));
            let text = references::replace(&text, &files.collect()).with_context(|| name.clone())?;
            self.add(&name, text.into_bytes())?;
        }
        Ok(())
    }

    /// Writes files, compressed forms and manifest, and removes what is no longer part of the bundle.
    /// A file that is there already is not compressed again: its name says its content.
    pub fn write(self, out: &Path, inputs: &str) -> anyhow::Result<Manifest> {
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        let mut files = Vec::new();
        for (mut entry, content) in self.entries.into_values() {
            write_once(out, &entry.file, || Ok(content.clone()))?;
            if is_compressible(&entry.content_type) {
                entry.size_br = Some(write_once(out, &format!("{}.br", entry.file), || brotli(&content))?);
                entry.size_gz = Some(write_once(out, &format!("{}.gz", entry.file), || gzip(&content))?);
            }
            files.push(entry);
        }
        let manifest = Manifest { files };
        manifest.write(out)?;
        manifest.remove_others(out)?;
        // Last: it says that all of the above is done.
        replace_file(&out.join(INPUTS), inputs.as_bytes())?;
        Ok(manifest)
    }
}

impl Manifest {
    /// The manifest in `out`, if it was made from these inputs and its files are there.
    pub fn current(out: &Path, inputs: &str) -> Option<Self> {
        if fs::read_to_string(out.join(INPUTS)).ok()? != inputs {
            return None;
        }
        let manifest: Self = serde_json::from_slice(&fs::read(out.join(MANIFEST)).ok()?).ok()?;
        let is_complete = manifest.file_names().iter().all(|name| out.join(name).exists());
        is_complete.then_some(manifest)
    }

    /// One line a file: name, bytes, bytes after brotli.
    pub fn table(&self) -> String {
        let mut table = format!("{:<28} {:>10} {:>10}\n", "file", "bytes", "brotli");
        for file in &self.files {
            let _ = writeln!(table, "{:<28} {:>10} {:>10}", file.name, file.size, file.transferred());
        }
        table
    }

    /// What a browser downloads before the page can be used, and what of it is which. Parts of the module come later.
    pub fn page_weight(&self) -> String {
        let sum = |ending: &str| -> usize {
            let files = self.files.iter().filter(|file| file.name.ends_with(ending));
            files.map(Entry::transferred).sum()
        };
        let (wasm, script, style) = (sum(module::WASM), sum(".js"), sum("styles.css"));
        let kb = |bytes: usize| bytes as f64 / 1000.0;
        format!(
            "page weight {:.1} KB brotli (wasm {:.1}, script {:.1}, style {:.1})",
            kb(wasm + script + style),
            kb(wasm),
            kb(script),
            kb(style)
        )
    }

    fn file_names(&self) -> Vec<String> {
        let mut names = vec![MANIFEST.to_owned(), INPUTS.to_owned()];
        for file in &self.files {
            names.push(file.file.clone());
            names.extend(file.size_br.map(|_| format!("{}.br", file.file)));
            names.extend(file.size_gz.map(|_| format!("{}.gz", file.file)));
        }
        names
    }

    /// Untouched when its files are the same, since the server is compiled again after each write.
    fn write(&self, out: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let path = out.join(MANIFEST);
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        replace_file(&path, text.as_bytes())
    }

    fn remove_others(&self, out: &Path) -> anyhow::Result<()> {
        let ours = self.file_names();
        for entry in fs::read_dir(out)? {
            let entry = entry?;
            if !ours.iter().any(|name| entry.file_name() == name.as_str()) {
                fs::remove_file(entry.path()).with_context(|| entry.path().display().to_string())?;
            }
        }
        Ok(())
    }
}

impl Entry {
    fn transferred(&self) -> usize {
        self.size_br.unwrap_or(self.size)
    }
}

/// One hash over all a bundle is made from: cargo's module, the assets, and this program.
pub fn digest_inputs(compiled: &Path, sources: &Sources) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    };
    let this_program = std::env::current_exe().context("this program's path")?;
    for path in [this_program.as_path(), compiled] {
        add("", &fs::read(path).with_context(|| path.display().to_string())?);
    }
    for (name, text) in sources.styles.iter().chain(&sources.part_styles).chain(&sources.scripts) {
        add(name, text.as_bytes());
    }
    for file in &sources.files {
        add(&file.name, &file.content);
    }
    Ok(hex::encode(hash.finalize()))
}

const MANIFEST: &str = "manifest.json";

/// Beside the manifest, not in it: inputs may change while no file does, and then the server stays as it is.
const INPUTS: &str = "inputs.sha256";

fn content_type(extension: &str) -> anyhow::Result<&'static str> {
    Ok(match extension {
        "wasm" => "application/wasm",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "ico" => "image/x-icon",
        "png" => "image/png",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        other => bail!("no content type is known for .{other}"),
    })
}

fn is_compressible(content_type: &str) -> bool {
    !matches!(content_type, "image/png" | "image/webp" | "font/woff2")
}

/// Returns the size of the file called `name`, making it first if it is not there.
fn write_once(
    out: &Path,
    name: &str,
    content: impl FnOnce() -> io::Result<Vec<u8>>,
) -> anyhow::Result<usize> {
    let path = out.join(name);
    if let Ok(metadata) = fs::metadata(&path) {
        return Ok(usize::try_from(metadata.len())?);
    }
    let content = content().with_context(|| name.to_owned())?;
    replace_file(&path, &content)?;
    Ok(content.len())
}

/// Never half a file, though the build be interrupted.
fn replace_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let unfinished = path.with_added_extension("new");
    fs::write(&unfinished, content)
        .and_then(|()| fs::rename(&unfinished, path))
        .with_context(|| path.display().to_string())
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let params = ::brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 24,
        size_hint: content.len(),
        ..Default::default()
    };
    ::brotli::BrotliCompress(&mut &content[..], &mut compressed, &params)?;
    Ok(compressed)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(script: &str) -> Bundle {
        let mut bundle = Bundle::default();
        bundle.add("app.wasm", b"\0asm".to_vec()).unwrap();
        bundle
            .add_all_linked(vec![
                ("boot.js".to_owned(), "import 'asset:app.js'".to_owned()),
                ("app.js".to_owned(), format!("fetch('asset:app.wasm'); {script}")),
            ])
            .unwrap();
        bundle
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.collect()
    }

    #[test]
    fn a_change_in_a_file_changes_its_name_and_that_of_those_who_refer_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let before = bundle("1").write(folder.path(), "a").unwrap();
        let after = bundle("2").write(folder.path(), "b").unwrap();
        let changed = |name: &str| {
            let file = |manifest: &Manifest| {
                manifest.files.iter().find(|file| file.name == name).unwrap().file.clone()
            };
            file(&before) != file(&after)
        };
        assert!(changed("app.js") && changed("boot.js") && !changed("app.wasm"));
        // Nothing of the first one is left.
        assert_eq!(names(folder.path()).len(), 3 * 3 + [MANIFEST, INPUTS].len());
    }

    #[test]
    fn compressed_forms_hold_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = bundle(&"x".repeat(5000)).write(folder.path(), "a").unwrap();
        for entry in &manifest.files {
            let plain = fs::read(folder.path().join(&entry.file)).unwrap();
            let br = fs::read(folder.path().join(format!("{}.br", entry.file))).unwrap();
            let mut unpacked = Vec::new();
            ::brotli::BrotliDecompress(&mut &br[..], &mut unpacked).unwrap();
            assert_eq!(unpacked, plain);
            assert_eq!(entry.size_br, Some(br.len()));
            let gz = fs::read(folder.path().join(format!("{}.gz", entry.file))).unwrap();
            let mut unpacked = Vec::new();
            io::copy(&mut flate2::read::GzDecoder::new(&gz[..]), &mut unpacked).unwrap();
            assert_eq!(unpacked, plain);
        }
    }

    #[test]
    fn a_bundle_is_current_for_its_inputs_while_all_its_files_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = bundle("1").write(folder.path(), "inputs").unwrap();
        assert!(Manifest::current(folder.path(), "inputs").is_some());
        assert!(Manifest::current(folder.path(), "other").is_none());
        fs::remove_file(folder.path().join(format!("{}.br", manifest.files[0].file))).unwrap();
        assert!(Manifest::current(folder.path(), "inputs").is_none());
    }

    #[test]
    fn a_name_taken_twice_or_of_an_unknown_kind_stops_the_build() {
        let mut bundle = bundle("1");
        assert!(bundle.add("app.js", Vec::new()).is_err());
        assert!(bundle.add("notes.docx", Vec::new()).is_err());
    }
}
