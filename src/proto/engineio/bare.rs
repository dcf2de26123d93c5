//! Our own WebSocket frames, read back as the packets a poll is answered with.
//!
//! An outbox keeps finished server frames, because most sessions are WebSockets; only a poll has to
//! take them apart again.
//!
//! ```
//! use switchboard::proto::engineio::{Bare, poll_packets};
//!
//! let entry = b"\x81\x0d451-[\"up\",{}]\x82\x02\x01\x02";
//! let bare: Vec<Bare<'_>> = poll_packets(entry).collect();
//!
//! assert_eq!(bare, [Bare::Text(br#"451-["up",{}]"#), Bare::Binary(&[1, 2])]);
//! assert_eq!(bare[1].size(), "bAQI=".len());
//! ```

use base64::engine::Engine;

use super::packet::BASE64;
use crate::proto::websocket::{Opcode, own_frames};

/// One packet, borrowed from the frame it was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare<'a> {
    /// Engine.IO text, its digit included. Goes into a poll as it is.
    Text(&'a [u8]),
    /// Raw bytes. They go into a poll as `b` and padded base64.
    Binary(&'a [u8]),
}

impl Bare<'_> {
    /// Bytes it takes in a poll, without a separator.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len().div_ceil(3).saturating_mul(4).saturating_add(1),
        }
    }

    /// Appends the form it has in a poll.
    pub fn append_to(&self, body: &mut Vec<u8>) {
        match self {
            Self::Text(text) => body.extend_from_slice(text),
            Self::Binary(bytes) => {
                let start = body.len() + 1;
                body.push(b'b');
                body.resize(start + self.size() - 1, 0);
                let written = BASE64.encode_slice(bytes, &mut body[start..]);
                debug_assert_eq!(written, Ok(self.size() - 1), "room for exactly the base64");
            }
        }
    }
}

/// Walks the frames of one queue entry, which stand back to back.
///
/// Frames for the WebSocket alone (ping, pong, close) are passed over. Bytes that are no whole
/// server frame end the walk: an entry is our own work, and a deflated one may not be queued for a
/// session that polls.
pub fn poll_packets(entry: &[u8]) -> impl Iterator<Item = Bare<'_>> + Clone {
    own_frames(entry).filter_map(|frame| match frame.opcode {
        Opcode::Text => Some(Bare::Text(frame.payload)),
        Opcode::Binary => Some(Bare::Binary(frame.payload)),
        _ => None,
    })
}
