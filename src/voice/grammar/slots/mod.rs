//! Typed values read from words.

pub mod email;
pub mod number;
pub mod phone;
pub mod text;

use serde::Serialize;

/// What a slot is filled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Text(String),
    Number(u64),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Number(number) => number.fmt(f),
        }
    }
}

/// A value at the head of some tokens.
#[derive(Debug, PartialEq, Eq)]
pub struct Spoken<T> {
    pub value: T,
    /// Tokens it takes.
    pub length: usize,
    /// Whether it could have been meant in another way.
    pub is_doubtful: bool,
}
