//! What a frame is, and the frame a server sends: whole, final, without a mask.
//!
//! No reading may live here: what a client sends is masked and may come in pieces, which is
//! [`super::header`]'s and [`super::message`]'s to know.
//!
//! ```
//! use std::fmt::Write;
//! use switchboard::proto::websocket::{FrameBuilder, Opcode};
//!
//! let mut frame = FrameBuilder::with_capacity(16);
//! write!(frame, "42[\"n\",{}]", 7)?;
//! assert_eq!(frame.finish(Opcode::Text), b"\x81\x0942[\"n\",7]".as_slice());
//! # Ok::<(), std::fmt::Error>(())
//! ```

use std::{fmt, io};

use bytes::{Buf, Bytes};

/// Payload bytes a control frame may have.
pub(super) const CONTROL_MAX: usize = 125;

/// The longest head of a server, which does not mask.
const HEAD_ROOM: usize = 2 + 8;

/// In the first byte of a frame: no fragment follows.
pub(super) const FIN: u8 = 0x80;
/// In the first byte of a message: it is compressed (RFC 7692, 7.2.3.1).
pub(super) const RSV1: u8 = 0x40;
/// In the 7-bit length: the length stands in the next two bytes.
pub(super) const LENGTH_16: u8 = 126;
/// In the 7-bit length: the length stands in the next eight bytes.
pub(super) const LENGTH_64: u8 = 127;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// The next part of a message that has begun.
    Continuation = 0x0,
    /// The first part of a UTF-8 message.
    Text = 0x1,
    /// The first part of a message of bytes.
    Binary = 0x2,
    /// The last frame of its sender.
    Close = 0x8,
    /// A question that wants the same payload back.
    Ping = 0x9,
    /// The answer to a ping, or a heartbeat nobody asked for.
    Pong = 0xA,
}

impl Opcode {
    /// Whether the frame stands for itself and may come between the parts of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    pub(super) fn from_bits(bits: u8) -> Option<Self> {
        let all = [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| *opcode as u8 == bits)
    }
}

/// Writes one whole frame. A control frame's payload must fit 125 bytes.
pub fn encode(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut frame = FrameBuilder::with_capacity(payload.len());
    frame.push(payload);
    frame.finish(opcode)
}

/// A frame whose payload is written first, behind room kept for the head, so that finishing it
/// copies nothing.
#[derive(Debug)]
pub struct FrameBuilder {
    bytes: Vec<u8>,
}

impl FrameBuilder {
    /// Makes room for a payload of `payload_hint` bytes. Zero is a fair hint: the room grows.
    pub fn with_capacity(payload_hint: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD_ROOM.saturating_add(payload_hint));
        bytes.resize(HEAD_ROOM, 0);
        Self { bytes }
    }

    /// Appends to the payload.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes the head of an unmasked FIN frame in front of the payload.
    ///
    /// A control frame's payload must fit 125 bytes.
    pub fn finish(self, opcode: Opcode) -> Bytes {
        self.finish_as(FIN, opcode)
    }

    /// The same for a payload that is compressed.
    pub(super) fn finish_deflated(mut self, opcode: Opcode) -> Bytes {
        // It was made for more: what waits must hold no more memory than is counted.
        self.bytes.shrink_to_fit();
        self.finish_as(FIN | RSV1, opcode)
    }

    /// Where the payload is to be appended.
    pub(super) fn payload_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn finish_as(mut self, bits: u8, opcode: Opcode) -> Bytes {
        let length = self.bytes.len() - HEAD_ROOM;
        debug_assert!(!opcode.is_control() || length <= CONTROL_MAX, "control frame too long");
        let mut head = [0; HEAD_ROOM];
        let size = write_head(&mut head, bits | opcode as u8, length as u64);
        // To the right, so that the payload follows without a gap.
        let start = HEAD_ROOM - size;
        self.bytes[start..HEAD_ROOM].copy_from_slice(&head[..size]);
        let mut frame = Bytes::from(self.bytes);
        // Not `slice`: that would make the buffer shared, which costs an allocation.
        frame.advance(start);
        frame
    }
}

/// Writes a head to the front of `head` and says how long it is.
fn write_head(head: &mut [u8; HEAD_ROOM], first: u8, length: u64) -> usize {
    head[0] = first;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..LENGTH_16), _) => {
            head[1] = length;
            2
        }
        (_, Ok(length)) => {
            head[1] = LENGTH_16;
            head[2..4].copy_from_slice(&length.to_be_bytes());
            4
        }
        _ => {
            head[1] = LENGTH_64;
            head[2..].copy_from_slice(&length.to_be_bytes());
            10
        }
    }
}

impl io::Write for FrameBuilder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for FrameBuilder {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_takes_the_shortest_form_of_every_length() {
        let head = |length: usize| {
            let frame = encode(Opcode::Binary, &vec![0; length]);
            frame[..frame.len() - length].to_vec()
        };

        assert_eq!(head(0), [0x82, 0]);
        assert_eq!(head(125), [0x82, 125]);
        assert_eq!(head(126), [0x82, 126, 0, 126]);
        assert_eq!(head(65_535), [0x82, 126, 0xFF, 0xFF]);
        assert_eq!(head(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
