//! Messages as the boot script writes them, made into what the server takes.

use api_types::client_log::{
    Kind, LARGEST_FIELDS, LONGEST_DESCRIPTION, LONGEST_KEY, LONGEST_TEXT, Level, MOST_FIELDS, Message,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the boot script keeps until the part that knows streams has taken it.
#[derive(Serialize, Deserialize)]
pub struct Early {
    pub release: String,
    /// How many it had handed out before these.
    #[serde(default)]
    pub from: u64,
    pub messages: Vec<EarlyMessage>,
}

/// A message as the boot script writes it: nothing of it is bounded yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EarlyMessage {
    pub at: f64,
    pub level: Level,
    pub kind: Kind,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// A message as the server takes it: what is too long is cut, what is too much is left out.
pub fn bounded(message: EarlyMessage) -> Message {
    let mut left = LARGEST_FIELDS;
    let mut fields = Map::new();
    for (name, value) in message.fields.into_iter().take(MOST_FIELDS / 2) {
        let name = cut(name, LONGEST_KEY);
        let value = match value {
            Value::String(text) => {
                Value::String(cut(text, LONGEST_TEXT.min(left.saturating_sub(name.len()))))
            }
            Value::Array(_) | Value::Object(_) => continue,
            plain => plain,
        };
        let size = name.len() + value.as_str().map_or(0, str::len);
        if size > left {
            break;
        }
        left -= size;
        fields.insert(name, value);
    }
    let at = if message.at.is_finite() { message.at } else { 0.0 };
    let description = cut(message.description, LONGEST_DESCRIPTION);
    Message { at, level: message.level, kind: message.kind, description, fields }
}

/// Control characters go: six bytes each in JSON, and of no use to anybody.
fn cut(mut text: String, longest: usize) -> String {
    text.truncate(text.floor_char_boundary(longest.min(text.len())));
    let is_odd = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if text.contains(is_odd) { text.replace(is_odd, " ") } else { text }
}

/// About what it takes as JSON.
pub fn size_of_message(message: &Message) -> usize {
    serde_json::to_string(message).map_or(0, |text| text.len() + 1)
}
