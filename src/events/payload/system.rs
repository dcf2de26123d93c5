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

/// `auth:success`.
#[derive(Serialize)]
pub struct AuthSuccess<'a> {
    #[serde(rename = "userId")]
    pub user_id: Option<&'a Id>,
    pub timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `authenticated`, in guide 004's words.
#[derive(Serialize)]
pub struct Authenticated<'a> {
    pub status: &'static str,
    pub success: bool,
    pub socket_id: &'a Id,
    pub user_id: Option<&'a Id>,
    pub organization_id: Option<&'a Id>,
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

/// The answer to `debug:rooms`.
#[derive(Serialize)]
pub struct OwnRooms<'a> {
    pub status: &'static str,
    pub success: bool,
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
