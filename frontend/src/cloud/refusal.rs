//! The words of a refusal, wherever a service puts them.

use serde_json::Value;

/// What a service says went wrong. Nova and Cinder: one key that names the fault, `message` below it. Neutron:
/// `NeutronError.message`. Keystone: `error.message`. Glance: HTML, its sentence after the title.
pub fn words_in(body: &str) -> String {
    let words = match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(fields)) => {
            let own = fields.get("message").or_else(|| fields.get("error_message"));
            let own = own.and_then(Value::as_str);
            let below = || fields.values().find_map(|fault| fault.get("message").or(fault.get("detail")));
            own.or_else(|| below().and_then(Value::as_str)).unwrap_or_default().to_owned()
        }
        Ok(Value::String(words)) => words,
        Ok(_) => String::new(),
        Err(_) => plain(body),
    };
    // Glance puts HTML into its JSON.
    let words = words.replace("<br />", " ");
    shortened(&words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// So many characters are told; the rest helps nobody.
const LONGEST: usize = 600;

fn shortened(words: &str) -> String {
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

/// What a page says, without its head, its title and its marks. Plain text stays as it is.
fn plain(page: &str) -> String {
    let Some((_, body)) = page.split_once("<body").or_else(|| page.split_once("<html")) else {
        return page.to_owned();
    };
    let body = body.split_once("</h1>").map_or(body, |(_, rest)| rest);
    let mut words = String::new();
    let mut is_mark = false;
    for letter in body.chars() {
        match letter {
            '<' => is_mark = true,
            '>' => {
                is_mark = false;
                words.push(' ');
            }
            _ if !is_mark => words.push(letter),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_understood_in_its_own_form() {
        let nova = r#"{"conflictingRequest": {"code": 409, "message": "Instance is locked"}}"#;
        let neutron = r#"{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded", "detail": ""}}"#;
        let keystone =
            r#"{"error": {"code": 403, "message": "You are not authorized", "title": "Forbidden"}}"#;
        let glance = "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
            No image found with ID 1<br /><br />\n\n\n </body>\n</html>";
        let other_glance = "<html><head><title>409 Conflict</title></head><body><h1>409 Conflict</h1>\
            Image is protected.<br/></body></html>";
        assert_eq!(words_in(nova), "Instance is locked");
        assert_eq!(words_in(neutron), "Quota exceeded");
        assert_eq!(words_in(keystone), "You are not authorized");
        assert_eq!(words_in(glance), "No image found with ID 1");
        assert_eq!(words_in(other_glance), "Image is protected.");
    }

    #[test]
    fn what_is_no_refusal_at_all_is_told_as_far_as_it_can_be() {
        assert_eq!(words_in(""), "");
        assert_eq!(words_in("upstream is gone"), "upstream is gone");
        assert_eq!(
            words_in(r#"{"message": "No image.<br /><br />\n\n", "code": "404 Not Found"}"#),
            "No image."
        );
        assert_eq!(words_in("[1, 2]"), "");
        assert_eq!(words_in(r#"{"a": 1}"#), "");
        assert_eq!(words_in(&"ä".repeat(5_000)).chars().count(), LONGEST + 1);
        assert_eq!(words_in("a < b"), "a < b");
        assert_eq!(words_in("<html><body>gone"), "gone");
    }
}
