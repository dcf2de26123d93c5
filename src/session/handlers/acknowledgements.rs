//! Clients acknowledge what they were sent: by the number of the packet, or by its message id
//! (contract D-05).
//!
//! Both take nothing from the rate (contract X-29). What bounds a flood of them is that a session asks
//! one question at a time: no more than one acknowledgement of a connection waits at the RoomServer,
//! and the next is not read before that one is answered.

use std::sync::Arc;

use crate::dialect::{Answer, Request};
use crate::domain::error::ClientError;
use crate::events::payload::system::{Accepted, NoMore};
use crate::hub::acknowledgements::Acknowledge;
use crate::hub::ledger::Name;
use crate::hub::outboxes::SocketKey;
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome};

/// A Socket.IO client has called the callback of an event. It hears nothing of that, and a number that
/// was never given out, or has expired, is ignored as the reference does.
pub fn native(session: &Session, key: SocketKey, number: Option<u64>) -> Effect {
    let Some(number) = number.and_then(|number| u32::try_from(number).ok()) else { return Effect::Nothing };
    acknowledge(session, key, Name::Number(number), Request::default())
}

/// `ack`, in any dialect; answered only where a callback waits.
pub fn by_message(session: &Session, key: SocketKey, message_id: String, request: Request) -> Effect {
    acknowledge(session, key, Name::MessageId(message_id), request)
}

fn acknowledge(session: &Session, key: SocketKey, name: Name, request: Request) -> Effect {
    let (clock, asked) = (Arc::clone(&session.services.ambient.clock), request.clone());
    let answer = session.services.worker.rooms().send(Acknowledge { key, name });
    let answer = Box::pin(async move {
        let is_received = answer.await;
        if asked.ack.is_none() {
            return Outcome::Done;
        }
        match is_received {
            Ok(true) => {
                let accepted = Answer::ack(&Accepted::with(NoMore {}));
                Outcome::Reply(accepted.spell(&asked, clock.wall()))
            }
            Ok(false) => Outcome::Refused(ClientError::invalid("You have received no such message")),
            Err(_) => Outcome::Refused(ClientError::internal()),
        }
    });
    Effect::Ask(Ask { answer, socket: key, request })
}
