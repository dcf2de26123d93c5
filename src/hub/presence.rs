//! Who is seen in a room (guide 003): users, however many sockets each has there.
//!
//! Pure. Others are told of a user's first socket and of the last one's end (contract C-029).

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// One user, as the others in the room see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    pub user: Id,
    pub name: Arc<str>,
    pub joined_at: Timestamp,
}

/// The users in one room.
#[derive(Debug, Default)]
pub struct Presence {
    users: HashMap<Id, Seen>,
    /// Numbers arrivals: several may come in one millisecond.
    arrivals: u64,
}

#[derive(Debug)]
struct Seen {
    present: Present,
    arrival: u64,
    sockets: usize,
}

impl Presence {
    /// One more socket of this user. Gives whether it is the first.
    pub fn enter(&mut self, present: Present) -> bool {
        self.arrivals += 1;
        let arrival = self.arrivals;
        let seen = self.users.entry(present.user.clone()).or_insert(Seen { present, arrival, sockets: 0 });
        seen.sockets += 1;
        seen.sockets == 1
    }

    /// One socket less. Gives the user if it was the last.
    pub fn leave(&mut self, user: &Id) -> Option<Present> {
        let seen = self.users.get_mut(user)?;
        seen.sockets -= 1;
        if seen.sockets > 0 {
            return None;
        }
        self.users.remove(user).map(|seen| seen.present)
    }

    /// What a user is called here, if that is not the id.
    pub fn given_name(&self, user: &Id) -> Option<Arc<str>> {
        let name = &self.users.get(user)?.present.name;
        (**name != *user.as_str()).then(|| Arc::clone(name))
    }

    /// Everyone, in the order they came.
    pub fn users(&self) -> Vec<Present> {
        let mut seen: Vec<&Seen> = self.users.values().collect();
        seen.sort_unstable_by_key(|seen| seen.arrival);
        seen.into_iter().map(|seen| seen.present.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(user: &str, at: i64) -> Present {
        Present {
            user: Id::parse(user).unwrap(),
            name: user.to_uppercase().into(),
            joined_at: Timestamp::from_millis(at),
        }
    }

    fn names(presence: &Presence) -> Vec<String> {
        presence.users().iter().map(|present| present.user.to_string()).collect()
    }

    #[test]
    fn a_user_comes_with_the_first_socket_and_goes_with_the_last() {
        let mut room = Presence::default();
        assert!(room.enter(present("zoe", 1)));
        assert!(room.enter(present("ann", 1)));
        assert!(!room.enter(present("zoe", 2)));
        assert_eq!(names(&room), ["zoe", "ann"]);
        let zoe = Id::parse("zoe").unwrap();
        assert_eq!(room.leave(&zoe), None);
        assert_eq!(room.leave(&zoe), Some(present("zoe", 1)));
        assert_eq!(room.leave(&zoe), None);
        assert_eq!(names(&room), ["ann"]);
        assert!(room.leave(&Id::parse("ann").unwrap()).is_some() && room.is_empty());
    }
}
