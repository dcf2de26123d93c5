//! Which publications may be compressed.

use std::sync::Arc;

use crate::config::RoomPatterns;

/// From how many bytes messages are compressed, and for whom never.
#[derive(Debug, Clone)]
pub struct Compression {
    /// `None`: nothing is.
    pub from: Option<usize>,
    /// What is sent to one of these is left as it is, whoever gets it.
    pub except: RoomPatterns,
}

impl Compression {
    /// From how many bytes a publication is compressed that is matched by these rooms.
    pub fn from(&self, rooms: &[Option<Arc<str>>]) -> Option<usize> {
        self.from.filter(|_| !rooms.iter().flatten().any(|room| self.except.matches(room)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_room_that_is_left_out_leaves_out_the_publication() {
        let except = RoomPatterns::new(["user:*", "audit"]);
        let compression = Compression { from: Some(7), except };
        let from = |rooms: &[Option<&str>]| {
            let rooms: Vec<_> = rooms.iter().map(|room| room.map(Arc::from)).collect();
            compression.from(&rooms)
        };
        assert_eq!(from(&[None]), Some(7));
        assert_eq!(from(&[Some("audit:x"), Some("global")]), Some(7));
        assert_eq!(from(&[Some("global"), Some("audit")]), None);
        assert_eq!(from(&[Some("user:ann")]), None);
        assert_eq!(Compression { from: None, ..compression.clone() }.from(&[None]), None);
    }
}
