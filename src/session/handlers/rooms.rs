//! Rooms: joining, leaving, and which ones one is in.

use log::info;

use crate::dialect::{Answer, Reply, Request};
use crate::domain::error::ClientError;
use crate::domain::room::Room;
use crate::events::payload::system::{Accepted, OwnRooms, RoomChanged};
use crate::hub::messages;
use crate::hub::outboxes::SocketKey;
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome};

/// Joins silently (guide 002); `room_joined` is written in the step that makes it a member.
pub fn join(session: &Session, key: SocketKey, room: Room, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    if let Err(error) = session.services.access.may_join(&socket.identity, &room) {
        return super::refuse(session, &error, &request);
    }
    let log = log_of(session, "room_join", &room);
    let confirm = changed(session, "room_joined", &room, &request);
    let answer = session.services.worker.rooms().send(messages::Join { key, room, confirm });
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, socket: key, request })
}

pub fn leave(session: &Session, key: SocketKey, room: Room, request: Request) -> Effect {
    let log = log_of(session, "room_leave", &room);
    let confirm = changed(session, "room_left", &room, &request);
    let answer = session.services.worker.rooms().send(messages::Leave { key, room, confirm });
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, socket: key, request })
}

/// `debug:rooms`: who one is and where one is.
pub fn own_rooms(session: &Session, key: SocketKey, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    let (id, identity) = (socket.id.clone(), socket.identity.clone());
    let (clock, asked) = (session.services.ambient.clock.clone(), request.clone());
    let answer = session.services.worker.rooms().send(messages::OwnRooms(key));
    let answer = Box::pin(async move {
        let Ok(rooms) = answer.await else {
            return Outcome::Refused(ClientError::internal());
        };
        let own = OwnRooms {
            rooms: &rooms,
            socket_id: &id,
            user_id: identity.user.as_ref(),
            organization_id: identity.organization.as_ref(),
            tenant_id: None,
        };
        Outcome::Reply(Answer::ack(&Accepted::with(own)).spell(&asked, clock.wall()))
    });
    Effect::Ask(Ask { answer, socket: key, request })
}

fn changed(session: &Session, event: &'static str, room: &Room, request: &Request) -> Reply {
    let now = session.services.ambient.clock.wall();
    let changed = || RoomChanged { room: room.name(), room_id: room.name(), timestamp: now };
    Answer::both(event, &changed(), &Accepted::with(changed())).spell(request, now)
}

/// Logs a change of membership once it is done.
fn log_of(session: &Session, what: &'static str, room: &Room) -> impl FnOnce(Outcome) -> Outcome + use<> {
    let (is_on, id, room) = (session.services.settings.log_subscriptions, session.id.clone(), room.clone());
    move |outcome| {
        if is_on && matches!(outcome, Outcome::Done) {
            info!(id = id.as_str(), room = room.name(); "{what}");
        }
        outcome
    }
}
