//! Which connections speak for which organization.
//!
//! Sockets are members, connections are counted (contract X-11, D-28): one connection with three
//! namespaces takes one of its organization's places.

use std::collections::HashMap;

use super::groups::{GroupId, Groups};
use super::outboxes::SocketKey;
use super::tally::Tally;
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
    connections: Tally,
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
        own.is_some_and(|own| own.has(connection))
            || own.map_or(0, Tally::len) < of_one && self.connections < of_all
    }

    /// Whether `organization` loses this connection with one socket less.
    pub fn is_last_of(&self, organization: &Id, connection: SocketKey) -> bool {
        self.by_id.get(organization).is_some_and(|own| own.connections.sockets(connection) == 1)
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
            .or_insert_with(|| Organization { group: groups.open(), connections: Tally::default() });
        self.connections += usize::from(entry.connections.enter(connection));
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
        self.connections -= usize::from(entry.connections.leave(connection));
        if groups.leave(group, key.worker) == 0 {
            self.by_id.remove(organization);
        }
        Some(group)
    }

    /// How many connections speak for each.
    pub fn connections(&self) -> impl Iterator<Item = (&Id, usize)> {
        self.by_id.iter().map(|(id, entry)| (id, entry.connections.len()))
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
