//! The rooms that have members, and how they are found.
//!
//! Pure. A room is one group of sockets, or several: subscribers who want only some of its alerts
//! are a group of their own for each filter, so that nothing is looked at socket by socket when an
//! alert is published. A room is forgotten with its last member.

use std::collections::HashMap;
use std::sync::Arc;

use super::groups::{GroupId, Groups};
use super::outboxes::WorkerId;
use super::presence::Presence;
use crate::domain::alert::{Alert, AlertFilter};
use crate::domain::room::{Room, RoomKey};
use crate::domain::time::Timestamp;

/// The rooms, by key and by what targets call them.
#[derive(Default)]
pub struct Rooms {
    entries: HashMap<RoomKey, Entry>,
    /// Every scope in which a room of this name has members.
    by_name: HashMap<Arc<str>, Vec<RoomKey>>,
    /// The rooms of a queue in some department, by the name they would have without it.
    by_queue: HashMap<Arc<str>, Vec<RoomKey>>,
}

pub struct Entry {
    pub created_at: Timestamp,
    /// Sockets, each once.
    pub members: usize,
    /// Most rooms have one, without a filter.
    parts: Vec<Part>,
    /// Boxed: most rooms have nobody who is seen.
    pub presence: Option<Box<Presence>>,
}

struct Part {
    filter: Option<Arc<AlertFilter>>,
    group: GroupId,
}

impl Entry {
    /// The groups that are to get a publication, which may be an alert.
    pub fn groups(&self, alert: Option<&Alert>) -> impl Iterator<Item = GroupId> {
        let admits = move |part: &&Part| match (&part.filter, alert) {
            (Some(filter), Some(alert)) => filter.admits(alert),
            _ => true,
        };
        self.parts.iter().filter(admits).map(|part| part.group)
    }
}

impl Rooms {
    pub fn get(&self, room: &RoomKey) -> Option<&Entry> {
        self.entries.get(room)
    }

    pub fn get_mut(&mut self, room: &RoomKey) -> Option<&mut Entry> {
        self.entries.get_mut(room)
    }

    pub fn members(&self, room: &RoomKey) -> usize {
        self.entries.get(room).map_or(0, |entry| entry.members)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&RoomKey, &Entry)> {
        self.entries.iter()
    }

    /// The rooms of this name, in whatever scope.
    pub fn named(&self, name: &str) -> &[RoomKey] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The rooms of the queue that `room` is for, in whatever department.
    pub fn of_queue(&self, room: &Room) -> &[RoomKey] {
        self.by_queue.get(room.name()).map_or(&[], Vec::as_slice)
    }

    /// One more socket of this worker in the part of `room` with this filter. `is_new` where the socket
    /// was in no other part of it.
    pub fn enter(
        &mut self,
        room: &RoomKey,
        filter: &Option<Arc<AlertFilter>>,
        is_new: bool,
        worker: WorkerId,
        groups: &mut Groups,
        now: Timestamp,
    ) -> GroupId {
        if !self.entries.contains_key(room) {
            self.open(room, now);
        }
        let entry = self.entries.get_mut(room).expect("opened above");
        entry.members += usize::from(is_new);
        let known = entry.parts.iter().find(|part| part.filter == *filter).map(|part| part.group);
        let group = known.unwrap_or_else(|| {
            let group = groups.open();
            entry.parts.push(Part { filter: filter.clone(), group });
            group
        });
        groups.enter(group, worker);
        group
    }

    /// One socket less in one part of `room`. `is_last` where the socket is in no other part of it.
    pub fn leave(
        &mut self,
        room: &RoomKey,
        group: GroupId,
        is_last: bool,
        worker: WorkerId,
        groups: &mut Groups,
    ) {
        let is_empty = groups.leave(group, worker) == 0;
        let Some(entry) = self.entries.get_mut(room) else { return };
        entry.members -= usize::from(is_last);
        if is_empty {
            entry.parts.retain(|part| part.group != group);
        }
        if entry.parts.is_empty() {
            self.close(room);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.by_name.is_empty() && self.by_queue.is_empty()
    }

    fn open(&mut self, room: &RoomKey, now: Timestamp) {
        // Most names mean one room.
        let scopes = self.by_name.entry(room.room.shared_name());
        scopes.or_insert_with(|| Vec::with_capacity(1)).push(room.clone());
        if let Some(queue) = of_any_department(&room.room) {
            self.by_queue.entry(queue).or_default().push(room.clone());
        }
        let parts = Vec::with_capacity(1);
        self.entries.insert(room.clone(), Entry { created_at: now, members: 0, parts, presence: None });
    }

    fn close(&mut self, room: &RoomKey) {
        self.entries.remove(room);
        forget(&mut self.by_name, room.room.name(), room);
        if let Some(queue) = of_any_department(&room.room) {
            forget(&mut self.by_queue, &queue, room);
        }
    }
}

/// What the room of a department's queue would be called without the department.
fn of_any_department(room: &Room) -> Option<Arc<str>> {
    let (channel, scope) = room.channel()?;
    scope.without_department()?.room(channel).map(|room| room.shared_name())
}

fn forget(index: &mut HashMap<Arc<str>, Vec<RoomKey>>, name: &str, room: &RoomKey) {
    if let Some(rooms) = index.get_mut(name) {
        rooms.retain(|own| own != room);
        if rooms.is_empty() {
            index.remove(name);
        }
    }
}
