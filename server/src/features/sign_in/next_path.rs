//! Where a person lands after signing in: a path of our own, whatever a link claims.

use serde::{Deserialize, Deserializer};

/// An own path with its query, or `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPath(String);

/// Longer ones are cut to `/`; the longest of ours has a filter in it.
const LONGEST: usize = 4096;

impl NextPath {
    /// Anything but a path of ours becomes `/`.
    ///
    /// Browsers read `//host` and `/\host` as another host, drop tabs and line breaks before they look, and a scheme
    /// needs no slash at all. So: one slash, then no slash and no backslash anywhere, and printable ASCII only.
    pub fn parse(text: &str) -> Self {
        let is_own = text.len() <= LONGEST
            && text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            // Back to the form would be a circle.
            && !text.starts_with("/sign-");
        Self(if is_own { text.to_owned() } else { "/".to_owned() })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NextPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl<'de> Deserialize<'de> for NextPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_paths_are_kept() {
        for path in [
            "/",
            "/projects/a/servers",
            "/projects/a/servers?q=name%3Aweb&sort=-created",
            "/account/sessions#x",
        ] {
            assert_eq!(NextPath::parse(path).as_str(), path);
        }
    }

    #[test]
    fn everything_that_could_lead_elsewhere_becomes_the_start() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for path in [
            "",
            "projects",
            "//evil.net",
            "///evil.net",
            "/\\evil.net",
            "\\/evil.net",
            "https://evil.net",
            "javascript:alert(1)",
            "/\t/evil.net",
            "/\r\nSet-Cookie: a=b",
            " /projects",
            "/a b",
            "/ä",
            "/a\\b",
            "/sign-in?next=/",
            "/sign-out",
            &long,
        ] {
            assert_eq!(NextPath::parse(path).as_str(), "/", "{path:?}");
        }
    }
}
