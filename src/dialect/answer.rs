//! The answer to one request, before and after it is spelled for who asked.
//!
//! One rule for all handlers (contract section 7, W14, D-36): a Socket.IO client that asked for an
//! acknowledgement gets one; a plain client gets the named frame, or `<request>:ack` where the
//! contract names none, with its own mark echoed.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Dialect, Reply, plain, socketio};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::json;
use crate::domain::time::Timestamp;
use crate::events::payload::system::Failure;

/// The part of a client's message that its answer refers to.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub dialect: Dialect,
    /// What was asked; `None` where the client asked nothing in particular.
    pub name: Option<String>,
    /// A plain client's own mark, echoed.
    pub id: Option<Box<RawValue>>,
    /// The number under which a Socket.IO client waits for an acknowledgement.
    pub ack: Option<u64>,
}

/// What is answered.
#[derive(Debug)]
pub enum Answer {
    /// An event; and an acknowledgement besides, if one was asked for.
    Both { event: &'static str, data: Box<RawValue>, ack: Box<RawValue> },
    /// An acknowledgement, or if none was asked for, an event.
    Either { event: &'static str, data: Box<RawValue>, ack: Box<RawValue> },
    /// An acknowledgement, if one was asked for.
    Ack { data: Box<RawValue> },
}

impl Answer {
    pub fn both<E: Serialize, A: Serialize>(event: &'static str, data: &E, ack: &A) -> Answer {
        Answer::Both { event, data: json::raw(data), ack: json::raw(ack) }
    }

    pub fn either<E: Serialize, A: Serialize>(event: &'static str, data: &E, ack: &A) -> Answer {
        Answer::Either { event, data: json::raw(data), ack: json::raw(ack) }
    }

    pub fn ack<T: Serialize>(data: &T) -> Answer {
        Answer::Ack { data: json::raw(data) }
    }

    /// The answer in the words of who asked.
    pub fn spell(&self, request: &Request, at: Timestamp) -> Reply {
        match request.dialect.namespace() {
            None => Reply::one(self.plain(request, at)),
            Some(namespace) => self.socketio(namespace, request.ack),
        }
    }

    fn plain(&self, request: &Request, at: Timestamp) -> bytes::Bytes {
        let id = request.id.as_deref();
        match self {
            Answer::Both { event, data, .. } | Answer::Either { event, data, .. } => {
                plain::reply(event, data, id, at)
            }
            Answer::Ack { data } => {
                let asked = request.name.as_deref().unwrap_or("message");
                plain::reply(&format!("{asked}:ack"), data, id, at)
            }
        }
    }

    fn socketio(&self, namespace: &str, ack: Option<u64>) -> Reply {
        let mut reply = Reply::nothing();
        match self {
            Answer::Both { event, data, .. } => reply = reply.then(socketio::event(namespace, event, data)),
            Answer::Either { event, data, .. } if ack.is_none() => {
                reply = reply.then(socketio::event(namespace, event, data));
            }
            Answer::Either { .. } | Answer::Ack { .. } => {}
        }
        match (self, ack) {
            (
                Answer::Both { ack: data, .. } | Answer::Either { ack: data, .. } | Answer::Ack { data },
                Some(id),
            ) => reply.then(socketio::ack(namespace, id, data)),
            (_, None) => reply,
        }
    }
}

/// A refusal in the words of who asked: to the acknowledgement if one was asked for, else the
/// `error` event (contract X-24).
pub fn failure(error: &ClientError, request: &Request, at: Timestamp) -> Reply {
    let name = request.name.as_deref();
    Reply::one(match (request.dialect.namespace(), request.ack) {
        (None, _) => plain::failure(error, name, request.id.as_deref(), at),
        (Some(namespace), Some(id)) => socketio::ack(namespace, id, &json::raw(&Refused::of(error))),
        (Some(namespace), None) => socketio::event(namespace, "error", &Failure::new(error, name, at)),
    })
}

/// An acknowledgement that says no (contract section 7, `err`).
#[derive(Serialize)]
struct Refused<'a> {
    status: &'static str,
    success: bool,
    code: ErrorCode,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a RawValue>,
    error: Short<'a>,
}

#[derive(Serialize)]
struct Short<'a> {
    code: ErrorCode,
    message: &'a str,
}

impl<'a> Refused<'a> {
    fn of(error: &'a ClientError) -> Refused<'a> {
        let (code, message, details) = (error.code, &*error.message, error.details.as_deref());
        Refused { status: "error", success: false, code, message, details, error: Short { code, message } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Namespace;
    use crate::proto::engineio::poll_packets;

    fn texts(reply: &Reply) -> Vec<String> {
        let packets = reply.frames().iter().flat_map(|frame| poll_packets(frame));
        let mut texts = Vec::new();
        for packet in packets {
            let mut bytes = Vec::new();
            packet.append_to(&mut bytes);
            texts.push(String::from_utf8(bytes).unwrap());
        }
        texts
    }

    /// What a plain client, a Socket.IO client without and one with an acknowledgement get.
    fn spelled(answer: &Answer) -> [Vec<String>; 3] {
        let at = Timestamp::from_millis(0);
        let plain = Request { name: Some("ask".into()), ..Request::default() };
        let without = Request { dialect: Dialect::SocketIo(Namespace::Ws), ..plain.clone() };
        let with = Request { ack: Some(9), ..without.clone() };
        [plain, without, with].map(|request| texts(&answer.spell(&request, at)))
    }

    fn frame(name: &str, data: &str) -> Vec<String> {
        vec![format!(
            r#"{{"type":"{name}","event":"{name}","data":{data},"timestamp":"1970-01-01T00:00:00.000Z"}}"#
        )]
    }

    #[test]
    fn who_asked_for_an_acknowledgement_gets_one() {
        let event = r#"42/ws,["pong",1]"#.to_owned();
        assert_eq!(
            spelled(&Answer::both("pong", &1, &2)),
            [frame("pong", "1"), vec![event.clone()], vec![event.clone(), "43/ws,9[2]".into()]]
        );
        assert_eq!(
            spelled(&Answer::either("pong", &1, &2)),
            [frame("pong", "1"), vec![event], vec!["43/ws,9[2]".into()]]
        );
        assert_eq!(spelled(&Answer::ack(&1)), [frame("ask:ack", "1"), Vec::new(), vec!["43/ws,9[1]".into()]]);
    }

    #[test]
    fn a_refusal_goes_where_the_answer_would_have_gone() {
        let at = Timestamp::from_millis(0);
        let dialect = Dialect::SocketIo(Namespace::Root);
        let request = Request { dialect, name: Some("join".into()), id: None, ack: None };
        let error = ClientError::unauthorized("no");
        assert_eq!(
            texts(&failure(&error, &request, at)),
            [
                r#"42["error",{"code":"UNAUTHORIZED","message":"no","event":"join","timestamp":"1970-01-01T00:00:00.000Z"}]"#
            ]
        );
        let request = Request { ack: Some(0), ..request };
        assert_eq!(
            texts(&failure(&error, &request, at)),
            [
                r#"430[{"status":"error","success":false,"code":"UNAUTHORIZED","message":"no","error":{"code":"UNAUTHORIZED","message":"no"}}]"#
            ]
        );
    }
}
