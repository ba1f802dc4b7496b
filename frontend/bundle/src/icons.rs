//! One sprite from the single icons: `<use href="/assets/icons-….svg#server"/>` draws one of them.

use anyhow::{Context, ensure};

/// Makes each icon a `<symbol>` named as its file. The root's attributes (view box, stroke, fill)
/// stay with it, so an icon looks in the sprite as it does alone and takes `currentColor` from its use.
pub fn sprite(icons: &[(String, String)]) -> anyhow::Result<String> {
    let mut sprite = String::from(r#"<svg xmlns="http://www.w3.org/2000/svg">"#);
    for (name, markup) in icons {
        let symbol = symbol(name, markup).with_context(|| format!("icons/{name}.svg"))?;
        sprite.push_str(&symbol);
    }
    sprite.push_str("</svg>\n");
    Ok(sprite)
}

fn symbol(name: &str, markup: &str) -> anyhow::Result<String> {
    let start = markup.find("<svg").context("has no <svg>")?;
    let (attributes, rest) = markup[start + "<svg".len()..].split_once('>').context("<svg> does not end")?;
    let (body, _) = rest.rsplit_once("</svg>").context("</svg> is missing")?;
    // Ids would meet those of the other icons.
    ensure!(!body.contains(" id="), "uses ids");
    ensure!(!attributes.ends_with('/'), "is empty");
    let attributes = attributes.replace(r#" xmlns="http://www.w3.org/2000/svg""#, "");
    ensure!(attributes.contains("viewBox="), "has no viewBox");
    let body: String = body.lines().map(str::trim).collect();
    Ok(format!(r#"<symbol id="{name}"{}>{body}</symbol>"#, attributes.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_becomes_a_symbol_with_its_attributes_and_its_files_name() {
        let icon = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\" stroke=\"currentColor\">\n  <path d=\"M1 1\"/>\n</svg>\n";
        let sprite = sprite(&[("dot".to_owned(), icon.to_owned())]).unwrap();
        assert_eq!(
            sprite,
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><symbol id=\"dot\" viewBox=\"0 0 16 16\" \
             stroke=\"currentColor\"><path d=\"M1 1\"/></symbol></svg>\n"
        );
    }

    #[test]
    fn an_icon_with_ids_or_without_view_box_stops_the_build_by_name() {
        for markup in [r#"<svg viewBox="0 0 1 1"><g id="a"/></svg>"#, "<svg><g/></svg>", "no svg"] {
            let error = sprite(&[("odd".to_owned(), markup.to_owned())]).unwrap_err();
            assert!(format!("{error:#}").starts_with("icons/odd.svg"), "{error:#}");
        }
    }
}
