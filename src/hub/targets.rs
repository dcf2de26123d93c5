//! What a target means: from the words of a publication to the numbers the hubs know.

use std::collections::HashMap;
use std::sync::Arc;

use super::audience::{Audience, Clause, Primary, Resolved};
use super::books::Books;
use super::groups::{EVERYONE, GroupId};
use super::outboxes::{SocketKey, WorkerId};
use crate::dialect::prepared::Label;
use crate::domain::alert::Alert;
use crate::domain::channel::{Channel, Scope};
use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::room::{Room, RoomKey};
use crate::events::publication::{OrganizationTarget, Target};

impl Books {
    /// Finds out whom `target` means now (contract D-33).
    pub fn resolve(&self, target: &Target) -> Resolved {
        let mut clauses = self.clauses(target);
        let (primary, labels) = if clauses.is_empty() {
            (Primary::Groups(vec![(EVERYONE, 0)]), vec![None])
        } else {
            match clauses.remove(0) {
                (Clause::Sockets(keys), _) => (Primary::Sockets(keys), vec![None]),
                (Clause::Groups(groups), names) => {
                    let (named, labels) = label(names);
                    (Primary::Groups(groups.into_iter().zip(named).collect()), labels)
                }
            }
        };
        let workers = self.workers_of(&primary);
        let (filters, others): (Vec<_>, Vec<_>) =
            clauses.into_iter().map(|(clause, names)| (clause.sorted(), names)).unzip();
        let others = others.into_iter().flatten().collect();
        Resolved { audience: Audience { primary, filters, except: None }, labels, others, workers }
    }

    /// The others in the very room that `key` means by this name, in its own scope.
    ///
    /// # Errors
    /// `UNAUTHORIZED` if it is not in there: nobody is told whether the room exists.
    pub fn others(&self, key: SocketKey, room: &Room) -> Result<Resolved, ClientError> {
        let groups = self.own_groups(key, room);
        let groups = groups.ok_or_else(|| ClientError::unauthorized("You are not in this room"))?;
        Ok(self.members_but(key, room, groups))
    }

    /// Those who see somebody come to a room or leave it.
    pub fn witnesses(&self, key: SocketKey, room: &RoomKey) -> Resolved {
        let groups = self.rooms.get(room).map_or_else(Vec::new, |entry| entry.groups(None).collect());
        self.members_but(key, &room.room, groups)
    }

    fn members_but(&self, key: SocketKey, room: &Room, groups: Vec<GroupId>) -> Resolved {
        let primary = Primary::Groups(groups.into_iter().map(|group| (group, 0)).collect());
        let workers = self.workers_of(&primary);
        let audience = Audience { primary, filters: Vec::new(), except: Some(key) };
        Resolved { audience, labels: vec![Some(room.shared_name())], others: Vec::new(), workers }
    }

    /// A clause for each field that is given, with the room name each of its groups is matched by;
    /// the field that tells clients most about why they got it stands first.
    fn clauses(&self, target: &Target) -> Vec<(Clause, Vec<Arc<str>>)> {
        let mut clauses = Vec::new();
        let alert = target.alert.as_ref();
        if let Some(room) = &target.room {
            clauses.push(self.room_or_socket(room, alert));
        }
        if let Some(users) = &target.users {
            clauses.push(self.rooms_named(users.iter().map(Room::user), alert));
        }
        if let Some(tenant) = &target.tenant {
            clauses.push(self.rooms_named([Room::tenant(tenant)].into_iter(), alert));
        }
        match &target.organization {
            Some(OrganizationTarget::Members(id)) => {
                let group: Vec<GroupId> = self.organizations.group(id).into_iter().collect();
                let names = group.iter().map(|_| Room::org(id).shared_name()).collect();
                clauses.push((Clause::Groups(group), names));
            }
            Some(OrganizationTarget::Subscribers(channel, scope)) => {
                clauses.push(self.groups_of(self.subscribed(*channel, scope).iter(), alert));
            }
            None => {}
        }
        if let Some(sockets) = &target.sockets {
            let keys = sockets.iter().filter_map(|id| self.by_id.get(id).copied());
            let mut keys: Vec<SocketKey> = keys.collect();
            keys.sort_unstable();
            keys.dedup();
            clauses.push((Clause::Sockets(keys), Vec::new()));
        }
        clauses
    }

    /// The room of this name; every socket is alone in a room named by its id (contract section 9).
    fn room_or_socket(&self, room: &Room, alert: Option<&Alert>) -> (Clause, Vec<Arc<str>>) {
        let socket = Id::parse(room.name()).and_then(|id| self.by_id.get(&id).copied());
        match socket {
            Some(key) => (Clause::Sockets(vec![key]), Vec::new()),
            None => self.rooms_named(std::iter::once(room.clone()), alert),
        }
    }

    /// The rooms whose subscribers get what is for `channel` in `scope` (contract X-14), the closest
    /// first.
    fn subscribed(&self, channel: Channel, scope: &Scope) -> Vec<Arc<RoomKey>> {
        let rooms_in = |scope: &Scope| [channel, Channel::All].map(|channel| scope.room(channel));
        let mut rooms: Vec<Arc<RoomKey>> = Vec::new();
        for (distance, reached) in scope.reached_from().iter().enumerate() {
            for room in rooms_in(reached).into_iter().flatten() {
                rooms.extend_from_slice(self.rooms.named(room.name()));
                // A queue of no department is that queue in every department.
                if distance == 0 && scope.department.is_none() {
                    let mut departments: Vec<_> = self.rooms.of_queue(&room).cloned().collect();
                    // Whoever is in several is matched by the same one every time.
                    departments.sort_unstable_by(|a, b| a.room.name().cmp(b.room.name()));
                    rooms.extend(departments);
                }
            }
        }
        rooms
    }

    /// The groups of rooms of these names, in every organization.
    fn rooms_named(
        &self,
        rooms: impl Iterator<Item = Room>,
        alert: Option<&Alert>,
    ) -> (Clause, Vec<Arc<str>>) {
        let rooms: Vec<&Arc<RoomKey>> = rooms.flat_map(|room| self.rooms.named(room.name())).collect();
        self.groups_of(rooms.into_iter(), alert)
    }

    fn groups_of<'a>(
        &self,
        rooms: impl Iterator<Item = &'a Arc<RoomKey>>,
        alert: Option<&Alert>,
    ) -> (Clause, Vec<Arc<str>>) {
        let (mut groups, mut names) = (Vec::new(), Vec::new());
        for room in rooms {
            for group in self.rooms.get(room).into_iter().flat_map(|entry| entry.groups(alert)) {
                groups.push(group);
                names.push(room.room.shared_name());
            }
        }
        (Clause::Groups(groups), names)
    }

    fn workers_of(&self, primary: &Primary) -> Vec<WorkerId> {
        let mut workers: Vec<WorkerId> = match primary {
            Primary::Groups(groups) => {
                groups.iter().flat_map(|(group, _)| self.groups.workers(*group)).collect()
            }
            Primary::Sockets(keys) => keys.iter().map(|key| key.worker).collect(),
        };
        workers.sort_unstable();
        workers.dedup();
        workers
    }
}

/// Numbers the names, equal ones alike: one room in several organizations is spelled once.
fn label(names: Vec<Arc<str>>) -> (Vec<Label>, Vec<Option<Arc<str>>>) {
    let (mut labels, mut known) = (Vec::new(), HashMap::new());
    let named = names.into_iter().map(|name| {
        *known.entry(Arc::clone(&name)).or_insert_with(|| {
            labels.push(Some(name));
            (labels.len() - 1) as Label
        })
    });
    let named = named.collect();
    (named, labels)
}
