//! Who is here, read out of the books for the admin REST.
//!
//! The books know who a socket is and where; what its client last did is known to its outbox, so the
//! RoomServer has the hubs look ([`LookAt`]) and puts both together. Asked by people, so rare: what
//! is copied is bounded by the limits of connections and of rooms.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use actix::{Addr, Message};

use super::books::Books;
use super::outboxes::{SocketKey, WorkerId};
use super::worker_hub::WorkerHub;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
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

/// The sockets, for the admin REST, in no order.
#[derive(Message)]
#[rtype(result = "Vec<SocketView>")]
pub enum ListSockets {
    All,
    Of(Id),
    /// None or one.
    Named(Id),
}

/// One socket at one moment.
#[derive(Debug)]
pub struct SocketView {
    pub id: Id,
    pub identity: Arc<Identity>,
    pub rooms: Vec<Room>,
    pub connected_at: Timestamp,
    /// `None` if it is gone by now.
    pub seen: Option<Seen>,
}

/// What a hub sees of sockets of its own, in the order of their keys. Beside the hub's queue: it
/// changes nothing and need not wait for what does.
#[derive(Message)]
#[rtype(result = "Vec<Option<Seen>>")]
pub struct LookAt(pub Vec<SocketKey>);

/// What only a socket's own thread knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When its connection last sent anything.
    pub last_activity: Timestamp,
    /// The goodbye is said.
    pub is_closing: bool,
}

/// Sockets out of the books, by worker: nobody has looked at them yet.
pub(super) type Unseen = BTreeMap<WorkerId, Vec<(SocketKey, SocketView)>>;

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

    pub(super) fn list(&self, which: &ListSockets) -> Unseen {
        let mut unseen = Unseen::new();
        let mut take = |key: SocketKey| {
            if let Some(socket) = self.sockets.get(&key) {
                let view = SocketView {
                    id: socket.id.clone(),
                    identity: Arc::clone(&socket.identity),
                    rooms: self.rooms_of(key).iter().map(|own| own.room.clone()).collect(),
                    connected_at: socket.connected_at,
                    seen: None,
                };
                unseen.entry(key.worker).or_default().push((key, view));
            }
        };
        match which {
            ListSockets::All => self.sockets.keys().copied().for_each(take),
            ListSockets::Of(organization) => {
                let is_of = |id: &Option<Id>| id.as_ref() == Some(organization);
                let own = self.sockets.iter().filter(|(_, own)| is_of(&own.identity.organization));
                own.map(|(key, _)| *key).for_each(take);
            }
            ListSockets::Named(id) => self.by_id.get(id).copied().into_iter().for_each(&mut take),
        }
        unseen
    }
}

/// Has each worker's hub look at its sockets.
pub(super) async fn look(hubs: Vec<Option<Addr<WorkerHub>>>, unseen: Unseen) -> Vec<SocketView> {
    let mut views = Vec::with_capacity(unseen.values().map(Vec::len).sum());
    for (worker, sockets) in unseen {
        let (keys, own): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
        let first = views.len();
        views.extend(own);
        let Some(Some(hub)) = hubs.get(usize::from(worker)) else { continue };
        // A hub that is gone has seen nothing.
        let seen = hub.send(LookAt(keys)).await.unwrap_or_default();
        for (view, seen) in views[first..].iter_mut().zip(seen) {
            view.seen = seen;
        }
    }
    views
}
