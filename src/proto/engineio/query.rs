//! What the query of a request says to Engine.IO.
//!
//! No judgement may live here: a missing or strange value is simply not there, and what follows
//! from that is [`super::handshake`]'s to say.
//!
//! ```
//! use switchboard::proto::engineio::{Query, Transport};
//!
//! let query = Query::parse("EIO=4&transport=polling&t=x1&sid=a%2Db&user=7");
//!
//! assert_eq!(query.transport, Some(Transport::Polling));
//! assert_eq!(query.sid.as_deref(), Some("a-b"));
//! ```

use std::borrow::Cow;

/// The longest key or value that is percent-decoded. What we look for is far shorter.
const DECODED_MAX: usize = 256;

/// How a session's bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// GETs that wait and POSTs.
    Polling,
    /// One WebSocket.
    WebSocket,
}

/// What concerns Engine.IO in the query of a request. Of a repeated key the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// `EIO`, the version. If it is there at all, `/ws` speaks Engine.IO (contract W2).
    pub eio: Option<Cow<'a, str>>,
    /// `transport`, if it names one of ours.
    pub transport: Option<Transport>,
    /// `sid`, unless empty. A secret: it must not reach a log.
    pub sid: Option<Cow<'a, str>>,
    /// `b64`, unless empty: on this transport, bytes go out as base64 text.
    pub base64: bool,
}

impl<'a> Query<'a> {
    /// Reads what stands behind the `?` of a URL. Never fails; it is [`super::judge`] who refuses.
    pub fn parse(raw: &'a str) -> Self {
        let mut query = Self::default();
        let mut transport = None;
        for pair in raw.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match decoded(key).as_ref() {
                "EIO" => query.eio = query.eio.or_else(|| Some(decoded(value))),
                "transport" => transport = transport.or_else(|| Some(decoded(value))),
                "sid" => query.sid = query.sid.or_else(|| Some(decoded(value))),
                "b64" => query.base64 |= !value.is_empty(),
                _ => {}
            }
        }
        query.sid = query.sid.filter(|sid| !sid.is_empty());
        query.transport = match transport.as_deref() {
            Some("polling") => Some(Transport::Polling),
            Some("websocket") => Some(Transport::WebSocket),
            _ => None,
        };
        query
    }
}

/// Undoes the percent-encoding of a form. What is too long for it, or would not be UTF-8, is left
/// as it is: it then is no word of ours and no sid we gave.
fn decoded(raw: &str) -> Cow<'_, str> {
    if raw.len() > DECODED_MAX || !raw.contains(['%', '+']) {
        return raw.into();
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        rest = if escaped.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
        let plain = if *first == b'+' { b' ' } else { *first };
        bytes.push(escaped.unwrap_or(plain));
    }
    String::from_utf8(bytes).map_or(raw.into(), Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    // A digit is below 16, so it fits.
    char::from(digit).to_digit(16).map(|value| value as u8)
}
