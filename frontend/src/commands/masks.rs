//! What nobody but its owner is to read: which values of a body these are, and what stands in their place.

use serde_json::Value;

/// Stands where a secret stood, in what is shown and kept.
pub const MASK: &str = "***";

/// A name whose value nobody is to read off a screen, as the services and their users call them. User data often
/// holds passwords.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let parts = [
        "pass",
        "secret",
        "token",
        "private_key",
        "user_data",
        "credential",
        "api_key",
        "apikey",
        "access_key",
    ];
    parts.iter().any(|part| key.contains(part)) || matches!(key.as_str(), "auth" | "authorization")
}

/// Masks all secrets of a body.
pub fn mask(body: &mut Value) {
    replace_secrets(body, &mut |_| MASK.to_owned());
}

/// Puts something in the place of each secret of a body; `stand_in` is asked with its name. What only groups other
/// values (`changePassword`) is no secret itself, and what is absent stays so.
pub fn replace_secrets(body: &mut Value, stand_in: &mut dyn FnMut(&str) -> String) {
    match body {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                if is_secret(key) && !matches!(value, Value::Object(_) | Value::Null) {
                    *value = Value::String(stand_in(key));
                } else {
                    replace_secrets(value, stand_in);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_secrets(item, stand_in)),
        _ => {}
    }
}

/// Names for the variables that secrets are read from: a mask that is pasted would be set as the secret.
#[derive(Default)]
pub struct Variables {
    taken: Vec<String>,
}

impl Variables {
    /// A name of its own, in letters that every shell and Terraform take. The word before it keeps it apart from
    /// what the person has set for other things, such as `OS_PASSWORD`.
    pub fn name(&mut self, key: &str) -> String {
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }
        };
        let plain: String = "SECRET_".chars().chain(key.chars().map(letter)).collect();
        let mut name = plain.clone();
        let mut count = 1;
        while self.taken.contains(&name) {
            count += 1;
            name = format!("{plain}_{count}");
        }
        self.taken.push(name.clone());
        name
    }

    pub fn names(&self) -> &[String] {
        &self.taken
    }
}

/// A variable as a piece of a shell's word. While it is not set, the shell says so and runs nothing.
pub fn from_shell(variable: &str) -> String {
    format!("\"${{{variable}:?}}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let mut body = json!({"changePassword": {"adminPass": "x"}, "a": [{"private_key": "k", "name": "n"}],
            "server": {"user_data": "I2Nsb3Vk", "metadata": {"db_password": "p", "API_KEY": "k", "env": "e"}},
            "auth": {"any": 1, "token": null}, "tokens": ["a", "b"]});
        mask(&mut body);
        assert_eq!(
            body,
            json!({"changePassword": {"adminPass": "***"}, "a": [{"private_key": "***", "name": "n"}],
                "server": {"user_data": "***", "metadata": {"db_password": "***", "API_KEY": "***", "env": "e"}},
                "auth": {"any": 1, "token": null}, "tokens": "***"})
        );
    }

    #[test]
    fn each_secret_has_a_variable_of_its_own() {
        let mut variables = Variables::default();
        let names: Vec<_> = ["db-pass", "db.pass", "$(x);token", ""].map(|key| variables.name(key)).into();
        assert_eq!(names, ["SECRET_DB_PASS", "SECRET_DB_PASS_2", "SECRET___X__TOKEN", "SECRET_"]);
    }
}
