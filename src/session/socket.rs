//! A connection's place in one namespace: what joins rooms, has the public id and speaks for
//! somebody.

use std::sync::Arc;

use bytes::Bytes;
use log::info;

use super::mount::PlaceNumber;
use super::{Phase, Services, Session};
use crate::dialect::{Dialect, socketio};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::profile::Profile;
use crate::domain::time::Moment;
use crate::hub::messages::Detach;
use crate::hub::outbox::Dismissal;
use crate::hub::outboxes::SocketKey;

/// One socket (contract D-28: identity, rooms and expiry are its own, everything else is the
/// session's).
#[derive(Debug)]
pub struct Socket {
    pub key: SocketKey,
    pub id: Id,
    pub dialect: Dialect,
    /// Its namespace; `None` for a plain connection's only socket.
    pub place: Option<PlaceNumber>,
    /// `None` for one of an embedding program's own, which the RoomServer never hears of.
    pub profile: Option<Profile>,
    pub identity: Arc<Identity>,
    /// When the identity's credential expires on the monotonic clock.
    pub expires: Option<Moment>,
    /// When nobody in particular must have become somebody (contract X-10, D-13).
    pub auth_due: Option<Moment>,
    /// Another credential has been found good and is being taken over; the client may have been told already.
    pub is_changing: bool,
}

impl Socket {
    /// One that nobody in particular speaks through, until the RoomServer has entered it.
    pub fn new(key: SocketKey, id: Id, dialect: Dialect, profile: Profile) -> Socket {
        let (identity, profile) = (Identity::anonymous(), Some(profile));
        Socket {
            key,
            id,
            dialect,
            place: None,
            profile,
            identity,
            expires: None,
            auth_due: None,
            is_changing: false,
        }
    }

    /// One of a program's own.
    pub fn of_program(key: SocketKey, id: Id, dialect: Dialect, place: PlaceNumber) -> Socket {
        let (identity, place) = (Identity::anonymous(), Some(place));
        Socket {
            key,
            id,
            dialect,
            place,
            profile: None,
            identity,
            expires: None,
            auth_due: None,
            is_changing: false,
        }
    }

    /// The same in a namespace.
    pub fn at(self, place: PlaceNumber) -> Socket {
        Socket { place: Some(place), ..self }
    }
}

/// When a namespace that is ended is told so.
#[derive(Clone, Copy)]
enum Goodbye {
    /// Where nothing can follow: the connection is left, or the hub has taken the socket out already.
    AtOnce,
    /// By the hub, in the step that takes the socket out of its rooms, so that no event follows.
    WithTheRooms,
}

impl Session {
    pub(super) fn socket(&self, key: SocketKey) -> Option<&Socket> {
        self.sockets.iter().find(|socket| socket.key == key)
    }

    /// The socket speaks for `identity` from now on.
    pub(super) fn become_identity(&mut self, key: SocketKey, identity: Arc<Identity>) {
        let clock = &self.services.ambient.clock;
        let expires = identity.expires_at.map(|at| clock.now() + clock.wall().until(at));
        let is_nobody = !identity.is_authenticated();
        let Some(socket) = self.sockets.iter_mut().find(|socket| socket.key == key) else { return };
        let is_new = socket.identity.sign_in != identity.sign_in;
        let has_ended = is_new && !self.services.cookies.stands(&identity);
        (socket.identity, socket.expires) = (identity, expires);
        socket.auth_due = socket.auth_due.filter(|_| is_nobody);
        if socket.profile.is_some_and(Profile::has_deadline) {
            self.expect_credentials(key);
        }
        if let Some(engine) = self.link.engine_mut() {
            engine.connect_due = None;
        }
        if has_ended {
            // Signed out while it was being entered, when the RoomServer could not find it yet.
            self.dismiss(key, Farewell::SIGNED_OUT);
        }
    }

    /// A connection that has lost its last namespace by no doing of its client's has so long for another.
    pub(super) fn expect_namespace(&mut self) {
        let due = self.services.ambient.clock.now() + self.mount.settings.connect_timeout;
        if let Some(engine) = self.link.engine_mut().filter(|_| self.sockets.is_empty()) {
            engine.connect_due.get_or_insert(due);
        }
    }

    /// From now on the socket has so long to say who it is, if it has not yet.
    pub(super) fn expect_credentials(&mut self, key: SocketKey) {
        let Some(timeout) = self.mount.settings.auth_timeout else { return };
        let now = self.services.ambient.clock.now();
        if let Some(socket) = self.sockets.iter_mut().find(|socket| socket.key == key)
            && !socket.identity.is_authenticated()
        {
            socket.auth_due.get_or_insert(now + timeout);
        }
    }

    /// The first moment at which a credential expires, or must have been shown.
    pub(super) fn next_expiry(&self) -> Option<Moment> {
        let settled = self.sockets.iter().filter(|socket| !socket.is_changing);
        settled.flat_map(|socket| [socket.expires, socket.auth_due]).flatten().min()
    }

    /// Ends the sockets whose credentials have expired, or have not come in time. Gives whether there
    /// were any.
    pub(super) fn end_expired(&mut self, now: Moment) -> bool {
        const EXPIRED: (&str, Farewell) =
            ("The token has expired", Farewell::Unauthenticated("token expired"));
        const LATE: (&str, Farewell) =
            ("Nobody has authenticated in time", Farewell::Unauthenticated("not authenticated in time"));
        let is_over = |at: Option<Moment>| at.is_some_and(|at| now >= at);
        let why = |socket: &Socket| match (is_over(socket.expires), is_over(socket.auth_due)) {
            (true, _) => Some((socket.key, EXPIRED)),
            (_, true) => Some((socket.key, LATE)),
            _ => None,
        };
        let settled = self.sockets.iter().filter(|socket| !socket.is_changing);
        let over: Vec<_> = settled.filter_map(why).collect();
        for (key, (message, _)) in &over {
            self.send_error(*key, &ClientError::auth_failed(*message));
        }
        match over.first() {
            Some((_, (_, farewell))) if over.len() == self.sockets.len() => self.leave(*farewell),
            _ => over.iter().for_each(|(key, (_, farewell))| self.dismiss(*key, *farewell)),
        }
        !over.is_empty()
    }

    /// Sends one socket away; with the last one, the connection is left (contract D-28).
    pub(super) fn dismiss(&mut self, key: SocketKey, farewell: Farewell) {
        self.dismiss_saying(key, farewell, Goodbye::WithTheRooms);
    }

    /// Says goodbye for those whom the RoomServer and the hub have dismissed.
    pub(super) fn take_dismissals(&mut self) {
        for Dismissal { socket, farewell } in self.outbox.take_dismissals() {
            if self.phase == Phase::Open {
                info!(id = self.id.as_str(), reason = farewell.reason(); "socket_dismissed");
                self.dismiss_saying(socket, farewell, Goodbye::AtOnce);
            }
        }
    }

    fn dismiss_saying(&mut self, key: SocketKey, farewell: Farewell, goodbye: Goodbye) {
        // Gone already, it is not the last one's turn.
        let Some(socket) = self.socket(key) else { return };
        if let Some(place) = socket.place
            && self.sockets.len() > 1
        {
            return self.disconnect_socket(key, place, goodbye);
        }
        self.leave(farewell);
    }

    /// Tells every namespace that it has ended.
    pub(super) fn disconnect_sockets(&mut self) {
        let sockets: Vec<_> = self.sockets.iter().map(|socket| (socket.key, socket.place)).collect();
        for (key, place) in sockets {
            if let Some(place) = place {
                self.disconnect_socket(key, place, Goodbye::AtOnce);
            }
        }
    }

    fn disconnect_socket(&mut self, key: SocketKey, place: PlaceNumber, goodbye: Goodbye) {
        let now = self.services.ambient.clock.now();
        let spelled = self.socket(key).and_then(|socket| socket.dialect.namespace());
        let last = socketio::disconnected(spelled.unwrap_or("/"));
        match goodbye {
            Goodbye::AtOnce => {
                self.send(&last);
                self.remove_socket(key);
            }
            Goodbye::WithTheRooms => self.remove_socket_saying(key, Some(last)),
        }
        if let Some(engine) = self.link.engine_mut() {
            engine.ended.retain(|(other, _)| *other != place);
            engine.ended.push((place, now));
        }
    }

    /// Takes a socket out of everything.
    pub(super) fn remove_socket(&mut self, key: SocketKey) {
        self.remove_socket_saying(key, None);
    }

    /// The same, with the last thing the socket is sent.
    fn remove_socket_saying(&mut self, key: SocketKey, last: Option<Bytes>) {
        let Some(index) = self.sockets.iter().position(|socket| socket.key == key) else { return };
        let socket = self.sockets.swap_remove(index);
        self.detach(&socket, last);
    }

    pub(super) fn detach(&self, socket: &Socket, last: Option<Bytes>) {
        self.services.worker.let_go(socket.key);
        if socket.profile.is_none() {
            last.iter().for_each(|last| self.send(last));
            return self.leave_own(socket);
        }
        // Lost only if the RoomServer is gone, and the books with it.
        self.services.worker.rooms().do_send(Detach { key: socket.key, last });
    }
}

/// A fresh public id.
pub fn new_id(services: &Services) -> Id {
    Id::parse(&services.ambient.random.token::<15>()).expect("base64url is within an id's alphabet")
}
