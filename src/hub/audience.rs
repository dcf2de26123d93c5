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

/// One condition; sorted, so that a hub can look things up.
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
            Clause::Groups(groups) => member.groups().any(|group| groups.binary_search(&group).is_ok()),
            Clause::Sockets(keys) => keys.binary_search(&member.key).is_ok(),
        })
    }
}

impl Clause {
    pub fn sorted(mut self) -> Clause {
        match &mut self {
            Clause::Groups(groups) => groups.sort_unstable(),
            Clause::Sockets(keys) => keys.sort_unstable(),
        }
        self
    }
}
