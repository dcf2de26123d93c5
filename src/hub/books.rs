//! Who is in which room, over all workers. What a target means is found out in `targets`; who is
//! here is told in `census`.
//!
//! Pure: no actor, no clock. The [`RoomServer`](super::room_server::RoomServer) owns the only
//! instance, so every answer is consistent. Rooms, organizations and *everyone* are all groups; a
//! group's number is given back when its last member leaves, and the books never hold an empty one
//! but *everyone*. What a socket joins and leaves by request stands in `membership`.

use std::collections::HashMap;
use std::sync::Arc;

use super::groups::{EVERYONE, GroupId, Groups};
use super::ledger::Bearer;
use super::membership::Held;
use super::messages::Whom;
use super::organizations::Organizations;
use super::outboxes::SocketKey;
use super::presence::Present;
use super::rooms::Rooms;
use super::sign_ins::SignIns;
use super::subscriptions::Subscriptions;
use super::tally::Tally;
use crate::domain::alert::AlertFilter;
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
    /// Rooms one connection may join by request.
    pub rooms_per_connection: usize,
    /// Connections with an organization, in all and of one organization.
    pub with_organization: usize,
    pub per_organization: usize,
}

pub struct Books {
    pub(super) limits: BookLimits,
    pub(super) sockets: HashMap<SocketKey, Socket>,
    pub(super) by_id: HashMap<Id, SocketKey>,
    pub(super) rooms: Rooms,
    pub(super) organizations: Organizations,
    /// The connections of tenants; a tenant without any is not held.
    pub(super) tenants: HashMap<Id, Tally>,
    /// The rooms that each connection has joined by request, where there are any.
    pub(super) places: HashMap<SocketKey, usize>,
    sign_ins: SignIns,
    pub(super) groups: Groups,
}

pub(super) struct Socket {
    /// The key of its connection.
    pub(super) connection: SocketKey,
    pub(super) id: Id,
    pub(super) identity: Arc<Identity>,
    pub(super) profile: Profile,
    pub(super) rooms: Vec<Membership>,
    pub(super) subscriptions: Subscriptions,
    pub(super) connected_at: Timestamp,
}

/// A socket's place in one part of a room.
pub(super) struct Membership {
    /// One value for all its members.
    pub(super) room: Arc<RoomKey>,
    pub(super) filter: Option<Arc<AlertFilter>>,
    pub(super) group: GroupId,
    /// Whom the others see there (guide 003).
    pub(super) seen_as: Option<Box<Id>>,
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

/// A change of one socket's groups, to be told to its hub, and what others are to hear of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub leave: Vec<GroupId>,
    pub join: Vec<GroupId>,
    pub seen: Vec<Sighting>,
}

/// Somebody has come to a room or left it.
#[derive(Debug, PartialEq, Eq)]
pub struct Sighting {
    pub room: RoomKey,
    pub present: Present,
    pub has_come: bool,
}

impl Books {
    pub fn new(limits: BookLimits) -> Books {
        Books {
            limits,
            sockets: HashMap::new(),
            by_id: HashMap::new(),
            rooms: Rooms::default(),
            organizations: Organizations::default(),
            tenants: HashMap::new(),
            places: HashMap::new(),
            sign_ins: SignIns::default(),
            groups: Groups::with_everyone(),
        }
    }

    /// Enters a socket and the rooms its identity brings (contract 0.2). Gives its groups.
    ///
    /// # Errors
    /// `CONNECTION_LIMIT` if its organization or its tenant is full; nothing is entered then.
    pub fn attach(&mut self, newcomer: Newcomer, now: Timestamp) -> Result<Vec<GroupId>, ClientError> {
        let Newcomer { key, connection, id, identity, profile } = newcomer;
        self.check_organization(connection, identity.organization.as_ref(), None)?;
        self.take_tenant(connection, &identity)?;
        self.groups.enter(EVERYONE, key.worker);
        self.by_id.insert(id.clone(), key);
        let nobody = Identity::anonymous();
        let subscriptions = Subscriptions::default();
        // Most sockets leave it at the rooms they bring.
        let (rooms, connected_at) = (Vec::with_capacity(profile.rooms(&identity).len()), now);
        let socket = Socket { connection, id, identity: nobody, profile, rooms, subscriptions, connected_at };
        self.sockets.insert(key, socket);
        let change = self.identify(key, identity, &|_| true, now)?;
        Ok([vec![EVERYONE], change.join].concat())
    }

    /// Takes `identity` for `key` from now on: leaves what belonged to the old identity and the rooms in
    /// which the new one may not stay, joins what it brings, and keeps the other rooms it had, in its
    /// new scope.
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
        let leaving = before.organization.as_ref();
        if before.organization != identity.organization
            && let Err(error) = self.check_organization(connection, identity.organization.as_ref(), leaving)
        {
            self.sockets.get_mut(&key).expect("found above").identity = before;
            return Err(error);
        }

        self.sign_ins.change(key, before.sign_in, identity.sign_in);
        let mut change = Change::default();
        if before.organization != identity.organization {
            if let Some(old) = &before.organization {
                change.leave.extend(self.organizations.leave(old, key, connection, &mut self.groups));
            }
            if let Some(new) = &identity.organization {
                change.join.push(self.organizations.enter(new, key, connection, &mut self.groups));
            }
        }
        let brought = profile.rooms(&identity);
        self.sort_out(key, &identity, &brought, may_stay, &mut change, now);
        for room in brought {
            self.enter_room(key, RoomKey::seen_by(&identity, &room), None, &mut change, now);
        }
        Ok(change)
    }

    /// Leaves the rooms in which `identity` may not stay; the others it has in its own scope.
    fn sort_out(
        &mut self,
        key: SocketKey,
        identity: &Identity,
        brought: &[Room],
        may_stay: &dyn Fn(&Room) -> bool,
        change: &mut Change,
        now: Timestamp,
    ) {
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        socket.subscriptions.keep_organization(identity.organization.as_ref());
        let subscribed = socket.subscriptions.holds();
        let held: Vec<Held> = socket.rooms.iter().map(Membership::held).collect();
        for Held { hold, room, seen_as } in held {
            let meant = RoomKey::seen_by(identity, &hold.room);
            let is_another = meant != *room;
            let stays = match hold.room.channel() {
                Some(_) => subscribed.contains(&hold),
                None if hold.room.is_size_limited() => {
                    may_stay(&hold.room) && (!is_another || self.has_room(&meant))
                }
                None if hold.room.is_of_identity() => brought.contains(&hold.room),
                None => brought.contains(&hold.room) || may_stay(&hold.room),
            };
            let presence = self.rooms.get(&room).and_then(|entry| entry.presence.as_ref());
            let name = seen_as.as_ref().and_then(|user| presence?.given_name(user));
            if !stays || is_another {
                self.leave_part(key, &room, &hold.filter, change);
            }
            if stays && is_another {
                self.enter_room(key, meant.clone(), hold.filter, change, now);
            }
            // Whoever was seen as somebody is seen as who they are now, where they are now.
            if stays && seen_as.is_some() && (is_another || seen_as != identity.user) {
                self.hide(key, &meant, change);
                self.show(key, &meant, name.or(identity.name.clone()), change, now);
            }
        }
    }

    /// Strikes a socket out. Gives what others are to hear of it, if it was there.
    pub fn detach(&mut self, key: SocketKey) -> Option<Vec<Sighting>> {
        let mut change = Change::default();
        for room in self.rooms_of(key) {
            self.leave_room(key, &room, &mut change);
        }
        let socket = self.sockets.remove(&key)?;
        if self.by_id.get(&socket.id) == Some(&key) {
            self.by_id.remove(&socket.id);
        }
        if let Some(organization) = &socket.identity.organization {
            self.organizations.leave(organization, key, socket.connection, &mut self.groups);
        }
        if let Some(tenant) = &socket.identity.tenant
            && let Some(tally) = self.tenants.get_mut(&tenant.id)
        {
            tally.leave(socket.connection);
            if tally.is_empty() {
                self.tenants.remove(&tenant.id);
            }
        }
        self.sign_ins.change(key, socket.identity.sign_in, None);
        self.groups.leave(EVERYONE, key.worker);
        Some(change.seen)
    }

    /// The tenant of a socket, and how many connections it has.
    pub fn tenant_of(&self, key: SocketKey) -> Option<(Id, usize)> {
        let tenant = self.sockets.get(&key)?.identity.tenant.as_ref()?;
        Some((tenant.id.clone(), self.connections_of(&tenant.id)))
    }

    /// How many connections a tenant has.
    pub fn connections_of(&self, tenant: &Id) -> usize {
        self.tenants.get(tenant).map_or(0, Tally::len)
    }

    /// The sockets that are meant.
    pub fn find(&self, whom: &Whom) -> Vec<SocketKey> {
        match whom {
            Whom::Socket(id) => self.by_id.get(id).copied().into_iter().collect(),
            Whom::SignedIn(sign_ins) => self.sign_ins.sockets(sign_ins),
        }
    }

    /// Who a socket is to the ledger of acknowledgements.
    pub fn bearer(&self, key: SocketKey) -> Option<Bearer> {
        let socket = self.sockets.get(&key)?;
        Some(Bearer { id: socket.id.clone(), user: socket.identity.user.clone() })
    }

    /// The names of the rooms `key` is in, sorted.
    pub fn own_rooms(&self, key: SocketKey) -> Vec<String> {
        let rooms = self.rooms_of(key);
        let mut names: Vec<String> = rooms.iter().map(|room| room.room.name().to_owned()).collect();
        names.sort_unstable();
        names
    }

    fn check_organization(
        &self,
        connection: SocketKey,
        organization: Option<&Id>,
        leaving: Option<&Id>,
    ) -> Result<(), ClientError> {
        let BookLimits { with_organization, per_organization, .. } = self.limits;
        let has_place = |organization| {
            // The place it gives up is there for the one it takes.
            let freed = leaving.is_some_and(|own| self.organizations.is_last_of(own, connection));
            let of_all = with_organization + usize::from(freed);
            self.organizations.has_place(organization, connection, per_organization, of_all)
        };
        if organization.is_none_or(has_place) {
            return Ok(());
        }
        let message = "The organization has as many connections as it may";
        Err(ClientError::new(ErrorCode::ConnectionLimit, message))
    }

    /// A place among the connections of the newcomer's tenant. It is given back by whoever has it
    /// last: a socket's tenant never changes (contract D-30).
    fn take_tenant(&mut self, connection: SocketKey, who: &Identity) -> Result<(), ClientError> {
        let Some(tenant) = &who.tenant else { return Ok(()) };
        let known = self.tenants.get(&tenant.id);
        let has_place = known.is_some_and(|tally| tally.has(connection))
            || tenant.max_connections.is_none_or(|most| known.map_or(0, Tally::len) < most);
        if !has_place {
            let message = "The tenant has as many connections as it may";
            return Err(ClientError::new(ErrorCode::ConnectionLimit, message));
        }
        self.tenants.entry(tenant.id.clone()).or_default().enter(connection);
        Ok(())
    }

    /// The rooms a socket is in, each once.
    pub(super) fn rooms_of(&self, key: SocketKey) -> Vec<Arc<RoomKey>> {
        let mut rooms: Vec<Arc<RoomKey>> = Vec::new();
        for own in self.sockets.get(&key).into_iter().flat_map(|socket| &socket.rooms) {
            if !rooms.contains(&own.room) {
                rooms.push(own.room.clone());
            }
        }
        rooms
    }
}

#[cfg(test)]
#[path = "books_tests.rs"]
pub(super) mod tests;
