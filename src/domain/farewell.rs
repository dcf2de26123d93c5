//! Why the server ends a connection: one closed table of WebSocket close codes.
//!
//! The code carries the reconnect policy: clients come back after 1001, 1012 and 1013, and stay
//! away after 1000 and the 44xx (contract W15, X-30).

/// A reason to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client said goodbye first, with this code if any; it is echoed.
    Answered(Option<u16>),
    /// A frame broke RFC 6455; the text says how.
    ProtocolError(&'static str),
    /// A text message was not UTF-8, or a compressed one was none.
    InvalidPayload(&'static str),
    /// A message passed the hard limit.
    TooBig(&'static str),
    /// Nothing was heard of the client for too long.
    PingTimeout,
    /// The server stops and will be back.
    Restart,
    /// More waited for this client than may.
    SlowConsumer,
    /// All clients together send more than can be held, and this one most.
    Overload,
    /// The credential expired, or too many were refused.
    Unauthenticated(&'static str),
    /// An admin sent the socket away.
    Kicked,
    /// Too many messages for too long.
    Flood,
    /// No place left for this session.
    ConnectionLimit,
    /// The client has ended its session and only the connection is left.
    ClientClosed,
    /// The client connected to no namespace in time, or to none that stayed.
    NoNamespace,
}

impl Farewell {
    /// The cookie that the socket came by is good no longer.
    pub const SIGNED_OUT: Farewell = Farewell::Unauthenticated("signed out");

    /// The code of the close frame; `None` for a frame without one.
    pub fn code(self) -> Option<u16> {
        Some(match self {
            Farewell::Answered(code) => return code,
            Farewell::ClientClosed => return None,
            Farewell::PingTimeout => 1001,
            Farewell::ProtocolError(_) => 1002,
            Farewell::InvalidPayload(_) => 1007,
            Farewell::NoNamespace => 1008,
            Farewell::TooBig(_) => 1009,
            Farewell::Restart => 1012,
            Farewell::SlowConsumer | Farewell::Overload | Farewell::ConnectionLimit => 1013,
            Farewell::Unauthenticated(_) => 4401,
            Farewell::Kicked => 4403,
            Farewell::Flood => 4429,
        })
    }

    /// Whether the client may still be sending what made us close, so that its bytes must be read
    /// away for the close frame to arrive (contract D-15).
    pub fn is_violation(self) -> bool {
        matches!(self, Farewell::ProtocolError(_) | Farewell::InvalidPayload(_) | Farewell::TooBig(_))
    }

    /// Whether the client is to stay away: told on Socket.IO by a DISCONNECT of each namespace, after
    /// which clients do not come back by themselves (contract X-30).
    pub fn is_dismissal(self) -> bool {
        matches!(
            self,
            Farewell::Unauthenticated(_) | Farewell::Kicked | Farewell::Flood | Farewell::ConnectionLimit
        )
    }

    /// The reason in the close frame, and in the log.
    pub fn reason(self) -> &'static str {
        match self {
            Farewell::Answered(_) => "",
            Farewell::ClientClosed => "closed by the client",
            Farewell::NoNamespace => "no namespace",
            Farewell::ProtocolError(text)
            | Farewell::InvalidPayload(text)
            | Farewell::TooBig(text)
            | Farewell::Unauthenticated(text) => text,
            Farewell::PingTimeout => "ping timeout",
            Farewell::Restart => "service restart",
            Farewell::SlowConsumer => "slow consumer",
            Farewell::Overload => "overload",
            Farewell::Kicked => "kicked",
            Farewell::Flood => "flooding",
            Farewell::ConnectionLimit => "connection limit",
        }
    }
}
