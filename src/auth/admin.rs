//! Whether a request may use the admin REST (contract X-06).

use std::net::IpAddr;

use subtle::ConstantTimeEq;

use super::token::Tokens;
use crate::domain::error::ClientError;

/// What an admin request showed.
pub struct Shown<'a> {
    pub admin_keys: &'a [&'a [u8]],
    pub tokens: &'a [String],
    pub peer: Option<IpAddr>,
    /// A proxy stands in between: `Forwarded`, `X-Forwarded-For` or their like was sent.
    pub forwarded: bool,
    /// The `Host` header names this machine's loopback.
    pub host_is_loopback: bool,
}

/// The rule, from the settings.
pub struct AdminRule {
    pub key: Option<Vec<u8>>,
    /// Credentials are needed from everyone, loopback peers too.
    pub required: bool,
}

/// Why an admin request is refused.
#[derive(Debug)]
pub enum AdminRefusal {
    /// 401: nothing, or nothing valid, was shown.
    NoCredentials(ClientError),
    /// 403: a valid token of somebody who is no admin.
    NotAnAdmin(ClientError),
}

impl AdminRule {
    /// Judges everything that was shown, one bad credential spoils all; where nothing was, whether this
    /// peer needs to show anything.
    ///
    /// # Errors
    /// The refusal, with the status it stands for.
    pub fn admit(&self, tokens: &Tokens, shown: &Shown<'_>) -> Result<(), AdminRefusal> {
        let matches = |given: &&[u8]| self.key.as_deref().is_some_and(|key| bool::from(key.ct_eq(given)));
        if !shown.admin_keys.iter().all(matches) {
            return Err(unauthenticated("The admin key is not valid"));
        }
        let bearers = shown.tokens.iter().map(|token| tokens.verify(token)).collect::<Result<Vec<_>, _>>();
        let bearers = bearers.map_err(|refusal| AdminRefusal::NoCredentials(refusal.into()))?;
        if !shown.admin_keys.is_empty() || bearers.first().is_some_and(|who| who.admin) {
            return Ok(());
        }
        if !bearers.is_empty() {
            return Err(AdminRefusal::NotAnAdmin(ClientError::unauthorized("This needs the role `admin`")));
        }
        if self.is_free_for(shown) { Ok(()) } else { Err(unauthenticated("Admin credentials are needed")) }
    }

    /// A direct peer on this machine, and one that knows it talks to this machine: a `Host` of some
    /// other name is a browser led here by DNS.
    fn is_free_for(&self, shown: &Shown<'_>) -> bool {
        let is_local = shown.peer.is_some_and(|peer| peer.to_canonical().is_loopback());
        !self.required && self.key.is_none() && is_local && !shown.forwarded && shown.host_is_loopback
    }
}

fn unauthenticated(message: &'static str) -> AdminRefusal {
    AdminRefusal::NoCredentials(ClientError::unauthorized(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient;

    fn local() -> Shown<'static> {
        Shown {
            admin_keys: &[],
            tokens: &[],
            peer: Some(IpAddr::from([127, 0, 0, 1])),
            forwarded: false,
            host_is_loopback: true,
        }
    }

    fn admits(rule: &AdminRule, shown: &Shown<'_>) -> bool {
        rule.admit(&Tokens::new([b"s".as_slice()], ambient::system().clock), shown).is_ok()
    }

    #[test]
    fn only_a_direct_local_peer_goes_without_credentials() {
        let open = AdminRule { key: None, required: false };
        assert!(admits(&open, &local()));
        assert!(!admits(&open, &Shown { forwarded: true, ..local() }));
        assert!(!admits(&open, &Shown { host_is_loopback: false, ..local() }));
        assert!(!admits(&open, &Shown { peer: Some(IpAddr::from([10, 0, 0, 1])), ..local() }));
        assert!(!admits(&open, &Shown { peer: None, ..local() }));
        assert!(!admits(&AdminRule { key: None, required: true }, &local()));
        assert!(!admits(&AdminRule { key: Some(b"k".to_vec()), required: false }, &local()));
    }

    #[test]
    fn what_is_shown_is_judged_even_where_nothing_is_needed() {
        let open = AdminRule { key: None, required: false };
        assert!(!admits(&open, &Shown { admin_keys: &[b"guess"], ..local() }));
        assert!(!admits(&open, &Shown { tokens: &["garbage".to_owned()], ..local() }));
        let keyed = AdminRule { key: Some(b"key".to_vec()), required: false };
        assert!(admits(&keyed, &Shown { admin_keys: &[b"key"], ..local() }));
        assert!(!admits(&keyed, &Shown { admin_keys: &[b"kex"], ..local() }));
        assert!(!admits(&keyed, &Shown { admin_keys: &[b"key", b""], ..local() }));
    }
}
