//! What nobody but its owner is to read.

use serde_json::{Map, Value};

/// A value with passwords, private keys and user data masked.
pub fn without_secrets(body: Value) -> Value {
    match body {
        Value::Object(map) => {
            let masked = |(key, value): (String, Value)| {
                let value = if is_secret(&key) { hidden(value) } else { without_secrets(value) };
                (key, value)
            };
            Value::Object(map.into_iter().map(masked).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_secrets).collect()),
        other => other,
    }
}

pub const MASK: &str = "***";

pub fn pretty(body: &Value) -> String {
    serde_json::to_string_pretty(body).unwrap_or_default()
}

/// As Nova, Glance, Cinder and Keystone call them.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    matches!(
        key.as_str(),
        "adminpass" | "admin_pass" | "private_key" | "user_data" | "auth" | "authorization"
    ) || ["password", "passwd", "secret", "token"].iter().any(|word| key.contains(word))
}

/// What is absent stays so.
fn hidden(value: Value) -> Value {
    if value.is_null() { value } else { Value::String(MASK.to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let body = json!({"changePassword": {"adminPass": "x"}, "a": [{"private_key": "k", "name": "n"}],
            "server": {"user_data": "I2Nsb3Vk", "metadata": {"db_password": "p"}}, "auth": {"any": 1}});
        assert_eq!(
            without_secrets(body),
            json!({"changePassword": "***", "a": [{"private_key": "***", "name": "n"}],
                "server": {"user_data": "***", "metadata": {"db_password": "***"}}, "auth": "***"})
        );
    }
}
