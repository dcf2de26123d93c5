//! Every command a client may send: inbound, typed and valid once it stands here.
//!
//! The table of names is [`super::table`]; here is what each becomes, and how its payload is read.

use serde::Deserialize;

use crate::domain::error::ClientError;
use crate::domain::room::Room;
use crate::domain::text;

use super::payload::blueprints::BlueprintUpdate;
use super::payload::intraday::{Claim, Subscribe, Unsubscribe};
use super::payload::leads::VoiceCommand;

/// A valid command.
#[derive(Debug)]
pub enum Command {
    /// Guide 002: take this token from now on; answered by `auth:success`.
    Auth {
        token: String,
    },
    /// Guide 004: the same, or ids without proof; answered by `authenticated`.
    Authenticate(Claim),
    /// Guides 001 and 004: a room, channels, or both (contract X-03).
    Subscribe {
        room: Option<Room>,
        channels: Option<Subscribe>,
    },
    /// The reverse; what is not given is not ended.
    Unsubscribe {
        room: Option<Room>,
        channels: Option<Unsubscribe>,
    },
    /// Guide 002: be in a room, unseen.
    Join {
        room: Room,
    },
    Leave {
        room: Room,
    },
    /// Guide 003: be in a room, and be seen there.
    JoinRoom {
        room: Room,
        name: Option<String>,
    },
    LeaveRoom {
        room: Room,
    },
    DebugRooms,
    /// Guide 003: tell the others in the room.
    BlueprintUpdate {
        room: Room,
        update: BlueprintUpdate,
    },
    /// Guide 000: do something by voice, if the request can be read.
    Voice(Box<VoiceCommand>),
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

type Read = Result<Command, ClientError>;

pub(super) fn auth(data: &str) -> Read {
    #[derive(Deserialize)]
    struct WithToken {
        token: String,
    }
    let WithToken { token } = payload(data, "The payload must be {\"token\": string}")?;
    Ok(Command::Auth { token })
}

pub(super) fn authenticate(data: &str) -> Read {
    Claim::read(data).map(Command::Authenticate)
}

pub(super) fn subscribe(data: &str) -> Read {
    let room = optional_room(data)?;
    let channels = Subscribe::read(data)?;
    if room.is_none() && channels.is_none() {
        return Err(ClientError::invalid("The payload must have a `room` or `channels`"));
    }
    Ok(Command::Subscribe { room, channels })
}

pub(super) fn unsubscribe(data: &str) -> Read {
    let room = optional_room(data)?;
    let channels = Unsubscribe::read(data)?;
    // Nothing in particular is everything that was subscribed to.
    let channels = if room.is_none() { Some(channels.unwrap_or_default()) } else { channels };
    Ok(Command::Unsubscribe { room, channels })
}

pub(super) fn join(data: &str) -> Read {
    room(data).map(|room| Command::Join { room })
}

pub(super) fn leave(data: &str) -> Read {
    room(data).map(|room| Command::Leave { room })
}

pub(super) fn join_room(data: &str) -> Read {
    // A `userId` is not read: who one is, is known (contract C-023).
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct WithRoomId {
        room_id: String,
        user_name: Option<String>,
    }
    let shape = "The payload must be {\"roomId\": string of 1 to 128 characters, \"userName\"?: string}";
    let WithRoomId { room_id, user_name } = payload(data, shape)?;
    let name = user_name.as_deref().and_then(text::name);
    Ok(Command::JoinRoom { room: Room::parse(&room_id).ok_or_else(bad_room)?, name })
}

pub(super) fn leave_room(data: &str) -> Read {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct WithRoomId {
        room_id: String,
    }
    let shape = "The payload must be {\"roomId\": string of 1 to 128 characters}";
    let WithRoomId { room_id } = payload(data, shape)?;
    Ok(Command::LeaveRoom { room: Room::parse(&room_id).ok_or_else(bad_room)? })
}

pub(super) fn blueprint_update(data: &str) -> Read {
    let update = BlueprintUpdate::read(data)?;
    let room = Room::parse(&update.room_id).ok_or_else(bad_room)?;
    Ok(Command::BlueprintUpdate { room, update })
}

pub(super) fn voice_command(data: &str) -> Read {
    Ok(Command::Voice(Box::new(VoiceCommand::read(data))))
}

pub(super) fn unreadable_voice_command() -> Command {
    Command::Voice(Box::new(VoiceCommand::unreadable()))
}

pub(super) fn ack(data: &str) -> Read {
    #[derive(Deserialize)]
    struct WithMessageId {
        message_id: String,
    }
    let WithMessageId { message_id } = payload(data, "The payload must be {\"message_id\": string}")?;
    Ok(Command::Ack { message_id })
}

// Keep-alives and queries take no payload; guides send none, `{}` or a timestamp. Whatever it is, it
// is not read.

pub(super) fn debug_rooms(_: &str) -> Read {
    Ok(Command::DebugRooms)
}

pub(super) fn ping(_: &str) -> Read {
    Ok(Command::Ping)
}

pub(super) fn client_ping(_: &str) -> Read {
    Ok(Command::ClientPing)
}

pub(super) fn heartbeat(_: &str) -> Read {
    Ok(Command::Heartbeat)
}

/// Reads an object.
pub(super) fn payload<'a, T: Deserialize<'a>>(data: &'a str, shape: &'static str) -> Result<T, ClientError> {
    // An array would be read as the struct's fields in order.
    if !data.trim_start().starts_with('{') {
        return Err(ClientError::invalid(shape));
    }
    serde_json::from_str(data).map_err(|_| ClientError::invalid(shape))
}

fn room(data: &str) -> Result<Room, ClientError> {
    optional_room(data)?.ok_or_else(|| ClientError::invalid(ROOM_SHAPE))
}

const ROOM_SHAPE: &str = "The payload must be {\"room\": string of 1 to 128 characters}";

fn optional_room(data: &str) -> Result<Option<Room>, ClientError> {
    #[derive(Deserialize)]
    struct WithRoom {
        room: Option<String>,
    }
    let WithRoom { room } = payload(data, ROOM_SHAPE)?;
    room.map(|name| Room::parse(&name).ok_or_else(bad_room)).transpose()
}

fn bad_room() -> ClientError {
    ClientError::invalid("A room's name must have 1 to 128 characters")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorCode::{self, AuthFailed, InvalidMessage, SubscriptionFailed};
    use crate::events::catalog::{self, Read};
    use serde_json::value::RawValue;

    fn parse(name: &str, data: &str) -> Result<Command, ClientError> {
        let data: Box<RawValue> = serde_json::from_str(data).unwrap();
        match catalog::find_command(name).unwrap().read(Some(&data))? {
            Read::Command(command) => Ok(command),
            Read::NotYet => panic!("{name} is built"),
        }
    }

    #[test]
    fn a_join_names_a_room() {
        let overview = Room::parse("dashboard:overview").unwrap();
        let command = parse("join", r#"{"room":"dashboard:overview"}"#).unwrap();
        assert!(matches!(command, Command::Join { room } if room == overview));
        let command = parse("join_room", r#"{"roomId":"r","userId":7,"userName":" "}"#).unwrap();
        assert!(matches!(command, Command::JoinRoom { name: None, .. }));
    }

    #[test]
    fn a_subscription_is_to_a_room_to_channels_or_to_both() {
        for name in ["subscribe", "client:subscribe"] {
            let has = |data: &str| match parse(name, data).unwrap() {
                Command::Subscribe { room, channels } => (room.is_some(), channels.is_some()),
                other => panic!("{other:?}"),
            };
            assert_eq!(has(r#"{"room":"r"}"#), (true, false));
            assert_eq!(has(r#"{"channels":["kpi"]}"#), (false, true));
            assert_eq!(has(r#"{"channels":["kpi"],"room":"r"}"#), (true, true));
        }
        for name in ["unsubscribe", "client:unsubscribe"] {
            let has = |data: &str| match parse(name, data).unwrap() {
                Command::Unsubscribe { room, channels } => (room.is_some(), channels.is_some()),
                other => panic!("{other:?}"),
            };
            assert_eq!(has(r#"{"room":"r"}"#), (true, false));
            assert_eq!(has("{}"), (false, true));
            assert_eq!(has(r#"{"subscription_id":"s"}"#), (false, true));
            assert_eq!(has(r#"{"room":"r","channels":["all"]}"#), (true, true));
        }
    }

    #[test]
    fn a_payload_of_another_shape_is_refused() {
        let cases: &[(&str, &str, ErrorCode)] = &[
            ("join", "{}", InvalidMessage),
            ("join", r#"{"room":42}"#, InvalidMessage),
            ("join", r#"{"room":""}"#, InvalidMessage),
            ("join", r#"["dashboard:overview"]"#, InvalidMessage),
            ("leave", "null", InvalidMessage),
            ("auth", r#"{"token":null}"#, InvalidMessage),
            ("auth", "5", InvalidMessage),
            ("authenticate", "5", InvalidMessage),
            ("authenticate", "{}", AuthFailed),
            ("authenticate", r#"{"user_id":"u"}"#, AuthFailed),
            ("authenticate", r#"{"user_id":"","organization_id":"o"}"#, AuthFailed),
            ("authenticate", r#"{"user_id":["u"],"organization_id":"o"}"#, AuthFailed),
            ("authenticate", r#"{"user_id":"u","organization_id":"a:dept:b"}"#, AuthFailed),
            ("authenticate", r#"{"token":5}"#, AuthFailed),
            ("join_room", "{}", InvalidMessage),
            ("join_room", r#"{"roomId":"r","userName":7}"#, InvalidMessage),
            ("leave_room", r#"{"room":"r"}"#, InvalidMessage),
            ("subscribe", "{}", InvalidMessage),
            ("subscribe", r#"{"room":42}"#, InvalidMessage),
            ("subscribe", r#"{"channels":[]}"#, InvalidMessage),
            ("subscribe", r#"{"channels":"kpi"}"#, InvalidMessage),
            ("subscribe", r#"{"channels":[1]}"#, InvalidMessage),
            ("subscribe", r#"{"channels":["foo"]}"#, SubscriptionFailed),
            ("subscribe", r#"{"channels":["kpi"],"department_id":"a:queue:b"}"#, InvalidMessage),
            ("subscribe", r#"{"channels":["kpi"],"queue_name":"../"}"#, InvalidMessage),
            ("subscribe", r#"{"channels":["kpi"],"filters":{"min_severity":"purple"}}"#, InvalidMessage),
            ("subscribe", r#"{"channels":["kpi"],"filters":{"sources":"a"}}"#, InvalidMessage),
            ("subscribe", r#"{"channels":["kpi"],"filters":[]}"#, InvalidMessage),
            ("unsubscribe", r#"{"channels":["foo"]}"#, SubscriptionFailed),
            ("unsubscribe", r#"{"subscription_id":5}"#, InvalidMessage),
            ("ack", r#"{"message_id":1}"#, InvalidMessage),
        ];
        for (name, data, code) in cases {
            assert_eq!(parse(name, data).unwrap_err().code, *code, "{name} {data}");
        }
    }

    #[test]
    fn ten_thousand_deep_is_refused_without_recursion() {
        let deep = format!(r#"{{"room":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse("join", &deep).unwrap_err().code, InvalidMessage);
        assert_eq!(parse("ping", &deep).unwrap_err().code, InvalidMessage);
        assert!(
            matches!(parse("execute_voice_command", &deep), Ok(Command::Voice(read)) if read.asked.is_err())
        );
    }

    #[test]
    fn a_missing_payload_reads_as_an_empty_one() {
        let read = |name: &str| catalog::find_command(name).unwrap().read(None);
        assert!(matches!(read("ping"), Ok(Read::Command(Command::Ping))));
        assert!(read("join").is_err());
    }
}
