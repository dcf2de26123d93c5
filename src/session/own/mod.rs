//! What an embedding program answers with instead of a profile: handlers of its own.
//!
//! A handler is shared by all sessions of its mount, on all threads. It is called on the session's
//! thread, message by message in their order, and must not block: everyone of that thread would wait.
//! What it answers is collected and then sent through the session's outbox, bounded as everything
//! else. A handler that panics ends the session it was called for, and no other.
//!
//! Its sockets are its own: they are in no room, get no broadcast and stand in no statistics of
//! sockets. But they are connections, with the limits, the heartbeats and the goodbyes of all.

mod answers;
mod hearing;

use bytes::Bytes;
use serde_json::value::RawValue;

pub use answers::{Emit, Out};

pub use crate::proto::socketio::{Arguments, EncodeError};

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    Text(&'a str),
    Binary(Bytes),
}

/// Answers messages: of a plain WebSocket, or of Engine.IO without Socket.IO.
pub trait MessageHandler: Send + Sync + 'static {
    /// A session has begun.
    fn opened(&self, _out: &mut Out<'_>) {}

    fn message(&self, message: Message<'_>, out: &mut Out<'_>);

    /// The session with this id is over, however it ended; once for each that was opened.
    fn closed(&self, _id: &str) {}
}

impl<F> MessageHandler for F
where
    F: Fn(Message<'_>, &mut Out<'_>) + Send + Sync + 'static,
{
    fn message(&self, message: Message<'_>, out: &mut Out<'_>) {
        self(message, out);
    }
}

/// Something a client has emitted.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub name: &'a str,
    /// As the text that came; a placeholder stands where an attachment belongs.
    pub args: Arguments<'a>,
    pub attachments: &'a [Bytes],
    /// The number under which the client waits for an acknowledgement, if it does.
    pub ack: Option<u64>,
}

/// Answers in a namespace.
pub trait NamespaceHandler: Send + Sync + 'static {
    /// A client has connected. `auth` is what it has sent along: an object, `{}` if it sent nothing.
    fn connected(&self, _auth: &RawValue, _emit: &mut Emit<'_>) {}

    fn event(&self, event: &Event<'_>, emit: &mut Emit<'_>);

    /// The socket with this id has left, or was taken along by the end of its connection; once for
    /// each that has connected.
    fn disconnected(&self, _socket: &str) {}
}

impl<F> NamespaceHandler for F
where
    F: Fn(&Event<'_>, &mut Emit<'_>) + Send + Sync + 'static,
{
    fn event(&self, event: &Event<'_>, emit: &mut Emit<'_>) {
        self(event, emit);
    }
}
