//! What the user of this page has of all that not everybody has. The server wrote it on the page: it stays as it is
//! until the page is loaded again.

pub use api_types::flags::Flag;
use leptos::prelude::document;

/// Whether whoever opened this page has it.
pub fn has(flag: Flag) -> bool {
    let written = document().document_element().and_then(|root| root.get_attribute(ON_ROOT));
    is_among(flag, written.as_deref().unwrap_or_default())
}

/// On the root element: names with blanks between them. `assets/scripts/boot.js` reads it too.
const ON_ROOT: &str = "data-flags";

fn is_among(flag: Flag, names: &str) -> bool {
    names.split(' ').any(|name| name == flag.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_on_the_page_by_its_whole_name() {
        for (names, is_there) in
            [("client_log", true), ("another client_log", true), ("", false), ("client_logs", false)]
        {
            assert_eq!(is_among(Flag::ClientLog, names), is_there, "{names:?}");
        }
    }
}
