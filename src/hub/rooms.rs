//! The rooms that have members, and how they are found.
//!
//! Pure. A room is one group of sockets, or several: subscribers who want only some of its alerts
//! are a group of their own for each filter, so that nothing is looked at socket by socket when an
//! alert is published. A room is forgotten with its last member.

use std::collections::{HashMap, HashSet};
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
    entries: HashMap<Arc<RoomKey>, Entry>,
    /// Every scope in which a room of this name has members.
    by_name: HashMap<Arc<str>, Vec<Arc<RoomKey>>>,
    /// The rooms of a queue in some department, by the name they would have without it.
    by_queue: HashMap<Arc<str>, HashSet<Arc<RoomKey>>>,
}

pub struct Entry {
    pub created_at: Timestamp,
    /// Sockets, each once.
    pub members: usize,
    /// Those who want everything; most rooms have nobody else.
    open: Option<GroupId>,
    /// Those who want some of its alerts only. Boxed: most rooms have nobody of the kind.
    filtered: Option<Box<Filtered>>,
    /// Boxed: most rooms have nobody who is seen.
    pub presence: Option<Box<Presence>>,
}

type Filtered = HashMap<Arc<AlertFilter>, GroupId>;

impl Entry {
    /// The groups that are to get a publication, which may be an alert.
    pub fn groups(&self, alert: Option<&Alert>) -> impl Iterator<Item = GroupId> {
        let is_for = move |filter: &AlertFilter| alert.is_none_or(|alert| filter.admits(alert));
        let filtered = self.filtered.iter().flat_map(|filtered| filtered.iter());
        let filtered = filtered.filter(move |(filter, _)| is_for(filter));
        self.open.into_iter().chain(filtered.map(|(_, group)| *group))
    }

    /// The group of those with this filter, opened if it is the first.
    fn part(&mut self, filter: &Option<Arc<AlertFilter>>, groups: &mut Groups) -> GroupId {
        match filter {
            None => *self.open.get_or_insert_with(|| groups.open()),
            Some(filter) => {
                let filtered = self.filtered.get_or_insert_default();
                *filtered.entry(Arc::clone(filter)).or_insert_with(|| groups.open())
            }
        }
    }

    fn close_part(&mut self, filter: &Option<Arc<AlertFilter>>) {
        match filter {
            None => self.open = None,
            Some(filter) => {
                self.filtered.take_if(|filtered| {
                    filtered.remove(filter);
                    filtered.is_empty()
                });
            }
        }
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

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<RoomKey>, &Entry)> {
        self.entries.iter()
    }

    /// The rooms of this name, in whatever scope.
    pub fn named(&self, name: &str) -> &[Arc<RoomKey>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The rooms of the queue that `room` is for, in whatever department.
    pub fn of_queue(&self, room: &Room) -> impl Iterator<Item = &Arc<RoomKey>> {
        self.by_queue.get(room.name()).into_iter().flatten()
    }

    /// One more socket of this worker in the part of `room` with this filter. `is_new` where the socket
    /// was in no other part of it. Gives the room as all its members share it, and the part.
    pub fn enter(
        &mut self,
        room: RoomKey,
        filter: &Option<Arc<AlertFilter>>,
        is_new: bool,
        worker: WorkerId,
        groups: &mut Groups,
        now: Timestamp,
    ) -> (Arc<RoomKey>, GroupId) {
        let room = match self.entries.get_key_value(&room) {
            Some((known, _)) => Arc::clone(known),
            None => self.open(Arc::new(room), now),
        };
        let entry = self.entries.get_mut(&room).expect("found or opened above");
        entry.members += usize::from(is_new);
        let group = entry.part(filter, groups);
        groups.enter(group, worker);
        (room, group)
    }

    /// One socket less in one part of `room`. `is_last` where the socket is in no other part of it.
    pub fn leave(
        &mut self,
        room: &RoomKey,
        filter: &Option<Arc<AlertFilter>>,
        group: GroupId,
        is_last: bool,
        worker: WorkerId,
        groups: &mut Groups,
    ) {
        let is_empty = groups.leave(group, worker) == 0;
        let Some(entry) = self.entries.get_mut(room) else { return };
        entry.members -= usize::from(is_last);
        if is_empty {
            entry.close_part(filter);
        }
        if entry.open.is_none() && entry.filtered.is_none() {
            self.close(room);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.by_name.is_empty() && self.by_queue.is_empty()
    }

    fn open(&mut self, room: Arc<RoomKey>, now: Timestamp) -> Arc<RoomKey> {
        // Most names mean one room.
        let scopes = self.by_name.entry(room.room.shared_name());
        scopes.or_insert_with(|| Vec::with_capacity(1)).push(Arc::clone(&room));
        if let Some(queue) = of_any_department(&room.room) {
            self.by_queue.entry(queue).or_default().insert(Arc::clone(&room));
        }
        let entry = Entry { created_at: now, members: 0, open: None, filtered: None, presence: None };
        self.entries.insert(Arc::clone(&room), entry);
        room
    }

    fn close(&mut self, room: &RoomKey) {
        self.entries.remove(room);
        if let Some(scopes) = self.by_name.get_mut(room.room.name()) {
            scopes.retain(|own| **own != *room);
            if scopes.is_empty() {
                self.by_name.remove(room.room.name());
            }
        }
        if let Some(queue) = of_any_department(&room.room)
            && let Some(departments) = self.by_queue.get_mut(&queue)
        {
            departments.remove(room);
            if departments.is_empty() {
                self.by_queue.remove(&queue);
            }
        }
    }
}

/// What the room of a department's queue would be called without the department.
fn of_any_department(room: &Room) -> Option<Arc<str>> {
    let (channel, scope) = room.channel()?;
    scope.without_department()?.room(channel).map(|room| room.shared_name())
}
