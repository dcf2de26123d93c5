//! Who is here, read out of the books for the admin REST.
//!
//! Asked by people, so rare: what is copied is bounded by the limits of connections and of rooms.

use std::collections::{BTreeMap, HashSet};

use actix::Message;

use super::books::Books;
use crate::domain::id::Id;
use crate::domain::room::Room;
use crate::domain::time::Timestamp;

/// Who is here, for the admin REST.
#[derive(Message)]
#[rtype(result = "Census")]
pub struct TakeCensus;

/// The books at one moment.
#[derive(Debug, Default)]
pub struct Census {
    /// Connections with at least one socket, and with at least one that is somebody.
    pub connections: usize,
    pub authenticated: usize,
    /// Connections, not sockets, that speak for each organization (contract D-28).
    pub by_organization: BTreeMap<Id, usize>,
    /// Those with members, by name and then by organization.
    pub rooms: Vec<RoomCount>,
}

/// One room with members.
#[derive(Debug, Clone)]
pub struct RoomCount {
    pub room: Room,
    pub organization: Option<Id>,
    pub members: usize,
    pub created_at: Timestamp,
}

impl Books {
    pub fn census(&self) -> Census {
        let connections: HashSet<_> = self.sockets.values().map(|socket| socket.connection).collect();
        let verified = self.sockets.values().filter(|socket| socket.identity.is_authenticated());
        let authenticated: HashSet<_> = verified.map(|socket| socket.connection).collect();
        let by_organization = self.organizations.connections();
        let by_organization = by_organization.map(|(id, count)| (id.clone(), count)).collect();
        let mut rooms: Vec<RoomCount> = self
            .rooms
            .iter()
            .map(|(key, entry)| RoomCount {
                room: key.room.clone(),
                organization: key.organization.clone(),
                members: entry.members,
                created_at: entry.created_at,
            })
            .collect();
        rooms.sort_unstable_by(|a, b| {
            (a.room.name(), a.organization.as_ref()).cmp(&(b.room.name(), b.organization.as_ref()))
        });
        let (connections, authenticated) = (connections.len(), authenticated.len());
        Census { connections, authenticated, by_organization, rooms }
    }
}
