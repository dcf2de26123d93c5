//! The frames and messages of RFC 6455, server side, as bytes in and bytes out.
//!
//! To be read in this order: `frame` (what a frame is, and the server's), `header` (the client's,
//! and its mask), `close`, `utf8`, `message` (fragments become one), `decoder` (bytes become
//! events), `deflate` (messages made smaller), `own` (our frames, read back). No socket, no clock, no
//! handshake and no policy may live here: the same bytes always give the same events however they were
//! cut into reads, which is what makes the codec testable byte by byte. Who answers a ping, echoes a close or logs a [`Violation`] is the session's
//! business.
//!
//! What the codec promises about hostile input:
//! - it never panics, and every call takes bytes, gives an event or names a [`Violation`];
//! - memory follows the bytes that came, never the length a message announced nor what a compressed
//!   one would become, and stays within [`Limits::soft`], or [`Limits::start`] if that is more, plus one
//!   control frame and, while a compressed message comes, its inflater; between messages it is zero;
//! - after a close frame or a violation it swallows everything, so a caller that goes on calling
//!   cannot spin.
//!
//! ```
//! use switchboard::proto::websocket::{Decoder, Event, Limits, Opcode, encode};
//!
//! let mut decoder = Decoder::new(Limits { soft: 1_000, hard: 10_000, start: 0 });
//! // "Hi", masked with the key 1 2 3 4, and the first byte of a frame still to come.
//! let mut input: &[u8] = &[0x81, 0x82, 1, 2, 3, 4, b'H' ^ 1, b'i' ^ 2, 0x89];
//!
//! assert_eq!(decoder.decode(&mut input), Ok(Some(Event::Text("Hi".into()))));
//! assert_eq!(decoder.decode(&mut input), Ok(None));
//! assert!(input.is_empty());
//!
//! assert_eq!(encode(Opcode::Text, b"Hi"), b"\x81\x02Hi".as_slice());
//! ```

mod close;
mod decoder;
mod deflate;
mod frame;
mod header;
mod message;
mod own;
mod utf8;

pub use close::{CloseCode, CloseFrame, Violation};
pub use decoder::Decoder;
pub use deflate::{Agreed, Effort, WindowBits, deflated, negotiate};
pub use frame::{FrameBuilder, Opcode, encode};
pub use message::{Event, Limits, Skipped};
pub use own::{OwnFrame, own_frames};
