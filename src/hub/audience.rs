//! Whom a publication is for, in the numbers the hubs know.

use super::groups::GroupId;
use super::outboxes::SocketKey;
use super::roster::Member;
use crate::dialect::prepared::Label;

/// The sockets that are in `primary` and pass every filter (contract D-06).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audience {
    pub primary: Primary,
    pub filters: Vec<Clause>,
}

/// Where a hub looks for recipients.
#[derive(Debug, PartialEq, Eq)]
pub enum Primary {
    /// Members of any of these, each once, matched by the first that has them.
    Groups(Vec<(GroupId, Label)>),
    /// These sockets; matched by no room.
    Sockets(Vec<SocketKey>),
}

/// One condition.
#[derive(Debug, PartialEq, Eq)]
pub enum Clause {
    /// In any of these.
    Groups(Vec<GroupId>),
    /// One of these.
    Sockets(Vec<SocketKey>),
}

impl Default for Primary {
    fn default() -> Self {
        Primary::Groups(Vec::new())
    }
}

impl Audience {
    pub fn admits<T>(&self, member: &Member<'_, T>) -> bool {
        self.filters.iter().all(|clause| match clause {
            Clause::Groups(groups) => groups.iter().any(|group| member.is_in(*group)),
            Clause::Sockets(keys) => keys.contains(&member.key),
        })
    }
}
