//! Guide 002's payloads.

use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::time::Timestamp;
use crate::events::fields;

/// Completes a `notification` (contract X-16): keys that were given are kept as they are and in
/// their order, missing ones are appended with their defaults.
///
/// # Errors
/// `INVALID_MESSAGE` if `data` is no object. What its fields hold is checked by the catalog's row.
pub fn complete_notification(
    data: &RawValue,
    id: &str,
    now: Timestamp,
) -> Result<Box<RawValue>, ClientError> {
    let defaults = [
        ("id", format!("\"{id}\"")),
        ("title", "\"\"".to_owned()),
        ("type", "\"info\"".to_owned()),
        ("priority", "\"medium\"".to_owned()),
        ("timestamp", now.millis().to_string()),
        ("read", "false".to_owned()),
    ];
    fields::complete(data, &defaults)
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
        let row = crate::events::catalog::find_event("notification").unwrap();
        for bad in [
            "{}",
            "[]",
            "5",
            r#"{"message":5}"#,
            r#"{"message":"m","type":"zap"}"#,
            r#"{"message":"m","priority":1}"#,
        ] {
            let data: Box<RawValue> = serde_json::from_str(bad).unwrap();
            assert!(row.check(&data).is_err(), "{bad}");
        }
    }
}
