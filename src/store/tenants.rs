//! Tenants and keys as the store keeps them.

use crate::domain::time::Timestamp;

/// How long a key has been around, for whoever must say that it is too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAge {
    /// The first eight digits of the key's hash, to tell keys apart.
    pub fingerprint: String,
    /// Whether the settings still let it in.
    pub active: bool,
    pub first_seen: Timestamp,
}
