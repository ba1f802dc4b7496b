//! Reading the numbers in a cloud's sentence.

/// What stands between two texts, the first time both are there.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

/// The first number that stands right after this text.
pub fn number_after(text: &str, before: &str) -> Option<u64> {
    text.match_indices(before).find_map(|(at, _)| {
        let rest = &text[at + before.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

/// A number of this resource with its unit: Nova counts memory in MiB.
pub fn amount(resource: &str, number: u64) -> String {
    match resource.trim() {
        "ram" if number >= 1024 => {
            let tenths = (number * 10).div_ceil(1024);
            if tenths.is_multiple_of(10) {
                format!("{} GiB", tenths / 10)
            } else {
                format!("{}.{} GiB", tenths / 10, tenths % 10)
            }
        }
        "ram" => format!("{number} MiB"),
        "gigabytes" => format!("{number} GiB"),
        _ => number.to_string(),
    }
}
