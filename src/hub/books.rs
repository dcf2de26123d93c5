//! Who is in which room, over all workers. What a target means is found out in `targets`.
//!
//! Pure: no actor, no clock. The [`RoomServer`](super::room_server::RoomServer) owns the only
//! instance, so every answer is consistent. Rooms, organizations and *everyone* are all groups; a
//! group's number is given back when its last member leaves, and the books never hold an empty one
//! but *everyone*.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::groups::{EVERYONE, GroupId, Groups};
use super::messages::{Census, RoomCount};
use super::organizations::Organizations;
use super::outboxes::SocketKey;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::profile::Profile;
use crate::domain::room::{Room, RoomKey};
use crate::domain::time::Timestamp;

/// How many may be where (contract section 10).
#[derive(Debug, Clone, Copy)]
pub struct BookLimits {
    /// Members a room may have through joins by request.
    pub room_size: usize,
    /// Rooms one socket may join by request.
    pub rooms_per_socket: usize,
    /// Connections with an organization, in all and of one organization.
    pub with_organization: usize,
    pub per_organization: usize,
}

pub struct Books {
    limits: BookLimits,
    sockets: HashMap<SocketKey, Socket>,
    pub(super) by_id: HashMap<Id, SocketKey>,
    pub(super) rooms: HashMap<RoomKey, RoomEntry>,
    /// Every scope in which a room of this name has members.
    pub(super) by_name: HashMap<Arc<str>, Vec<RoomKey>>,
    pub(super) organizations: Organizations,
    pub(super) groups: Groups,
}

struct Socket {
    /// The key of its connection.
    connection: SocketKey,
    id: Id,
    identity: Arc<Identity>,
    profile: Profile,
    rooms: Vec<RoomKey>,
}

/// A socket that asks to be entered.
pub struct Newcomer {
    pub key: SocketKey,
    /// The key of its connection.
    pub connection: SocketKey,
    pub id: Id,
    pub identity: Arc<Identity>,
    pub profile: Profile,
}

pub(super) struct RoomEntry {
    pub(super) group: GroupId,
    created_at: Timestamp,
}

/// A change of one socket's groups, to be told to its hub.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub leave: Vec<GroupId>,
    pub join: Vec<GroupId>,
}

impl Books {
    pub fn new(limits: BookLimits) -> Books {
        Books {
            limits,
            sockets: HashMap::new(),
            by_id: HashMap::new(),
            rooms: HashMap::new(),
            by_name: HashMap::new(),
            organizations: Organizations::default(),
            groups: Groups::with_everyone(),
        }
    }

    /// Enters a socket and the rooms its identity brings (contract 0.2). Gives its groups.
    ///
    /// # Errors
    /// `CONNECTION_LIMIT` if its organization is full; nothing is entered then.
    pub fn attach(&mut self, newcomer: Newcomer, now: Timestamp) -> Result<Vec<GroupId>, ClientError> {
        let Newcomer { key, connection, id, identity, profile } = newcomer;
        self.check_organization(connection, identity.organization.as_ref())?;
        self.groups.enter(EVERYONE, key.worker);
        self.by_id.insert(id.clone(), key);
        let nobody = Identity::anonymous();
        self.sockets.insert(key, Socket { connection, id, identity: nobody, profile, rooms: Vec::new() });
        let change = self.identify(key, identity, &|_| true, now)?;
        Ok([vec![EVERYONE], change.join].concat())
    }

    /// Takes `identity` for `key` from now on: leaves what belonged to the old organization and the
    /// rooms in which it may not stay, joins what the new identity brings, and keeps the other rooms
    /// it had, in its new scope.
    ///
    /// # Errors
    /// `CONNECTION_LIMIT` if the organization is full; nothing has changed then.
    pub fn identify(
        &mut self,
        key: SocketKey,
        identity: Arc<Identity>,
        may_stay: &dyn Fn(&Room) -> bool,
        now: Timestamp,
    ) -> Result<Change, ClientError> {
        let Some(socket) = self.sockets.get_mut(&key) else { return Ok(Change::default()) };
        let (connection, profile) = (socket.connection, socket.profile);
        let before = std::mem::replace(&mut socket.identity, Arc::clone(&identity));
        if before.organization != identity.organization
            && let Err(error) = self.check_organization(connection, identity.organization.as_ref())
        {
            self.sockets.get_mut(&key).expect("found above").identity = before;
            return Err(error);
        }

        let mut change = Change::default();
        if before.organization != identity.organization {
            if let Some(old) = &before.organization {
                change.leave.extend(self.organizations.leave(old, key, connection, &mut self.groups));
            }
            if let Some(new) = &identity.organization {
                change.join.push(self.organizations.enter(new, key, connection, &mut self.groups));
            }
        }
        for held in self.rooms_of(key) {
            let meant = RoomKey::seen_by(&identity, &held.room);
            let stays = !held.room.is_size_limited() || may_stay(&held.room);
            if !stays || meant != held {
                change.leave.extend(self.leave_room(key, &held));
            }
            if stays && meant != held {
                change.join.extend(self.enter_room(key, meant, now));
            }
        }
        for room in profile.rooms(&identity) {
            change.join.extend(self.enter_room(key, RoomKey::seen_by(&identity, &room), now));
        }
        Ok(change)
    }

    /// Joins a room by request; a second time changes nothing and is no error.
    ///
    /// # Errors
    /// `ROOM_FULL`; `SUBSCRIPTION_FAILED` if the socket has joined as many rooms as it may (D-12).
    pub fn join(&mut self, key: SocketKey, room: &Room, now: Timestamp) -> Result<Change, ClientError> {
        let Some(socket) = self.sockets.get(&key) else { return Ok(Change::default()) };
        let room_key = RoomKey::seen_by(&socket.identity, room);
        if socket.rooms.contains(&room_key) {
            return Ok(Change::default());
        }
        if room.is_size_limited() {
            let joined = socket.rooms.iter().filter(|own| own.room.is_size_limited()).count();
            if joined >= self.limits.rooms_per_socket {
                let message = format!("A connection may join at most {} rooms", self.limits.rooms_per_socket);
                return Err(ClientError::new(ErrorCode::SubscriptionFailed, message));
            }
            if self.members(&room_key) >= self.limits.room_size {
                return Err(ClientError::new(ErrorCode::RoomFull, "The room is full"));
            }
        }
        let join = self.enter_room(key, room_key, now).into_iter().collect();
        Ok(Change { leave: Vec::new(), join })
    }

    /// # Errors
    /// `ROOM_NOT_FOUND` if the socket is not in the room (D-12).
    pub fn leave(&mut self, key: SocketKey, room: &Room) -> Result<Change, ClientError> {
        let Some(socket) = self.sockets.get(&key) else { return Ok(Change::default()) };
        let room_key = RoomKey::seen_by(&socket.identity, room);
        match self.leave_room(key, &room_key) {
            Some(group) => Ok(Change { leave: vec![group], join: Vec::new() }),
            None => Err(ClientError::new(ErrorCode::RoomNotFound, "You are not in this room")),
        }
    }

    /// Strikes a socket out. Gives whether it was there.
    pub fn detach(&mut self, key: SocketKey) -> bool {
        for room in self.rooms_of(key) {
            self.leave_room(key, &room);
        }
        let Some(socket) = self.sockets.remove(&key) else { return false };
        if self.by_id.get(&socket.id) == Some(&key) {
            self.by_id.remove(&socket.id);
        }
        if let Some(organization) = &socket.identity.organization {
            self.organizations.leave(organization, key, socket.connection, &mut self.groups);
        }
        self.groups.leave(EVERYONE, key.worker);
        true
    }

    /// The names of the rooms `key` is in, sorted.
    pub fn own_rooms(&self, key: SocketKey) -> Vec<String> {
        let mut names: Vec<String> =
            self.rooms_of(key).iter().map(|room| room.room.name().to_owned()).collect();
        names.sort_unstable();
        names
    }

    pub fn census(&self) -> Census {
        let connections: HashSet<_> = self.sockets.values().map(|socket| socket.connection).collect();
        let verified = self.sockets.values().filter(|socket| socket.identity.is_verified());
        let authenticated: HashSet<_> = verified.map(|socket| socket.connection).collect();
        let mut rooms: Vec<RoomCount> = self
            .rooms
            .iter()
            .map(|(key, entry)| RoomCount {
                room: key.room.clone(),
                organization: key.organization.clone(),
                members: self.groups.size(entry.group),
                created_at: entry.created_at,
            })
            .collect();
        rooms.sort_unstable_by(|a, b| {
            (a.room.name(), a.organization.as_ref()).cmp(&(b.room.name(), b.organization.as_ref()))
        });
        Census { connections: connections.len(), authenticated: authenticated.len(), rooms }
    }

    fn check_organization(
        &self,
        connection: SocketKey,
        organization: Option<&Id>,
    ) -> Result<(), ClientError> {
        let BookLimits { with_organization, per_organization, .. } = self.limits;
        let has_place = |organization| {
            self.organizations.has_place(organization, connection, per_organization, with_organization)
        };
        if organization.is_none_or(has_place) {
            return Ok(());
        }
        let message = "The organization has as many connections as it may";
        Err(ClientError::new(ErrorCode::ConnectionLimit, message))
    }

    fn members(&self, room: &RoomKey) -> usize {
        self.rooms.get(room).map_or(0, |entry| self.groups.size(entry.group))
    }

    /// The group of the room that `key` means by this name, if it is in there.
    pub(super) fn own_group(&self, key: SocketKey, room: &Room) -> Option<GroupId> {
        let socket = self.sockets.get(&key)?;
        let room = RoomKey::seen_by(&socket.identity, room);
        let is_in = socket.rooms.contains(&room);
        self.rooms.get(&room).filter(|_| is_in).map(|entry| entry.group)
    }

    fn rooms_of(&self, key: SocketKey) -> Vec<RoomKey> {
        self.sockets.get(&key).map_or_else(Vec::new, |socket| socket.rooms.clone())
    }

    /// `None` if it is in there already.
    fn enter_room(&mut self, key: SocketKey, room: RoomKey, now: Timestamp) -> Option<GroupId> {
        let socket = self.sockets.get_mut(&key)?;
        if socket.rooms.contains(&room) {
            return None;
        }
        socket.rooms.push(room.clone());
        let group = match self.rooms.get(&room) {
            Some(entry) => entry.group,
            None => {
                let group = self.groups.open();
                // Most names mean one room.
                let scopes = self.by_name.entry(room.room.shared_name());
                scopes.or_insert_with(|| Vec::with_capacity(1)).push(room.clone());
                self.rooms.insert(room, RoomEntry { group, created_at: now });
                group
            }
        };
        self.groups.enter(group, key.worker);
        Some(group)
    }

    /// `None` if it is not in there.
    fn leave_room(&mut self, key: SocketKey, room: &RoomKey) -> Option<GroupId> {
        let socket = self.sockets.get_mut(&key)?;
        let index = socket.rooms.iter().position(|own| own == room)?;
        socket.rooms.swap_remove(index);
        let group = self.rooms.get(room)?.group;
        if self.groups.leave(group, key.worker) == 0 {
            self.rooms.remove(room);
            if let Some(scopes) = self.by_name.get_mut(room.room.name()) {
                scopes.retain(|scope| scope != room);
                if scopes.is_empty() {
                    self.by_name.remove(room.room.name());
                }
            }
        }
        Some(group)
    }
}

#[cfg(test)]
#[path = "books_tests.rs"]
mod tests;
