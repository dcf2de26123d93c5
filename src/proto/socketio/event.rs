//! An event's array, split into its name and the raw text of the arguments.
//!
//! No tree may be built here: an argument nobody reads costs nothing but its syntax check.
//!
//! ```
//! use serde_json::value::RawValue;
//! use switchboard::proto::socketio::Event;
//!
//! let array: &RawValue = serde_json::from_str(r#"["say", {"b":1,"a":2}, "x"]"#)?;
//! let event = Event::split(array).unwrap();
//! assert_eq!(event.name, "say");
//! assert_eq!(event.args.as_str(), r#"{"b":1,"a":2}, "x""#);
//! assert_eq!(event.args.iter().last().unwrap().get(), r#""x""#);
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::borrow::Cow;
use std::iter;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::packet::PacketError;

/// Names that belong to the libraries' own life cycle and may be no event's (contract W7).
pub const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether `name` is one of [`RESERVED`].
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// What happened, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Borrowed where it holds no escapes. A number's name is its text, as in JavaScript, where
    /// listeners of `5` and of `"5"` are the same.
    pub name: Cow<'a, str>,
    pub args: Arguments<'a>,
}

impl<'a> Event<'a> {
    /// Splits the payload of an event, without looking further than its name.
    ///
    /// # Errors
    /// `Payload` for what is no array; `EventName` for an empty one, a name that is neither
    /// string nor number, and a string with half a surrogate pair; `ReservedName`.
    pub fn split(array: &'a RawValue) -> Result<Self, PacketError> {
        let items = Arguments::of_array(array).ok_or(PacketError::Payload)?;
        let (first, args) = items.split_first().ok_or(PacketError::EventName)?;
        let name = match first.get().as_bytes() {
            [b'"', ..] => unescape(first.get()).ok_or(PacketError::EventName)?,
            [b'-' | b'0'..=b'9', ..] => Cow::Borrowed(first.get()),
            _ => return Err(PacketError::EventName),
        };
        if is_reserved(&name) {
            return Err(PacketError::ReservedName);
        }
        Ok(Self { name, args })
    }
}

/// The arguments of an event or an ack: values as they came, with commas between them. Its being
/// is the proof that the text is JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments<'a>(&'a str);

impl<'a> Arguments<'a> {
    /// No argument at all.
    pub const NONE: Arguments<'static> = Arguments("");

    /// A single argument.
    pub fn one(value: &'a RawValue) -> Self {
        Self(value.get())
    }

    /// The items of an array; `None` if it is none.
    pub fn of_array(array: &'a RawValue) -> Option<Self> {
        let items = array.get().strip_prefix('[')?.strip_suffix(']')?;
        Some(Self(items.trim_matches(WHITESPACE)))
    }

    /// The values and the commas between them.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The first argument, found without looking at the others.
    pub fn first(self) -> Option<&'a RawValue> {
        self.split_first().map(|(first, _)| first)
    }

    /// One argument after the other, each found when it is asked for.
    pub fn iter(self) -> impl Iterator<Item = &'a RawValue> {
        let mut rest = self;
        iter::from_fn(move || {
            let (first, behind) = rest.split_first()?;
            rest = behind;
            Some(first)
        })
    }

    fn split_first(self) -> Option<(&'a RawValue, Self)> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter::<&RawValue>();
        let first = values.next()?.ok()?;
        let behind = self.0.get(values.byte_offset()..)?.trim_start_matches(WHITESPACE);
        let rest = behind.strip_prefix(',').unwrap_or(behind);
        Some((first, Self(rest.trim_start_matches(WHITESPACE))))
    }
}

/// JSON's, which is less than Unicode's.
const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A string that is borrowed where it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What a string of JSON says; `None` for half a surrogate pair, which is JSON but not Unicode.
pub(super) fn unescape(quoted: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(quoted).ok().map(|Text(text)| text)
}
