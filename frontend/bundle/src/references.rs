//! References between the files of a bundle: `asset:NAME` in a script or a style.

use std::collections::BTreeMap;

use anyhow::{Context, bail};

/// The names that `text` refers to.
pub fn names_in(text: &str) -> Vec<&str> {
    occurrences(text).map(|(_, name)| name).collect()
}

/// Replaces each `asset:NAME` by the file it became. All files lie side by side, so the result is
/// relative (`./NAME-….ext`): right in an `import`, in `url()` and in `new URL(…, import.meta.url)`.
pub fn replace(text: &str, files: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (start, name) in occurrences(text) {
        let file = files.get(name).with_context(|| format!("asset:{name} does not exist"))?;
        result.push_str(&text[done..start]);
        result.push_str("./");
        result.push_str(file);
        done = start + MARK.len() + name.len();
    }
    result.push_str(&text[done..]);
    Ok(result)
}

/// The texts in an order in which each comes after those it refers to.
pub fn in_order(mut texts: Vec<(String, String)>) -> anyhow::Result<Vec<(String, String)>> {
    let mut ordered = Vec::with_capacity(texts.len());
    while !texts.is_empty() {
        let names: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
        let waits = |text: &str| names_in(text).iter().any(|name| names.iter().any(|other| other == name));
        let (waiting, ready): (Vec<_>, Vec<_>) = texts.into_iter().partition(|(_, text)| waits(text));
        if ready.is_empty() {
            bail!("{} refer to each other in a circle", names.join(", "));
        }
        ordered.extend(ready);
        texts = waiting;
    }
    Ok(ordered)
}

const MARK: &str = "asset:";

fn occurrences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.match_indices(MARK).filter_map(move |(start, _)| {
        let rest = &text[start + MARK.len()..];
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        // Only where a whole quoted or bracketed reference stands: prose and keys are left alone.
        let before = text[..start].chars().next_back();
        let quoted = before.is_some_and(|c| matches!(c, '"' | '\'' | '`' | '('));
        (quoted && !name.is_empty()).then_some((start, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BTreeMap<String, String> {
        [("app.js", "app-1.js"), ("dot.svg", "dot-2.svg")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    }

    #[test]
    fn quoted_references_become_relative_files_and_prose_stays() {
        let text = r#"import x from "asset:app.js"; url(asset:dot.svg) // an asset:app.js"#;
        let expected = r#"import x from "./app-1.js"; url(./dot-2.svg) // an asset:app.js"#;
        assert_eq!(replace(text, &files()).unwrap(), expected);
    }

    #[test]
    fn a_reference_to_nothing_is_an_error_with_its_name() {
        let error = replace("'asset:none.js'", &files()).unwrap_err();
        assert!(error.to_string().contains("none.js"));
    }

    #[test]
    fn texts_come_after_what_they_refer_to_and_a_circle_is_an_error() {
        let text = |name: &str, to: &str| (name.to_owned(), format!("'asset:{to}'"));
        let ordered = in_order(vec![text("a.js", "b.js"), text("b.js", "app.js")]).unwrap();
        assert_eq!(ordered.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b.js", "a.js"]);
        assert!(in_order(vec![text("a.js", "b.js"), text("b.js", "a.js")]).is_err());
    }
}
