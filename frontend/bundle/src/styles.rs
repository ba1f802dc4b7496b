//! One style sheet from all of them.

use anyhow::anyhow;
use lightningcss::{
    printer::PrinterOptions,
    stylesheet::{MinifyOptions, ParserOptions, StyleSheet},
    targets::Browsers,
};

/// Joins the sheets in the order of their names and minifies them for the browsers of the last two years.
///
/// Errors name the sheet, line and column.
pub fn minify(sheets: &[(String, String)]) -> anyhow::Result<String> {
    let mut joined = String::new();
    for (name, text) in sheets {
        // Each by itself first: an unclosed brace is found in its own file, and ends there.
        let options = ParserOptions { filename: name.clone(), ..ParserOptions::default() };
        StyleSheet::parse(text, options).map_err(|error| anyhow!("styles/{error}"))?;
        joined.push_str(text);
        joined.push('\n');
    }
    let targets = two_years();
    let mut sheet =
        StyleSheet::parse(&joined, ParserOptions::default()).map_err(|error| anyhow!("styles: {error}"))?;
    sheet
        .minify(MinifyOptions { targets: targets.into(), ..MinifyOptions::default() })
        .map_err(|error| anyhow!("styles: {error}"))?;
    let printed = sheet
        .to_css(PrinterOptions { minify: true, targets: targets.into(), ..PrinterOptions::default() })
        .map_err(|error| anyhow!("styles: {error}"))?;
    Ok(printed.code)
}

/// The oldest versions we serve: those of November 2024. `light-dark()` and nesting stay as written.
fn two_years() -> Browsers {
    let version = |major: u32, minor: u32| Some(major << 16 | minor << 8);
    Browsers {
        chrome: version(131, 0),
        edge: version(131, 0),
        android: version(131, 0),
        firefox: version(132, 0),
        safari: version(18, 1),
        ios_saf: version(18, 1),
        samsung: version(27, 0),
        opera: version(115, 0),
        ie: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheets(texts: &[&str]) -> Vec<(String, String)> {
        texts.iter().enumerate().map(|(n, text)| (format!("{n}.css"), (*text).to_owned())).collect()
    }

    #[test]
    fn sheets_are_joined_in_order_and_made_small() {
        let css = minify(&sheets(&["a { color: #ff0000; }", "a { color: #0000ff; }"])).unwrap();
        assert_eq!(css, "a{color:#00f}");
    }

    #[test]
    fn themes_and_asset_references_stay_as_written() {
        let css =
            minify(&sheets(&[":root{--a:light-dark(#fff,#000)} b{background:url(asset:x.svg)}"])).unwrap();
        assert!(css.contains("light-dark(#fff,#000)"), "{css}");
        assert!(css.contains("asset:x.svg"), "{css}");
    }

    #[test]
    fn a_mistake_is_reported_with_its_sheet() {
        let error = minify(&sheets(&["a{}", "a { color: red; ", " } } b{"])).unwrap_err().to_string();
        assert!(error.contains("2.css"), "{error}");
    }
}
