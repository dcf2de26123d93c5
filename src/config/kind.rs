//! What kinds of value there are, with unit and bounds.
//!
//! Pure: text in, [Value] or a problem out. A problem continues the sentence that the key's name
//! begins, and never holds the text of a secret. How one word is read stands in `parse`.
//!
//! `Kind::Port.parse("70000")` is `Err("is `70000`, not a port (0 to 65535)")`.

use super::parse::{choice, filter, flag, host, is_not, origin, pattern, port, rate, room, words};
use super::types::Rate;

/// How the text of a key is read.
#[derive(Clone, Copy)]
pub enum Kind {
    Port,
    Ports,
    /// A whole number of `unit`, from `least` to `most`.
    Number {
        unit: &'static str,
        least: u64,
        most: u64,
    },
    Flag,
    Choice(&'static [&'static str]),
    /// An IP address or a host name.
    Host,
    /// What `RUST_LOG` takes.
    Filter,
    Path,
    Secret,
    Rate,
    Origins,
    /// Rooms that may be public.
    Rooms,
    /// Any rooms.
    Patterns,
    Words,
}

/// A year: long enough for every timer, short enough that no sum of times overflows.
const LONGEST_MS: u64 = 365 * 86_400_000;
const LARGEST_BYTES: u64 = 1 << 40;

pub(super) const fn millis(least: u64) -> Kind {
    count("milliseconds", least, LONGEST_MS)
}

pub(super) const fn bytes(least: u64) -> Kind {
    count("bytes", least, LARGEST_BYTES)
}

pub(super) const fn count(unit: &'static str, least: u64, most: u64) -> Kind {
    Kind::Number { unit, least, most }
}

/// A valid value. It has no `Debug`: it may be a secret.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Unset,
    Flag(bool),
    Number(u64),
    Ports(Vec<u16>),
    Rate(Option<Rate>),
    Text(String),
    Words(Vec<String>),
}

impl Kind {
    /// Returns what the value counts or is, for help and comments.
    pub fn unit(&self) -> &'static str {
        match self {
            Kind::Port => "port",
            Kind::Ports => "ports, comma-separated",
            Kind::Number { unit, .. } => unit,
            Kind::Flag => "true or false",
            Kind::Choice(_) => "one word",
            Kind::Host => "address or host name",
            Kind::Filter => "log filter",
            Kind::Path => "path",
            Kind::Secret => "secret text",
            Kind::Rate => "a number a second",
            Kind::Origins => "origins, comma-separated",
            Kind::Rooms | Kind::Patterns => "rooms, comma-separated",
            Kind::Words => "words, comma-separated",
        }
    }

    /// Returns the unit, or the words to choose from.
    pub(super) fn in_words(&self) -> String {
        match self {
            Kind::Choice(choices) => choices.join(" or "),
            kind => kind.unit().to_owned(),
        }
    }

    /// Reads a value. An empty list is a list; empty text, secret or path is [Value::Unset].
    ///
    /// # Errors
    /// What is wrong, as the rest of a sentence that begins with the key's name.
    pub(super) fn parse(&self, raw: &str) -> Result<Value, String> {
        // Also catches bytes that were not UTF-8, which arrive as U+FFFD.
        if raw.chars().any(|c| c.is_control() || c == '\u{fffd}') {
            return Err("holds a control character or is not valid UTF-8".to_owned());
        }
        let text = raw.trim();
        match self {
            Kind::Secret if raw.is_empty() => Ok(Value::Unset),
            // A secret may begin or end with a space.
            Kind::Secret => Ok(Value::Text(raw.to_owned())),
            Kind::Port => port(text).map(|port| Value::Number(port.into())),
            Kind::Ports => words(text).map(port).collect::<Result<_, _>>().map(Value::Ports),
            Kind::Number { unit, least, most } => match text.parse() {
                Ok(number) if (*least..=*most).contains(&number) => Ok(Value::Number(number)),
                _ => Err(is_not(text, &format!("a whole number of {unit} from {least} to {most}"))),
            },
            Kind::Flag => flag(text).map(Value::Flag),
            Kind::Choice(choices) => choice(text, choices).map(Value::Text),
            Kind::Host => host(text).map(Value::Text),
            Kind::Filter => filter(text).map(Value::Text),
            Kind::Path if text.is_empty() => Ok(Value::Unset),
            Kind::Path => Ok(Value::Text(text.to_owned())),
            Kind::Rate => rate(text).map(Value::Rate),
            Kind::Origins => words(text).map(origin).collect::<Result<_, _>>().map(Value::Words),
            Kind::Rooms => words(text).map(room).collect::<Result<_, _>>().map(Value::Words),
            Kind::Patterns => words(text).map(pattern).collect::<Result<_, _>>().map(Value::Words),
            Kind::Words => Ok(Value::Words(words(text).map(str::to_owned).collect())),
        }
    }
}
