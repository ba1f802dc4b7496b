//! A script without what only its readers need.

/// The script without comments that have lines of their own and without indentation: a tenth of what travels. What
/// stands behind code on its line stays.
pub fn lean(script: &str) -> String {
    let mut lean = String::with_capacity(script.len());
    let mut is_comment = false;
    for line in script.lines().map(str::trim) {
        if is_comment || line.starts_with("/**") {
            is_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            lean.push_str(line);
            lean.push('\n');
        }
    }
    lean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_and_code_stays() {
        let script = "/** one */\n/**\n * @returns {number}\n */\nget size() {\n    // why\n    return 2 * 3; // six\n}\n\n";
        assert_eq!(lean(script), "get size() {\nreturn 2 * 3; // six\n}\n");
    }
}
