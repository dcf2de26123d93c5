//! Every command a client may send: inbound, typed and valid once it stands here.
//!
//! One table, [`COMMANDS`], gives each name its reader and its price against the rate limit.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::json;
use crate::domain::room::Room;

use super::payload::blueprints::BlueprintUpdate;

/// A valid command.
#[derive(Debug)]
pub enum Command {
    /// Guide 002: take this token from now on; answered by `auth:success`.
    Auth {
        token: String,
    },
    /// Guide 004: the same, answered by `authenticated`.
    Authenticate {
        token: String,
    },
    Join {
        room: Room,
    },
    Leave {
        room: Room,
    },
    DebugRooms,
    /// Guide 003: tell the others in the room.
    BlueprintUpdate {
        room: Room,
        update: BlueprintUpdate,
    },
    Ping,
    ClientPing,
    Heartbeat,
    /// The client has received the publication of this id.
    Ack {
        message_id: String,
    },
}

/// What a command takes from the session's rate limit (contract X-29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// One from the session's bucket.
    Message,
    /// One from the bucket of its own that keep-alives have.
    KeepAlive,
    /// Nothing.
    Free,
}

/// One row of the table.
pub struct Row {
    pub name: &'static str,
    pub price: Price,
    /// Whether its payload may hold binary attachments.
    pub takes_attachments: bool,
    pub read: fn(&str) -> Result<Command, ClientError>,
}

const fn row(name: &'static str, price: Price, read: fn(&str) -> Result<Command, ClientError>) -> Row {
    Row { name, price, takes_attachments: false, read }
}

impl Row {
    const fn with_attachments(mut self) -> Row {
        self.takes_attachments = true;
        self
    }
}

pub const COMMANDS: &[Row] = &[
    row("auth", Price::Message, |data| Ok(Command::Auth { token: token(data)? })),
    row("authenticate", Price::Message, |data| Ok(Command::Authenticate { token: token(data)? })),
    row("join", Price::Message, |data| Ok(Command::Join { room: room(data)? })),
    row("leave", Price::Message, |data| Ok(Command::Leave { room: room(data)? })),
    row("debug:rooms", Price::Message, |data| nothing(data, Command::DebugRooms)),
    row("blueprint_update", Price::Message, blueprint_update).with_attachments(),
    row("ping", Price::KeepAlive, |data| nothing(data, Command::Ping)),
    row("client:ping", Price::KeepAlive, |data| nothing(data, Command::ClientPing)),
    row("heartbeat", Price::KeepAlive, |data| nothing(data, Command::Heartbeat)),
    row("ack", Price::Free, |data| Ok(Command::Ack { message_id: ack(data)? })),
];

/// The row of `name`, if there is such a command.
pub fn find(name: &str) -> Option<&'static Row> {
    COMMANDS.iter().find(|row| row.name == name)
}

/// Reads the command of `row` from the payload a client sent with it.
///
/// # Errors
/// `INVALID_MESSAGE`, naming what the payload must look like.
pub fn read(row: &Row, data: Option<&RawValue>) -> Result<Command, ClientError> {
    // A command without a payload reads like one with an empty object.
    let data = data.map_or("{}", RawValue::get);
    if json::is_too_deep(data) {
        return Err(ClientError::invalid("The payload is nested too deeply"));
    }
    (row.read)(data)
}

fn payload<'a, T: Deserialize<'a>>(data: &'a str, shape: &'static str) -> Result<T, ClientError> {
    // An array would be read as the struct's fields in order.
    if !data.trim_start().starts_with('{') {
        return Err(ClientError::invalid(shape));
    }
    serde_json::from_str(data).map_err(|_| ClientError::invalid(shape))
}

/// Keep-alives and queries take no payload; guides send none, `{}` or a timestamp. Whatever object
/// or scalar it is, it is not read.
fn nothing(_data: &str, command: Command) -> Result<Command, ClientError> {
    Ok(command)
}

fn token(data: &str) -> Result<String, ClientError> {
    #[derive(Deserialize)]
    struct WithToken {
        token: String,
    }
    payload::<WithToken>(data, "The payload must be {\"token\": string}").map(|auth| auth.token)
}

fn room(data: &str) -> Result<Room, ClientError> {
    #[derive(Deserialize)]
    struct WithRoom {
        room: String,
    }
    let shape = "The payload must be {\"room\": string of 1 to 128 characters}";
    let name = payload::<WithRoom>(data, shape)?.room;
    Room::parse(&name).ok_or_else(bad_room)
}

fn bad_room() -> ClientError {
    ClientError::invalid("A room's name must have 1 to 128 characters")
}

fn blueprint_update(data: &str) -> Result<Command, ClientError> {
    let update = BlueprintUpdate::read(data)?;
    let room = Room::parse(&update.room_id).ok_or_else(bad_room)?;
    Ok(Command::BlueprintUpdate { room, update })
}

fn ack(data: &str) -> Result<String, ClientError> {
    #[derive(Deserialize)]
    struct WithMessageId {
        message_id: String,
    }
    payload::<WithMessageId>(data, "The payload must be {\"message_id\": string}").map(|ack| ack.message_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorCode;

    fn parse(name: &str, data: &str) -> Result<Command, ClientError> {
        let data: Box<RawValue> = serde_json::from_str(data).unwrap();
        read(find(name).unwrap(), Some(&data))
    }

    #[test]
    fn no_two_commands_share_a_name() {
        for (index, row) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[index + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }

    #[test]
    fn a_join_names_a_room() {
        let room = Room::parse("dashboard:overview").unwrap();
        let command = parse("join", r#"{"room":"dashboard:overview"}"#).unwrap();
        assert!(matches!(command, Command::Join { room: joined } if joined == room));
    }

    #[test]
    fn a_payload_of_another_shape_is_refused() {
        let cases = [
            ("join", "{}"),
            ("join", r#"{"room":42}"#),
            ("join", r#"{"room":""}"#),
            ("join", r#"["dashboard:overview"]"#),
            ("leave", "null"),
            ("auth", r#"{"token":null}"#),
            ("auth", "5"),
            ("authenticate", r#"{"user_id":"u","organization_id":"o"}"#),
            ("ack", r#"{"message_id":1}"#),
        ];
        for (name, data) in cases {
            assert_eq!(parse(name, data).unwrap_err().code, ErrorCode::InvalidMessage, "{name} {data}");
        }
    }

    #[test]
    fn ten_thousand_deep_is_refused_without_recursion() {
        let deep = format!(r#"{{"room":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse("join", &deep).unwrap_err().code, ErrorCode::InvalidMessage);
        assert_eq!(parse("ping", &deep).unwrap_err().code, ErrorCode::InvalidMessage);
    }

    #[test]
    fn a_missing_payload_reads_as_an_empty_one() {
        assert!(matches!(read(find("ping").unwrap(), None), Ok(Command::Ping)));
        assert!(read(find("join").unwrap(), None).is_err());
    }
}
