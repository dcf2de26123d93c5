//! Why a connection ends: close codes, the close frame, and the violations that lead to one.
//!
//! No decision to close may live here, only its words. Whether a slow client gets 1008 or 1013 is
//! the session's business.
//!
//! ```
//! use switchboard::proto::websocket::{CloseCode, CloseFrame};
//!
//! assert_eq!(CloseFrame::encode(CloseCode::GOING_AWAY, "bye"), b"\x88\x05\x03\xe9bye".as_slice());
//! ```

use std::error::Error;
use std::fmt;

use bytes::Bytes;

use super::frame::{CONTROL_MAX, FrameBuilder, Opcode};

/// Bytes a reason may have: a control frame's payload less the two bytes of the code.
const REASON_MAX: usize = CONTROL_MAX - 2;

/// The number that says why a connection is closed (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server goes down or the page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the rules of framing.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A kind of message this end does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// The content does not fit its kind: text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A rule of ours, not of the protocol, was broken.
    pub const POLICY: Self = Self(1008);
    /// A message too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL: Self = Self(1011);
    /// The server restarts; coming back is welcome.
    pub const RESTART: Self = Self(1012);
    /// The server is overloaded; coming back later is welcome.
    pub const TRY_AGAIN: Self = Self(1013);

    /// Whether the code may stand in a close frame.
    ///
    /// 1004 has no meaning; 1005, 1006 and 1015 name what happened when no frame came; the rest
    /// below 3000 is reserved. 3000 to 4999 belongs to libraries and applications.
    pub fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a close frame says, if it says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why the sender closes.
    pub code: CloseCode,
    /// The same for people. May be empty; at most 123 bytes on the wire.
    pub reason: String,
}

impl CloseFrame {
    /// Reads the payload of a close frame. An empty one is legal and says nothing: `None`.
    ///
    /// # Errors
    /// 1002 for a payload of one byte or a code that may not be sent; 1007 for a reason that is
    /// not UTF-8.
    pub fn parse(payload: &[u8]) -> Result<Option<Self>, Violation> {
        let (code, reason) = match payload {
            [] => return Ok(None),
            [_] => return Err(Violation::protocol("close frame of one byte")),
            [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        };
        if !code.may_be_sent() {
            return Err(Violation::protocol("close code is not allowed"));
        }
        let reason =
            str::from_utf8(reason).map_err(|_| Violation::payload("close reason is not UTF-8"))?.to_owned();
        Ok(Some(Self { code, reason }))
    }

    /// Writes a whole close frame. A reason over 123 bytes is cut between two characters.
    ///
    /// `code` is ours to choose and must be one that may be sent. The answer to a close frame
    /// that said nothing is `encode(Opcode::Close, &[])`.
    pub fn encode(code: CloseCode, reason: &str) -> Bytes {
        debug_assert!(code.may_be_sent(), "close code {code} may not be sent");
        let end = (0..=reason.len().min(REASON_MAX)).rev().find(|&at| reason.is_char_boundary(at));
        let reason = reason.get(..end.unwrap_or(0)).unwrap_or_default();

        let mut frame = FrameBuilder::with_capacity(2 + reason.len());
        frame.push(&code.0.to_be_bytes());
        frame.push(reason.as_bytes());
        frame.finish(Opcode::Close)
    }
}

/// What the peer did wrong, in the words of the close frame it gets for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// 1002 (framing), 1007 (not UTF-8) or 1009 (over [`super::Limits::hard`]).
    pub code: CloseCode,
    /// Fits a close frame uncut; holds nothing of the peer's bytes.
    pub reason: &'static str,
}

impl Violation {
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Self { code: CloseCode::PROTOCOL_ERROR, reason }
    }

    pub(super) const fn payload(reason: &'static str) -> Self {
        Self { code: CloseCode::INVALID_PAYLOAD, reason }
    }

    pub(super) const fn too_big() -> Self {
        Self { code: CloseCode::TOO_BIG, reason: "message is too big" }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.code)
    }
}

impl Error for Violation {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_that_may_be_sent_are_those_of_the_rfc_and_its_registry() {
        let allowed = |code: &u16| CloseCode(*code).may_be_sent();

        let below_3000: Vec<u16> = (0..3000).filter(allowed).collect();

        let listed = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
        assert_eq!(below_3000, listed);
        assert!((3000..=4999).all(|code| allowed(&code)));
        assert!(!(5000..=u16::MAX).any(|code| allowed(&code)));
    }

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        // 122 bytes, then a character of two: 124 would not fit.
        let reason = format!("{}é tail", "r".repeat(122));

        let frame = CloseFrame::encode(CloseCode::POLICY, &reason);

        assert_eq!(frame[..2], [0x88, 124]);
        let said = CloseFrame::parse(&frame[2..]).unwrap().unwrap();
        assert_eq!(said, CloseFrame { code: CloseCode::POLICY, reason: "r".repeat(122) });
    }
}
