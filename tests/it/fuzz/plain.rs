//! Plain JSON messages, by the two guides that speak them.

use proptest::prelude::*;
use serde_json::value::RawValue;
use switchboard::proto::plain::{Message, PlainError, decode};

use super::driver::{Outcome, Target, Trace};
use super::json::{NoTree, Node, Tree, said, tree};
use super::mutation::{Grammar, between, joined};
use crate::support::heap::taken;

pub const TARGET: Target =
    Target { name: "plain", grammar: Grammar { tokens: TOKENS, units, rebuild: joined }, check };

/// Of any JSON, and of these envelopes.
#[rustfmt::skip] // Read in rows.
pub const TOKENS: &[&[u8]] = &[
    b"{", b"}", b"[", b"]", b":", b",", b"\"", b"\\", b"\\\"", b"\\u0000", b"\\ud800", b"\\ude00",
    b"\\u0074", b" ", b"\n", b"\0", b"\x1e", b"\xc3\xa9", b"\xc3", b"\xff", b"null", b"true", b"-0",
    b"1.5e-3", b"{}", b"[]", b"\"\"", b"\"type\":", b"\"event\":", b"\"payload\":", b"\"data\":",
    b"\"id\":", b"\"\\u0074ype\":\"a\",", b"\"type\":\"a\",", b"\"event\":\"a\",", b"\"id\":7,",
    b"\"__proto__\":", b"\"constructor\":{},", b"[[[[[[[[[[[[[[[[", b"]]]]]]]]]]]]]]]]",
    b"{\"a\":{\"a\":{\"a\":", b"}}}", b"\xe2\x80\xa8", b"\xef\xbb\xbf",
];

/// Longest `id` that is echoed.
const MAX_ID: usize = 128;

fn check(input: &[u8], trace: &mut Trace) -> Outcome {
    let Ok(text) = str::from_utf8(input) else { return Ok(()) };
    let (decoded, taken) = taken(|| decode(text));
    prop_assert!(taken.peak <= 4 * text.len() + 1_024, "{} bytes held for {}", taken.peak, text.len());
    trace.note(decoded.as_ref().map(|_| 0).map_err(|error| format!("{error:?}")));

    match (&decoded, told(text)) {
        (_, Err(None)) => {}
        (Err(error), Err(Some(told))) => prop_assert_eq!(*error, told),
        (Ok(message), Ok(told)) => {
            prop_assert_eq!(seen(message), told);
            said_again(message)?;
            note(message, trace);
        }
        (decoded, told) => prop_assert!(false, "{decoded:?} instead of {told:?}"),
    }
    Ok(())
}

/// Name, payload, id, and whether it is guide 004's form.
type Seen = (String, Option<String>, Option<String>, bool);

fn seen(message: &Message<'_>) -> Seen {
    let text = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
    (message.name.clone().into_owned(), text(message.data), text(message.id), message.is_event)
}

/// The message in the words of its own form is the message.
fn said_again(message: &Message<'_>) -> Outcome {
    let (name, data) = if message.is_event { ("event", "data") } else { ("type", "payload") };
    let mut text = format!("{{\"{name}\":{}", serde_json::to_string(&message.name).unwrap());
    for (key, value) in [(data, message.data), ("id", message.id)] {
        if let Some(value) = value {
            text += &format!(",\"{key}\":{}", value.get());
        }
    }
    text += "}";
    let again = decode(&text).map(|again| seen(&again));
    prop_assert_eq!(again, Ok(seen(message)), "{}", text);
    Ok(())
}

fn note(message: &Message<'_>, trace: &mut Trace) {
    trace.note((message.is_event, message.data.is_some(), message.id.is_some()));
    trace.note(message.data.and_then(|data| data.get().bytes().next()));
    trace.note_size("payload", message.data.map_or(0, |data| data.get().len()));
}

/// What a text is by the tree of it. `Err(None)`: too deep for a tree.
fn told(text: &str) -> Result<Seen, Option<PlainError>> {
    let tree = tree(text).map_err(|why| (why == NoTree::NotJson).then_some(PlainError::NotAnObject))?;
    let Node::Object(entries) = &tree.node else { return Err(Some(PlainError::NotAnObject)) };

    let mut fields: [Option<&Tree>; 5] = [None; 5];
    for (key, value) in entries {
        let key = said(&text[key.clone()]).ok_or(Some(PlainError::NotAnObject))?;
        let known = ["type", "event", "payload", "data", "id"].iter().position(|known| *known == key);
        let Some(field) = known.map(|at| &mut fields[at]) else { continue };
        if field.replace(value).is_some() {
            return Err(Some(PlainError::NotAnObject));
        }
    }
    let texts =
        fields.map(|field| field.map(|tree| &text[tree.range.clone()]).filter(|text| *text != "null"));
    let [kind, event, payload, data, id] = texts;
    let name = |quoted: Option<&str>| match quoted.map(|quoted| said(quoted).ok_or(PlainError::NotAnObject)) {
        Some(Err(error)) => Err(error),
        Some(Ok(name)) => Ok(Some(name)),
        None => Ok(None),
    };
    let (kind, event) = (name(kind)?, name(event)?);
    if kind.is_some() && event.is_some() && kind != event {
        return Err(Some(PlainError::TwoNames));
    }
    if payload.is_some() && data.is_some() {
        return Err(Some(PlainError::TwoPayloads));
    }
    if id.is_some_and(|id| id.len() > MAX_ID) {
        return Err(Some(PlainError::IdTooLong));
    }
    let is_event = kind.is_none();
    let name = kind.or(event).filter(|name| !name.is_empty()).ok_or(PlainError::NoName)?;
    let text = |raw: Option<&str>| raw.map(str::to_owned);
    Ok((name, text(payload.or(data)), text(id), is_event))
}

fn units(input: &[u8]) -> Vec<super::mutation::Unit> {
    between(input, b',')
}
