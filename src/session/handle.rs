//! What HTTP may ask of a session that does not own the connection it is asked on.
//!
//! A [`Handle`] goes to any thread. Whoever asks gets an answer or learns that the session is over;
//! a request that is given up is noticed by the session.

use std::sync::Arc;

use actix::{Addr, Message};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::Session;
use super::pushes::{Body, Pushes};
use crate::dialect::Wire;
use crate::hub::outboxes::WorkerId;
use crate::proto::engineio::{CloseReason, HandshakeError, PushAnswer};

/// A session, from outside.
#[derive(Clone)]
pub struct Handle(Addr<Session>, Arc<Pushes>);

/// How a poll is answered.
#[derive(Debug)]
pub enum Polled {
    /// 200 with these packets.
    Packets {
        packets: Bytes,
        may_be_compressed: bool,
    },
    Refused(HandshakeError),
    /// 503: come back.
    Unavailable,
}

impl Polled {
    /// 200 with one packet of ours.
    pub fn packet(packet: &'static str) -> Polled {
        Polled::Packets { packets: Bytes::from_static(packet.as_bytes()), may_be_compressed: true }
    }
}

/// Whether a WebSocket may be opened beside the polls.
#[derive(Clone, Copy, Debug)]
pub enum Probed {
    /// It may; the socket is to be handed over under this number.
    Accepted(u32),
    /// It may, only to be closed at once.
    TurnedAway,
    Refused(HandshakeError),
}

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Poll(pub oneshot::Sender<Polled>);

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct PollAborted;

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Push {
    pub body: Bytes,
    /// Counts it, as long as it is held.
    pub _counted: Body,
    pub reply: oneshot::Sender<PushAnswer>,
}

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct End(pub CloseReason);

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct BeginProbe {
    /// What the socket can be sent.
    pub wire: Wire,
    pub reply: oneshot::Sender<Probed>,
}

/// A socket that was accepted, or the news that there will be none.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct HandOver {
    pub number: u32,
    pub socket: Option<HandedOver>,
}

/// A WebSocket on its way between threads.
pub(super) struct HandedOver {
    pub stream: std::net::TcpStream,
    /// The finished 101 answer, still to be written.
    pub head: Bytes,
    /// What the client has sent behind its request.
    pub unread: Bytes,
    /// The worker it was accepted on.
    pub worker: WorkerId,
}

impl Handle {
    pub(super) fn new(session: Addr<Session>, pushes: Arc<Pushes>) -> Handle {
        Handle(session, pushes)
    }

    /// What it is being sent.
    pub fn pushes(&self) -> &Arc<Pushes> {
        &self.1
    }

    /// Begins to wait for packets.
    pub fn poll(self) -> PendingPoll {
        let (reply, answer) = oneshot::channel();
        self.0.do_send(Poll(reply));
        PendingPoll { handle: self, answer, is_done: false }
    }

    /// Hands over the body of a POST.
    pub async fn push(&self, body: Bytes, counted: Body) -> PushAnswer {
        let (reply, answer) = oneshot::channel();
        self.0.do_send(Push { body, _counted: counted, reply });
        answer.await.unwrap_or(PushAnswer::Refused(HandshakeError::SESSION_UNKNOWN))
    }

    /// Ends the session for something that came on another connection.
    pub fn end(&self, reason: CloseReason) {
        self.0.do_send(End(reason));
    }

    /// Asks before a WebSocket is opened.
    pub async fn begin_probe(&self, wire: Wire) -> Probed {
        let (reply, answer) = oneshot::channel();
        self.0.do_send(BeginProbe { wire, reply });
        answer.await.unwrap_or(Probed::Refused(HandshakeError::SESSION_UNKNOWN))
    }
}

/// A GET that waits. Dropped before it is done, it tells the session: its packets, if it had got
/// some, are lost (contract D-44).
pub struct PendingPoll {
    handle: Handle,
    answer: oneshot::Receiver<Polled>,
    is_done: bool,
}

impl PendingPoll {
    /// What the session is being sent besides.
    pub fn pushes(&self) -> &Arc<Pushes> {
        self.handle.pushes()
    }

    /// Whether the answer is here.
    pub fn is_answered(&self) -> bool {
        !self.answer.is_empty()
    }

    /// What the GET is answered with. To be awaited once.
    pub async fn answer(&mut self) -> Polled {
        let polled = (&mut self.answer).await;
        polled.unwrap_or(Polled::Refused(HandshakeError::SESSION_UNKNOWN))
    }

    /// The answer is on its way to the client.
    pub fn done(&mut self) {
        self.is_done = true;
    }
}

impl Drop for PendingPoll {
    fn drop(&mut self) {
        if !self.is_done {
            self.handle.0.do_send(PollAborted);
        }
    }
}

/// The right to hand over one WebSocket to a session that has accepted it. Dropped without, it
/// tells the session that none will come.
pub struct ProbeTicket {
    session: Handle,
    number: u32,
    /// Where the socket was accepted.
    worker: WorkerId,
    is_used: bool,
}

impl ProbeTicket {
    pub fn new(session: Handle, number: u32, worker: WorkerId) -> ProbeTicket {
        ProbeTicket { session, number, worker, is_used: false }
    }

    /// Hands `stream` over, with the finished 101 answer and what the client has sent behind its
    /// request.
    pub fn hand_over(mut self, stream: std::net::TcpStream, head: Bytes, unread: Bytes) {
        self.is_used = true;
        let socket = HandedOver { stream, head, unread, worker: self.worker };
        self.session.0.do_send(HandOver { number: self.number, socket: Some(socket) });
    }
}

impl Drop for ProbeTicket {
    fn drop(&mut self) {
        if !self.is_used {
            self.session.0.do_send(HandOver { number: self.number, socket: None });
        }
    }
}
