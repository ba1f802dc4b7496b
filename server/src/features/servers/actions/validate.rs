//! What can be refused before anybody is asked: values no cloud takes, and values that could be something else than
//! they say.

use api_types::servers::action::{Password, ServerAction};

use crate::error::ApiError;

/// Checks the values of an action for so many servers.
///
/// Errors: 400 `invalid_action`, 400 `one_server_only`.
pub fn check_action(action: &ServerAction, servers: usize) -> Result<(), ApiError> {
    match action {
        ServerAction::Start
        | ServerAction::Stop
        | ServerAction::Reboot { .. }
        | ServerAction::Pause
        | ServerAction::Unpause
        | ServerAction::Suspend
        | ServerAction::Resume
        | ServerAction::Unlock
        | ServerAction::Shelve
        | ServerAction::Unshelve
        | ServerAction::ConfirmResize
        | ServerAction::RevertResize
        | ServerAction::Unrescue
        | ServerAction::Delete => Ok(()),
        ServerAction::Lock { reason } => reason.iter().try_for_each(|text| line("reason", text, true)),
        ServerAction::Rename { name } => name_of("name", name),
        ServerAction::Snapshot { name } => name_of("name", name),
        ServerAction::Describe { description } => {
            let is_fine = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\r');
            if description.chars().count() <= LONGEST && description.chars().all(is_fine) {
                return Ok(());
            }
            Err(refusal(format!("The description may have {LONGEST} characters and no control characters.")))
        }
        ServerAction::Tag { add, remove } => check_tags(add, remove),
        ServerAction::SetMetadata { set, remove } => check_metadata(set, remove),
        ServerAction::Resize { flavor_id } => {
            // Operators give flavors ids of their own.
            let is_fine = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '%');
            let is_id = (1..=LONGEST).contains(&flavor_id.len()) && flavor_id.chars().all(is_fine);
            if is_id { Ok(()) } else { Err(refusal("This is no flavor's id.".to_owned())) }
        }
        ServerAction::Rebuild { image_id } => id("image", image_id),
        ServerAction::Rescue { image_id, password } => {
            image_id.iter().try_for_each(|image| id("image", image))?;
            password.iter().try_for_each(check_password)
        }
        ServerAction::SetPassword { password } => check_password(password),
        ServerAction::AttachVolume { volume_id } | ServerAction::DetachVolume { volume_id } => {
            one_only(servers)?;
            id("volume", volume_id)
        }
        ServerAction::AttachInterface { network_id } => id("network", network_id),
        ServerAction::DetachInterface { port_id } => {
            one_only(servers)?;
            id("port", port_id)
        }
        ServerAction::AttachFloatingIp { floating_ip_id, port_id } => {
            one_only(servers)?;
            id("floating IP", floating_ip_id)?;
            id("port", port_id)
        }
        ServerAction::DetachFloatingIp { floating_ip_id } => {
            one_only(servers)?;
            id("floating IP", floating_ip_id)
        }
        ServerAction::AddSecurityGroup { name } | ServerAction::RemoveSecurityGroup { name } => {
            line("name", name, false)
        }
    }
}

/// What the services take for names, descriptions, reasons and values.
const LONGEST: usize = 255;
/// A tag's length and their number. Source: compute API, server tags.
const LONGEST_TAG: usize = 60;
const MOST_TAGS: usize = 50;
/// Entries of a server by Nova's default quota.
const MOST_ENTRIES: usize = 128;

fn refusal(message: String) -> ApiError {
    ApiError::Invalid { code: "invalid_action", message }
}

fn nothing_to_change() -> ApiError {
    refusal("There is nothing to change.".to_owned())
}

/// A thing that can be at one server only.
fn one_only(servers: usize) -> Result<(), ApiError> {
    if servers <= 1 {
        return Ok(());
    }
    let message = "This can be done with one server at a time only.".to_owned();
    Err(ApiError::Invalid { code: "one_server_only", message })
}

fn line(what: &str, text: &str, may_be_empty: bool) -> Result<(), ApiError> {
    let length = text.chars().count();
    let fits = length <= LONGEST && (may_be_empty || length > 0);
    if fits && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(refusal(format!("The {what} may have {LONGEST} characters and no control characters.")))
}

fn name_of(what: &str, text: &str) -> Result<(), ApiError> {
    line(what, text, false)?;
    if text.trim() == text {
        return Ok(());
    }
    Err(refusal(format!("The {what} may not begin or end with a blank.")))
}

fn id(what: &str, text: &str) -> Result<(), ApiError> {
    match uuid::Uuid::try_parse(text) {
        // Braces and `urn:` are UUIDs too, and no ids.
        Ok(_) if matches!(text.len(), 32 | 36) => Ok(()),
        _ => Err(refusal(format!("This is no {what}'s id."))),
    }
}

fn check_password(password: &Password) -> Result<(), ApiError> {
    let length = password.0.chars().count();
    if (1..=LONGEST).contains(&length) && !password.0.chars().any(char::is_control) {
        return Ok(());
    }
    Err(refusal(format!("A password has 1 to {LONGEST} characters and no control characters.")))
}

fn check_tags(add: &[String], remove: &[String]) -> Result<(), ApiError> {
    let is_fine = |tag: &String| {
        (1..=LONGEST_TAG).contains(&tag.chars().count())
            && !tag.chars().any(|c| c.is_control() || matches!(c, ',' | '/'))
            // As a segment of an address these two mean something else.
            && !matches!(tag.as_str(), "." | "..")
    };
    let count = add.len() + remove.len();
    if count == 0 {
        return Err(nothing_to_change());
    }
    if count <= 2 * MOST_TAGS && add.len() <= MOST_TAGS && add.iter().chain(remove).all(is_fine) {
        return Ok(());
    }
    Err(refusal(format!(
        "A server has at most {MOST_TAGS} tags of 1 to {LONGEST_TAG} characters, without commas and slashes."
    )))
}

fn check_metadata(set: &[(String, String)], remove: &[String]) -> Result<(), ApiError> {
    let is_key = |key: &str| {
        (1..=LONGEST).contains(&key.len())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | ' '))
            && !matches!(key, "." | "..")
    };
    let is_value = |value: &str| value.chars().count() <= LONGEST;
    let count = set.len() + remove.len();
    if count == 0 {
        return Err(nothing_to_change());
    }
    let keys = set.iter().map(|(key, _)| key).chain(remove);
    if count <= 2 * MOST_ENTRIES
        && keys.into_iter().all(|key| is_key(key))
        && set.iter().all(|(_, value)| is_value(value))
    {
        return Ok(());
    }
    Err(refusal(format!(
        "Keys have 1 to {LONGEST} letters, digits, blanks, '-', '_', ':' and '.', and values at most {LONGEST} \
         characters."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(action: &ServerAction, servers: usize) -> Option<&'static str> {
        check_action(action, servers).err().map(|error| error.code())
    }

    #[test]
    fn names_have_no_control_characters_and_an_end() {
        let rename = |name: &str| code(&ServerAction::Rename { name: name.to_owned() }, 1);
        for name in ["web-01", "köln", "<b>", "a'; DROP TABLE jobs; --", "名"] {
            assert_eq!(rename(name), None, "{name}");
        }
        for name in ["", " a", "a\n", "a\u{0}b", "\u{1b}[31m", &"a".repeat(256)] {
            assert_eq!(rename(name), Some("invalid_action"), "{name:?}");
        }
    }

    #[test]
    fn ids_and_labels_cannot_leave_their_place_in_an_address() {
        for text in ["../x", "a/b", "", "{40888098-a975-4b4a-a604-a5bd047f6310}", "x"] {
            let detach = ServerAction::DetachVolume { volume_id: text.to_owned() };
            assert_eq!(code(&detach, 1), Some("invalid_action"), "{text}");
        }
        for tag in ["..", "a/b", "", "a,b", "\r\n"] {
            let tag = ServerAction::Tag { add: vec![tag.to_owned()], remove: Vec::new() };
            assert_eq!(code(&tag, 1), Some("invalid_action"));
        }
        for key in ["..", "a/b", "", "ä"] {
            let set = ServerAction::SetMetadata { set: vec![], remove: vec![key.to_owned()] };
            assert_eq!(code(&set, 1), Some("invalid_action"));
        }
    }

    #[test]
    fn who_changes_nothing_is_told_so() {
        let tag = ServerAction::Tag { add: Vec::new(), remove: Vec::new() };
        let metadata = ServerAction::SetMetadata { set: Vec::new(), remove: Vec::new() };
        for action in [tag, metadata] {
            let refused = check_action(&action, 1).expect_err("nothing");
            assert_eq!(refused.to_string(), "There is nothing to change.");
        }
    }

    #[test]
    fn one_volume_is_not_attached_to_two_servers() {
        let volume_id = "40888098-a975-4b4a-a604-a5bd047f6310".to_owned();
        let attach = ServerAction::AttachVolume { volume_id };
        assert_eq!((code(&attach, 1), code(&attach, 2)), (None, Some("one_server_only")));
    }
}
