//! Engine.IO v4, server side: packets, the bodies of polls and pushes, the handshake, and the life
//! of one session on its transports.
//!
//! To be read in this order: `packet`, `payload` and `bare` (bytes become packets, and a queue
//! becomes a poll's answer), `query` and `handshake` (what a request asks for), `signals` (the
//! machine's words), `transitions` (its table), `heartbeat`, `machine`. No socket, no clock, no queue
//! and no look-up of sessions may live here: bytes, inputs and a time come in, packets and
//! [`Action`]s go out.
//!
//! A time is always the time since one arbitrary start, the same for all calls, and never goes back.
//!
//! ```
//! use std::time::Duration;
//! use switchboard::proto::engineio::{Action, Input, Machine, PollAnswer, Timings};
//!
//! let timings = Timings {
//!     ping_interval: Duration::from_secs(25),
//!     ping_timeout: Duration::from_secs(60),
//!     upgrade_timeout: Duration::from_secs(10),
//! };
//! let mut machine = Machine::polling(timings, Duration::ZERO);
//!
//! assert_eq!(machine.handle(Input::Poll { queued: false }, Duration::from_secs(1)), []);
//! assert_eq!(machine.next_deadline(), Some(Duration::from_secs(25)));
//! assert_eq!(
//!     machine.check(Duration::from_secs(25)),
//!     [Action::SendPing, Action::AnswerPoll(PollAnswer::Queued)]
//! );
//! ```

mod bare;
mod handshake;
mod heartbeat;
mod machine;
mod packet;
mod payload;
mod query;
mod signals;
mod transitions;

pub use bare::{Bare, poll_packets};
pub use handshake::{Ask, HandshakeError, Method, OpenPacket, Origin, Request, judge};
pub use machine::{Machine, Timings, WAITING_PUSHES_MAX};
pub use packet::{CLOSE, MESSAGE_PREFIX, NOOP, PING, PROBE_PONG, Packet, PacketError};
pub use payload::{POLL_PACKETS_MAX, Payload, PollBody, SEPARATOR};
pub use query::{Query, Transport};
pub use signals::{Action, CloseReason, Input, PollAnswer, PushAnswer, Via, Word};
pub use transitions::State;
