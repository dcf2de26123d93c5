//! The sockets of one worker and the groups they are in, in both directions.
//!
//! Pure: no actor, no socket. A [`WorkerHub`](super::worker_hub::WorkerHub) owns the only instance
//! of its thread and changes it between fan-outs only, so that a walk over a group meets every
//! member once.

use super::groups::GroupId;
use super::outboxes::SocketKey;

/// Seats by slot, members by group. `T` is what a seat holds.
pub struct Roster<T> {
    seats: Vec<Option<Seat<T>>>,
    groups: Vec<Vec<u32>>,
}

struct Seat<T> {
    key: SocketKey,
    holds: T,
    /// The groups it is in, and where in each group's list.
    groups: Vec<(GroupId, u32)>,
    /// The last walk that met this seat; see [`Roster::meet`].
    met: u64,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Roster { seats: Vec::new(), groups: Vec::new() }
    }
}

impl<T> Roster<T> {
    pub fn seat(&mut self, key: SocketKey, holds: T) {
        let slot = key.slot as usize;
        if self.seats.len() <= slot {
            self.seats.resize_with(slot + 1, || None);
        }
        self.seats[slot] = Some(Seat { key, holds, groups: Vec::new(), met: 0 });
    }

    pub fn get(&self, key: SocketKey) -> Option<&T> {
        self.find(key).map(|seat| &seat.holds)
    }

    /// Makes `key` a member of `group`; once is enough.
    pub fn join(&mut self, key: SocketKey, group: GroupId) {
        let index = group.0 as usize;
        if self.groups.len() <= index {
            self.groups.resize_with(index + 1, Vec::new);
        }
        let members = &mut self.groups[index];
        if let Some(seat) = self.seats.get_mut(key.slot as usize).and_then(Option::as_mut)
            && seat.key == key
            && !seat.groups.iter().any(|(own, _)| *own == group)
        {
            seat.groups.push((group, members.len() as u32));
            members.push(key.slot);
        }
    }

    pub fn leave(&mut self, key: SocketKey, group: GroupId) {
        let Some(seat) = self.seats.get_mut(key.slot as usize).and_then(Option::as_mut) else { return };
        let own = seat.groups.iter().position(|(own, _)| *own == group);
        if seat.key == key
            && let Some(own) = own
        {
            let (_, position) = seat.groups.swap_remove(own);
            self.unlist(group, position);
        }
    }

    /// Takes `key` out of every group and frees its seat.
    pub fn vacate(&mut self, key: SocketKey) {
        if self.find(key).is_none() {
            return;
        }
        if let Some(seat) = self.seats[key.slot as usize].take() {
            for (group, position) in seat.groups {
                self.unlist(group, position);
            }
        }
    }

    /// How many members `group` has on this worker.
    pub fn size(&self, group: GroupId) -> usize {
        self.groups.get(group.0 as usize).map_or(0, Vec::len)
    }

    /// The member at `index` of `group`, unless walk number `walk` has met it already.
    pub fn meet(&mut self, group: GroupId, index: usize, walk: u64) -> Option<Member<'_, T>> {
        let slot = *self.groups.get(group.0 as usize)?.get(index)?;
        let seat = self.seats[slot as usize].as_mut()?;
        if seat.met == walk {
            return None;
        }
        seat.met = walk;
        Some(Member { key: seat.key, holds: &seat.holds, groups: &seat.groups })
    }

    /// The member that `key` names.
    pub fn member(&self, key: SocketKey) -> Option<Member<'_, T>> {
        self.find(key).map(|seat| Member { key: seat.key, holds: &seat.holds, groups: &seat.groups })
    }

    fn find(&self, key: SocketKey) -> Option<&Seat<T>> {
        self.seats.get(key.slot as usize)?.as_ref().filter(|seat| seat.key == key)
    }

    /// Takes the entry at `position` out of `group`'s list; the last one moves into its place.
    fn unlist(&mut self, group: GroupId, position: u32) {
        let members = &mut self.groups[group.0 as usize];
        members.swap_remove(position as usize);
        if members.is_empty() {
            // A group's number is used again; its memory is not kept until then.
            *members = Vec::new();
        } else if let Some(&moved) = members.get(position as usize)
            && let Some(seat) = self.seats[moved as usize].as_mut()
            && let Some(entry) = seat.groups.iter_mut().find(|(own, _)| *own == group)
        {
            entry.1 = position;
        }
    }
}

/// A member met on a walk.
pub struct Member<'a, T> {
    pub key: SocketKey,
    pub holds: &'a T,
    groups: &'a [(GroupId, u32)],
}

impl<T> Member<'_, T> {
    /// The groups it is in.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups.iter().map(|(own, _)| *own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: GroupId = GroupId(0);
    const B: GroupId = GroupId(5);

    fn key(slot: u32) -> SocketKey {
        SocketKey { worker: 0, slot, generation: 1 }
    }

    fn walk(roster: &mut Roster<char>, groups: &[GroupId], number: u64) -> Vec<char> {
        let mut met = Vec::new();
        for group in groups {
            for index in 0..roster.size(*group) {
                met.extend(roster.meet(*group, index, number).map(|member| *member.holds));
            }
        }
        met.sort_unstable();
        met
    }

    fn seated() -> Roster<char> {
        let mut roster = Roster::default();
        for (slot, name) in ['a', 'b', 'c', 'd'].into_iter().enumerate() {
            roster.seat(key(slot as u32), name);
            roster.join(key(slot as u32), A);
        }
        roster
    }

    #[test]
    fn a_walk_over_two_groups_meets_each_member_once() {
        let mut roster = seated();
        roster.join(key(1), B);
        roster.join(key(1), B);
        assert_eq!(walk(&mut roster, &[A, B], 1), ['a', 'b', 'c', 'd']);
        assert_eq!(walk(&mut roster, &[B], 2), ['b']);
        let is_in_b = |slot| roster.member(key(slot)).unwrap().groups().any(|group| group == B);
        assert!(is_in_b(1) && !is_in_b(0));
    }

    #[test]
    fn leaving_in_any_order_keeps_the_others() {
        let mut roster = seated();
        roster.leave(key(0), A);
        assert_eq!(walk(&mut roster, &[A], 1), ['b', 'c', 'd']);
        roster.leave(key(3), A);
        roster.leave(key(3), A);
        assert_eq!(walk(&mut roster, &[A], 2), ['b', 'c']);
        roster.vacate(key(1));
        roster.vacate(key(2));
        assert!(walk(&mut roster, &[A], 3).is_empty());
    }

    #[test]
    fn an_old_key_does_nothing_to_who_sits_there_now() {
        let mut roster = seated();
        let stale = SocketKey { generation: 0, ..key(2) };
        roster.vacate(stale);
        roster.leave(stale, A);
        roster.join(stale, B);
        assert!(roster.get(stale).is_none());
        assert_eq!(walk(&mut roster, &[A, B], 1), ['a', 'b', 'c', 'd']);
    }

    #[test]
    fn random_membership_agrees_with_a_model() {
        use std::collections::BTreeSet;
        let mut roster = Roster::default();
        let mut model: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); 4];
        let mut state = 12345_u64;
        let mut next = |bound: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u32 % bound
        };
        for slot in 0..16 {
            roster.seat(key(slot), slot);
        }
        for number in 1..4000_u64 {
            let (slot, group) = (next(16), next(4));
            match next(5) {
                0 | 1 => {
                    roster.join(key(slot), GroupId(group));
                    model[group as usize].insert(slot);
                }
                2 | 3 => {
                    roster.leave(key(slot), GroupId(group));
                    model[group as usize].remove(&slot);
                }
                _ => {
                    roster.vacate(key(slot));
                    roster.seat(key(slot), slot);
                    model.iter_mut().for_each(|members| {
                        members.remove(&slot);
                    });
                }
            }
            let group = next(4);
            let met: BTreeSet<u32> = (0..roster.size(GroupId(group)))
                .filter_map(|index| roster.meet(GroupId(group), index, number).map(|m| *m.holds))
                .collect();
            assert_eq!(met, model[group as usize]);
        }
    }
}
