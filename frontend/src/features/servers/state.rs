//! What a server's status and task look like: word, icon, colour. Values in, values out.

use std::borrow::Cow;

use api_types::servers::StatusKind;

use crate::ui::Icon;

/// The word for a status as Nova spells it; one we do not know is shown in words of its own.
pub fn status_word(status: &str) -> Cow<'_, str> {
    Cow::Borrowed(match status {
        "ACTIVE" => "Active",
        "BUILD" => "Building",
        "DELETED" => "Deleted",
        "ERROR" => "Error",
        "HARD_REBOOT" => "Hard rebooting",
        "MIGRATING" => "Migrating",
        "PASSWORD" => "Setting password",
        "PAUSED" => "Paused",
        "REBOOT" => "Rebooting",
        "REBUILD" => "Rebuilding",
        "RESCUE" => "Rescue",
        "RESIZE" => "Resizing",
        "REVERT_RESIZE" => "Reverting resize",
        "SHELVED" => "Shelved",
        "SHELVED_OFFLOADED" => "Shelved, offloaded",
        "SHUTOFF" => "Shut off",
        "SOFT_DELETED" => "Soft-deleted",
        "SUSPENDED" => "Suspended",
        "UNKNOWN" | "" => "Unknown",
        "VERIFY_RESIZE" => "Confirm resize",
        other => return Cow::Owned(in_words(other)),
    })
}

/// What is being done to it, in words: `image_pending_upload` as "Image pending upload".
pub fn task_word(task: &str) -> Cow<'_, str> {
    Cow::Owned(in_words(task))
}

/// The icon of a kind of status; beside it there is always the word.
pub fn icon_of(kind: StatusKind) -> Icon {
    match kind {
        StatusKind::Running => Icon::StatusRunning,
        StatusKind::Changing => Icon::StatusChanging,
        StatusKind::Resting => Icon::StatusResting,
        StatusKind::Waiting => Icon::StatusWaiting,
        StatusKind::Failed => Icon::StatusFailed,
        StatusKind::Unknown => Icon::StatusUnknown,
    }
}

/// The classes of the icon, which give it its colour.
pub fn class_of(kind: StatusKind) -> &'static str {
    match kind {
        StatusKind::Running => "status running",
        StatusKind::Changing => "status changing",
        StatusKind::Resting => "status resting",
        StatusKind::Waiting => "status waiting",
        StatusKind::Failed => "status failed",
        StatusKind::Unknown => "status unknown",
    }
}

/// Underscores become blanks, all but the first letter small.
fn in_words(spelled: &str) -> String {
    let mut words = String::with_capacity(spelled.len());
    for letter in spelled.chars() {
        let is_first = words.is_empty();
        match letter {
            '_' | '-' => words.push(' '),
            // Nova spells in ASCII; anything else is left as it is.
            _ if is_first => words.push(letter.to_ascii_uppercase()),
            _ => words.push(letter.to_ascii_lowercase()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_nova_documents_has_a_word_and_others_get_one() {
        assert_eq!(status_word("SHUTOFF"), "Shut off");
        assert_eq!(status_word(""), "Unknown");
        assert_eq!(status_word("HIBERNATING_NOW"), "Hibernating now");
        assert_eq!(task_word("image_pending_upload"), "Image pending upload");
        assert_eq!(task_word("resize_prep"), "Resize prep");
    }

    #[test]
    fn kinds_differ_by_icon_and_not_by_colour_alone() {
        let kinds = [
            StatusKind::Running,
            StatusKind::Changing,
            StatusKind::Resting,
            StatusKind::Waiting,
            StatusKind::Failed,
            StatusKind::Unknown,
        ];
        for (at, kind) in kinds.into_iter().enumerate() {
            for other in &kinds[at + 1..] {
                assert_ne!(icon_of(kind), icon_of(*other));
                assert_ne!(class_of(kind), class_of(*other));
            }
        }
    }
}
