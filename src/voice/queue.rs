//! Whose command runs next: pure, and knows commands by their tickets alone.
//!
//! Commands of one asker run one at a time and are answered in the order they came. Askers of a tenant take
//! turns, tenants take turns, and no tenant holds all threads of a lane. Long commands have a lane of their
//! own, so that the short ones of everybody else find a thread. What is held is bounded by the number of
//! commands a tenant may have here, and by [`REFUSED`] for each asker.

use std::collections::{HashMap, VecDeque};

use crate::domain::id::Id;

/// Which threads a command runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Quick,
    /// For what may take minutes.
    Long,
}

impl Lane {
    pub const ALL: [Lane; 2] = [Lane::Quick, Lane::Long];

    /// Threads of the lane.
    pub const fn threads(self) -> usize {
        match self {
            Lane::Quick => 4,
            Lane::Long => 2,
        }
    }

    /// How many of them one tenant may have at a time.
    const fn of_one_tenant(self) -> usize {
        self.threads() / 2
    }
}

/// Most refusals of one asker that wait for their turn to be told.
pub const REFUSED: usize = 256;

/// Names a command from its coming until it is answered and its thread is free.
pub type Ticket = u64;

pub struct Queue {
    /// Commands that one tenant may have here.
    most: usize,
    next_ticket: Ticket,
    lanes: [Row; 2],
    tenants: HashMap<Id, Tenant>,
    /// What each asker waits for, in the order of asking.
    askers: HashMap<Id, VecDeque<Slot>>,
    places: HashMap<Ticket, Place>,
}

/// The tenants whose turn comes, each once.
struct Row {
    free: usize,
    turn: VecDeque<Id>,
}

/// A tenant without commands here is not held.
#[derive(Default)]
struct Tenant {
    commands: usize,
    lanes: [Share; 2],
}

/// A tenant's part in one lane.
#[derive(Default)]
struct Share {
    running: usize,
    /// Commands that are the first of their asker.
    ready: VecDeque<Ticket>,
    has_turn: bool,
}

#[derive(Clone, Copy)]
enum Slot {
    Command(Ticket),
    /// To be told as soon as what stands before it has been.
    Refused(Ticket),
}

struct Place {
    tenant: Id,
    asker: Id,
    lane: Lane,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Has a thread.
    Running,
    /// Was begun and has no thread, as one that waits for another's result.
    Parked,
}

impl Queue {
    /// At most `most` commands of one tenant.
    pub fn of(most: usize) -> Queue {
        let lanes = Lane::ALL.map(|lane| Row { free: lane.threads(), turn: VecDeque::new() });
        let (tenants, askers, places) = Default::default();
        Queue { most, next_ticket: 0, lanes, tenants, askers, places }
    }

    /// Takes a command in; `None` if the tenant has too many here.
    pub fn push(&mut self, tenant: &Id, asker: &Id, lane: Lane) -> Option<Ticket> {
        let held = self.tenants.get(tenant).map_or(0, |tenant| tenant.commands);
        if held >= self.most {
            return None;
        }
        self.tenants.entry(tenant.clone()).or_default().commands += 1;
        let ticket = self.ticket();
        let place = Place { tenant: tenant.clone(), asker: asker.clone(), lane, state: State::Waiting };
        self.places.insert(ticket, place);
        let slots = self.askers.entry(asker.clone()).or_default();
        slots.push_back(Slot::Command(ticket));
        if slots.len() == 1 {
            self.make_ready(ticket);
        }
        Some(ticket)
    }

    /// A place for a refusal behind what the asker waits for. `None` if it is to be told at once: nothing
    /// waits, or too many refusals do.
    pub fn push_refused(&mut self, asker: &Id) -> Option<Ticket> {
        let ticket = self.ticket();
        let slots = self.askers.get_mut(asker)?;
        if slots.iter().filter(|slot| matches!(slot, Slot::Refused(_))).count() >= REFUSED {
            return None;
        }
        slots.push_back(Slot::Refused(ticket));
        Some(ticket)
    }

    /// The next command that has a thread. It is running from now on.
    pub fn start_next(&mut self) -> Option<Ticket> {
        Lane::ALL.into_iter().find_map(|lane| self.start_next_of(lane))
    }

    fn start_next_of(&mut self, lane: Lane) -> Option<Ticket> {
        let row = &mut self.lanes[lane as usize];
        while row.free > 0
            && let Some(name) = row.turn.pop_front()
        {
            let Some(tenant) = self.tenants.get_mut(&name) else { continue };
            let share = &mut tenant.lanes[lane as usize];
            share.has_turn = false;
            // One that was given up meanwhile is not here any more.
            let ready = std::iter::from_fn(|| share.ready.pop_front());
            let ticket = { ready }.find(|ticket| self.places.contains_key(ticket));
            let Some(ticket) = ticket else { continue };
            share.running += 1;
            row.free -= 1;
            give_turn(&name, lane, share, row);
            if let Some(place) = self.places.get_mut(&ticket) {
                place.state = State::Running;
            }
            return Some(ticket);
        }
        None
    }

    /// The command's thread is free again; it may be unanswered still, and is held until [`Queue::end`].
    pub fn free(&mut self, ticket: Ticket) {
        let Some(place) = self.places.get_mut(&ticket).filter(|place| place.state == State::Running) else {
            return;
        };
        place.state = State::Parked;
        let row = &mut self.lanes[place.lane as usize];
        row.free += 1;
        if let Some(tenant) = self.tenants.get_mut(&place.tenant) {
            let share = &mut tenant.lanes[place.lane as usize];
            share.running -= 1;
            give_turn(&place.tenant, place.lane, share, row);
        }
    }

    /// Whose command it is: the tenant's, and the asker's.
    pub fn whose(&self, ticket: Ticket) -> Option<(&Id, &Id)> {
        self.places.get(&ticket).map(|place| (&place.tenant, &place.asker))
    }

    /// The command, which has been freed, is to have a thread after all.
    pub fn resume(&mut self, ticket: Ticket) {
        let parked = self.places.get_mut(&ticket).filter(|place| place.state == State::Parked);
        if let Some(place) = parked {
            place.state = State::Waiting;
            self.make_ready(ticket);
        }
    }

    /// The command has been answered: its asker's next may run. Gives the refusals that are due now.
    pub fn answered(&mut self, ticket: Ticket) -> Vec<Ticket> {
        let mut due = Vec::new();
        let Some(place) = self.places.get(&ticket) else { return due };
        let asker = place.asker.clone();
        let Some(slots) = self.askers.get_mut(&asker) else { return due };
        slots.retain(|slot| !matches!(slot, Slot::Command(own) if *own == ticket));
        while let Some(Slot::Refused(refused)) = slots.front() {
            due.push(*refused);
            slots.pop_front();
        }
        match slots.front().copied() {
            Some(Slot::Command(next)) => self.make_ready(next),
            _ => {
                self.askers.remove(&asker);
            }
        }
        due
    }

    /// The command is over, answered and without a thread.
    pub fn end(&mut self, ticket: Ticket) {
        self.free(ticket);
        let Some(place) = self.places.remove(&ticket) else { return };
        if let Some(tenant) = self.tenants.get_mut(&place.tenant) {
            tenant.commands -= 1;
            if tenant.commands == 0 {
                self.tenants.remove(&place.tenant);
            }
        }
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.askers.is_empty() && self.tenants.is_empty()
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn make_ready(&mut self, ticket: Ticket) {
        let Some(place) = self.places.get(&ticket).filter(|place| place.state == State::Waiting) else {
            return;
        };
        if let Some(tenant) = self.tenants.get_mut(&place.tenant) {
            let share = &mut tenant.lanes[place.lane as usize];
            share.ready.push_back(ticket);
            give_turn(&place.tenant, place.lane, share, &mut self.lanes[place.lane as usize]);
        }
    }
}

/// Has the tenant wait for its turn, if there is something it may do with it.
fn give_turn(name: &Id, lane: Lane, share: &mut Share, row: &mut Row) {
    if !share.has_turn && !share.ready.is_empty() && share.running < lane.of_one_tenant() {
        share.has_turn = true;
        row.turn.push_back(name.clone());
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
