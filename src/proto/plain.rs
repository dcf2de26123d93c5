//! One plain JSON message, `{"type","payload"}` or `{"event","data"}`, split into name and raw JSON.
//!
//! Both guides that speak plain WebSocket are accepted message by message (contract X-26). The
//! payload stays the text it was; what it must look like is known in `events`, not here.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message, its parts borrowed from the text.
#[derive(Debug)]
pub struct Message<'a> {
    pub name: Cow<'a, str>,
    pub data: Option<&'a RawValue>,
    /// The client's own mark, echoed in the reply (contract D-36).
    pub id: Option<&'a RawValue>,
    /// Named by `event` alone: guide 004's form.
    pub is_event: bool,
}

/// Why a text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainError {
    NotAnObject,
    NoName,
    TwoNames,
    TwoPayloads,
    IdTooLong,
}

impl fmt::Display for PlainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PlainError::NotAnObject => {
                "A message must be a JSON object with `type` and `payload`, or `event` and `data`"
            }
            PlainError::NoName => "`type` or `event` must name the message",
            PlainError::TwoNames => "`type` and `event` name different messages",
            PlainError::TwoPayloads => "`payload` and `data` cannot both be given",
            PlainError::IdTooLong => "`id` may have at most 128 bytes",
        })
    }
}

impl std::error::Error for PlainError {}

/// Longest `id` that is echoed, in bytes of JSON text.
const MAX_ID: usize = 128;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    event: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// A string that is borrowed where it holds no escapes.
#[derive(Deserialize, PartialEq)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Splits `text`. Runs without recursion over the payload, however deep that is.
///
/// # Errors
/// Names what is wrong with the envelope; never looks into the payload.
pub fn decode(text: &str) -> Result<Message<'_>, PlainError> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| PlainError::NotAnObject)?;
    if !text.trim_start().starts_with('{') {
        // serde would read an array as the struct's fields in order.
        return Err(PlainError::NotAnObject);
    }
    if envelope.kind.is_some() && envelope.event.is_some() && envelope.kind != envelope.event {
        return Err(PlainError::TwoNames);
    }
    if envelope.payload.is_some() && envelope.data.is_some() {
        return Err(PlainError::TwoPayloads);
    }
    if envelope.id.is_some_and(|id| id.get().len() > MAX_ID) {
        return Err(PlainError::IdTooLong);
    }
    let is_event = envelope.kind.is_none();
    let name = envelope.kind.or(envelope.event).ok_or(PlainError::NoName)?.0;
    if name.is_empty() {
        return Err(PlainError::NoName);
    }
    Ok(Message { name, data: envelope.payload.or(envelope.data), id: envelope.id, is_event })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_understood() {
        let by_type = decode(r#"{"type":"join","payload":{"room":"a"},"id":7}"#).unwrap();
        assert_eq!(by_type.name, "join");
        assert_eq!(by_type.data.unwrap().get(), r#"{"room":"a"}"#);
        assert_eq!(by_type.id.unwrap().get(), "7");

        let by_event = decode(r#" {"event":"client:ping"}"#).unwrap();
        assert_eq!(by_event.name, "client:ping");
        assert!(by_event.data.is_none());
        assert!(by_event.is_event && !by_type.is_event);
    }

    #[test]
    fn one_name_twice_is_one_name() {
        assert_eq!(decode(r#"{"type":"ping","event":"ping"}"#).unwrap().name, "ping");
        assert_eq!(decode(r#"{"type":"p\u0069ng","event":"ping"}"#).unwrap().name, "ping");
    }

    #[test]
    fn what_is_no_message_is_named() {
        let cases: &[(&str, PlainError)] = &[
            ("", PlainError::NotAnObject),
            ("{", PlainError::NotAnObject),
            ("[]", PlainError::NotAnObject),
            (r#"["join"]"#, PlainError::NotAnObject),
            (r#"["a","a",1,1,1]"#, PlainError::NotAnObject),
            ("42", PlainError::NotAnObject),
            (r#""x""#, PlainError::NotAnObject),
            ("null", PlainError::NotAnObject),
            (r#"{"type":5}"#, PlainError::NotAnObject),
            (r#"{"type":"a","type":"a"}"#, PlainError::NotAnObject),
            (r#"{"type":"a"} trailing"#, PlainError::NotAnObject),
            ("{}", PlainError::NoName),
            (r#"{"type":null}"#, PlainError::NoName),
            (r#"{"type":""}"#, PlainError::NoName),
            (r#"{"event":"a","type":"b"}"#, PlainError::TwoNames),
            (r#"{"event":"a","data":1,"payload":1}"#, PlainError::TwoPayloads),
        ];
        for (text, error) in cases {
            assert_eq!(decode(text).unwrap_err(), *error, "{text}");
        }
        let long = format!(r#"{{"type":"a","id":"{}"}}"#, "x".repeat(127));
        assert_eq!(decode(&long).unwrap_err(), PlainError::IdTooLong);
    }

    #[test]
    fn ten_thousand_brackets_need_no_stack() {
        let deep = format!(r#"{{"type":"a","payload":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(decode(&deep).unwrap().data.unwrap().get().len(), 20_000);
    }

    #[test]
    fn prototype_names_are_names_like_any_other() {
        assert_eq!(decode(r#"{"type":"__proto__","constructor":{}}"#).unwrap().name, "__proto__");
    }
}
