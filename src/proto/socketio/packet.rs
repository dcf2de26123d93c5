//! The text of a packet, `<type>[<n>-][<nsp>,][<id>][<json>]`, split and checked.
//!
//! Nothing may be kept here from one packet to the next, and nothing is copied: a [`Header`]
//! borrows from the text. Which namespaces there are, and which packet may come when, is not
//! known here. Attachments are awaited by [`super::Assembler`].
//!
//! ```
//! use switchboard::proto::socketio::{Kind, Limits, PacketError, decode};
//!
//! let header = decode("0/ws?x=1", &Limits::default())?;
//! assert_eq!((header.kind, header.namespace), (Kind::Connect, "/ws?x=1"));
//! assert_eq!(decode("2{}", &Limits::default()).unwrap_err(), PacketError::Payload);
//! # Ok::<(), PacketError>(())
//! ```

use std::error::Error;
use std::fmt;

use serde_json::value::RawValue;

use super::event::Event;
use super::placeholders::{self, PlaceholderError};

/// Attachments the JavaScript client takes in one packet; it disconnects at more.
pub const MAX_ATTACHMENTS: usize = 10;

/// Bounds on what a client may send. `soft` above `hard` means `hard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most attachments of one packet. Zero refuses all that announce any.
    pub attachments: usize,
    /// Longest namespace in bytes, its query included.
    pub namespace: usize,
    /// Bytes of header and attachments together above which a message is dropped and reported.
    pub soft: usize,
    /// Bytes of header and attachments together above which the connection has to end.
    pub hard: usize,
}

impl Default for Limits {
    /// Contract X-13, and room for a token in a namespace's query.
    fn default() -> Self {
        Self { attachments: MAX_ATTACHMENTS, namespace: 4_096, soft: 1_048_576, hard: 2_097_152 }
    }
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Asks for a namespace, or grants it.
    Connect = 0,
    /// Leaves a namespace.
    Disconnect = 1,
    /// A name and arguments.
    Event = 2,
    /// The answer to an event with an id.
    Ack = 3,
    /// Refuses a namespace. Only a server may say so.
    ConnectError = 4,
    /// An event whose attachments follow.
    BinaryEvent = 5,
    /// An ack whose attachments follow.
    BinaryAck = 6,
}

impl Kind {
    /// Whether the header counts attachments.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }

    fn from_digit(digit: char) -> Option<Self> {
        Some(match digit {
            '0' => Self::Connect,
            '1' => Self::Disconnect,
            '2' => Self::Event,
            '3' => Self::Ack,
            '4' => Self::ConnectError,
            '5' => Self::BinaryEvent,
            '6' => Self::BinaryAck,
            _ => return None,
        })
    }
}

/// A packet without its attachments. From [`decode`], it is the proof that the payload is JSON of
/// the shape its kind calls for, and that its placeholders are in range.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    pub kind: Kind,
    /// As the client spelled it: a reply in another spelling is ignored by the client. To be
    /// looked up by [`lookup_name`].
    pub namespace: &'a str,
    /// Ties an event to its ack. The whole of `u64`: it is only ever echoed.
    pub id: Option<u64>,
    /// Binary messages that follow.
    pub attachments: usize,
    /// The payload. An event without one is to be ignored, and so is an ack without an id.
    pub data: Option<&'a RawValue>,
}

impl<'a> Header<'a> {
    /// The event, if this is one and it has a payload.
    pub fn event(&self) -> Option<Event<'a>> {
        match self.kind {
            Kind::Event | Kind::BinaryEvent => Event::split(self.data?).ok(),
            _ => None,
        }
    }

    /// Checks the payload's shape; that it is JSON is known.
    fn check(&self) -> Result<(), PacketError> {
        let first = self.data.and_then(|data| data.get().as_bytes().first());
        match (self.kind, first) {
            (Kind::Connect, None | Some(b'{')) => {}
            (Kind::Disconnect, None) => {}
            (Kind::ConnectError, Some(b'{' | b'"')) => {}
            // The reference takes both and ignores the event.
            (Kind::Event | Kind::Ack, None) => {}
            (Kind::Ack | Kind::BinaryAck, Some(b'[')) => {}
            (Kind::Event | Kind::BinaryEvent, Some(b'[')) => {
                self.data.map(Event::split).transpose()?;
            }
            _ => return Err(PacketError::Payload),
        }
        // Elsewhere an object that looks like a placeholder is an object.
        if let (true, Some(data)) = (self.kind.is_binary(), self.data) {
            placeholders::check(data.get(), self.attachments).map_err(PacketError::Placeholder)?;
        }
        Ok(())
    }
}

/// What stands in front of id and payload.
pub(super) struct Head<'a> {
    pub kind: Kind,
    pub attachments: usize,
    pub namespace: &'a str,
    /// Id and payload.
    rest: &'a str,
}

impl<'a> Head<'a> {
    pub fn read(text: &'a str, limits: &Limits) -> Result<Self, PacketError> {
        let mut chars = text.chars();
        let kind = chars.next().and_then(Kind::from_digit).ok_or(PacketError::Kind)?;
        let (attachments, rest) = match kind.is_binary() {
            true => attachments(chars.as_str(), limits.attachments)?,
            false => (0, chars.as_str()),
        };
        let (namespace, rest) = match rest.starts_with('/') {
            // The client may leave the comma out where nothing follows.
            true => rest.split_once(',').unwrap_or((rest, "")),
            false => ("/", rest),
        };
        if namespace.len() > limits.namespace {
            return Err(PacketError::NamespaceTooLong);
        }
        // Echoed in a polling body, a separator would end the packet.
        if namespace.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(PacketError::Namespace);
        }
        Ok(Self { kind, attachments, namespace, rest })
    }
}

/// Splits the text of a packet: an Engine.IO message without its leading `4`.
///
/// # Errors
/// Every [`PacketError`] above [`PacketError::TextInsideBinary`].
pub fn decode<'a>(text: &'a str, limits: &Limits) -> Result<Header<'a>, PacketError> {
    let Head { kind, attachments, namespace, rest } = Head::read(text, limits)?;
    let payload = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let id = match rest.strip_suffix(payload) {
        None | Some("") => None,
        Some(digits) => Some(digits.parse().map_err(|_| PacketError::Id)?),
    };
    let data = match payload {
        "" => None,
        json => Some(serde_json::from_str(json).map_err(|_| PacketError::Json)?),
    };
    let header = Header { kind, namespace, id, attachments, data };
    header.check().map(|()| header)
}

/// The name by which a namespace is known: the client's spelling without its query.
pub fn lookup_name(namespace: &str) -> &str {
    namespace.split_once('?').map_or(namespace, |(name, _)| name)
}

/// Reads `<n>-`.
fn attachments(text: &str, most: usize) -> Result<(usize, &str), PacketError> {
    let (digits, rest) = text.split_once('-').ok_or(PacketError::AttachmentCount)?;
    // Asked first, since the standard library would also read `+1`.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PacketError::AttachmentCount);
    }
    match digits.parse() {
        Ok(count) if count <= most => Ok((count, rest)),
        _ => Err(PacketError::TooManyAttachments),
    }
}

/// What a client did wrong. The connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// The text is empty or begins with no digit from 0 to 6.
    Kind,
    /// A binary packet does not say how many attachments follow.
    AttachmentCount,
    /// More attachments than [`Limits::attachments`].
    TooManyAttachments,
    /// The namespace is longer than [`Limits::namespace`].
    NamespaceTooLong,
    /// The namespace holds a control character.
    Namespace,
    /// The id does not fit `u64`.
    Id,
    /// The payload is not JSON.
    Json,
    /// The payload is not what the kind of packet calls for.
    Payload,
    /// An event does not begin with a number or a string of Unicode.
    EventName,
    /// An event has one of the names in [`super::RESERVED`].
    ReservedName,
    /// A placeholder stands for no attachment.
    Placeholder(PlaceholderError),
    /// A text came where an attachment was awaited.
    TextInsideBinary,
    /// An attachment came without a header.
    BinaryWithoutHeader,
    /// Header and attachments are over [`Limits::hard`].
    TooLarge,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "packet type is unknown",
            Self::AttachmentCount => "attachments are not counted",
            Self::TooManyAttachments => "too many attachments",
            Self::NamespaceTooLong => "namespace is too long",
            Self::Namespace => "namespace holds a control character",
            Self::Id => "id is too large",
            Self::Json => "payload is not JSON",
            Self::Payload => "payload does not fit the packet type",
            Self::EventName => "event has no name",
            Self::ReservedName => "event name is reserved",
            Self::Placeholder(error) => return error.fmt(f),
            Self::TextInsideBinary => "text where an attachment was awaited",
            Self::BinaryWithoutHeader => "attachment without a header",
            Self::TooLarge => "message is too large",
        })
    }
}

impl Error for PacketError {}
