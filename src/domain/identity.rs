//! Who a socket speaks for, and how far that is proven.

use std::sync::{Arc, LazyLock};

use super::id::Id;
use super::tenant::{Permissions, Tenant};
use super::time::Timestamp;

/// How far an identity is proven (contract X-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nobody in particular.
    None,
    /// Who it says it is, without any proof.
    Claimed,
    /// A tenant's key was shown.
    Tenant,
    /// A JWT or a session cookie was verified.
    Verified,
}

/// One browser's sign-in by cookie, by a number of our own: it says nothing of the cookie's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignIn(pub u64);

/// Who a socket speaks for, and what the credential says about its bearer (contract D-29).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub trust: Trust,
    pub user: Option<Id>,
    /// What the bearer is called; the user's id stands in for a missing name.
    pub name: Option<Arc<str>>,
    pub organization: Option<Id>,
    /// Whose key was shown.
    pub tenant: Option<Arc<Tenant>>,
    pub admin: bool,
    /// Free rooms and projects the bearer is limited to; `None` means no limit.
    pub rooms: Option<Vec<String>>,
    pub projects: Option<Vec<Id>>,
    /// What the bearer may do; `None` where the credential says nothing of it.
    pub permissions: Option<Arc<Permissions>>,
    /// Let in without showing anything, where the settings allow that.
    pub is_guest: bool,
    /// When the credential stops to count, on the live connection too.
    pub expires_at: Option<Timestamp>,
    /// The sign-in whose cookie was shown; the identity ends with it.
    pub sign_in: Option<SignIn>,
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
                tenant: None,
                admin: false,
                rooms: None,
                projects: None,
                permissions: None,
                is_guest: false,
                expires_at: None,
                sign_in: None,
            })
        });
        Arc::clone(&NOBODY)
    }

    pub fn is_verified(&self) -> bool {
        self.trust == Trust::Verified
    }

    /// Whether it is somebody at all, proven or not.
    pub fn is_authenticated(&self) -> bool {
        self.trust != Trust::None
    }

    /// A user of an organization who has shown no proof of being that (contract X-10).
    pub fn claimed(user: Id, organization: Id) -> Identity {
        let nobody = (*Identity::anonymous()).clone();
        Identity { trust: Trust::Claimed, user: Some(user), organization: Some(organization), ..nobody }
    }

    /// Somebody without credentials, where none are required (contract D-30).
    pub fn guest(socket: &Id) -> Identity {
        let nobody = (*Identity::anonymous()).clone();
        let user = Id::parse(&format!("guest-{socket}"));
        Identity { trust: Trust::Verified, user, is_guest: true, ..nobody }
    }

    /// Whether a credential stands behind it, so that nothing less can take its place.
    pub fn is_proven(&self) -> bool {
        matches!(self.trust, Trust::Tenant | Trust::Verified) && !self.is_guest
    }

    /// The organization in whose rooms the bearer is (contract X-17): a claim gives no part in them.
    pub fn proven_organization(&self) -> Option<&Id> {
        self.organization.as_ref().filter(|_| self.is_verified())
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
