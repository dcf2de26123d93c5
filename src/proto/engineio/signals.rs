//! The words of the machine: what it is told, and what it wants done.
//!
//! Only names and what they answer live here; what follows from what stands in
//! [`super::transitions`]. None of them carries a packet: the caller has it in hand.

use std::fmt;

use super::handshake::HandshakeError;
use super::packet::{Packet, PacketError};

/// What has happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A GET came. `queued`: the outbox has something for it, now.
    Poll { queued: bool },
    /// The client has let go of its parked GET.
    PollAborted,
    /// A POST came, whole and not too large. A body over the limit is not announced: it is answered
    /// with 413 and [`Input::Close`] with [`CloseReason::TooLarge`].
    Push,
    /// The packets of the POST that was started last have all been heard.
    PushDone,
    /// A WebSocket wants to be opened for this session.
    ProbeOpened,
    /// The session's WebSocket, probing or not, is gone. Not to be said of one that the machine has
    /// dropped or turned away.
    SocketLost,
    /// A packet, or what should have been one.
    Heard(Via, Word),
    /// The outbox, which was empty, has something. Not to be said when that has gone out meanwhile.
    Queued,
    /// The server ends the session.
    Close(CloseReason),
}

impl Input {
    /// What is said when a packet was read.
    pub fn heard(via: Via, packet: &Result<Packet<'_>, PacketError>) -> Self {
        Self::Heard(via, Word::of(packet))
    }
}

/// Where a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The POST that was started last.
    Push,
    /// The WebSocket: still probing, or the session's transport.
    Socket,
}

/// What a packet means, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `4`, or bytes.
    Data,
    /// `3`, whatever stands behind it.
    Pong,
    /// `1`
    Close,
    /// `2`, which is the server's to say.
    Ping,
    /// `2probe`
    Probe,
    /// `5`, whatever stands behind it.
    Upgrade,
    /// `0` or `6`, which mean nothing from a client.
    Idle,
    /// No packet.
    Malformed,
}

impl Word {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Data,
        Self::Pong,
        Self::Close,
        Self::Ping,
        Self::Probe,
        Self::Upgrade,
        Self::Idle,
        Self::Malformed,
    ];

    /// The word for what was read.
    pub fn of(packet: &Result<Packet<'_>, PacketError>) -> Self {
        match packet {
            Ok(Packet::Message(_) | Packet::Binary(_)) => Self::Data,
            Ok(Packet::Pong(_)) => Self::Pong,
            Ok(Packet::Close) => Self::Close,
            Ok(Packet::Ping("probe")) => Self::Probe,
            Ok(Packet::Ping(_)) => Self::Ping,
            Ok(Packet::Upgrade) => Self::Upgrade,
            Ok(Packet::Open | Packet::Noop) => Self::Idle,
            Err(_) => Self::Malformed,
        }
    }
}

/// What the caller has to do, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Answer the GET that is parked, be it since just now.
    AnswerPoll(PollAnswer),
    /// Answer the GET that has just come; the parked one is another.
    RefusePoll(HandshakeError),
    /// Hear the packets of the oldest POST that has not been started, then say
    /// [`Input::PushDone`]. A POST that gets neither this nor a refusal has to wait.
    StartPush,
    /// Answer the oldest POST that has no answer.
    AnswerPush(PushAnswer),
    /// Answer the POST that has just come.
    RefusePush(HandshakeError),
    /// Complete the upgrade of the WebSocket that has just come, and write nothing to it.
    AcceptProbe,
    /// Complete the upgrade of the WebSocket that has just come, and close it: there is another.
    TurnAwayProbe,
    /// Answer the upgrade that has just come with an HTTP error.
    RefuseProbe(HandshakeError),
    /// Write `3probe` to the probing WebSocket, past the queue.
    SendProbePong,
    /// Close the probing WebSocket. The session goes on without it, or ends beside it.
    DropProbe,
    /// Make the probing WebSocket the session's transport, and write the queue to it.
    Swap,
    /// Put `2` into the outbox, like any packet.
    SendPing,
    /// Hand the packet that was heard to Socket.IO.
    Deliver,
    /// Forget the session; close its WebSocket if that is its transport. Everything that waited has
    /// been answered by earlier actions.
    Close(CloseReason),
}

/// How a parked GET is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollAnswer {
    /// 200 with what is in the outbox ([`super::PollBody`]).
    Queued,
    /// 200 with [`super::NOOP`].
    Noop,
    /// 200 with [`super::CLOSE`]. A python client does not come back after it.
    Close,
    /// An error; every client comes back after it.
    Refused(HandshakeError),
    /// 503 with Retry-After.
    Unavailable,
}

/// How a POST is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushAnswer {
    /// 200 with `ok`.
    Ok,
    /// An error.
    Refused(HandshakeError),
    /// 503 with Retry-After.
    Unavailable,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// No pong in time.
    PingTimeout,
    /// The client said `1`.
    ClientClosed,
    /// The WebSocket is gone.
    SocketLost,
    /// The client let go of a poll.
    PollAborted,
    /// A GET while another was parked.
    SecondPoll,
    /// More POSTs at a time than may wait.
    TooManyPushes,
    /// A POST that ended before its body did. The caller's to say.
    PushAborted,
    /// A packet that is none. The caller's to say for a POST of an impossible content type.
    BadPacket,
    /// The client sent a ping.
    HeartbeatDirection,
    /// A message over the hard limit. The caller's to say.
    TooLarge,
    /// The server goes down or sheds load, and the client should come back. The caller's to say.
    ShuttingDown,
    /// The server does not want this client. The caller's to say.
    Forced,
}

impl CloseReason {
    /// What the reference's `disconnect` event calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PingTimeout => "ping timeout",
            Self::ClientClosed | Self::SocketLost => "transport close",
            Self::BadPacket => "parse error",
            Self::ShuttingDown => "server shutting down",
            Self::Forced => "forced close",
            Self::PollAborted
            | Self::SecondPoll
            | Self::TooManyPushes
            | Self::PushAborted
            | Self::HeartbeatDirection
            | Self::TooLarge => "transport error",
        }
    }

    /// How the parked poll of a session that ends so is answered.
    pub(super) fn poll_answer(self) -> PollAnswer {
        match self {
            Self::ClientClosed => PollAnswer::Noop,
            // Not `1`: python would stay away, and both are to come back.
            Self::TooLarge => PollAnswer::Refused(HandshakeError::BAD_REQUEST),
            Self::ShuttingDown => PollAnswer::Unavailable,
            _ => PollAnswer::Close,
        }
    }

    /// How the POST that is being heard when a session ends so is answered.
    pub(super) fn push_answer(self) -> PushAnswer {
        match self {
            Self::ClientClosed => PushAnswer::Ok,
            Self::ShuttingDown => PushAnswer::Unavailable,
            _ => PushAnswer::Refused(HandshakeError::BAD_REQUEST),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
