//! What bytes mean: how events and replies are spelled for one kind of client.
//!
//! A dialect turns an event into finished frames. It knows no session, no room membership and no
//! socket: the same publication is spelled once per dialect and shared by everyone who speaks it
//! ([`prepared::Prepared`]), and an answer is spelled for the one who asked ([`answer::Answer`]).
//!
//! What is finished stands in WebSocket frames, whatever transport it will take: a poll takes them
//! apart again.

pub mod answer;
pub mod plain;
pub mod prepared;
pub mod raw;
pub mod socketio;
pub mod spelling;
mod variant;
pub mod wire;

pub use answer::{Answer, Request};
pub use prepared::Prepared;
pub use socketio::Namespace;
pub use wire::Wire;

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::farewell::Farewell;
use crate::proto::websocket::{self, CloseCode, CloseFrame, Opcode};

/// What a socket speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    #[default]
    Plain,
    SocketIo(Namespace),
    /// Socket.IO on `/`, where each of guide 004's broadcasts comes as one `message` (contract X-04).
    Enveloped,
    /// A namespace that the client spells with a query behind it: one of [`spelling::Spellings`].
    SocketIoAs(Arc<str>),
    /// [`Dialect::Enveloped`], spelled so.
    EnvelopedAs(Arc<str>),
}

impl Dialect {
    /// The namespace as the client spells it; `None` for plain clients.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Dialect::Plain => None,
            Dialect::SocketIo(namespace) => Some(namespace.name()),
            Dialect::Enveloped => Some(Namespace::Root.name()),
            Dialect::SocketIoAs(spelled) | Dialect::EnvelopedAs(spelled) => Some(spelled),
        }
    }
}

/// Frames for one socket, finished, in the order they must leave.
#[derive(Debug, Default, Clone)]
pub struct Reply {
    frames: Vec<Bytes>,
    is_incompressible: bool,
}

impl Reply {
    pub fn nothing() -> Reply {
        Reply::default()
    }

    pub fn one(frame: Bytes) -> Reply {
        Reply { frames: vec![frame], is_incompressible: false }
    }

    pub fn then(mut self, frame: Bytes) -> Reply {
        self.frames.push(frame);
        self
    }

    pub fn frames(&self) -> &[Bytes] {
        &self.frames
    }

    /// The same, to be sent as it is on every transport: it holds a secret, or is of a room that is left
    /// out of compression.
    pub fn never_compressed(mut self) -> Reply {
        self.is_incompressible = true;
        self
    }

    pub fn may_be_compressed(&self) -> bool {
        !self.is_incompressible
    }
}

/// The close frame of a WebSocket, whatever is spoken over it.
pub fn farewell(farewell: Farewell) -> Bytes {
    match farewell.code() {
        Some(code) => CloseFrame::encode(CloseCode(code), farewell.reason()),
        None => websocket::encode(Opcode::Close, &[]),
    }
}
