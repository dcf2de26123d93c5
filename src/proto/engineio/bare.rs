//! Our own WebSocket frames, read back as the packets a poll is answered with.
//!
//! An outbox keeps finished server frames, because most sessions are WebSockets; only a poll has to
//! take them apart again. A client's frames may not be read here: they are masked, come in pieces,
//! and are to be distrusted, which is `proto::websocket`'s business.
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

/// A whole frame of ours begins with FIN set and the three RSV bits clear.
const WHOLE: u8 = 0x80;

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
pub fn poll_packets(entry: &[u8]) -> PollPackets<'_> {
    PollPackets { rest: entry }
}

/// What [`poll_packets`] walks.
#[derive(Clone, Debug)]
pub struct PollPackets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for PollPackets<'a> {
    type Item = Bare<'a>;

    fn next(&mut self) -> Option<Bare<'a>> {
        while let Some(Frame { first, payload, rest }) = Frame::split(self.rest) {
            self.rest = rest;
            match first ^ WHOLE {
                0x1 => return Some(Bare::Text(payload)),
                0x2 => return Some(Bare::Binary(payload)),
                0x8..=0xA => {}
                _ => break,
            }
        }
        self.rest = &[];
        None
    }
}

/// The first frame of an entry, and what follows it.
struct Frame<'a> {
    first: u8,
    payload: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Frame<'a> {
    /// `None` if the bytes end first, or if there is a mask.
    fn split(bytes: &'a [u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else {
            return None;
        };
        let (length, rest) = match *second {
            short @ ..126 => (u64::from(short), rest),
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u16::from_be_bytes(*length).into(), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            _ => return None,
        };
        let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some(Self { first: *first, payload, rest })
    }
}
