//! What the server says about a connection and its rooms, whoever is connected.

use serde::Serialize;

use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use serde_json::value::RawValue;

/// Version of the wire contract, told in the welcome.
pub const PROTOCOL_VERSION: &str = "1.0";

/// `connection_established` on a plain socket.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub struct ConnectionEstablished<'a> {
    #[serde(rename = "clientId")]
    pub client_id: &'a Id,
    pub connection_id: &'a Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<&'a Id>,
    pub protocol_version: &'static str,
    #[serde(rename = "reconnectToken")]
    pub reconnect_token: &'a str,
    pub authenticated: bool,
}

/// `connection_established` on a Socket.IO socket, in guide 001's envelope.
#[derive(Serialize)]
pub struct ConnectionEstablishedEvent<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub timestamp: Timestamp,
    pub data: ConnectionEstablishedData<'a>,
}

#[derive(Serialize)]
pub struct ConnectionEstablishedData<'a> {
    pub connection_id: &'a Id,
    #[serde(rename = "clientId")]
    pub client_id: &'a Id,
    pub user_id: Option<&'a Id>,
    pub protocol_version: &'static str,
}

/// `connected` in guide 004's words: exactly these keys (contract D-46).
#[derive(Serialize)]
pub struct Connected<'a> {
    pub socket_id: &'a Id,
    pub server_time: Timestamp,
}

/// An acknowledgement that says yes: with whatever else there is to say (contract section 7, `ok`).
#[derive(Serialize)]
pub struct Accepted<T> {
    status: &'static str,
    success: bool,
    #[serde(flatten)]
    more: T,
}

/// Nothing else to say.
#[derive(Serialize)]
pub struct NoMore {}

impl<T> Accepted<T> {
    pub fn with(more: T) -> Accepted<T> {
        Accepted { status: "success", success: true, more }
    }
}

/// The acknowledgement of `ping` (contract X-12).
#[derive(Serialize)]
pub struct PingAck {
    pub status: &'static str,
    pub pong: bool,
    pub server_time: Timestamp,
}

/// `auth:success`.
#[derive(Serialize)]
pub struct AuthSuccess<'a> {
    #[serde(rename = "userId")]
    pub user_id: Option<&'a Id>,
    pub timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `authenticated`, in guide 004's words; said within [`Accepted`].
#[derive(Serialize)]
pub struct Authenticated<'a> {
    pub socket_id: &'a Id,
    pub user_id: Option<&'a Id>,
    pub organization_id: Option<&'a Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `room_joined` and `room_left`; both names of the room, for guides 002 and 003 (contract X-05).
#[derive(Serialize)]
pub struct RoomChanged<'a> {
    pub room: &'a str,
    #[serde(rename = "roomId")]
    pub room_id: &'a str,
    pub timestamp: Timestamp,
}

/// The answer to `debug:rooms`; said within [`Accepted`].
#[derive(Serialize)]
pub struct OwnRooms<'a> {
    pub rooms: &'a [String],
    pub socket_id: &'a Id,
    pub user_id: Option<&'a Id>,
    pub organization_id: Option<&'a Id>,
    pub tenant_id: Option<&'a Id>,
}

/// `pong`.
#[derive(Serialize)]
pub struct Pong {
    pub server_time: Timestamp,
}

/// `client:pong`.
#[derive(Serialize)]
pub struct ClientPong {
    pub pong: bool,
    pub server_time: Timestamp,
}

/// `heartbeat`.
#[derive(Serialize)]
pub struct Heartbeat {
    pub timestamp: Timestamp,
}

/// `system:maintenance`, said before a stop.
#[derive(Serialize)]
pub struct Maintenance {
    pub message: &'static str,
    pub timestamp: Timestamp,
}

/// `error` (contract X-24).
#[derive(Serialize)]
pub struct Failure<'a> {
    pub code: ErrorCode,
    pub message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'a str>,
    pub timestamp: Timestamp,
}

impl<'a> Failure<'a> {
    pub fn new(error: &'a ClientError, event: Option<&'a str>, timestamp: Timestamp) -> Self {
        let details = error.details.as_deref();
        Failure { code: error.code, message: &error.message, details, event, timestamp }
    }
}
