//! Tables for spreadsheets.

/// A cell that is text to every spreadsheet: what would begin a formula gets an apostrophe before it.
/// Source: OWASP, CSV injection.
pub fn cell(text: &str) -> String {
    let is_formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '|', '＝', '＋', '－', '＠'])
            || text.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_no_cell_ends_early() {
        assert_eq!(cell("web-01"), "\"web-01\"");
        assert_eq!(cell("a \"b\", c\r\nd"), "\"a \"\"b\"\", c\r\nd\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "=cmd|' /C calc'!A0"] {
            assert!(cell(formula).starts_with("\"'"), "{formula:?}");
        }
    }
}
