//! Tenants and their keys, as the settings name them (`contract.md`, D-01).
//!
//! A key is hashed where it is read, and only its hash is kept. No problem quotes what was read:
//! where a tenant's id should stand, a key may.
//!
//! `TENANT_KEYS=some-key:acme` is one tenant with one key that may do everything.

mod file;
mod listed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;

use sha2::{Digest, Sha256};

use super::error::BadKey;
use super::types::Environment;
use super::values::Values;
use listed::Listed;

/// A tenant. Made by the settings alone, so its ids and lists are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantRecord {
    pub id: String,
    /// `None` if only `TENANT_KEYS` names the tenant.
    pub name: Option<String>,
    pub organization_id: Option<String>,
    /// `None` sets no limit of the tenant's own.
    pub max_connections: Option<usize>,
    pub messages_per_second: Option<NonZeroU32>,
    pub keys: Vec<TenantKeyRecord>,
}

impl TenantRecord {
    /// A tenant of which the id is all that is known.
    pub(super) fn unnamed(id: &str) -> TenantRecord {
        TenantRecord {
            id: id.to_owned(),
            name: None,
            organization_id: None,
            max_connections: None,
            messages_per_second: None,
            keys: Vec::new(),
        }
    }
}

/// One key of a tenant. No two keys of all tenants have the same digest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantKeyRecord {
    pub digest: KeyDigest,
    pub active: bool,
    /// What the key may do; `None` is everything.
    pub permissions: Option<Vec<String>>,
    pub form: KeyForm,
}

/// How a key was written, for the rules of production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// As `sha256` in the file.
    Hashed,
    /// As `key` in the file.
    Clear,
    /// In `TENANT_KEYS`, with so many characters.
    Listed { length: usize },
}

/// The SHA-256 of a key. Its debug print hides it: the hash of a weak key gives it away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub fn of(key: &[u8]) -> KeyDigest {
        KeyDigest(Sha256::digest(key).into())
    }

    /// For the store, which keeps it. Not for logs.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    fn from_hex(text: &str) -> Option<KeyDigest> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
        let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
        if rest.is_empty() { bytes.try_into().ok().map(KeyDigest) } else { None }
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Longest key, in bytes. Longer ones need not even be hashed.
pub const MAX_KEY_BYTES: usize = 512;

/// What a key must be, in words.
const KEY_IS: &str = "a key is 1 to 512 printable ASCII characters, without spaces around";
const ID_IS: &str = "an id is 1 to 128 characters of A-Z a-z 0-9 _.:@-";

/// Whether a key can be shown in a header, unchanged.
fn is_key(text: &str) -> bool {
    let is_printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    (1..=MAX_KEY_BYTES).contains(&text.len()) && is_printable && text.trim() == text
}

/// The tenants of development, in the form of `TENANTS_FILE` (`contract.md`, X-22: guide 000's careful
/// client takes keys of 32 characters and more only).
const DEMO: &str = r#"[
    {"id": "demo1", "name": "Demo One", "keys": [
        {"key": "demo-tenant-key-1", "active": true},
        {"key": "demo-tenant-key-1-long-enough-for-secure", "active": true}
    ]},
    {"id": "demo2", "name": "Demo Two", "keys": [{"key": "demo-tenant-key-2", "active": true}]}
]"#;

fn demo() -> Vec<TenantRecord> {
    file::tenants(DEMO.as_bytes()).expect("the demo tenants are valid")
}

/// Returns the keys that everyone knows.
pub(super) fn demo_keys() -> BTreeSet<KeyDigest> {
    digests(&demo()).collect()
}

fn digests(tenants: &[TenantRecord]) -> impl Iterator<Item = KeyDigest> {
    tenants.iter().flat_map(|tenant| &tenant.keys).map(|key| key.digest)
}

/// Returns the tenants of the file and of the short form together, and of neither the demo tenants.
///
/// # Errors
/// What is wrong with `TENANTS_FILE` and `TENANT_KEYS`, one problem for each.
pub(super) fn read(values: &Values) -> Result<Vec<TenantRecord>, Vec<BadKey>> {
    let (path, list) = (values.path("TENANTS_FILE"), values.secret("TENANT_KEYS"));
    if path.is_none() && list.is_none() {
        return Ok(match values.environment {
            Environment::Development => demo(),
            Environment::Production => Vec::new(),
        });
    }
    let tenants = path.map_or(Ok(Vec::new()), |path| file::read(&path));
    let listed = list.map_or(Ok(Vec::new()), |list| listed::keys(list.expose()));
    let in_file = |problem: String| BadKey::new("TENANTS_FILE", problem);
    let in_list = |problem: String| BadKey::new("TENANT_KEYS", problem);
    match (tenants, listed) {
        (Ok(tenants), Ok(listed)) => merge(tenants, listed).map_err(|problem| vec![in_list(problem)]),
        (tenants, listed) => {
            Err(tenants.err().map(in_file).into_iter().chain(listed.err().map(in_list)).collect())
        }
    }
}

/// Adds the short form to the file. A key that stands in both is refused, even for the same tenant: the
/// file may have made it inactive, or limited what it may do.
fn merge(mut tenants: Vec<TenantRecord>, listed: Vec<Listed>) -> Result<Vec<TenantRecord>, String> {
    let in_file: BTreeSet<KeyDigest> = digests(&tenants).collect();
    let mut places: BTreeMap<String, usize> =
        tenants.iter().enumerate().map(|(place, tenant)| (tenant.id.clone(), place)).collect();
    for (number, Listed { tenant: id, key }) in (1..).zip(listed) {
        if in_file.contains(&key.digest) {
            return Err(format!("has a bad entry {number}: its key stands in TENANTS_FILE, too"));
        }
        let place = *places.entry(id).or_insert_with_key(|id| {
            tenants.push(TenantRecord::unnamed(id));
            tenants.len() - 1
        });
        tenants[place].keys.push(key);
    }
    Ok(tenants)
}
