//! Which publications may be compressed.

use std::sync::Arc;

use crate::config::RoomPatterns;
use crate::dialect::Reply;
use crate::domain::room::Room;

/// From how many bytes messages are compressed, and for whom never.
#[derive(Debug, Clone)]
pub struct Compression {
    /// `None`: nothing is.
    pub from: Option<usize>,
    /// What is sent to one of these is left as it is, whoever gets it.
    pub except: RoomPatterns,
}

impl Compression {
    /// From how many bytes a publication is compressed that is for these rooms.
    pub fn from<'a>(&self, rooms: impl IntoIterator<Item = &'a Arc<str>>) -> Option<usize> {
        self.from.filter(|_| !rooms.into_iter().any(|room| self.except.matches(room)))
    }

    /// What confirms something of `room`, as it may be sent.
    pub fn confirmation(&self, confirm: Reply, room: Option<&Room>) -> Reply {
        match room {
            Some(room) if self.except.matches(room.name()) => confirm.never_compressed(),
            _ => confirm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_room_that_is_left_out_leaves_out_the_publication() {
        let except = RoomPatterns::new(["user:*", "audit"]);
        let compression = Compression { from: Some(7), except };
        let from = |rooms: &[&str]| {
            let rooms: Vec<Arc<str>> = rooms.iter().map(|room| (*room).into()).collect();
            compression.from(&rooms)
        };
        assert_eq!(from(&[]), Some(7));
        assert_eq!(from(&["audit:x", "global"]), Some(7));
        assert_eq!(from(&["global", "audit"]), None);
        assert_eq!(from(&["user:ann"]), None);
        assert_eq!(Compression { from: None, ..compression.clone() }.from(&[]), None);
    }
}
