//! What a client's transport can be sent: which forms one and the same entry may have.

use bytes::Bytes;

use crate::proto::websocket::{Effort, WindowBits, deflated};

/// What was agreed on when the transport was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// It takes no bytes: they are sent as text (`protocol.md`, 0.5).
    pub base64: bool,
    /// Messages may be compressed for a window of this size (contract D-27).
    pub deflate: Option<WindowBits>,
}

impl Wire {
    /// What goes to this client alone, compressed where a message has `from` bytes or more and the window
    /// is not a small one. `None` if it stays as it is.
    pub fn deflated(self, entry: &Bytes, from: usize) -> Option<Bytes> {
        self.deflate
            .filter(|window| window.is_cheap())
            .and_then(|window| deflated(entry, window, from, Effort::Quick))
    }
}
