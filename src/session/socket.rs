//! A connection's place in one namespace: what joins rooms, has the public id and speaks for
//! somebody.

use std::sync::Arc;

use super::{Services, Session};
use crate::dialect::{Dialect, Namespace, socketio};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::profile::Profile;
use crate::domain::time::Moment;
use crate::hub::messages::Detach;
use crate::hub::outboxes::SocketKey;

/// One socket (contract D-28: identity, rooms and expiry are its own, everything else is the
/// session's).
#[derive(Debug)]
pub struct Socket {
    pub key: SocketKey,
    pub id: Id,
    pub dialect: Dialect,
    pub profile: Profile,
    pub identity: Arc<Identity>,
    /// When the identity's credential expires on the monotonic clock.
    pub expires: Option<Moment>,
}

impl Socket {
    /// One that nobody in particular speaks through, until the RoomServer has entered it.
    pub fn new(key: SocketKey, id: Id, dialect: Dialect, profile: Profile) -> Socket {
        Socket { key, id, dialect, profile, identity: Identity::anonymous(), expires: None }
    }

    /// Its namespace; `None` for a plain connection's only socket.
    pub fn namespace(&self) -> Option<Namespace> {
        self.dialect.namespace().and_then(Namespace::find)
    }
}

impl Session {
    pub(super) fn socket(&self, key: SocketKey) -> Option<&Socket> {
        self.sockets.iter().find(|socket| socket.key == key)
    }

    /// The socket speaks for `identity` from now on.
    pub(super) fn become_identity(&mut self, key: SocketKey, identity: Arc<Identity>) {
        let clock = &self.services.ambient.clock;
        let expires = identity.expires_at.map(|at| clock.now() + clock.wall().until(at));
        if let Some(socket) = self.sockets.iter_mut().find(|socket| socket.key == key) {
            (socket.identity, socket.expires) = (identity, expires);
        }
        if let Some(engine) = self.link.engine_mut() {
            engine.connect_due = None;
        }
    }

    /// The first moment at which a credential expires.
    pub(super) fn next_expiry(&self) -> Option<Moment> {
        self.sockets.iter().filter_map(|socket| socket.expires).min()
    }

    /// Ends the sockets whose credentials have expired. Gives whether there were any.
    pub(super) fn end_expired(&mut self, now: Moment) -> bool {
        let is_expired = |socket: &&Socket| socket.expires.is_some_and(|at| now >= at);
        let expired: Vec<SocketKey> = self.sockets.iter().filter(is_expired).map(|own| own.key).collect();
        for key in &expired {
            self.send_error(*key, &ClientError::auth_failed("The token has expired"));
            self.dismiss(*key, Farewell::Unauthenticated("token expired"));
        }
        !expired.is_empty()
    }

    /// Sends one socket away; with the last one, the connection is left (contract D-28).
    pub(super) fn dismiss(&mut self, key: SocketKey, farewell: Farewell) {
        if let Some(namespace) = self.socket(key).and_then(Socket::namespace) {
            self.disconnect_socket(key, namespace);
            if !self.sockets.is_empty() {
                return;
            }
        }
        self.leave(farewell);
    }

    /// Tells every namespace that it has ended.
    pub(super) fn disconnect_sockets(&mut self) {
        let sockets: Vec<_> = self.sockets.iter().map(|socket| (socket.key, socket.namespace())).collect();
        for (key, namespace) in sockets {
            if let Some(namespace) = namespace {
                self.disconnect_socket(key, namespace);
            }
        }
    }

    fn disconnect_socket(&mut self, key: SocketKey, namespace: Namespace) {
        let now = self.services.ambient.clock.now();
        if let Some(socket) = self.remove_socket(key) {
            self.send(&socketio::disconnected(socket.dialect.namespace().unwrap_or("/")));
        }
        if let Some(engine) = self.link.engine_mut() {
            engine.ended.retain(|(other, _)| *other != namespace);
            engine.ended.push((namespace, now));
        }
    }

    /// Takes a socket out of everything.
    pub(super) fn remove_socket(&mut self, key: SocketKey) -> Option<Socket> {
        let index = self.sockets.iter().position(|socket| socket.key == key)?;
        let socket = self.sockets.swap_remove(index);
        self.detach(&socket);
        Some(socket)
    }

    pub(super) fn detach(&self, socket: &Socket) {
        self.services.worker.let_go(socket.key);
        // Lost only if the RoomServer is gone, and the books with it.
        self.services.worker.rooms().do_send(Detach(socket.key));
    }
}

/// A fresh public id.
pub fn new_id(services: &Services) -> Id {
    Id::parse(&services.ambient.random.token::<15>()).expect("base64url is within an id's alphabet")
}
