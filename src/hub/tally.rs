//! How many connections belong to one owner.
//!
//! Sockets belong, connections are counted (contract X-11, D-28): one connection with three namespaces
//! takes one place.

use std::collections::HashMap;

use super::outboxes::SocketKey;

/// The connections of one owner, each with how many of its sockets are the owner's.
#[derive(Debug, Default)]
pub struct Tally(HashMap<SocketKey, usize>);

impl Tally {
    /// Connections.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, connection: SocketKey) -> bool {
        self.0.contains_key(&connection)
    }

    /// How many sockets of this connection are the owner's.
    pub fn sockets(&self, connection: SocketKey) -> usize {
        self.0.get(&connection).copied().unwrap_or(0)
    }

    /// One socket more. Gives whether it is the connection's first.
    pub fn enter(&mut self, connection: SocketKey) -> bool {
        let sockets = self.0.entry(connection).or_insert(0);
        *sockets += 1;
        *sockets == 1
    }

    /// One socket less. Gives whether it was the connection's last.
    pub fn leave(&mut self, connection: SocketKey) -> bool {
        let Some(sockets) = self.0.get_mut(&connection) else { return false };
        *sockets -= 1;
        let is_last = *sockets == 0;
        if is_last {
            self.0.remove(&connection);
        }
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_once_however_many_sockets_it_has() {
        let key = |slot| SocketKey { worker: 0, slot, generation: 0 };
        let mut tally = Tally::default();
        assert!(tally.enter(key(1)) && !tally.enter(key(1)) && tally.enter(key(2)));
        assert_eq!(tally.len(), 2);
        assert!(!tally.leave(key(1)) && tally.has(key(1)) && tally.leave(key(1)));
        assert!(!tally.leave(key(1)) && tally.leave(key(2)) && tally.is_empty());
    }
}
