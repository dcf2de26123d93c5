//! permessage-deflate (RFC 7692) without context takeover: every message stands for itself.
//!
//! That is what lets one compressed frame go to a thousand clients, and what lets an idle
//! connection hold no memory for compression: deflaters and inflaters belong to the thread. What is
//! agreed on is decided in [`negotiate`]; what is worth compressing, and who shares it, is for
//! others to say.
//!
//! ```
//! use switchboard::proto::websocket::{Effort, Opcode, WindowBits, deflated, encode};
//!
//! let entry = encode(Opcode::Text, "la ".repeat(500).as_bytes());
//! let small = deflated(&entry, WindowBits::MAX, 1024, Effort::Quick).unwrap();
//! assert!(small.len() < 50);
//! assert_eq!(deflated(&entry, WindowBits::MAX, 2000, Effort::Quick), None);
//! ```

mod deflater;
pub(super) mod inflater;
mod negotiate;

pub use deflater::{Effort, deflated};
pub use negotiate::{Agreed, negotiate};

use std::num::NonZeroU8;

/// How far back a compressed message may refer, as a power of two: what its reader must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(NonZeroU8);

impl WindowBits {
    /// Eight is legal in an offer, but no library deflates so (contract D-27).
    pub const MIN: Self = Self(NonZeroU8::new(9).unwrap());
    pub const MAX: Self = Self(NonZeroU8::new(15).unwrap());
    /// How many sizes there are.
    pub const SIZES: usize = 7;

    /// `None` for what cannot be honoured.
    pub fn new(bits: u8) -> Option<Self> {
        let bits = NonZeroU8::new(bits).map(Self)?;
        (Self::MIN..=Self::MAX).contains(&bits).then_some(bits)
    }

    pub fn get(self) -> u8 {
        self.0.get()
    }

    /// Whether deflating for it costs no more than for the largest. With small ones it is ten times as
    /// much: the tables of whoever deflates are turned over every few hundred bytes.
    pub fn is_cheap(self) -> bool {
        self.get() >= 12
    }

    /// Its place among all sizes, from 0.
    pub fn index(self) -> usize {
        usize::from(self.get() - Self::MIN.get())
    }
}
