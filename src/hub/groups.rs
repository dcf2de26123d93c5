//! Groups by number: how many members each has on which worker.

use super::outboxes::WorkerId;

/// A set of sockets that a publication can be for: everyone, a room, an organization. A number, so
/// that a hub finds it by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// The group of all sockets; always there.
pub const EVERYONE: GroupId = GroupId(0);

/// Members by group and worker; numbers of empty groups are used again.
pub struct Groups {
    by_worker: Vec<Vec<u32>>,
    free: Vec<GroupId>,
}

impl Groups {
    pub fn with_everyone() -> Groups {
        Groups { by_worker: vec![Vec::new()], free: Vec::new() }
    }

    pub fn open(&mut self) -> GroupId {
        self.free.pop().unwrap_or_else(|| {
            self.by_worker.push(Vec::new());
            GroupId(u32::try_from(self.by_worker.len() - 1).expect("fewer than 2^32 groups"))
        })
    }

    pub fn enter(&mut self, group: GroupId, worker: WorkerId) {
        let workers = &mut self.by_worker[group.0 as usize];
        if workers.len() <= usize::from(worker) {
            workers.resize(usize::from(worker) + 1, 0);
        }
        workers[usize::from(worker)] += 1;
    }

    /// How many are left; the number of an empty group is free from now on.
    pub fn leave(&mut self, group: GroupId, worker: WorkerId) -> usize {
        let workers = &mut self.by_worker[group.0 as usize];
        workers[usize::from(worker)] -= 1;
        let left = self.size(group);
        if left == 0 && group != EVERYONE {
            self.by_worker[group.0 as usize] = Vec::new();
            self.free.push(group);
        }
        left
    }

    pub fn size(&self, group: GroupId) -> usize {
        self.by_worker[group.0 as usize].iter().map(|count| *count as usize).sum()
    }

    pub fn workers(&self, group: GroupId) -> impl Iterator<Item = WorkerId> {
        let counts = self.by_worker[group.0 as usize].iter();
        counts.enumerate().filter(|(_, count)| **count > 0).map(|(worker, _)| worker as WorkerId)
    }

    /// How many groups have a number.
    #[cfg(test)]
    pub fn in_use(&self) -> usize {
        self.by_worker.len() - self.free.len()
    }
}
