//! What the tabs of one browser tell each other.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::theme::Theme;

/// News for the other tabs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// This user has a session, as a tab just learned.
    SignedIn(String),
    /// The session goes on, with a new token.
    Renewed,
    SignedOut,
    Theme(Theme),
}

impl Message {
    fn to_text(&self) -> String {
        match self {
            Self::SignedIn(user) => format!("signed-in {user}"),
            Self::Renewed => "renewed".to_owned(),
            Self::SignedOut => "signed-out".to_owned(),
            Self::Theme(theme) => format!("theme {}", theme.key()),
        }
    }

    /// `None` for what another release may say.
    fn from_text(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("signed-in", user)) => Some(Self::SignedIn(user.to_owned())),
            Some(("theme", theme)) => Some(Self::Theme(Theme::from_key(theme))),
            None if text == "renewed" => Some(Self::Renewed),
            None if text == "signed-out" => Some(Self::SignedOut),
            _ => None,
        }
    }
}

/// The channel between them; a tab does not hear itself.
pub struct Tabs {
    channel: BroadcastChannel,
    _hear: Closure<dyn FnMut(MessageEvent)>,
}

impl Tabs {
    /// `None` where the browser has no such channel: each tab is then on its own.
    pub fn open(hear: impl Fn(Message) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new("meridian").ok()?;
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(message) = event.data().as_string().as_deref().and_then(Message::from_text) {
                hear(message);
            }
        });
        channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        Some(Self { channel, _hear: listener })
    }

    pub fn send(&self, message: &Message) {
        _ = self.channel.post_message(&message.to_text().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_tab_says_the_other_understands() {
        for message in [
            Message::SignedIn("a user".to_owned()),
            Message::Renewed,
            Message::SignedOut,
            Message::Theme(Theme::Dark),
        ] {
            assert_eq!(Message::from_text(&message.to_text()), Some(message));
        }
    }

    #[test]
    fn what_another_release_says_is_left_alone() {
        for text in ["", "reboot", "signed-in", "renewed now"] {
            assert_eq!(Message::from_text(text), None, "{text:?}");
        }
    }
}
