//! What a target means: from the words of a publication to the numbers the hubs know.

use std::collections::HashMap;
use std::sync::Arc;

use super::audience::{Audience, Clause, Primary, Resolved};
use super::books::Books;
use super::groups::{EVERYONE, GroupId};
use super::outboxes::{SocketKey, WorkerId};
use crate::dialect::prepared::Label;
use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::room::Room;
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
        let filters = clauses.into_iter().map(|(clause, _)| clause.sorted()).collect();
        Resolved { audience: Audience { primary, filters, except: None }, labels, workers }
    }

    /// The others in the very room that `key` means by this name, in its own scope.
    ///
    /// # Errors
    /// `UNAUTHORIZED` if it is not in there: nobody is told whether the room exists.
    pub fn others(&self, key: SocketKey, room: &Room) -> Result<Resolved, ClientError> {
        let group = self.own_group(key, room);
        let group = group.ok_or_else(|| ClientError::unauthorized("You are not in this room"))?;
        let primary = Primary::Groups(vec![(group, 0)]);
        let workers = self.workers_of(&primary);
        let audience = Audience { primary, filters: Vec::new(), except: Some(key) };
        Ok(Resolved { audience, labels: vec![Some(room.shared_name())], workers })
    }

    /// A clause for each field that is given, with the room name each of its groups is matched by;
    /// the field that tells clients most about why they got it stands first.
    fn clauses(&self, target: &Target) -> Vec<(Clause, Vec<Arc<str>>)> {
        let mut clauses = Vec::new();
        if let Some(room) = &target.room {
            clauses.push(self.room_or_socket(room));
        }
        if let Some(users) = &target.users {
            clauses.push(self.rooms_named(users.iter().map(Room::user)));
        }
        if let Some(tenant) = &target.tenant {
            clauses.push(self.rooms_named(Room::parse(&format!("tenant:{tenant}")).into_iter()));
        }
        match &target.organization {
            Some(OrganizationTarget::Members(id)) => {
                let group: Vec<GroupId> = self.organizations.group(id).into_iter().collect();
                let names = group.iter().map(|_| Room::org(id).shared_name()).collect();
                clauses.push((Clause::Groups(group), names));
            }
            // Nobody can subscribe to a channel yet, so a channel has no subscribers.
            Some(OrganizationTarget::Subscribers(_)) => {
                clauses.push((Clause::Groups(Vec::new()), Vec::new()));
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
    fn room_or_socket(&self, room: &Room) -> (Clause, Vec<Arc<str>>) {
        let socket = Id::parse(room.name()).and_then(|id| self.by_id.get(&id).copied());
        match socket {
            Some(key) => (Clause::Sockets(vec![key]), Vec::new()),
            None => self.rooms_named(std::iter::once(room.clone())),
        }
    }

    /// The groups of rooms of these names, in every organization.
    fn rooms_named(&self, rooms: impl Iterator<Item = Room>) -> (Clause, Vec<Arc<str>>) {
        let keys = rooms.filter_map(|room| self.by_name.get(room.name())).flatten();
        let found =
            keys.filter_map(|key| self.rooms.get(key).map(|entry| (entry.group, key.room.shared_name())));
        let (groups, names) = found.unzip();
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
