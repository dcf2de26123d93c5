//! Opaque ids as clients write them.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

/// The id of a user, a socket, an organization, ...: 1 to 128 of `A-Z a-z 0-9 _ . : @ -`, echoed
/// verbatim (contract X-25). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Arc<str>);

/// Longest id, in bytes.
pub const MAX_LENGTH: usize = 128;

impl Id {
    /// `None` if `text` is not an id.
    pub fn parse(text: &str) -> Option<Id> {
        let sound = !text.is_empty()
            && text.len() <= MAX_LENGTH
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:@-".contains(&b));
        sound.then(|| Id(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    /// Takes a string, or an integer in its decimal form (contract X-25: numbers are stringified).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Unsigned(u64),
            Signed(i64),
        }
        let text = match Written::deserialize(deserializer) {
            Ok(Written::Text(text)) => text,
            Ok(Written::Unsigned(number)) => number.to_string(),
            Ok(Written::Signed(number)) => number.to_string(),
            Err(_) => return Err(Error::custom("an id must be a string")),
        };
        Id::parse(&text)
            .ok_or_else(|| Error::custom("an id must be 1 to 128 characters of A-Z a-z 0-9 _.:@-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bounded_in_length_and_alphabet() {
        for good in ["u1", "user_123", "a.b:c@d-e", &"x".repeat(128)] {
            assert!(Id::parse(good).is_some(), "{good}");
        }
        for bad in ["", "../", "a b", "ü", "a\nb", &"x".repeat(129)] {
            assert!(Id::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_taken_in_its_decimal_form() {
        assert_eq!(serde_json::from_str::<Id>("123").unwrap().as_str(), "123");
        assert!(serde_json::from_str::<Id>("1.5").is_err());
        assert!(serde_json::from_str::<Id>("{}").is_err());
    }
}
