//! Key pairs of a user.

/// The public half of a key pair, as Nova keeps it.
#[derive(Clone, Debug)]
pub struct KeyPair {
    pub name: String,
    pub public_key: String,
    pub fingerprint: String,
}
