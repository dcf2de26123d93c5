//! What bytes mean: how events and replies are spelled for one kind of client.
//!
//! A dialect turns text into a named command and an event into one finished frame. It knows no
//! session, no room membership and no socket: the same publication is spelled once per dialect and
//! shared by everyone who speaks it ([`prepared::Prepared`]).

pub mod plain;
pub mod prepared;

pub use prepared::Prepared;

use bytes::Bytes;

use crate::domain::farewell::Farewell;
use crate::proto::websocket::{self, CloseCode, CloseFrame, Opcode};

/// Frames for one socket, finished, in the order they must leave.
#[derive(Debug, Default, Clone)]
pub struct Reply(Vec<Bytes>);

impl Reply {
    pub fn one(frame: Bytes) -> Reply {
        Reply(vec![frame])
    }

    pub fn then(mut self, frame: Bytes) -> Reply {
        self.0.push(frame);
        self
    }

    pub fn frames(&self) -> &[Bytes] {
        &self.0
    }
}

/// The close frame of a WebSocket, whatever is spoken over it.
pub fn farewell(farewell: Farewell) -> Bytes {
    match farewell.code() {
        Some(code) => CloseFrame::encode(CloseCode(code), farewell.reason()),
        None => websocket::encode(Opcode::Close, &[]),
    }
}
