//! The short form, `TENANT_KEYS=key:tenant,key:tenant`.

use std::collections::BTreeMap;

use super::super::parse::{is_id, words};
use super::{ID_IS, KEY_IS, KeyDigest, KeyForm, TenantKeyRecord, is_key};

/// A key, and the id of the tenant it is for.
pub(super) struct Listed {
    pub tenant: String,
    pub key: TenantKeyRecord,
}

/// Reads the list. A tenant's id stands behind the last colon, so a key may hold some.
///
/// # Errors
/// What is wrong with which entry, as the rest of a sentence that begins with the setting's name.
pub(super) fn keys(text: &str) -> Result<Vec<Listed>, String> {
    let mut numbers = BTreeMap::new();
    let mut keys = Vec::new();
    for (number, entry) in (1..).zip(words(text)) {
        let bad = |problem: &str| format!("has a bad entry {number}: {problem}");
        let (key, tenant) = entry.rsplit_once(':').ok_or_else(|| bad("it is not key:tenant"))?;
        let (key, tenant) = (key.trim(), tenant.trim());
        if !is_key(key) {
            return Err(bad(KEY_IS));
        }
        if !is_id(tenant) {
            return Err(bad(ID_IS));
        }
        let digest = KeyDigest::of(key.as_bytes());
        if let Some(first) = numbers.insert(digest, number) {
            return Err(bad(&format!("its key is that of entry {first}")));
        }
        let form = KeyForm::Listed { length: key.len() };
        let key = TenantKeyRecord { digest, active: true, permissions: None, form };
        keys.push(Listed { tenant: tenant.to_owned(), key });
    }
    if keys.is_empty() { Err("names no key:tenant".to_owned()) } else { Ok(keys) }
}
