//! One Engine.IO packet: a digit and what stands behind it, or bytes.
//!
//! No meaning may live here: that a client must not send `2` is the machine's to know. What a
//! message says is Socket.IO's.
//!
//! ```
//! use switchboard::proto::engineio::{MESSAGE_PREFIX, Packet};
//!
//! assert_eq!(Packet::from_text("2probe"), Ok(Packet::Ping("probe")));
//! assert_eq!(Packet::from_text("bAQI"), Ok(Packet::Binary(vec![1, 2].into())));
//! assert_eq!(Packet::Binary(vec![1, 2].into()).to_string(), "bAQI=");
//!
//! // A message is written without a packet: its prefix, then the payload.
//! let mut frame = String::from(MESSAGE_PREFIX);
//! frame.push_str(r#"2["hello"]"#);
//! assert_eq!(Packet::from_text(&frame), Ok(Packet::Message(r#"2["hello"]"#)));
//! ```

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use base64::display::Base64Display;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Stands in front of a message's text, on the WebSocket as in a poll.
pub const MESSAGE_PREFIX: &str = "4";
/// The whole text of our heartbeat.
pub const PING: &str = "2";
/// The whole body that ends a polling session.
pub const CLOSE: &str = "1";
/// The whole body of a poll that is answered only to be over. Never goes into a queue.
pub const NOOP: &str = "6";
/// The whole text of the answer to `2probe`, on the probing WebSocket only.
pub const PROBE_PONG: &str = "3probe";

/// Standard base64. Written with padding, which python wants; read with it or without, and
/// whatever the last unused bits are, as the reference does.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is said in one go. What stands behind the digit of a packet without a field means nothing
/// and is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the beginning of a session. What a server says in it is [`super::OpenPacket`].
    Open,
    /// `1`: the end of a session.
    Close,
    /// `2`: a server's heartbeat, or a client's question whether a WebSocket works (`probe`).
    Ping(&'a str),
    /// `3`: the answer, with the same text.
    Pong(&'a str),
    /// `4`: text for Socket.IO.
    Message(&'a str),
    /// `5`: from here on the WebSocket is the session's transport.
    Upgrade,
    /// `6`: nothing.
    Noop,
    /// Bytes for Socket.IO: borrowed from a binary frame, decoded from `b` and base64.
    Binary(Cow<'a, [u8]>),
}

impl<'a> Packet<'a> {
    /// Reads a text frame of a WebSocket, or one packet of a push.
    ///
    /// # Errors
    /// [`PacketError::Empty`], [`PacketError::UnknownType`] and [`PacketError::NotBase64`].
    pub fn from_text(text: &'a str) -> Result<Self, PacketError> {
        let first = text.bytes().next().ok_or(PacketError::Empty)?;
        // None behind a first character of several bytes, which is no known type.
        let data = text.get(1..).unwrap_or_default();
        match first {
            b'0' => Ok(Self::Open),
            b'1' => Ok(Self::Close),
            b'2' => Ok(Self::Ping(data)),
            b'3' => Ok(Self::Pong(data)),
            b'4' => Ok(Self::Message(data)),
            b'5' => Ok(Self::Upgrade),
            b'6' => Ok(Self::Noop),
            b'b' => {
                let bytes = BASE64.decode(data).map_err(|_| PacketError::NotBase64)?;
                Ok(Self::Binary(bytes.into()))
            }
            _ => Err(PacketError::UnknownType),
        }
    }

    /// Takes a binary frame of a WebSocket. Its bytes are the message, without a prefix.
    pub fn from_binary(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

/// Writes the bare text: what stands in a text frame, or between the separators of a poll.
impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digit, data) = match self {
            Self::Open => ("0", ""),
            Self::Close => (CLOSE, ""),
            Self::Ping(data) => (PING, *data),
            Self::Pong(data) => ("3", *data),
            Self::Message(data) => (MESSAGE_PREFIX, *data),
            Self::Upgrade => ("5", ""),
            Self::Noop => (NOOP, ""),
            Self::Binary(bytes) => {
                f.write_str("b")?;
                return Base64Display::new(bytes, &BASE64).fmt(f);
            }
        };
        f.write_str(digit)?;
        f.write_str(data)
    }
}

/// Why bytes are no packet. Any of them ends a session, with the reason "parse error".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// No bytes at all: an empty body, or two separators side by side.
    Empty,
    /// The first character is none of `0` to `6` and `b`.
    UnknownType,
    /// Behind a `b` stands something other than base64.
    NotBase64,
    /// A push is not UTF-8.
    NotUtf8,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "packet is empty",
            Self::UnknownType => "packet type is unknown",
            Self::NotBase64 => "binary packet is not base64",
            Self::NotUtf8 => "packet is not UTF-8",
        })
    }
}

impl Error for PacketError {}
