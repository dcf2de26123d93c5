//! Rooms: joining, leaving, and which ones one is in.

use std::sync::Arc;

use log::info;

use crate::dialect::{Answer, Reply, Request};
use crate::domain::error::ClientError;
use crate::domain::room::Room;
use crate::events::payload::blueprints::{RoomJoined, RoomLeft, RoomUsers, UserInRoom};
use crate::events::payload::system::{Accepted, OwnRooms, RoomChanged};
use crate::hub::messages;
use crate::hub::outboxes::SocketKey;
use crate::hub::presence::Present;
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome};

/// Joins silently (guide 002); `room_joined` is written in the step that makes it a member.
pub fn join(session: &Session, key: SocketKey, room: Room, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    if let Err(error) = session.services.access.may_join(&socket.identity, &room) {
        return super::refuse(session, &error, &request);
    }
    let log = log_of(session, "room_join", room.name().to_owned());
    let confirm = changed(session, "room_joined", &room, &request);
    let answer = session.services.worker.rooms().send(messages::Join { key, room, confirm });
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, socket: key, request })
}

pub fn leave(session: &Session, key: SocketKey, room: Room, request: Request) -> Effect {
    let confirm = changed(session, "room_left", &room, &request);
    go(session, key, room, confirm, request)
}

/// Joins to be seen (guide 003): the answer says who else is there, and they are told.
pub fn join_room(
    session: &Session,
    key: SocketKey,
    room: Room,
    name: Option<String>,
    request: Request,
) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    if let Err(error) = session.services.access.may_join(&socket.identity, &room) {
        return super::refuse(session, &error, &request);
    }
    let log = log_of(session, "room_join", room.name().to_owned());
    let now = session.services.ambient.clock.wall();
    // For display only; who it is, is the id (contract C-023).
    let name = name.map(Arc::from).or(socket.identity.name.clone());
    let (entered, asked) = (room.clone(), request.clone());
    let confirm = Box::new(move |users: &[Present]| {
        let users = || users.iter().map(in_room).collect();
        let id = entered.name();
        let joined = RoomJoined { room: id, room_id: id, users: users(), timestamp: now };
        let ack = Accepted::with(RoomUsers { room_id: id, users: users() });
        Answer::both("room_joined", &joined, &ack).spell(&asked, now)
    });
    let answer = session.services.worker.rooms().send(messages::Enter { key, room, name, confirm });
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, socket: key, request })
}

pub fn leave_room(session: &Session, key: SocketKey, room: Room, request: Request) -> Effect {
    let now = session.services.ambient.clock.wall();
    let left = RoomChanged { room: room.name(), room_id: room.name(), timestamp: now };
    let ack = Accepted::with(RoomLeft { room_id: room.name() });
    let confirm = Answer::both("room_left", &left, &ack).spell(&request, now);
    go(session, key, room, confirm, request)
}

fn go(session: &Session, key: SocketKey, room: Room, confirm: Reply, request: Request) -> Effect {
    let log = log_of(session, "room_leave", room.name().to_owned());
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
            tenant_id: identity.tenant.as_ref().map(|tenant| &tenant.id),
        };
        Outcome::Reply(Answer::ack(&Accepted::with(own)).spell(&asked, clock.wall()))
    });
    Effect::Ask(Ask { answer, socket: key, request })
}

fn in_room(present: &Present) -> UserInRoom<'_> {
    let Present { user, name, joined_at } = present;
    UserInRoom { user_id: user, user_name: name, joined_at: joined_at.millis() }
}

fn changed(session: &Session, event: &'static str, room: &Room, request: &Request) -> Reply {
    let now = session.services.ambient.clock.wall();
    let changed = || RoomChanged { room: room.name(), room_id: room.name(), timestamp: now };
    Answer::both(event, &changed(), &Accepted::with(changed())).spell(request, now)
}

/// Logs a change of membership once it is done.
pub fn log_of(
    session: &Session,
    what: &'static str,
    room: String,
) -> impl FnOnce(Outcome) -> Outcome + use<> {
    let (is_on, id) = (session.mount.settings.log_subscriptions, session.id.clone());
    move |outcome| {
        if is_on && matches!(outcome, Outcome::Done) {
            info!(id = id.as_str(), room = room.as_str(); "{what}");
        }
        outcome
    }
}
