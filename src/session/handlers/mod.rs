//! What each message means: from its name and payload to an effect.
//!
//! The same for every dialect: a handler builds an [`Answer`], and who asked decides how that is
//! spelled.

pub mod acknowledgements;
pub mod blueprints;
pub mod connection;
pub mod credentials;
pub mod leads;
pub mod rooms;
pub mod subscriptions;

use std::num::NonZeroU32;

use bytes::Bytes;
use log::info;
use serde_json::value::RawValue;

use super::Session;
use super::effects::Effect;
use crate::dialect::{self, Answer, Reply, Request};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::events::catalog::{self, Inbound, Read};
use crate::events::command::{Command, Price};
use crate::hub::outboxes::SocketKey;
use crate::limits::rate::Verdict;
use crate::proto::plain::{self as proto, Message};
use crate::proto::socketio::{PlaceholderError, from_plain};

/// Handles one message of a plain client.
pub fn message(session: &mut Session, key: SocketKey, text: &str) -> Effect {
    match proto::decode(text) {
        Ok(message) => {
            if message.is_event {
                // It speaks as guide 004's clients do, and those say who they are (contract D-13).
                session.expect_credentials(key);
            }
            let request = request_of(&message);
            let asked = Asked { name: &message.name, data: message.data, bytes: text.len() };
            handle(session, key, &asked, request, |row, data, limits| {
                // Only where somebody will look for them: elsewhere they are objects like any other.
                let Some(data) = data.filter(|_| row.takes_attachments) else {
                    return row.read(data).map(|read| (read, Vec::new()));
                };
                let unpacked = from_plain(data, &limits).map_err(|error| unfit(error, limits.soft))?;
                Ok((row.read(Some(&unpacked.data))?, unpacked.attachments))
            })
        }
        Err(error) => {
            log_message(session, "?", text.len());
            let request = Request::default();
            if !is_within_rate(session, Price::Message, &request) {
                return Effect::Nothing;
            }
            refuse(session, &ClientError::invalid(error.to_string()), &request)
        }
    }
}

/// Handles one event of a Socket.IO client. Of its arguments, the first is the payload.
pub fn event(
    session: &mut Session,
    key: SocketKey,
    name: &str,
    data: Option<&RawValue>,
    attachments: Vec<Bytes>,
    request: Request,
) -> Effect {
    let bytes = data.map_or(0, |data| data.get().len()) + attachments.iter().map(Bytes::len).sum::<usize>();
    let asked = Asked { name, data, bytes };
    handle(session, key, &asked, request, |row, data, _| Ok((row.read(data)?, attachments)))
}

/// What was asked, in whatever dialect.
struct Asked<'a> {
    name: &'a str,
    data: Option<&'a RawValue>,
    bytes: usize,
}

type Heard = Result<(Read, Vec<Bytes>), ClientError>;

fn handle(
    session: &mut Session,
    key: SocketKey,
    asked: &Asked<'_>,
    request: Request,
    read: impl FnOnce(&Inbound, Option<&RawValue>, crate::proto::socketio::Limits) -> Heard,
) -> Effect {
    log_message(session, asked.name, asked.bytes);
    let row = catalog::find_command(asked.name);
    if !is_within_rate(session, row.map_or(Price::Message, |row| row.price), &request) {
        return Effect::Nothing;
    }
    let limits = session.mount.settings.packet_limits();
    let read = match row {
        Some(row) => read(row, asked.data, limits),
        None => Ok((Read::NotYet, Vec::new())),
    };
    // What is free is so because nothing is answered, or, as with an acknowledgement, because the session
    // hears no further until the RoomServer has answered.
    let is_bounded = match &read {
        Ok((Read::Command(Command::Ack { .. }), _)) => true,
        Ok((Read::Command(_), _)) => request.ack.is_none(),
        _ => false,
    };
    if !is_bounded
        && row.is_some_and(|row| row.price == Price::Free)
        && !is_within_rate(session, Price::Message, &request)
    {
        return Effect::Nothing;
    }
    match read {
        Ok((Read::Command(command), attachments)) => dispatch(session, key, command, attachments, request),
        // A name that nothing takes, or nothing takes yet.
        Ok((Read::NotYet, _)) => refuse(session, &unknown(asked.name), &request),
        Err(error) => refuse(session, &error, &request),
    }
}

fn dispatch(
    session: &mut Session,
    key: SocketKey,
    command: Command,
    attachments: Vec<Bytes>,
    request: Request,
) -> Effect {
    match command {
        Command::Auth { token } => credentials::auth(session, key, &token, request),
        Command::Authenticate(claim) => credentials::authenticate(session, key, &claim, request),
        Command::Subscribe { room, channels } => {
            subscriptions::subscribe(session, key, room, channels, request)
        }
        Command::Unsubscribe { room, channels } => {
            subscriptions::unsubscribe(session, key, room, channels, request)
        }
        Command::Join { room } => rooms::join(session, key, room, request),
        Command::Leave { room } => rooms::leave(session, key, room, request),
        Command::JoinRoom { room, name } => rooms::join_room(session, key, room, name, request),
        Command::LeaveRoom { room } => rooms::leave_room(session, key, room, request),
        Command::DebugRooms => rooms::own_rooms(session, key, request),
        Command::Voice(command) => leads::voice_command(session, key, *command, request),
        Command::BlueprintUpdate { room, update } => {
            blueprints::update(session, key, room, &update, attachments, request)
        }
        Command::Ping => connection::pong(session, &request),
        Command::ClientPing => connection::client_pong(session, &request),
        Command::Heartbeat => connection::heartbeat(session, &request),
        Command::Ack { message_id } => acknowledgements::by_message(session, key, message_id, request),
    }
}

/// What became of asking for a place in the rate.
pub enum Charge {
    Paid,
    /// Over the limit; an `error` event may be due, at most one a second (contract X-29).
    Refused {
        error: ClientError,
        is_due: bool,
    },
    /// Dropped silently, or the connection is closed; counted either way.
    Dropped,
}

/// Takes the price of a message. A flood ends the connection.
pub fn charge(session: &mut Session, price: Price) -> Charge {
    let verdict = match price {
        Price::Free => return Charge::Paid,
        Price::KeepAlive if session.is_within_keep_alives() => return Charge::Paid,
        Price::KeepAlive => return Charge::Dropped,
        Price::Message => {
            let tenant = session.sockets.iter().find_map(|socket| socket.identity.tenant.as_ref());
            let shared = tenant.and_then(|tenant| session.services.tenant_rates.get(&tenant.id));
            session.rate.message(shared, session.services.ambient.clock.now())
        }
    };
    match verdict {
        Verdict::Allowed => Charge::Paid,
        Verdict::Refused { tell: is_due } => {
            let limit = session.mount.settings.messages_per_second.map_or(0, NonZeroU32::get);
            let message = format!("At most {limit} messages a second");
            Charge::Refused { error: ClientError::new(ErrorCode::RateLimitExceeded, message), is_due }
        }
        Verdict::Flooding => {
            session.leave(Farewell::Flood);
            Charge::Dropped
        }
    }
}

/// Takes the price of a message and tells of a refusal: always where an acknowledgement is waited
/// for.
pub fn is_within_rate(session: &mut Session, price: Price, request: &Request) -> bool {
    match charge(session, price) {
        Charge::Paid => return true,
        Charge::Refused { error, is_due } if is_due || request.ack.is_some() => {
            session.reply(&failure(session, &error, request));
        }
        Charge::Refused { .. } => session.count_refusal(),
        Charge::Dropped => {}
    }
    false
}

/// An answer, spelled for who asked.
pub fn answer(session: &Session, request: &Request, answer: &Answer) -> Effect {
    Effect::Reply(answer.spell(request, session.services.ambient.clock.wall()))
}

/// A refusal as the reply to `request`.
pub fn refuse(session: &Session, error: &ClientError, request: &Request) -> Effect {
    Effect::Reply(failure(session, error, request))
}

/// The words of a refusal, which is counted: to be said once.
pub fn failure(session: &Session, error: &ClientError, request: &Request) -> Reply {
    session.count_refusal();
    dialect::answer::failure(error, request, session.services.ambient.clock.wall())
}

/// A name as it is repeated to the client or the log: the client chose it, so it is cut.
pub fn shown(name: &str) -> String {
    const SHOWN: usize = 64;
    name.chars().take(SHOWN).collect()
}

fn unknown(name: &str) -> ClientError {
    ClientError::invalid(format!("There is no message `{}`", shown(name)))
}

/// Why a payload's buffers cannot be taken for attachments.
fn unfit(error: PlaceholderError, limit: usize) -> ClientError {
    match error {
        PlaceholderError::TooLarge => ClientError::too_large(limit),
        other => ClientError::invalid(format!("The payload's buffers do not fit: {other}")),
    }
}

fn request_of(message: &Message<'_>) -> Request {
    let id = message.id.map(RawValue::to_owned);
    Request { name: Some(shown(&message.name)), id, ..Request::default() }
}

fn log_message(session: &Session, name: &str, bytes: usize) {
    if session.mount.settings.log_messages {
        info!(id = session.id.as_str(), event = shown(name).as_str(), bytes; "message");
    }
}
