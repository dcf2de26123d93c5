//! What a payload must look like, as a list of fields, and the check against it.
//!
//! One level deep: what stands within a field is its sender's business, unless the server completes
//! it. Keys that are not listed pass (contract D-38).

use std::fmt::Write;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::error::ClientError;

/// One field of a payload.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub key: &'static str,
    pub kind: Kind,
    pub is_required: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    /// An id as a string, or a whole number that is taken for one (contract X-25).
    Id,
    Number,
    Flag,
    Object,
    List,
    OneOf(&'static [&'static str]),
    Anything,
}

/// A field that must be there.
pub const fn must(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, is_required: true }
}

/// A field that may be missing, or `null`.
pub const fn may(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, is_required: false }
}

/// Checks an object against its fields. Of two equal keys the last counts, as for clients.
///
/// # Errors
/// `INVALID_MESSAGE`, naming the field and what it must hold.
pub fn check(data: &str, fields: &[Field]) -> Result<(), ClientError> {
    let members = members(data)?;
    for field in fields {
        let value = members.iter().rfind(|(name, _)| name == field.key).map(|(_, value)| value.get());
        let is_fit = match value {
            None => !field.is_required,
            Some("null") if !field.is_required => true,
            Some(text) => field.kind.fits(text),
        };
        if !is_fit {
            let what = field.kind.in_words();
            return Err(ClientError::invalid(format!("`{}` must be {what}", field.key)));
        }
    }
    Ok(())
}

/// An object's members in the order they were written.
///
/// # Errors
/// `INVALID_MESSAGE` if it is none.
pub fn members(data: &str) -> Result<Vec<(String, &RawValue)>, ClientError> {
    let read = serde_json::from_str::<Members<'_>>(data);
    read.map(|members| members.0).map_err(|_| ClientError::invalid("The payload must be an object"))
}

/// The object with what it lacks behind what it has: keys that are there stay as they are, and where
/// they are. Defaults are JSON text.
///
/// # Errors
/// `INVALID_MESSAGE` if it is no object.
pub fn complete(data: &RawValue, defaults: &[(&str, String)]) -> Result<Box<RawValue>, ClientError> {
    let members = members(data.get())?;
    let mut text = data.get().trim_end().strip_suffix('}').unwrap_or_default().trim_end().to_owned();
    let mut is_empty = members.is_empty();
    for (key, value) in defaults {
        if !members.iter().any(|(name, _)| name == key) {
            let comma = if is_empty { "" } else { "," };
            let _ = write!(text, "{comma}\"{key}\":{value}");
            is_empty = false;
        }
    }
    text.push('}');
    RawValue::from_string(text).map_err(|_| ClientError::internal())
}

impl Kind {
    fn fits(self, text: &str) -> bool {
        let first = text.as_bytes().first();
        match self {
            Kind::Text => first == Some(&b'"'),
            Kind::Id => serde_json::from_str::<crate::domain::id::Id>(text).is_ok(),
            Kind::Number => first.is_some_and(|byte| *byte == b'-' || byte.is_ascii_digit()),
            Kind::Flag => matches!(text, "true" | "false"),
            Kind::Object => first == Some(&b'{'),
            Kind::List => first == Some(&b'['),
            // Not compared as text: a word may be written with escapes.
            Kind::OneOf(words) => {
                serde_json::from_str::<String>(text).is_ok_and(|word| words.contains(&&*word))
            }
            Kind::Anything => true,
        }
    }

    fn in_words(self) -> String {
        match self {
            Kind::Text => "a string".to_owned(),
            Kind::Id => "an id: 1 to 128 characters of A-Z a-z 0-9 _.:@-".to_owned(),
            Kind::Number => "a number".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Object => "an object".to_owned(),
            Kind::List => "an array".to_owned(),
            Kind::OneOf(words) => format!("one of: {}", words.join(", ")),
            Kind::Anything => "given".to_owned(),
        }
    }
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_its_own_and_nothing_else() {
        let values = ["\"a\"", "5", "-1.5", "true", "{}", "[]", "null"];
        let table: [(Kind, [bool; 7]); 8] = [
            (Kind::Text, [true, false, false, false, false, false, false]),
            (Kind::Id, [true, true, false, false, false, false, false]),
            (Kind::Number, [false, true, true, false, false, false, false]),
            (Kind::Flag, [false, false, false, true, false, false, false]),
            (Kind::Object, [false, false, false, false, true, false, false]),
            (Kind::List, [false, false, false, false, false, true, false]),
            (Kind::OneOf(&["a", "b"]), [true, false, false, false, false, false, false]),
            (Kind::Anything, [true; 7]),
        ];
        for (kind, fits) in table {
            assert_eq!(values.map(|value| kind.fits(value)), fits, "{kind:?}");
        }
    }

    #[test]
    fn a_missing_field_is_missed_only_where_it_must_be_there() {
        const FIELDS: &[Field] = &[must("a", Kind::Text), may("b", Kind::Number)];
        for good in [r#"{"a":"x"}"#, r#"{"a":"x","b":null}"#, r#"{"a":1,"c":[],"b":2,"a":"x"}"#] {
            assert!(check(good, FIELDS).is_ok(), "{good}");
        }
        for bad in ["{}", r#"{"a":null}"#, r#"{"a":"x","b":"2"}"#, "[]", "5", "null"] {
            assert!(check(bad, FIELDS).is_err(), "{bad}");
        }
    }
}
