//! The two vocabularies of ending, one made the other: a [`Farewell`] is said to a WebSocket, a
//! [`CloseReason`] is what Engine.IO's machine answers polls and pushes by.

use crate::domain::farewell::Farewell;
use crate::proto::engineio::CloseReason;

/// How a WebSocket is closed when its session ended so.
pub fn farewell_of(reason: CloseReason) -> Farewell {
    match reason {
        CloseReason::PingTimeout => Farewell::PingTimeout,
        CloseReason::ClientClosed | CloseReason::SocketLost | CloseReason::PollAborted => {
            Farewell::ClientClosed
        }
        CloseReason::TooLarge => Farewell::TooBig("message too large"),
        CloseReason::ShuttingDown => Farewell::Restart,
        CloseReason::Forced => Farewell::NoNamespace,
        CloseReason::BadPacket => Farewell::ProtocolError("parse error"),
        CloseReason::HeartbeatDirection => Farewell::ProtocolError("invalid heartbeat direction"),
        CloseReason::SecondPoll | CloseReason::TooManyPushes | CloseReason::PushAborted => {
            Farewell::ProtocolError("overlapping requests")
        }
    }
}

/// How polls and pushes are answered when the session is left so.
pub fn reason_of(farewell: Farewell) -> CloseReason {
    match farewell {
        Farewell::Answered(_) | Farewell::ClientClosed => CloseReason::ClientClosed,
        Farewell::ProtocolError(_) | Farewell::InvalidPayload(_) => CloseReason::BadPacket,
        Farewell::TooBig(_) => CloseReason::TooLarge,
        Farewell::PingTimeout => CloseReason::PingTimeout,
        Farewell::Restart | Farewell::SlowConsumer | Farewell::Overload => CloseReason::ShuttingDown,
        Farewell::Unauthenticated(_)
        | Farewell::Kicked
        | Farewell::Flood
        | Farewell::ConnectionLimit
        | Farewell::NoNamespace => CloseReason::Forced,
    }
}
