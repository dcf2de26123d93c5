//! The packets a server sends, written straight into whatever they are sent in.
//!
//! Nothing may be parsed here but placeholders: arguments are written as the text they are. What
//! is written is an Engine.IO message without its leading `4`.
//!
//! ```
//! use switchboard::proto::socketio::{Arguments, Outgoing};
//!
//! let mut text = Vec::new();
//! Outgoing::Connect { namespace: "/ws", sid: "a1", pid: None }.write(&mut text)?;
//! assert_eq!(text, br#"0/ws,{"sid":"a1"}"#);
//! # Ok::<(), switchboard::proto::socketio::EncodeError>(())
//! ```

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

use serde_json::value::RawValue;

use super::event::{Arguments, is_reserved};
use super::packet::{Kind, MAX_ATTACHMENTS};
use super::placeholders::{self, PlaceholderError};

/// A packet to be written. Its namespace is spelled as the client did.
#[derive(Clone, Copy, Debug)]
pub enum Outgoing<'a> {
    /// Grants a namespace.
    Connect {
        namespace: &'a str,
        sid: &'a str,
        /// Only where recovery is on: without it the reply must have one key.
        pid: Option<&'a str>,
    },
    /// Refuses a namespace.
    ConnectError { namespace: &'a str, message: &'a str, data: Option<&'a RawValue> },
    /// Ends a namespace.
    Disconnect { namespace: &'a str },
    /// Says what happened.
    Event {
        namespace: &'a str,
        /// Asks for an ack. Below 2^31: the .NET client reads no more (contract D-35).
        id: Option<u32>,
        name: &'a str,
        args: Arguments<'a>,
        /// Where a client may resume, as one more argument. Never with an `id`.
        offset: Option<&'a str>,
        /// Binary messages that the caller will send behind the packet.
        attachments: usize,
    },
    /// Answers a client's event.
    Ack { namespace: &'a str, id: u64, args: Arguments<'a>, attachments: usize },
}

impl Outgoing<'_> {
    /// Writes the packet.
    ///
    /// # Errors
    /// All but `Write` are known before the first byte is written. A reserved name is a bug of
    /// ours, which is why a debug build stops at it.
    pub fn write(&self, out: &mut impl Write) -> Result<(), EncodeError> {
        match *self {
            Outgoing::Connect { namespace, sid, pid } => {
                head(out, Kind::Connect, 0, namespace)?;
                out.write_all(b"{\"sid\":")?;
                string(out, sid)?;
                if let Some(pid) = pid {
                    out.write_all(b",\"pid\":")?;
                    string(out, pid)?;
                }
                out.write_all(b"}")?;
            }
            Outgoing::ConnectError { namespace, message, data } => {
                head(out, Kind::ConnectError, 0, namespace)?;
                out.write_all(b"{\"message\":")?;
                string(out, message)?;
                if let Some(data) = data {
                    out.write_all(b",\"data\":")?;
                    out.write_all(data.get().as_bytes())?;
                }
                out.write_all(b"}")?;
            }
            Outgoing::Disconnect { namespace } => head(out, Kind::Disconnect, 0, namespace)?,
            Outgoing::Event { namespace, id, name, args, offset, attachments } => {
                debug_assert!(!is_reserved(name), "`{name}` is reserved");
                debug_assert!(id.is_none() || offset.is_none(), "an event with an id has no offset");
                if is_reserved(name) {
                    return Err(EncodeError::ReservedName);
                }
                let kind = if attachments == 0 { Kind::Event } else { Kind::BinaryEvent };
                check(args, attachments)?;
                head(out, kind, attachments, namespace)?;
                if let Some(id) = id {
                    write!(out, "{id}")?;
                }
                out.write_all(b"[")?;
                string(out, name)?;
                if !args.is_empty() {
                    out.write_all(b",")?;
                    out.write_all(args.as_str().as_bytes())?;
                }
                if let Some(offset) = offset {
                    out.write_all(b",")?;
                    string(out, offset)?;
                }
                out.write_all(b"]")?;
            }
            Outgoing::Ack { namespace, id, args, attachments } => {
                let kind = if attachments == 0 { Kind::Ack } else { Kind::BinaryAck };
                check(args, attachments)?;
                head(out, kind, attachments, namespace)?;
                write!(out, "{id}[")?;
                out.write_all(args.as_str().as_bytes())?;
                out.write_all(b"]")?;
            }
        }
        Ok(())
    }
}

/// Checks that a client will find every attachment that a placeholder names.
fn check(args: Arguments<'_>, attachments: usize) -> Result<(), EncodeError> {
    match attachments {
        0 => Ok(()),
        1..=MAX_ATTACHMENTS => {
            placeholders::check(args.as_str(), attachments).map_err(EncodeError::Placeholder)
        }
        _ => Err(EncodeError::TooManyAttachments),
    }
}

/// Writes `<type>[<n>-][<nsp>,]`. No count of zero, which the JavaScript client cannot read, and
/// no `/`, which no client expects.
fn head(out: &mut impl Write, kind: Kind, attachments: usize, namespace: &str) -> Result<(), EncodeError> {
    let breaks = |byte: u8| byte == b',' || byte.is_ascii_control();
    if !namespace.starts_with('/') || namespace.bytes().any(breaks) {
        return Err(EncodeError::Namespace);
    }
    write!(out, "{}", kind as u8)?;
    if attachments > 0 {
        write!(out, "{attachments}-")?;
    }
    if namespace != "/" {
        out.write_all(namespace.as_bytes())?;
        out.write_all(b",")?;
    }
    Ok(())
}

fn string(out: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

/// Why a packet was not written.
#[derive(Debug)]
pub enum EncodeError {
    /// More attachments than [`MAX_ATTACHMENTS`].
    TooManyAttachments,
    /// The event has one of the names in [`super::RESERVED`].
    ReservedName,
    /// The namespace does not begin with `/`, or holds a comma or a control character.
    Namespace,
    /// A placeholder stands for no attachment.
    Placeholder(PlaceholderError),
    /// It could not be written to the end.
    Write(io::Error),
}

impl From<io::Error> for EncodeError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyAttachments => write!(f, "more than {MAX_ATTACHMENTS} attachments"),
            Self::ReservedName => f.write_str("event name is reserved"),
            Self::Namespace => f.write_str("namespace cannot be written"),
            Self::Placeholder(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl Error for EncodeError {}
