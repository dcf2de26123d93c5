//! What became of the publications that are to be acknowledged, recipient by recipient.
//!
//! Pure: no actor, time is an argument. The [`RoomServer`](super::room_server::RoomServer) owns the
//! only instance. Hubs and outboxes tell of a frame in no particular order, so a state only moves
//! forward ([`Delivery::may_become`]): what is told late changes nothing that is known better. What
//! expires does so by monotonic time; the wall clock is told, and nothing is measured by it.
//!
//! Publications that nobody is asked to acknowledge never come here and cost nothing.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::outboxes::SocketKey;
use crate::domain::id::Id;
use crate::domain::time::{Moment, Timestamp};
use crate::events::publication::{Priority, Publication};

/// How long a publication can be acknowledged and asked for.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Recipients kept of all publications together, about 150 bytes each, so about 30 MB: twenty
/// publications to as many connections as there may be by default. The oldest publications go first;
/// the newest stays however many it has, which the number of sockets bounds.
const RECIPIENTS: usize = 200_000;
/// A publication takes the place of this many recipients, besides those it has: its event's name has 128
/// bytes at most ([`catalog::is_custom`](crate::events::catalog::is_custom)).
const ENTRY: usize = 5;
/// Ack numbers are below this, because the .NET client reads no more (contract D-35).
const NUMBERS: u32 = 1 << 31;

/// The present: to measure by, and to tell.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub moment: Moment,
    pub wall: Timestamp,
}

/// How far a publication has come with one recipient (contract D-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// It waits in the outbox.
    Queued,
    /// The socket, or a poll, has taken its last byte.
    Written,
    Acknowledged,
    /// The socket ended, or what waited was dropped, before it was acknowledged.
    Gone,
}

impl Delivery {
    fn may_become(self, next: Delivery) -> bool {
        use Delivery::{Acknowledged, Gone, Queued, Written};
        matches!((self, next), (Queued, Written | Gone) | (Written, Acknowledged | Gone))
    }
}

/// Who a socket is to whoever asks for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub id: Id,
    pub user: Option<Id>,
}

#[derive(Clone, Debug)]
pub struct Recipient {
    pub bearer: Bearer,
    pub state: Delivery,
    /// Since when.
    pub at: Timestamp,
}

/// One publication.
#[derive(Clone, Debug)]
pub struct Entry {
    pub message_id: Arc<str>,
    pub event: Arc<str>,
    pub priority: Priority,
    pub sent_at: Timestamp,
    /// Told. What counts is `expires`.
    pub expires_at: Timestamp,
    expires: Moment,
    pub recipients: HashMap<SocketKey, Recipient>,
    /// Hubs that may still tell of recipients.
    unserved: usize,
}

impl Entry {
    fn weight(&self) -> usize {
        ENTRY + self.recipients.len()
    }
}

/// By what a client names what it acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    Number(u32),
    MessageId(String),
}

/// The entries, each under its ack number.
pub struct Ledger {
    entries: HashMap<u32, Entry>,
    /// The numbers, oldest first.
    order: VecDeque<u32>,
    by_id: HashMap<Arc<str>, u32>,
    /// The publications each socket that is still here is a recipient of, oldest first.
    by_socket: HashMap<SocketKey, VecDeque<u32>>,
    /// Sockets that ended while a hub may still tell of them.
    departed: HashMap<SocketKey, Bearer>,
    /// Over all entries.
    unserved: usize,
    weight: usize,
    capacity: usize,
    next: u32,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger::of(RECIPIENTS, 0)
    }
}

impl Ledger {
    fn of(capacity: usize, next: u32) -> Ledger {
        Ledger {
            entries: HashMap::new(),
            order: VecDeque::new(),
            by_id: HashMap::new(),
            by_socket: HashMap::new(),
            departed: HashMap::new(),
            unserved: 0,
            weight: 0,
            capacity,
            next,
        }
    }

    /// Enters a publication that so many hubs are about to serve. Gives its ack number.
    pub fn open(&mut self, publication: &Publication, hubs: usize, now: Now) -> u32 {
        self.expire(now.moment);
        let number = self.free_number();
        let entry = Entry {
            message_id: Arc::clone(&publication.message_id),
            event: Arc::clone(&publication.event),
            priority: publication.priority,
            sent_at: publication.sent_at,
            expires_at: now.wall + LIFETIME,
            expires: now.moment + LIFETIME,
            recipients: HashMap::new(),
            unserved: hubs,
        };
        self.unserved += hubs;
        self.weight += entry.weight();
        self.by_id.insert(Arc::clone(&entry.message_id), number);
        self.entries.insert(number, entry);
        self.order.push_back(number);
        self.shrink();
        number
    }

    /// Takes note of what became of a frame. `bearer` is who the socket is, if it is still here.
    pub fn note(
        &mut self,
        number: u32,
        key: SocketKey,
        state: Delivery,
        bearer: impl FnOnce() -> Option<Bearer>,
        now: Now,
    ) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        match entry.recipients.entry(key) {
            Place::Occupied(mut place) => place.get_mut().turn(state, now.wall),
            Place::Vacant(place) => match (bearer(), self.departed.get(&key)) {
                (Some(bearer), _) => {
                    place.insert(Recipient { bearer, state, at: now.wall });
                    self.by_socket.entry(key).or_default().push_back(number);
                    self.weight += 1;
                }
                (None, Some(bearer)) => {
                    let bearer = bearer.clone();
                    place.insert(Recipient { bearer, state: Delivery::Gone, at: now.wall });
                    self.weight += 1;
                }
                (None, None) => return,
            },
        }
        self.shrink();
    }

    /// A hub has told of all its recipients of this publication.
    pub fn served(&mut self, number: u32) {
        if let Some(entry) = self.entries.get_mut(&number)
            && entry.unserved > 0
        {
            entry.unserved -= 1;
            self.await_fewer(1);
        }
    }

    /// A socket has ended.
    pub fn leave(&mut self, key: SocketKey, bearer: impl FnOnce() -> Option<Bearer>, now: Now) {
        if self.unserved > 0
            && let Some(bearer) = bearer()
        {
            self.departed.insert(key, bearer);
        }
        for number in self.by_socket.remove(&key).unwrap_or_default() {
            if let Some(recipient) = self.recipient(number, key) {
                recipient.turn(Delivery::Gone, now.wall);
            }
        }
    }

    /// Takes an acknowledgement. Gives whether the socket has received what it acknowledges; a second
    /// one changes nothing.
    pub fn acknowledge(&mut self, key: SocketKey, name: &Name, now: Now) -> bool {
        self.expire(now.moment);
        let number = match name {
            Name::Number(number) => Some(*number),
            Name::MessageId(id) => self.by_id.get(id.as_str()).copied(),
        };
        let Some(recipient) = number.and_then(|number| self.recipient(number, key)) else { return false };
        recipient.turn(Delivery::Acknowledged, now.wall);
        recipient.state == Delivery::Acknowledged
    }

    /// The publication of this id, unless it has expired.
    pub fn find(&mut self, message_id: &str, now: Moment) -> Option<&Entry> {
        self.expire(now);
        self.entries.get(self.by_id.get(message_id)?)
    }

    fn recipient(&mut self, number: u32, key: SocketKey) -> Option<&mut Recipient> {
        self.entries.get_mut(&number)?.recipients.get_mut(&key)
    }

    fn free_number(&mut self) -> u32 {
        loop {
            let number = self.next;
            self.next = (number + 1) % NUMBERS;
            if !self.entries.contains_key(&number) {
                return number;
            }
        }
    }

    /// Forgets what is too old, and gives the memory back once nothing is left.
    pub fn expire(&mut self, now: Moment) {
        while let Some(number) = self.order.front()
            && self.entries.get(number).is_none_or(|entry| entry.expires <= now)
        {
            self.drop_oldest();
        }
        if self.order.is_empty() && self.order.capacity() > 0 {
            self.order = VecDeque::new();
            (self.entries, self.by_id, self.by_socket) = Default::default();
        }
    }

    /// Forgets what is too much.
    fn shrink(&mut self) {
        while self.weight > self.capacity && self.order.len() > 1 {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(number) = self.order.pop_front() else { return };
        let Some(entry) = self.entries.remove(&number) else { return };
        self.weight -= entry.weight();
        if self.by_id.get(&entry.message_id) == Some(&number) {
            self.by_id.remove(&entry.message_id);
        }
        for key in entry.recipients.into_keys() {
            let Place::Occupied(mut place) = self.by_socket.entry(key) else { continue };
            let numbers = place.get_mut();
            // The oldest publication of all is the socket's oldest, too: found at once.
            if let Some(index) = numbers.iter().position(|own| *own == number) {
                numbers.remove(index);
            }
            if numbers.is_empty() {
                place.remove();
            }
        }
        self.await_fewer(entry.unserved);
    }

    fn await_fewer(&mut self, hubs: usize) {
        self.unserved -= hubs;
        if self.unserved == 0 {
            self.departed = HashMap::new();
        }
    }
}

impl Recipient {
    fn turn(&mut self, state: Delivery, now: Timestamp) {
        if self.state.may_become(state) {
            (self.state, self.at) = (state, now);
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
