//! Whom a publication is for, in the numbers the hubs know.

use std::sync::Arc;

use super::groups::GroupId;
use super::outboxes::{SocketKey, WorkerId};
use super::roster::Member;
use crate::dialect::prepared::Label;

/// The sockets that are in `primary` and pass every filter (contract D-06), but for one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Audience {
    pub primary: Primary,
    pub filters: Vec<Clause>,
    /// Who caused the publication and does not get it.
    pub except: Option<SocketKey>,
}

/// What a target came to when it was looked up.
#[derive(Debug)]
pub struct Resolved {
    pub audience: Audience,
    /// The rooms by which a socket may be matched, in the order of their labels.
    pub labels: Vec<Option<Arc<str>>>,
    /// The rooms that its filters name besides.
    pub others: Vec<Arc<str>>,
    /// The workers that have some of the audience.
    pub workers: Vec<WorkerId>,
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
    /// Whether it is for one socket at most.
    pub fn is_for_one(&self) -> bool {
        matches!(&self.primary, Primary::Sockets(keys) if keys.len() <= 1)
    }

    pub fn admits<T>(&self, member: &Member<'_, T>) -> bool {
        self.except != Some(member.key)
            && self.filters.iter().all(|clause| match clause {
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
