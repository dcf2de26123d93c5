//! Editors of one document: what one does, the others see.

use std::sync::Arc;

use bytes::Bytes;

use crate::dialect::{Answer, Request};
use crate::domain::error::ClientError;
use crate::domain::room::Room;
use crate::events::payload::blueprints::BlueprintUpdate;
use crate::events::payload::system::{Accepted, NoMore};
use crate::events::publication::{Priority, Publication, Target};
use crate::hub::messages::Relay;
use crate::hub::outboxes::SocketKey;
use crate::proto::socketio::plain_size;
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome};

/// Relays an update to the others in the room, attachments and all.
pub fn update(
    session: &Session,
    key: SocketKey,
    room: Room,
    update: &BlueprintUpdate,
    attachments: Vec<Bytes>,
    request: Request,
) -> Effect {
    let Some(identity) = session.socket(key).map(|socket| Arc::clone(&socket.identity)) else {
        return Effect::Nothing;
    };
    if let Err(error) = session.services.access.may_publish(&identity, &room) {
        return super::refuse(session, &error, &request);
    }
    let clock = Arc::clone(&session.services.ambient.clock);
    let now = clock.wall();
    let data = update.as_seen_by_others(&identity, now);
    // One small attachment named a thousand times would be a thousand large ones to plain clients.
    let most = session.mount.settings.hard_message_bytes;
    if plain_size(&data, &attachments).map_or(true, |size| size > most) {
        return super::refuse(session, &ClientError::too_large(most), &request);
    }
    let publication = Publication {
        // It stands in no frame: nobody is asked to acknowledge.
        message_id: "".into(),
        event: "blueprint_update".into(),
        data: data.into(),
        attachments,
        target: Target::room(room.clone()),
        requires_ack: false,
        priority: Priority::default(),
        sent_at: now,
    };
    let answer = session.services.worker.rooms().send(Relay { key, room, publication });
    let asked = request.clone();
    let answer = Box::pin(async move {
        match answer.await {
            Ok(Ok(_)) => {
                let accepted = Answer::ack(&Accepted::with(NoMore {}));
                Outcome::Reply(accepted.spell(&asked, clock.wall()))
            }
            Ok(Err(error)) => Outcome::Refused(error),
            Err(_) => Outcome::Refused(ClientError::internal()),
        }
    });
    Effect::Ask(Ask { answer, socket: key, request })
}
