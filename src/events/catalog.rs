//! What a row of the vocabulary says, and how a name is looked up in it.
//!
//! One table, [`CATALOG`], has every event the server may send and every command a client may,
//! one row each (contract section 7). A row says what a payload looks like, and whom an event is
//! for. What an admin may broadcast follows from it (contract D-32): everything that is not meant for
//! a single socket, and custom types.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::value::RawValue;

use super::command::{Command, Price};
use super::fields::{self, Field};
pub use super::table::CATALOG;
use crate::domain::channel::Channel;
use crate::domain::error::ClientError;
use crate::domain::json;

/// Which guide's word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Several guides'.
    System,
    /// Guide 000's.
    Leads,
    /// Guide 001's.
    Projects,
    /// Guide 002's.
    Studio,
    /// Guide 003's.
    Blueprints,
    /// Guide 004's.
    Intraday,
}

/// One word of the vocabulary. A name that goes both ways has a row for each.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub family: Family,
    pub direction: Direction,
}

#[derive(Clone, Copy, Debug)]
pub enum Direction {
    /// From a client.
    In(Inbound),
    /// To clients.
    Out(Outbound),
}

/// How a client's command is taken.
#[derive(Clone, Copy, Debug)]
pub struct Inbound {
    pub price: Price,
    /// Whether its payload may hold binary attachments.
    pub takes_attachments: bool,
    pub reader: Reader,
    /// What it becomes where its payload cannot be read: for a command whose refusals are answers of
    /// its own (contract X-24).
    pub unreadable: Option<fn() -> Command>,
}

#[derive(Clone, Copy, Debug)]
pub enum Reader {
    Now(fn(&str) -> Result<Command, ClientError>),
    /// Nothing takes it yet, so that a sound one is answered as an unknown command.
    Later {
        fields: &'static [Field],
        is_list: bool,
    },
}

/// What is sent to clients.
#[derive(Clone, Copy, Debug)]
pub struct Outbound {
    pub audience: Audience,
    pub delivery: Delivery,
    pub payload: Payload,
}

/// Whom an event is for when nothing narrower is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The one socket that asked; never broadcast.
    Socket,
    /// A room, a user, or everyone.
    Room,
    /// Subscribers of one of guide 004's channels.
    Channel(Channel),
    /// Everyone of an organization, subscribed or not (I-066).
    Notice,
}

/// What may become of an event where a client is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing: each one counts.
    Ordered,
    /// A later one of the same thing makes it worthless.
    Keyed,
    /// It is worthless a moment later.
    Volatile,
}

/// What an event's payload must look like where a backend sends it. Fields that the server completes
/// or that a backend may leave out are checked where they stand.
#[derive(Clone, Copy, Debug)]
pub enum Payload {
    Anything,
    Fields(&'static [Field]),
}

pub(super) const fn event(
    name: &'static str,
    family: Family,
    audience: Audience,
    delivery: Delivery,
    payload: Payload,
) -> Row {
    Row { name, family, direction: Direction::Out(Outbound { audience, delivery, payload }) }
}

pub(super) const fn command(
    name: &'static str,
    family: Family,
    price: Price,
    read: fn(&str) -> Result<Command, ClientError>,
) -> Row {
    inbound(name, family, price, Reader::Now(read))
}

pub(super) const fn later(name: &'static str, family: Family, price: Price, fields: &'static [Field]) -> Row {
    inbound(name, family, price, Reader::Later { fields, is_list: false })
}

const fn inbound(name: &'static str, family: Family, price: Price, reader: Reader) -> Row {
    let inbound = Inbound { price, takes_attachments: false, reader, unreadable: None };
    Row { name, family, direction: Direction::In(inbound) }
}

impl Row {
    pub(super) const fn with_attachments(mut self) -> Row {
        if let Direction::In(inbound) = &mut self.direction {
            inbound.takes_attachments = true;
        }
        self
    }

    pub(super) const fn taking_a_list(mut self) -> Row {
        if let Direction::In(Inbound { reader: Reader::Later { is_list, .. }, .. }) = &mut self.direction {
            *is_list = true;
        }
        self
    }

    pub(super) const fn answering_in_its_own_words(mut self, unreadable: fn() -> Command) -> Row {
        if let Direction::In(inbound) = &mut self.direction {
            inbound.unreadable = Some(unreadable);
        }
        self
    }

    fn outbound(&self) -> Option<&Outbound> {
        match &self.direction {
            Direction::Out(outbound) => Some(outbound),
            Direction::In(_) => None,
        }
    }

    fn inbound(&self) -> Option<&Inbound> {
        match &self.direction {
            Direction::In(inbound) => Some(inbound),
            Direction::Out(_) => None,
        }
    }
}

impl Outbound {
    /// # Errors
    /// `INVALID_MESSAGE`, naming what is wrong with the payload.
    pub fn check(&self, data: &RawValue) -> Result<(), ClientError> {
        match self.payload {
            Payload::Anything => Ok(()),
            Payload::Fields(fields) => fields::check(data.get(), fields),
        }
    }
}

/// What became of reading a client's payload.
#[derive(Debug)]
pub enum Read {
    Command(Command),
    /// It is sound, and nothing takes it yet.
    NotYet,
}

impl Inbound {
    /// Reads the command from the payload a client sent with it.
    ///
    /// # Errors
    /// The refusal, naming what the payload must look like.
    pub fn read(&self, data: Option<&RawValue>) -> Result<Read, ClientError> {
        // A command without a payload reads like one with an empty object.
        let data = data.map_or("{}", RawValue::get);
        let read = if json::is_too_deep(data) {
            Err(ClientError::invalid("The payload is nested too deeply"))
        } else {
            self.reader.read(data)
        };
        match (read, self.unreadable) {
            (Err(_), Some(command)) => Ok(Read::Command(command())),
            (read, _) => read,
        }
    }
}

impl Reader {
    fn read(&self, data: &str) -> Result<Read, ClientError> {
        match self {
            Reader::Now(read) => read(data).map(Read::Command),
            Reader::Later { is_list: true, .. } => {
                let list = serde_json::from_str::<Vec<&RawValue>>(data);
                let shape = || ClientError::invalid("The payload must be an array");
                list.map(|_| Read::NotYet).map_err(|_| shape())
            }
            Reader::Later { fields, .. } => fields::check(data, fields).map(|()| Read::NotYet),
        }
    }
}

/// Names the Socket.IO client library keeps for itself; never sent (contract W7).
const RESERVED: &[&str] =
    &["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What one name means, either way.
#[derive(Default)]
struct Meaning {
    inbound: Option<&'static Inbound>,
    outbound: Option<&'static Outbound>,
}

/// Every message is looked up, so the table is indexed once.
fn meaning(name: &str) -> Option<&'static Meaning> {
    static INDEX: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| {
        let mut index: HashMap<&'static str, Meaning> = HashMap::new();
        for row in CATALOG {
            let meaning = index.entry(row.name).or_default();
            meaning.inbound = meaning.inbound.or(row.inbound());
            meaning.outbound = meaning.outbound.or(row.outbound());
        }
        index
    });
    INDEX.get(name)
}

/// The event of this name, if the server may say it.
pub fn find_event(name: &str) -> Option<&'static Outbound> {
    meaning(name)?.outbound
}

/// The command of this name, if there is one.
pub fn find_command(name: &str) -> Option<&'static Inbound> {
    meaning(name)?.inbound
}

/// Whether an admin may broadcast `name` in guide 004's `{event}` form: a listed event that is not
/// meant for one socket.
pub fn is_broadcastable(name: &str) -> bool {
    find_event(name).is_some_and(|event| event.audience != Audience::Socket)
}

/// The longest custom type, in bytes: the meters and the ledger keep names.
const CUSTOM_NAME: usize = 128;

/// Whether `name` is a custom type (contract X-18): free for guide 002's `{type}` form, unless it is
/// too long, reserved or already means something.
pub fn is_custom(name: &str) -> bool {
    let Some((head, tail)) = name.split_once(':') else { return false };
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= CUSTOM_NAME
        && head.starts_with(|c: char| c.is_ascii_lowercase())
        && head.bytes().all(is_word)
        && (1..=60).contains(&tail.len())
        && tail.bytes().all(|b| is_word(b) || b"_:.-".contains(&b))
        && meaning(name).is_none()
        && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorCode;

    #[test]
    fn no_two_rows_say_the_same_and_none_is_reserved() {
        let is_out = |row: &Row| row.outbound().is_some();
        for (index, row) in CATALOG.iter().enumerate() {
            let same = |other: &&Row| other.name == row.name && is_out(other) == is_out(row);
            assert_eq!(CATALOG[index + 1..].iter().find(same).map(|row| row.name), None);
            assert!(!RESERVED.contains(&row.name), "{}", row.name);
        }
    }

    #[test]
    fn what_a_row_says_is_found_by_its_name() {
        for row in CATALOG {
            assert_eq!(
                find_event(row.name)
                    .is_some_and(|own| Some(own.audience) == row.outbound().map(|own| own.audience)),
                row.outbound().is_some(),
                "{}",
                row.name
            );
            assert!(row.inbound().is_none() || find_command(row.name).is_some(), "{}", row.name);
        }
        assert!(find_event("nothing").is_none() && find_command("nothing").is_none());
    }

    #[test]
    fn guide_004_has_seventeen_events_and_all_can_be_broadcast() {
        let of_channel = |row: &&Row| {
            row.outbound().is_some_and(|own| matches!(own.audience, Audience::Channel(_) | Audience::Notice))
        };
        let intraday: Vec<&Row> = CATALOG.iter().filter(of_channel).collect();
        assert_eq!(intraday.len(), 17);
        for row in intraday {
            assert!(row.family == Family::Intraday && is_broadcastable(row.name), "{}", row.name);
            // Missing data is another thing than none to speak of (I-098).
            for data in ["0", "false", "\"\"", "null", "{}"] {
                let data: Box<RawValue> = serde_json::from_str(data).unwrap();
                assert!(find_event(row.name).unwrap().check(&data).is_ok(), "{} {data}", row.name);
            }
        }
    }

    #[test]
    fn an_event_s_channel_is_its_prefix_s() {
        let table = [
            ("kpi:", Channel::Kpi),
            ("backlog:", Channel::Backlog),
            ("attendance:", Channel::Attendance),
            ("alert:", Channel::Alerts),
        ];
        for row in CATALOG {
            let expected = table.iter().find(|(prefix, _)| row.name.starts_with(prefix));
            let channel = match row.outbound().map(|own| own.audience) {
                Some(Audience::Channel(channel)) => Some(channel),
                _ => None,
            };
            assert_eq!(channel, expected.map(|(_, channel)| *channel), "{}", row.name);
        }
    }

    #[test]
    fn what_is_for_one_socket_is_not_broadcast() {
        for name in ["connected", "error", "pong", "room_joined", "operation_ack", "metrics:data"] {
            assert!(!is_broadcastable(name) && !is_custom(name), "{name}");
        }
    }

    #[test]
    fn custom_types_follow_the_pattern() {
        for good in ["custom:event", "a1:b", "billing:invoice.paid-v2"] {
            assert!(is_custom(good), "{good}");
        }
        for bad in ["custom", "Custom:e", ":x", "a:", "1a:b", "a:B", "client:ping", "kpi:update", "a_b:c"] {
            assert!(!is_custom(bad), "{bad}");
        }
        assert!(!is_custom(&format!("a:{}", "x".repeat(61))));
        let longest = |head: usize| format!("{}:{}", "x".repeat(head), "y".repeat(60));
        assert!(is_custom(&longest(67)) && !is_custom(&longest(68)));
    }

    #[test]
    fn every_payload_is_checked_and_takes_what_its_row_says() {
        for row in CATALOG {
            let Some(Outbound { payload: Payload::Fields(fields), .. }) = row.outbound() else { continue };
            let check = |data: &str| {
                let data: Box<RawValue> = serde_json::from_str(data).unwrap();
                row.outbound().unwrap().check(&data)
            };
            for bad in ["5", "[]", "null", "\"x\""] {
                assert_eq!(check(bad).unwrap_err().code, ErrorCode::InvalidMessage, "{} {bad}", row.name);
            }
            for field in *fields {
                // Neither kind of value fits any field that has a kind.
                let is_wrong = |value: &str| {
                    let others = fields.iter().filter(|other| other.is_required && other.key != field.key);
                    let others: String = others.map(|other| format!(",\"{}\":\"x\"", other.key)).collect();
                    check(&format!("{{\"{}\":{value}{others}}}", field.key)).is_err()
                };
                assert!(is_wrong("[{}]") || is_wrong("{}"), "{} {}", row.name, field.key);
            }
        }
    }

    #[test]
    fn what_is_not_built_yet_is_read_and_answered_as_unknown() {
        let sound = [
            ("metrics:get", "{}"),
            ("metrics:subscribe", r#"{"metrics":["voice_call"]}"#),
            ("message", r#"{"room":"r","data":1}"#),
            ("send_message", r#"{"roomId":"r","message":"m","type":"comment"}"#),
            ("typing", r#"{"roomId":"r","isTyping":true}"#),
            ("cursor_move", r#"{"roomId":"r","position":{"x":1,"y":2}}"#),
            ("scroll_position", r#"{"roomId":"r","scrollPos":3}"#),
            ("operation", r#"{"roomId":"r","documentId":"d","operation":[],"version":0}"#),
            ("analytics_events", "[{}]"),
        ];
        let not_yet =
            |row: &&Row| row.inbound().is_some_and(|own| matches!(own.reader, Reader::Later { .. }));
        assert_eq!(CATALOG.iter().filter(not_yet).count(), sound.len());
        for (name, data) in sound {
            let read = |data: &str| {
                let data: Box<RawValue> = serde_json::from_str(data).unwrap();
                find_command(name).unwrap().read(Some(&data))
            };
            assert!(matches!(read(data), Ok(Read::NotYet)), "{name}");
            assert_eq!(read("7").unwrap_err().code, ErrorCode::InvalidMessage, "{name}");
        }
    }
}
