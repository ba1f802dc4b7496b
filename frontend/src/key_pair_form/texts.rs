//! The words a person reads while a key pair is made.

pub const CREATE_TITLE: &str = "Create a key pair";
pub const IMPORT_TITLE: &str = "Import a key pair";
pub const CREATE: &str = "Create key pair";
pub const IMPORT: &str = "Import key pair";
pub const CANCEL: &str = "Cancel";
pub const NAME: &str = "Name";
pub const PUBLIC_KEY: &str = "Public key";
pub const PUBLIC_KEY_HINT: &str = "The content of a file such as ~/.ssh/id_ed25519.pub.";
pub const MADE_BY_CLOUD: &str = "The cloud makes both keys. The private one can be saved once, right after.";

pub const NO_NAME: &str = "Give the key pair a name.";
pub const IS_PRIVATE: &str =
    "This is a private key. Keep it to yourself and paste the public one, from the file that ends in .pub.";
pub const IS_NO_KEY: &str = "A public key is one line that begins with its kind, such as ssh-ed25519.";

pub const SAVE_NOW: &str =
    " was created. Save its private key now: the cloud does not keep it, and nobody can show it again.";
pub const SAVE: &str = "Save the private key";
pub const COPY: &str = "Copy the private key";
pub const DONE: &str = "Done";
pub const CLOSE_WITHOUT: &str = "Close without saving";

/// What was being done, where a message has to say that it failed.
pub fn doing(is_import: bool, name: &str) -> String {
    format!("{} {name}", if is_import { IMPORT } else { CREATE })
}

/// The page was left before the key could be shown.
pub fn saved_unseen(name: &str, file: &str) -> String {
    format!("{name} was created. Its page was left, so its private key was saved at once, as {file}.")
}
