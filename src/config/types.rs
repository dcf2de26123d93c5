//! The types that settings are made of.
//!
//! Plain values. What they lead to is decided by whoever holds them, never here.
//!
//! `RoomPatterns::new(["public:*"]).matches("public:news")` is true.

use std::fmt;
use std::num::NonZeroU32;

/// Where the gateway runs. Production tightens defaults and refuses known secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Production,
}

/// Whether admin routes need credentials (`contract.md`, X-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAuth {
    /// Needed in production, and wherever an admin key is set.
    Auto,
    Required,
}

/// Who may join admin rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminRoomJoin {
    Admin,
    Authenticated,
}

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    /// How many may come at once after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// Makes the rate of `contract.md`, D-11: a burst of ten times the number a second.
    pub fn of(per_second: NonZeroU32) -> Rate {
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(9));
        Rate { per_second, burst }
    }
}

/// Text that no log, error or debug print shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Returns the text, for the one place that verifies or signs with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A set of room names, some of which stand for every name that begins like them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPatterns(Vec<RoomPattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum RoomPattern {
    Name(String),
    Start(String),
}

impl RoomPatterns {
    /// Makes a set of names; one that ends in `*` stands for every name with that start.
    pub fn new<I: IntoIterator<Item: AsRef<str>>>(names: I) -> RoomPatterns {
        let pattern = |name: &str| match name.strip_suffix('*') {
            Some(start) => RoomPattern::Start(start.to_owned()),
            None => RoomPattern::Name(name.to_owned()),
        };
        RoomPatterns(names.into_iter().map(|name| pattern(name.as_ref())).collect())
    }

    /// Returns whether the set holds this room.
    pub fn matches(&self, room: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            RoomPattern::Name(name) => name == room,
            RoomPattern::Start(start) => room.starts_with(start),
        })
    }
}
