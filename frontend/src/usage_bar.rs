//! How much of something is in use, as a bar beside its words.

use crate::ui::{El, el};

/// A bar filled to so many percent. `label` says all of it for those who do not see it.
pub fn bar(label: &str, percent: u64, is_over: bool) -> El {
    let level = if is_over || percent >= 100 {
        "full"
    } else if percent >= 80 {
        "high"
    } else {
        "fine"
    };
    // Style attributes are not allowed; a progress element needs none.
    el("progress")
        .class(&format!("usage {level}"))
        .attr("max", "100")
        .attr("value", &percent.min(100).to_string())
        .attr("aria-label", label)
}
