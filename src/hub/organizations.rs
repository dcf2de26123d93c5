//! Which connections speak for which organization.
//!
//! Sockets are members, connections are counted (contract X-11, D-28): one connection with three
//! namespaces takes one of its organization's places.

use std::collections::HashMap;

use super::groups::{GroupId, Groups};
use super::outboxes::SocketKey;
use crate::domain::id::Id;

/// The organizations that have a socket here.
#[derive(Default)]
pub struct Organizations {
    by_id: HashMap<Id, Organization>,
    /// Connections over all organizations.
    connections: usize,
}

struct Organization {
    group: GroupId,
    /// Each connection with how many of its sockets are members.
    connections: HashMap<SocketKey, usize>,
}

impl Organizations {
    /// The group of everyone in `organization`.
    pub fn group(&self, organization: &Id) -> Option<GroupId> {
        self.by_id.get(organization).map(|entry| entry.group)
    }

    /// Whether one more socket of `connection` may enter, where so many connections may be members
    /// of one organization and of all.
    pub fn has_place(&self, organization: &Id, connection: SocketKey, of_one: usize, of_all: usize) -> bool {
        let own = self.by_id.get(organization).map(|entry| &entry.connections);
        own.is_some_and(|own| own.contains_key(&connection))
            || own.map_or(0, HashMap::len) < of_one && self.connections < of_all
    }

    pub fn enter(
        &mut self,
        organization: &Id,
        key: SocketKey,
        connection: SocketKey,
        groups: &mut Groups,
    ) -> GroupId {
        let entry = self
            .by_id
            .entry(organization.clone())
            .or_insert_with(|| Organization { group: groups.open(), connections: HashMap::new() });
        let sockets = entry.connections.entry(connection).or_insert(0);
        self.connections += usize::from(*sockets == 0);
        *sockets += 1;
        groups.enter(entry.group, key.worker);
        entry.group
    }

    pub fn leave(
        &mut self,
        organization: &Id,
        key: SocketKey,
        connection: SocketKey,
        groups: &mut Groups,
    ) -> Option<GroupId> {
        let entry = self.by_id.get_mut(organization)?;
        let group = entry.group;
        if let Some(sockets) = entry.connections.get_mut(&connection) {
            *sockets -= 1;
            if *sockets == 0 {
                entry.connections.remove(&connection);
                self.connections -= 1;
            }
        }
        if groups.leave(group, key.worker) == 0 {
            self.by_id.remove(organization);
        }
        Some(group)
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
