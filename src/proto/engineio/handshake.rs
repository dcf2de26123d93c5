//! What a request to an Engine.IO path asks for, and the words of a refusal.
//!
//! Pure: the session is looked up and the Origin is judged by the caller; that the checks come in
//! the reference's order is known here. Which profile a path has may not be known here.
//!
//! ```
//! use switchboard::proto::engineio::{Ask, HandshakeError, Method, Origin, Query, Request, Transport, judge};
//!
//! let get = Request { method: Method::Get, upgrade: false, origin: Origin::Accepted, session: None };
//!
//! let first = Query::parse("EIO=4&transport=polling&t=x1");
//! assert_eq!(judge(&get, &first), Ok(Ask::Open { transport: Transport::Polling, base64: false }));
//!
//! let strange = Query::parse("EIO=4&transport=polling&sid=nobody");
//! assert_eq!(judge(&get, &strange), Err(HandshakeError::SESSION_UNKNOWN));
//! assert_eq!(HandshakeError::SESSION_UNKNOWN.body(), r#"{"code":1,"message":"Session ID unknown"}"#);
//! ```

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::machine::Timings;
use super::query::{Query, Transport};

/// The method of a request, as far as it matters. OPTIONS is answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Opens, polls or upgrades.
    Get,
    /// Pushes.
    Post,
    /// Means nothing to Engine.IO.
    Other,
}

/// What the caller thinks of the Origin header (contract X-32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Absent, listed, or our own host.
    Accepted,
    /// Characters no origin has.
    Garbled,
    /// Somebody else's page.
    Refused,
}

/// A request without its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Whether it wants to become a WebSocket.
    pub upgrade: bool,
    /// The caller's judgement.
    pub origin: Origin,
    /// The transport of the session that [`Query::sid`] names on this path; `None` if no live
    /// session has it ([`super::Machine::transport`]).
    pub session: Option<Transport>,
}

/// What a good request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'q> {
    /// A new session on this transport, with base64 instead of bytes if wished.
    Open { transport: Transport, base64: bool },
    /// What is queued: [`super::Input::Poll`].
    Poll { sid: &'q str },
    /// To take packets: [`super::Input::Push`].
    Push { sid: &'q str },
    /// A WebSocket for a session that may well have one: [`super::Input::ProbeOpened`].
    Probe { sid: &'q str, base64: bool },
}

/// Says what a request asks for, or why it is refused. The order of the checks is the reference's.
///
/// # Errors
/// Every [`HandshakeError`], by the table in `protocol.md`, 1.2.
pub fn judge<'q>(request: &Request, query: &'q Query<'_>) -> Result<Ask<'q>, HandshakeError> {
    let transport = query.transport.ok_or(HandshakeError::TRANSPORT_UNKNOWN)?;
    if request.origin == Origin::Garbled {
        return Err(HandshakeError::BAD_REQUEST);
    }
    let ask = match query.sid.as_deref() {
        Some(sid) => {
            let session = request.session.ok_or(HandshakeError::SESSION_UNKNOWN)?;
            match (request.method, request.upgrade, transport, session) {
                (Method::Get, true, Transport::WebSocket, _) => Ask::Probe { sid, base64: query.base64 },
                (Method::Get, false, Transport::Polling, Transport::Polling) => Ask::Poll { sid },
                (Method::Post, false, Transport::Polling, Transport::Polling) => Ask::Push { sid },
                _ => return Err(HandshakeError::BAD_REQUEST),
            }
        }
        None if request.method != Method::Get => return Err(HandshakeError::BAD_METHOD),
        None if request.upgrade != (transport == Transport::WebSocket) => {
            return Err(HandshakeError::BAD_REQUEST);
        }
        None => Ask::Open { transport, base64: query.base64 },
    };
    if request.origin == Origin::Refused {
        return Err(HandshakeError::FORBIDDEN);
    }
    // The version counts at the beginning only.
    if matches!(ask, Ask::Open { .. }) && query.eio.as_deref() != Some("4") {
        return Err(HandshakeError::UNSUPPORTED_VERSION);
    }
    Ok(ask)
}

/// A request that is refused: an HTTP status, and the code and message of its JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeError {
    /// The HTTP status.
    pub status: u16,
    /// Engine.IO's number for it.
    pub code: u8,
    /// The same for people. The reference answers a WebSocket upgrade with this alone, as text.
    pub message: &'static str,
}

#[rustfmt::skip]
impl HandshakeError {
    /// `transport` is missing or none of ours.
    pub const TRANSPORT_UNKNOWN: Self = Self { status: 400, code: 0, message: "Transport unknown" };
    /// The sid is of no live session on this path.
    pub const SESSION_UNKNOWN: Self = Self { status: 400, code: 1, message: "Session ID unknown" };
    /// A session does not begin with this method.
    pub const BAD_METHOD: Self = Self { status: 400, code: 2, message: "Bad handshake method" };
    /// Method, transport, upgrade and session do not fit each other.
    pub const BAD_REQUEST: Self = Self { status: 400, code: 3, message: "Bad request" };
    /// The origin may not come here.
    pub const FORBIDDEN: Self = Self { status: 403, code: 4, message: "Forbidden" };
    /// `EIO` is missing or not 4.
    pub const UNSUPPORTED_VERSION: Self = Self { status: 400, code: 5, message: "Unsupported protocol version" };

    /// Every refusal, by its code.
    pub const ALL: [Self; 6] = [
        Self::TRANSPORT_UNKNOWN, Self::SESSION_UNKNOWN, Self::BAD_METHOD,
        Self::BAD_REQUEST, Self::FORBIDDEN, Self::UNSUPPORTED_VERSION,
    ];
}

impl HandshakeError {
    /// The JSON body, whose messages need no escaping.
    pub fn body(&self) -> String {
        format!(r#"{{"code":{},"message":"{}"}}"#, self.code, self.message)
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl Error for HandshakeError {}

/// A server's first packet. Clients check that it has these five keys and no other.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenPacket<'a> {
    sid: &'a str,
    upgrades: &'static [&'static str],
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: usize,
}

impl<'a> OpenPacket<'a> {
    /// What a session that begins on `transport` is told. `max_payload` is in bytes.
    pub fn new(sid: &'a str, transport: Transport, timings: &Timings, max_payload: usize) -> Self {
        let upgrades: &[&str] = match transport {
            Transport::Polling => &["websocket"],
            Transport::WebSocket => &[],
        };
        Self {
            sid,
            upgrades,
            ping_interval: millis(timings.ping_interval),
            ping_timeout: millis(timings.ping_timeout),
            max_payload,
        }
    }
}

/// Writes `0` and the JSON: a text frame's payload, or the whole body of the first GET.
impl fmt::Display for OpenPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        write!(f, "0{json}")
    }
}

fn millis(span: Duration) -> u64 {
    span.as_millis().try_into().unwrap_or(u64::MAX)
}
