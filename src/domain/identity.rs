//! Who a socket speaks for, and how far that is proven.

use std::sync::{Arc, LazyLock};

use super::id::Id;
use super::time::Timestamp;

/// How far an identity is proven (contract X-10), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Nobody in particular.
    None,
    /// A JWT or a session cookie was verified.
    Verified,
}

/// What a verified credential says about its bearer (contract D-29).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub trust: Trust,
    pub user: Option<Id>,
    /// What the bearer is called; the user's id stands in for a missing name.
    pub name: Option<Arc<str>>,
    pub organization: Option<Id>,
    pub admin: bool,
    /// Free rooms and projects the bearer is limited to; `None` means no limit.
    pub rooms: Option<Vec<String>>,
    pub projects: Option<Vec<Id>>,
    /// When the credential stops to count, on the live connection too.
    pub expires_at: Option<Timestamp>,
}

impl Identity {
    /// Nobody in particular. One value, shared by all who are nobody.
    pub fn anonymous() -> Arc<Identity> {
        static NOBODY: LazyLock<Arc<Identity>> = LazyLock::new(|| {
            Arc::new(Identity {
                trust: Trust::None,
                user: None,
                name: None,
                organization: None,
                admin: false,
                rooms: None,
                projects: None,
                expires_at: None,
            })
        });
        Arc::clone(&NOBODY)
    }

    pub fn is_verified(&self) -> bool {
        self.trust == Trust::Verified
    }

    /// What others see as the bearer's name.
    pub fn shown_name(&self) -> Option<&str> {
        self.name.as_deref().or(self.user.as_ref().map(Id::as_str))
    }

    /// Whether `other` names the same bearer: what a rotated token must do (contract D-30).
    pub fn is_same_bearer(&self, other: &Identity) -> bool {
        self.user == other.user && self.organization == other.organization
    }
}
