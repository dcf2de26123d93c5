//! The packets of Socket.IO v5, server side: text and binary messages in, packets out, and back.
//!
//! To be read in this order: `packet` (the text of a packet), `event` (its name and arguments),
//! `walk` (finding objects in raw JSON), `placeholders` (what stands for an attachment),
//! `assembler` (a header and its attachments become one), `encode`. No namespace table, no ack
//! ledger and no decision to close may live here: every error below ends the connection, and
//! ending it is the session's business.
//!
//! What the codec promises about hostile input:
//! - it never panics and never recurses, however deep the JSON is; how deep a payload may be is
//!   judged by whoever reads it (contract D-39);
//! - payloads stay the text they were (D-38), and what is written holds no raw control character
//!   but JSON's whitespace, so nothing a client says can end a packet of a polling body early;
//! - memory follows the bytes that came, within [`Limits::soft`], never a count a header announced;
//! - a placeholder that reaches another client was in range when it came, and is when it goes.
//!
//! ```
//! use switchboard::proto::socketio::{Assembler, Incoming, Limits, Outgoing};
//!
//! let mut assembler = Assembler::new(Limits::default());
//! let Incoming::Packet(header) = assembler.text(r#"2/ws,7["move",{"x":1.0}]"#)? else { panic!() };
//! let event = header.event().expect("it is one");
//! assert_eq!((header.namespace, &*event.name), ("/ws", "move"));
//! assert_eq!(event.args.first().map(|raw| raw.get()), Some(r#"{"x":1.0}"#));
//!
//! let mut reply = Vec::new();
//! Outgoing::Ack { namespace: "/ws", id: 7, args: event.args, attachments: 0 }.write(&mut reply)?;
//! assert_eq!(reply, br#"3/ws,7[{"x":1.0}]"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assembler;
mod encode;
mod event;
mod packet;
mod placeholders;
mod walk;

pub use assembler::{Assembled, Assembler, Incoming};
pub use encode::{EncodeError, Outgoing};
pub use event::{Arguments, Event, RESERVED, is_reserved};
pub use packet::{Header, Kind, Limits, MAX_ATTACHMENTS, PacketError, decode, lookup_name};
pub use placeholders::{PlaceholderError, Unpacked, from_plain, plain_size, to_plain};
