//! The nouns everything else is made of: ids, rooms, identities, errors, time.
//!
//! Pure values only. No clock is read, no randomness drawn and no socket touched here, so that
//! every rule about *what a thing is* can be read and tested without a running server. Time and
//! randomness are named as traits ([`time::Clock`], [`random::Random`]) and come in from outside.
//!
//! ```
//! use switchboard::domain::room::{Kind, Room};
//!
//! let room = Room::parse("project:123").unwrap();
//! assert_eq!(room.kind(), Kind::Project);
//! assert_eq!(room.id(), "123");
//! ```

pub mod alert;
pub mod channel;
pub mod error;
pub mod farewell;
pub mod id;
pub mod identity;
pub mod json;
pub mod lead;
pub mod profile;
pub mod random;
pub mod room;
pub mod tenant;
pub mod text;
pub mod time;

use std::sync::Arc;

/// The injected source of time and randomness, handed to everything that needs either.
#[derive(Clone)]
pub struct Ambient {
    pub clock: Arc<dyn time::Clock>,
    pub random: Arc<dyn random::Random>,
}
