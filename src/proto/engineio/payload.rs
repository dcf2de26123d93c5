//! The bodies of long-polling: what a POST brings, and what a GET is answered with.
//!
//! No limit on a POST may live here: its bytes were counted while they arrived (contract D-40), and
//! packets are bounded by bytes alone. No queue lives here either: whoever has one offers its
//! entries in order, and keeps the first that is not taken.
//!
//! ```
//! use bytes::Bytes;
//! use switchboard::proto::engineio::{Packet, PacketError, Payload, PollBody};
//!
//! let mut push = Payload::new(b"40\x1e3\x1ex\x1e41");
//! assert_eq!(push.next(), Some(Ok(Packet::Message("0"))));
//! assert_eq!(push.next(), Some(Ok(Packet::Pong(""))));
//! assert_eq!(push.next(), Some(Err(PacketError::UnknownType)));
//! assert_eq!(push.next(), None);
//!
//! let mut body = PollBody::new(1_000_000);
//! assert!(body.try_push_entry(&Bytes::from_static(b"\x81\x0240")));
//! assert!(body.try_push_entry(&Bytes::from_static(b"\x81\x012\x82\x01\xff")));
//! assert_eq!(body.finish(), "40\x1e2\x1eb/w==");
//! ```

use bytes::Bytes;

use super::bare::poll_packets;
use super::packet::{Packet, PacketError};

/// Stands between two packets. JSON escapes it, so that no message contains it.
pub const SEPARATOR: u8 = 0x1E;

/// Packets in one answer to a poll: python's client takes no more, attachments included.
pub const POLL_PACKETS_MAX: usize = 16;

/// The packets of a POST, in order, up to the first bad one.
///
/// Costs time linear in the body; only a base64 packet allocates.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    /// What has not been read; `None` behind the last packet and behind an error.
    rest: Option<&'a [u8]>,
}

impl<'a> Payload<'a> {
    /// The packets of a whole body, whose size the caller has bounded.
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: Some(body) }
    }

    /// What has not been read: another payload. `None` behind the last packet and behind an error.
    pub fn rest(&self) -> Option<&'a [u8]> {
        self.rest
    }
}

impl<'a> Iterator for Payload<'a> {
    type Item = Result<Packet<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut parts = self.rest.take()?.splitn(2, |byte| *byte == SEPARATOR);
        let first = parts.next().unwrap_or_default();
        // Each packet for itself, so that a bad one does not take those before it along.
        let text = str::from_utf8(first).map_err(|_| PacketError::NotUtf8);
        let packet = text.and_then(Packet::from_text);
        if packet.is_ok() {
            self.rest = parts.next();
        }
        Some(packet)
    }
}

/// The answer to a poll in the making: whole queue entries, as many as fit.
#[derive(Debug)]
pub struct PollBody {
    max_bytes: usize,
    bytes: Vec<u8>,
    packets: usize,
}

impl PollBody {
    /// An empty body for at most `max_bytes`; holds no memory yet.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: Vec::new(), packets: 0 }
    }

    /// Appends all packets of one queue entry, or says that they have to wait for the next poll.
    ///
    /// An entry is a message and must not be torn apart by something between its packets, so it is
    /// taken whole or not at all. An empty body takes any entry, however large: else it could never
    /// leave.
    #[must_use = "an entry that was not taken belongs into the next poll"]
    pub fn try_push_entry(&mut self, entry: &Bytes) -> bool {
        let (mut packets, mut size) = (self.packets, self.bytes.len());
        for packet in poll_packets(entry) {
            let separator = usize::from(packets > 0);
            size = size.saturating_add(separator).saturating_add(packet.size());
            packets += 1;
        }
        let fits = packets <= POLL_PACKETS_MAX && size <= self.max_bytes;
        if self.packets > 0 && !fits {
            return false;
        }

        self.bytes.reserve(size - self.bytes.len());
        for packet in poll_packets(entry) {
            if self.packets > 0 {
                self.bytes.push(SEPARATOR);
            }
            packet.append_to(&mut self.bytes);
            self.packets += 1;
        }
        true
    }

    /// Packets taken so far. Zero: nothing can be answered yet, a body must not be empty.
    pub fn packets(&self) -> usize {
        self.packets
    }

    /// The body of the answer.
    pub fn finish(self) -> Bytes {
        self.bytes.into()
    }
}
