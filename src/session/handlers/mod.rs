//! What each message means: from text to an effect.

pub mod connection;
pub mod rooms;

use log::info;
use serde_json::value::RawValue;

use super::Session;
use super::effects::{Effect, Request};
use crate::dialect::plain;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::events::command::{self, Command, Price};
use crate::limits::rate::Verdict;
use crate::proto::plain::{self as proto, Message};

/// Handles one message of a plain client.
pub fn message(session: &mut Session, text: &str) -> Effect {
    let message = proto::decode(text);
    if session.services.settings.log_messages {
        let name: String =
            message.as_ref().map_or("?", |message| &*message.name).chars().take(SHOWN_NAME).collect();
        info!(id = session.id.as_str(), event = name.as_str(), bytes = text.len(); "message");
    }
    let row = message.as_ref().ok().and_then(|message| command::find(&message.name));
    let request = message.as_ref().map(request_of).unwrap_or_default();
    if !is_within_rate(session, row.map_or(Price::Message, |row| row.price), &request) {
        return Effect::Nothing;
    }
    let read = match (&message, row) {
        (Err(error), _) => Err(ClientError::invalid(error.to_string())),
        (Ok(message), None) => Err(unknown(&message.name)),
        (Ok(message), Some(row)) => command::read(row, message.data),
    };
    match read {
        Ok(command) => dispatch(session, command, request),
        Err(error) => refuse(session, &error, &request),
    }
}

fn dispatch(session: &mut Session, command: Command, request: Request) -> Effect {
    match command {
        Command::Auth { token } => {
            connection::auth(session, &token, connection::Answer::AuthSuccess, request)
        }
        Command::Authenticate { token } => {
            connection::auth(session, &token, connection::Answer::Authenticated, request)
        }
        Command::Join { room } => rooms::join(session, room, request),
        Command::Leave { room } => rooms::leave(session, room, request),
        Command::DebugRooms => rooms::own_rooms(session, request),
        Command::Ping => connection::pong(session, &request),
        Command::ClientPing => connection::client_pong(session, &request),
        Command::Heartbeat => connection::heartbeat(session, &request),
        // Counting acknowledgements needs a ledger, which nothing reads yet.
        Command::Ack { .. } => Effect::Nothing,
    }
}

/// Takes the price of a message; tells, closes or drops silently where there is nothing to take
/// (contract X-29).
pub fn is_within_rate(session: &mut Session, price: Price, request: &Request) -> bool {
    let verdict = match price {
        Price::Free => return true,
        Price::KeepAlive => return session.rate.keep_alive(),
        Price::Message => session.rate.message(session.services.ambient.clock.now()),
    };
    match verdict {
        Verdict::Allowed => return true,
        Verdict::Refused { tell: true } => {
            let limit = session.services.settings.messages_per_second;
            let message = format!("At most {limit} messages a second");
            let error = ClientError::new(ErrorCode::RateLimitExceeded, message);
            session.send(&failure(session, &error, request));
        }
        Verdict::Refused { tell: false } => {}
        Verdict::Flooding => session.leave(Farewell::Flood),
    }
    false
}

/// A refusal as the reply to `request`.
pub fn refuse(session: &Session, error: &ClientError, request: &Request) -> Effect {
    Effect::Reply(failure(session, error, request))
}

pub fn failure(session: &Session, error: &ClientError, request: &Request) -> bytes::Bytes {
    plain::failure(
        error,
        request.name.as_deref(),
        request.id.as_deref(),
        session.services.ambient.clock.wall(),
    )
}

fn unknown(name: &str) -> ClientError {
    let shown: String = name.chars().take(SHOWN_NAME).collect();
    ClientError::invalid(format!("There is no message `{shown}`"))
}

/// Longest name that is repeated to the client or the log, in characters.
const SHOWN_NAME: usize = 64;

fn request_of(message: &Message<'_>) -> Request {
    let name = message.name.chars().take(SHOWN_NAME).collect();
    Request { name: Some(name), id: message.id.map(RawValue::to_owned) }
}
