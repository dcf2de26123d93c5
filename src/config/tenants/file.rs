//! The JSON of `TENANTS_FILE`, member by member as `contract.md`, D-01, prints it.
//!
//! Strict, for a slip here opens or closes doors: unknown members, `null` and a member given twice are
//! refused, and whether a key is active must be said.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::super::parse::is_id;
use super::{ID_IS, KEY_IS, KeyDigest, KeyForm, TenantKeyRecord, TenantRecord, is_key};

/// Largest file, in bytes. It bounds everything that is made of it.
const LARGEST: u64 = 1 << 20;
/// Longest name, in characters.
const MAX_NAME: usize = 128;
/// Most permissions of a key, and the longest, in bytes. Those of `domain::tenant` are the same.
const MAX_PERMISSIONS: usize = 100;
const MAX_PERMISSION: usize = 64;
/// The same bounds as the settings of these names for everyone.
const MOST_CONNECTIONS: u32 = 10_000_000;
const MOST_MESSAGES: u32 = 1_000_000;

/// Reads the file.
///
/// # Errors
/// What is wrong and where, as the rest of a sentence that begins with the setting's name.
pub(super) fn read(path: &Path) -> Result<Vec<TenantRecord>, String> {
    let cannot = |error: std::io::Error| format!("names a file that cannot be read: {error}");
    let mut text = Vec::new();
    File::open(path).map_err(cannot)?.take(LARGEST + 1).read_to_end(&mut text).map_err(cannot)?;
    if text.len() as u64 > LARGEST {
        return Err(format!("names a file of more than {LARGEST} bytes"));
    }
    tenants(&text)
}

/// Reads the text of the file.
pub(super) fn tenants(text: &[u8]) -> Result<Vec<TenantRecord>, String> {
    let tenants: Vec<Object<Tenant>> = serde_json::from_slice(text).map_err(|error| problem(&error))?;
    let tenants: Vec<TenantRecord> =
        tenants.into_iter().map(|Object(tenant)| TenantRecord::from(tenant)).collect();
    let (mut ids, mut places) = (BTreeMap::new(), BTreeMap::new());
    for (number, tenant) in (1..).zip(&tenants) {
        if let Some(first) = ids.insert(&*tenant.id, number) {
            return Err(format!("gives tenants {first} and {number} the same id"));
        }
        for (place, key) in (1..).zip(&tenant.keys) {
            if let Some((first, at)) = places.insert(key.digest, (number, place)) {
                return Err(format!("has one key twice: {at} of tenant {first}, {place} of tenant {number}"));
            }
        }
    }
    Ok(tenants)
}

/// Says what is wrong and where, but not what stands there, which may be a key: serde quotes that in
/// front of what it expected.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if error.is_data() => format!("is not a list of tenants: expected {expected}"),
        _ => format!("is not a list of tenants: {text}"),
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Tenant {
    id: TenantId,
    name: Name,
    #[serde(default, deserialize_with = "present")]
    organization_id: Option<TenantId>,
    #[serde(default, deserialize_with = "present")]
    limits: Option<Object<Limits>>,
    keys: Vec<Key>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(default, deserialize_with = "present")]
    max_connections: Option<Count<MOST_CONNECTIONS>>,
    #[serde(default, deserialize_with = "present")]
    messages_per_second: Option<Count<MOST_MESSAGES>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    #[serde(default, deserialize_with = "present")]
    key: Option<Clear>,
    #[serde(default, deserialize_with = "present")]
    sha256: Option<Hash>,
    active: bool,
    #[serde(default, deserialize_with = "present")]
    permissions: Option<Permissions>,
}

impl From<Tenant> for TenantRecord {
    fn from(tenant: Tenant) -> TenantRecord {
        let limits = tenant.limits.map(|Object(limits)| limits).unwrap_or_default();
        TenantRecord {
            id: tenant.id.0,
            name: Some(tenant.name.0),
            organization_id: tenant.organization_id.map(|id| id.0),
            max_connections: limits.max_connections.and_then(|count| usize::try_from(count.0.get()).ok()),
            messages_per_second: limits.messages_per_second.map(|count| count.0),
            keys: tenant.keys.into_iter().map(|Key(key)| key).collect(),
        }
    }
}

/// A key in either of its two forms.
#[derive(serde::Deserialize)]
#[serde(try_from = "Object<Members>")]
struct Key(TenantKeyRecord);

impl TryFrom<Object<Members>> for Key {
    type Error = &'static str;

    fn try_from(Object(members): Object<Members>) -> Result<Key, &'static str> {
        let (digest, form) = match (members.key, members.sha256) {
            (Some(Clear(digest)), None) => (digest, KeyForm::Clear),
            (None, Some(Hash(digest))) => (digest, KeyForm::Hashed),
            _ => return Err("a key needs either `key` or `sha256`"),
        };
        let permissions = members.permissions.map(|Permissions(names)| names);
        Ok(Key(TenantKeyRecord { digest, active: members.active, permissions, form }))
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct TenantId(String);

impl TryFrom<String> for TenantId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<TenantId, &'static str> {
        if is_id(&text) { Ok(TenantId(text)) } else { Err(ID_IS) }
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Name, String> {
        let is_good = (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        is_good
            .then_some(Name(text))
            .ok_or_else(|| format!("a name is 1 to {MAX_NAME} characters, none of them a control character"))
    }
}

/// Clear text, hashed as soon as it is read.
#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct Clear(KeyDigest);

impl TryFrom<String> for Clear {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Clear, &'static str> {
        if is_key(&text) { Ok(Clear(KeyDigest::of(text.as_bytes()))) } else { Err(KEY_IS) }
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
struct Hash(KeyDigest);

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Hash, &'static str> {
        KeyDigest::from_hex(&text).map(Hash).ok_or("a `sha256` is 64 hexadecimal digits")
    }
}

#[derive(serde::Deserialize)]
#[serde(try_from = "Vec<String>")]
struct Permissions(Vec<String>);

impl TryFrom<Vec<String>> for Permissions {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Permissions, String> {
        let belongs = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        let is_good = |name: &String| (1..=MAX_PERMISSION).contains(&name.len()) && name.bytes().all(belongs);
        let are_good = names.len() <= MAX_PERMISSIONS && names.iter().all(is_good);
        are_good.then_some(Permissions(names)).ok_or_else(|| {
            format!(
                "permissions are up to {MAX_PERMISSIONS} names of up to {MAX_PERMISSION} characters of \
                 A-Z a-z 0-9 _.:-"
            )
        })
    }
}

/// A number from 1 to `MOST`.
#[derive(serde::Deserialize)]
#[serde(try_from = "u32")]
struct Count<const MOST: u32>(NonZeroU32);

impl<const MOST: u32> TryFrom<u32> for Count<MOST> {
    type Error = String;

    fn try_from(number: u32) -> Result<Count<MOST>, String> {
        let count = NonZeroU32::new(number).filter(|count| count.get() <= MOST);
        count.map(Count).ok_or_else(|| format!("this limit is from 1 to {MOST}"))
    }
}

/// Takes a member that stands there, so that `null` is no way to leave it out.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A struct written as an object; serde alone takes a list of its members, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
