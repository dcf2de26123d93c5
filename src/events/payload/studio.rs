//! Guide 002's payloads.

use std::fmt::Write;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::time::Timestamp;

/// Completes a `notification` (contract X-16): keys that were given are kept as they are and in
/// their order, missing ones are appended with their defaults.
///
/// # Errors
/// `INVALID_MESSAGE` if `data` is no object, or if a listed key holds what it may not.
pub fn complete_notification(
    data: &RawValue,
    id: &str,
    now: Timestamp,
) -> Result<Box<RawValue>, ClientError> {
    let members: Members<'_> = serde_json::from_str(data.get())
        .map_err(|_| ClientError::invalid("The data of a notification must be an object"))?;
    // Of two equal keys, clients take the last.
    let find = |key: &str| members.0.iter().rfind(|(name, _)| name == key).map(|(_, value)| *value);
    if !find("message").is_some_and(|message| message.get().starts_with('"')) {
        return Err(ClientError::invalid("A notification needs a `message` string"));
    }
    one_of(find("type"), "type", &["info", "success", "warning", "error"])?;
    one_of(find("priority"), "priority", &["low", "medium", "high", "urgent"])?;

    let open = data.get().trim_end().strip_suffix('}').ok_or_else(ClientError::internal)?;
    let mut text = open.trim_end().to_owned();
    let defaults = [
        ("id", format!("\"{id}\"")),
        ("title", "\"\"".to_owned()),
        ("type", "\"info\"".to_owned()),
        ("priority", "\"medium\"".to_owned()),
        ("timestamp", now.millis().to_string()),
        ("read", "false".to_owned()),
    ];
    for (key, value) in defaults {
        if find(key).is_none() {
            // `message` is always there, so a comma always fits.
            let _ = write!(text, ",\"{key}\":{value}");
        }
    }
    text.push('}');
    RawValue::from_string(text).map_err(|_| ClientError::internal())
}

fn one_of(value: Option<&RawValue>, key: &str, allowed: &[&str]) -> Result<(), ClientError> {
    let Some(value) = value else { return Ok(()) };
    // Not a `&str`: a word may be written with escapes.
    let is_allowed = serde_json::from_str::<String>(value.get()).is_ok_and(|word| allowed.contains(&&*word));
    if is_allowed {
        return Ok(());
    }
    Err(ClientError::invalid(format!("`{key}` must be one of: {}", allowed.join(", "))))
}

/// An object's members in the order they were written.
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

    fn complete(data: &str) -> Result<String, ClientError> {
        let data: Box<RawValue> = serde_json::from_str(data).unwrap();
        complete_notification(&data, "n1", Timestamp::from_millis(7)).map(|raw| raw.get().to_owned())
    }

    #[test]
    fn missing_keys_get_their_defaults_behind_the_given_ones() {
        assert_eq!(
            complete(r#"{"message":"Your voice clone is ready!"}"#).unwrap(),
            r#"{"message":"Your voice clone is ready!","id":"n1","title":"","type":"info","priority":"medium","timestamp":7,"read":false}"#
        );
    }

    #[test]
    fn given_keys_stay_and_so_do_extra_ones() {
        let given = r#"{"read":true,"x":{"y":1.50},"message":"m}","id":"i","title":"t","type":"error","priority":"urgent","timestamp":1}"#;
        assert_eq!(complete(given).unwrap(), given);
    }

    #[test]
    fn nested_braces_at_the_end_survive() {
        let completed = complete(r#"{"message":"m","action":{"label":"l","url":"u"}} "#).unwrap();
        let value: serde_json::Value = serde_json::from_str(&completed).unwrap();
        assert_eq!(value["action"]["url"], "u");
        assert_eq!(value["read"], false);
    }

    #[test]
    fn what_is_no_notification_is_refused() {
        for bad in [
            "{}",
            "[]",
            "5",
            r#"{"message":5}"#,
            r#"{"message":"m","type":"zap"}"#,
            r#"{"message":"m","priority":1}"#,
        ] {
            assert!(complete(bad).is_err(), "{bad}");
        }
    }
}
