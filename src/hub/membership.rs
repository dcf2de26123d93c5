//! What a socket joins and leaves by request: silently, to be seen, or as a subscriber of channels.
//!
//! All verbs of the guides are one membership of different kinds (contract X-05). Everything that may
//! be refused is looked at first, so that a refused request has changed nothing.

use std::sync::Arc;

use super::books::{Books, Change, Membership, Sighting, Socket};
use super::groups::GroupId;
use super::outboxes::SocketKey;
use super::presence::Present;
use super::subscriptions::{Ended, Hold, Subscription, Which};
use crate::domain::alert::AlertFilter;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::room::{Room, RoomKey};
use crate::domain::time::Timestamp;

/// Bytes that the filters of one socket's subscriptions may hold together.
const FILTER_BYTES: usize = 64 * 1024;

/// What a membership holds, apart from the books.
pub(super) struct Held {
    pub(super) hold: Hold,
    pub(super) room: Arc<RoomKey>,
    pub(super) seen_as: Option<Id>,
}

impl Membership {
    pub(super) fn hold(&self) -> Hold {
        Hold { room: self.room.room.clone(), filter: self.filter.clone() }
    }

    pub(super) fn held(&self) -> Held {
        Held { hold: self.hold(), room: Arc::clone(&self.room), seen_as: self.seen_as.as_deref().cloned() }
    }
}

impl Socket {
    fn is_in(&self, room: &RoomKey) -> bool {
        self.rooms.iter().any(|own| *own.room == *room)
    }
}

impl Socket {
    /// The room it means by this name, if it can leave that.
    fn leavable(&self, room: &Room) -> Result<RoomKey, ClientError> {
        let key = RoomKey::seen_by(&self.identity, room);
        if !self.is_in(&key) {
            return Err(not_there());
        }
        if room.is_of_identity() {
            return Err(ClientError::unauthorized("You are in this room by being who you are"));
        }
        Ok(key)
    }
}

impl Books {
    /// Joins a room by request; a second time changes nothing and is no error.
    ///
    /// # Errors
    /// `ROOM_FULL`; `SUBSCRIPTION_FAILED` if the socket has joined as many rooms as it may (D-12).
    pub fn join(&mut self, key: SocketKey, room: &Room, now: Timestamp) -> Result<Change, ClientError> {
        let hold = Hold { room: room.clone(), filter: None };
        self.check_places(key, std::slice::from_ref(&hold))?;
        Ok(self.take_places(key, vec![hold], now))
    }

    /// Joins a room and is seen in it from now on. Gives everyone who is seen there.
    ///
    /// # Errors
    /// As [`Books::join`].
    pub fn enter(
        &mut self,
        key: SocketKey,
        room: &Room,
        name: Option<Arc<str>>,
        now: Timestamp,
    ) -> Result<(Change, Vec<Present>), ClientError> {
        let mut change = self.join(key, room, now)?;
        let Some(socket) = self.sockets.get(&key) else { return Ok((change, Vec::new())) };
        let room = RoomKey::seen_by(&socket.identity, room);
        self.show(key, &room, name, &mut change, now);
        let presence = self.rooms.get(&room).and_then(|entry| entry.presence.as_ref());
        Ok((change, presence.map_or_else(Vec::new, |presence| presence.users())))
    }

    /// Has a member seen in a room where members see each other, if it has proven to be somebody.
    pub(super) fn show(
        &mut self,
        key: SocketKey,
        room: &RoomKey,
        name: Option<Arc<str>>,
        change: &mut Change,
        now: Timestamp,
    ) {
        let (Some(socket), Some(entry)) = (self.sockets.get_mut(&key), self.rooms.get_mut(room)) else {
            return;
        };
        let user = socket.identity.user.clone().filter(|_| socket.identity.is_verified());
        let own = socket.rooms.iter_mut().find(|own| *own.room == *room && own.seen_as.is_none());
        if let (Some(own), Some(user), true) = (own, user, room.room.has_presence()) {
            own.seen_as = Some(Box::new(user.clone()));
            let name = name.unwrap_or_else(|| user.as_str().into());
            let present = Present { user, name, joined_at: now };
            if entry.presence.get_or_insert_default().enter(present.clone()) {
                change.seen.push(Sighting { room: room.clone(), present, has_come: true });
            }
        }
    }

    /// Has a member not seen any more.
    pub(super) fn hide(&mut self, key: SocketKey, room: &RoomKey, change: &mut Change) {
        let own = self.sockets.get_mut(&key).into_iter().flat_map(|socket| &mut socket.rooms);
        let seen_as = own.filter(|own| *own.room == *room).find_map(|own| own.seen_as.take());
        self.end_presence(room, seen_as, change);
    }

    fn end_presence(&mut self, room: &RoomKey, seen_as: Option<Box<Id>>, change: &mut Change) {
        let presence = self.rooms.get_mut(room).and_then(|entry| entry.presence.as_mut());
        if let (Some(user), Some(presence)) = (seen_as, presence)
            && let Some(present) = presence.leave(&user)
        {
            change.seen.push(Sighting { room: room.clone(), present, has_come: false });
        }
    }

    /// # Errors
    /// `ROOM_NOT_FOUND` if the socket is not in the room (D-12); `UNAUTHORIZED` if it is there by its
    /// identity.
    pub fn leave(&mut self, key: SocketKey, room: &Room) -> Result<Change, ClientError> {
        let Some(socket) = self.sockets.get_mut(&key) else { return Ok(Change::default()) };
        let room_key = socket.leavable(room)?;
        if let Some((channel, scope)) = room.channel() {
            socket.subscriptions.end_room(channel, &scope);
        }
        let mut change = Change::default();
        self.leave_room(key, &room_key, &mut change);
        Ok(change)
    }

    /// Joins `room`, if it is given, and takes up `subscription`, if it is given: both or neither.
    ///
    /// # Errors
    /// As [`Books::join`], also for more subscriptions than rooms may be joined.
    pub fn subscribe(
        &mut self,
        key: SocketKey,
        room: Option<&Room>,
        subscription: Option<Subscription>,
        now: Timestamp,
    ) -> Result<Change, ClientError> {
        let alone = room.map(|room| Hold { room: room.clone(), filter: None });
        let holds: Vec<Hold> =
            alone.into_iter().chain(subscription.iter().flat_map(Subscription::holds)).collect();
        self.check_places(key, &holds)?;
        if let (Some(socket), Some(subscription)) = (self.sockets.get_mut(&key), subscription) {
            if socket.subscriptions.len() >= self.limits.rooms_per_connection {
                return Err(too_many(self.limits.rooms_per_connection));
            }
            let size = subscription.filter.as_ref().map_or(0, |filter| filter.size());
            if socket.subscriptions.filter_bytes() + size > FILTER_BYTES {
                let message = "The filters of your subscriptions are too long together";
                return Err(ClientError::new(ErrorCode::SubscriptionFailed, message));
            }
            socket.subscriptions.add(subscription);
        }
        Ok(self.take_places(key, holds, now))
    }

    /// Leaves `room`, if it is given, and ends what `which` means, if it is given: both or neither.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND` if there is nothing of it.
    pub fn unsubscribe(
        &mut self,
        key: SocketKey,
        room: Option<&Room>,
        which: Option<&Which>,
    ) -> Result<(Change, Ended), ClientError> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Ok((Change::default(), Ended::default()));
        };
        room.map(|room| socket.leavable(room)).transpose()?;
        let mut ended = match which {
            Some(which) => socket.subscriptions.end(which).ok_or_else(not_subscribed)?,
            None => Ended::default(),
        };
        let mut change = Change::default();
        let held = socket.subscriptions.holds();
        let gone: Vec<(Arc<RoomKey>, Option<Arc<AlertFilter>>)> = socket
            .rooms
            .iter()
            .filter(|own| own.room.room.channel().is_some() && !held.contains(&own.hold()))
            .map(|own| (own.room.clone(), own.filter.clone()))
            .collect();
        for (room, filter) in gone {
            self.leave_part(key, &room, &filter, &mut change);
            let is_left = !self.sockets.get(&key).is_some_and(|socket| socket.is_in(&room));
            if is_left && !ended.rooms.contains(&room.room) {
                ended.rooms.push(room.room.clone());
            }
        }
        if let Some(room) = room {
            // Left with its subscriptions already, if it was a channel's.
            change.append(self.leave(key, room).unwrap_or_default());
        }
        Ok((change, ended))
    }

    /// Whether the socket may be in all of these at once.
    fn check_places(&self, key: SocketKey, holds: &[Hold]) -> Result<(), ClientError> {
        let Some(socket) = self.sockets.get(&key) else { return Ok(()) };
        let mut joined = self.places.get(&socket.connection).copied().unwrap_or(0);
        for hold in holds.iter().filter(|hold| hold.room.is_size_limited()) {
            let room = RoomKey::seen_by(&socket.identity, &hold.room);
            if socket.rooms.iter().any(|own| *own.room == room && own.filter == hold.filter) {
                continue;
            }
            joined += 1;
            if joined > self.limits.rooms_per_connection {
                return Err(too_many(self.limits.rooms_per_connection));
            }
            if !socket.is_in(&room) && !self.has_room(&room) {
                return Err(ClientError::new(ErrorCode::RoomFull, "The room is full"));
            }
        }
        Ok(())
    }

    /// Whether one more may join.
    pub(super) fn has_room(&self, room: &RoomKey) -> bool {
        self.rooms.members(room) < self.limits.room_size
    }

    fn take_places(&mut self, key: SocketKey, holds: Vec<Hold>, now: Timestamp) -> Change {
        let mut change = Change::default();
        for hold in holds {
            let Some(socket) = self.sockets.get(&key) else { break };
            let room = RoomKey::seen_by(&socket.identity, &hold.room);
            self.enter_room(key, room, hold.filter, &mut change, now);
        }
        change
    }

    /// Nothing if it is in there already.
    pub(super) fn enter_room(
        &mut self,
        key: SocketKey,
        room: RoomKey,
        filter: Option<Arc<AlertFilter>>,
        change: &mut Change,
        now: Timestamp,
    ) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        if socket.rooms.iter().any(|own| *own.room == room && own.filter == filter) {
            return;
        }
        let is_new = !socket.is_in(&room);
        let (room, group) = self.rooms.enter(room, &filter, is_new, key.worker, &mut self.groups, now);
        if room.room.is_size_limited() {
            *self.places.entry(socket.connection).or_default() += 1;
        }
        socket.rooms.push(Membership { room, filter, group, seen_as: None });
        change.join.push(group);
    }

    /// Leaves every part of a room.
    pub(super) fn leave_room(&mut self, key: SocketKey, room: &RoomKey, change: &mut Change) {
        let Some(socket) = self.sockets.get(&key) else { return };
        let own = socket.rooms.iter().filter(|own| *own.room == *room);
        let filters: Vec<_> = own.map(|own| own.filter.clone()).collect();
        for filter in filters {
            self.leave_part(key, room, &filter, change);
        }
    }

    /// Leaves the part of a room with this filter.
    pub(super) fn leave_part(
        &mut self,
        key: SocketKey,
        room: &RoomKey,
        filter: &Option<Arc<AlertFilter>>,
        change: &mut Change,
    ) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        let own = socket.rooms.iter().position(|own| *own.room == *room && own.filter == *filter);
        let Some(index) = own else { return };
        let Membership { group, seen_as, .. } = socket.rooms.swap_remove(index);
        let (is_last, connection) = (!socket.is_in(room), socket.connection);
        if room.room.is_size_limited()
            && let Some(places) = self.places.get_mut(&connection)
        {
            *places -= 1;
            if *places == 0 {
                self.places.remove(&connection);
            }
        }
        self.end_presence(room, seen_as, change);
        self.rooms.leave(room, filter, group, is_last, key.worker, &mut self.groups);
        change.leave.push(group);
    }

    /// The groups of the room that `key` means by this name, if it is in there.
    pub(super) fn own_groups(&self, key: SocketKey, room: &Room) -> Option<Vec<GroupId>> {
        let socket = self.sockets.get(&key)?;
        let room = RoomKey::seen_by(&socket.identity, room);
        let entry = self.rooms.get(&room).filter(|_| socket.is_in(&room))?;
        Some(entry.groups(None).collect())
    }
}

impl Change {
    fn append(&mut self, other: Change) {
        self.leave.extend(other.leave);
        self.join.extend(other.join);
        self.seen.extend(other.seen);
    }
}

fn not_there() -> ClientError {
    ClientError::new(ErrorCode::RoomNotFound, "You are not in this room")
}

fn not_subscribed() -> ClientError {
    ClientError::new(ErrorCode::RoomNotFound, "You have no such subscription")
}

fn too_many(limit: usize) -> ClientError {
    let message = format!("A connection may join at most {limit} rooms");
    ClientError::new(ErrorCode::SubscriptionFailed, message)
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
