//! The outboxes of one worker thread, by the key under which everyone else knows them.
//!
//! An [`Outbox`](super::outbox::Outbox) never leaves its thread; only its [`SocketKey`] does.

use std::rc::Rc;

/// Number of a worker thread.
pub type WorkerId = u16;

/// Names a socket's outbox anywhere in the process. A key of a socket that has gone finds nothing:
/// its place may have been taken again, but by a later generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketKey {
    pub worker: WorkerId,
    pub slot: u32,
    pub generation: u32,
}

/// The table. `O` is the outbox; tests put something simpler in.
pub struct Outboxes<O> {
    worker: WorkerId,
    slots: Vec<Slot<O>>,
    free: Vec<u32>,
}

struct Slot<O> {
    generation: u32,
    outbox: Option<Rc<O>>,
}

impl<O> Outboxes<O> {
    pub fn of(worker: WorkerId) -> Outboxes<O> {
        Outboxes { worker, slots: Vec::new(), free: Vec::new() }
    }

    /// Puts in the outbox that `make` makes for its new key.
    pub fn insert(&mut self, make: impl FnOnce(SocketKey) -> O) -> Rc<O> {
        let key = self.take_key();
        let outbox = Rc::new(make(key));
        self.slots[key.slot as usize].outbox = Some(Rc::clone(&outbox));
        outbox
    }

    /// Gives `outbox` one more key: each socket of a connection has its own.
    pub fn share(&mut self, outbox: Rc<O>) -> SocketKey {
        let key = self.take_key();
        self.slots[key.slot as usize].outbox = Some(outbox);
        key
    }

    fn take_key(&mut self) -> SocketKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, outbox: None });
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 sockets")
        });
        SocketKey { worker: self.worker, slot, generation: self.slots[slot as usize].generation }
    }

    /// Every outbox with its slot, once for each of its keys.
    pub fn all(&self) -> impl Iterator<Item = (u32, &Rc<O>)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(slot, place)| Some((slot as u32, place.outbox.as_ref()?)))
    }

    pub fn get(&self, key: SocketKey) -> Option<&Rc<O>> {
        let place = self.slots.get(key.slot as usize)?;
        if key.worker == self.worker && key.generation == place.generation {
            place.outbox.as_ref()
        } else {
            None
        }
    }

    /// Forgets `key`'s outbox; the key finds nothing from now on.
    pub fn remove(&mut self, key: SocketKey) {
        if self.get(key).is_some() {
            let place = &mut self.slots[key.slot as usize];
            place.outbox = None;
            place.generation = place.generation.wrapping_add(1);
            self.free.push(key.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_is_found_by_each_of_its_keys() {
        let mut outboxes = Outboxes::of(3);
        let outbox = outboxes.insert(|key| key);
        let alias = outboxes.share(Rc::clone(&outbox));
        assert!(Rc::ptr_eq(outboxes.get(alias).unwrap(), &outbox));
        assert_eq!(outboxes.all().map(|(slot, _)| slot).collect::<Vec<_>>(), [0, 1]);
        outboxes.remove(*outbox);
        assert!(Rc::ptr_eq(outboxes.get(alias).unwrap(), &outbox));
        outboxes.remove(alias);
        assert_eq!(outboxes.all().count(), 0);
    }

    #[test]
    fn a_key_finds_its_own_outbox_only() {
        let mut outboxes = Outboxes::of(3);
        let first = *outboxes.insert(|key| key);
        let second = *outboxes.insert(|key| key);
        assert_eq!(**outboxes.get(first).unwrap(), first);
        outboxes.remove(first);
        outboxes.remove(first);
        let third = *outboxes.insert(|key| key);
        assert_eq!(third.slot, first.slot);
        assert!(outboxes.get(first).is_none());
        assert!(outboxes.get(third).is_some() && outboxes.get(second).is_some());
        assert!(outboxes.get(SocketKey { worker: 4, ..second }).is_none());
    }
}
