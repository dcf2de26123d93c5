//! Rooms: joining, leaving, and which ones one is in.

use log::info;

use crate::dialect::{Reply, plain};
use crate::domain::room::Room;
use crate::events::payload::system::{OwnRooms, RoomChanged};
use crate::hub::messages;
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome, Request};

/// Joins silently (guide 002); `room_joined` is written in the step that makes it a member.
pub fn join(session: &Session, room: Room, request: Request) -> Effect {
    if let Err(error) = session.services.access.may_join(&session.identity, &room) {
        return super::refuse(session, &error, &request);
    }
    let log = log_of(session, "room_join", &room);
    let confirm = Reply::one(changed(session, "room_joined", &room, &request));
    let join = messages::Join { key: session.outbox.key(), room, confirm };
    let answer = session.services.worker.rooms().send(join);
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, request })
}

pub fn leave(session: &Session, room: Room, request: Request) -> Effect {
    let log = log_of(session, "room_leave", &room);
    let confirm = Reply::one(changed(session, "room_left", &room, &request));
    let leave = messages::Leave { key: session.outbox.key(), room, confirm };
    let answer = session.services.worker.rooms().send(leave);
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, request })
}

/// `debug:rooms`: who one is and where one is.
pub fn own_rooms(session: &Session, request: Request) -> Effect {
    let (id, identity) = (session.id.clone(), session.identity.clone());
    let (clock, mark) = (session.services.ambient.clock.clone(), request.id.clone());
    let answer = session.services.worker.rooms().send(messages::OwnRooms(session.outbox.key()));
    let answer = Box::pin(async move {
        let Ok(rooms) = answer.await else {
            return Outcome::Refused(crate::domain::error::ClientError::internal());
        };
        let own = OwnRooms {
            status: "success",
            success: true,
            rooms: &rooms,
            socket_id: &id,
            user_id: identity.user.as_ref(),
            organization_id: identity.organization.as_ref(),
            tenant_id: None,
        };
        Outcome::Reply(plain::reply("debug:rooms:ack", &own, mark.as_deref(), clock.wall()))
    });
    Effect::Ask(Ask { answer, request })
}

fn changed(session: &Session, event: &str, room: &Room, request: &Request) -> bytes::Bytes {
    let now = session.services.ambient.clock.wall();
    let changed = RoomChanged { room: room.name(), room_id: room.name(), timestamp: now };
    plain::reply(event, &changed, request.id.as_deref(), now)
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
