//! From what a client shows to an identity: one table of profiles and credentials (contract 0.2,
//! X-10, D-30).

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::tenants::Tenants;
use super::token::Tokens;
use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::identity::{Identity, Trust};
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::events::payload::intraday::Claim;

/// Why a credential proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed,
    Signature,
    Expired,
    NotYetValid,
    Claims,
    OtherBearer,
    NoToken,
    TokenNeeded,
    AlreadyProven,
    NoTenantKey,
    UnknownTenantKey,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Malformed => "malformed token",
            Refusal::Signature => "signature not valid",
            Refusal::Expired => "token expired",
            Refusal::NotYetValid => "token not valid yet",
            Refusal::Claims => "a claim is missing or malformed",
            Refusal::OtherBearer => "the token names another user or organization",
            Refusal::NoToken => "no token",
            Refusal::TokenNeeded => "ids without a token prove nothing here",
            Refusal::AlreadyProven => "ids without a token cannot replace what is proven",
            Refusal::NoTenantKey => "no tenant key",
            Refusal::UnknownTenantKey => "unknown tenant key",
        })
    }
}

impl From<Refusal> for ClientError {
    /// The text is exactly what guide 003's clients compare with (contract X-02).
    fn from(refusal: Refusal) -> ClientError {
        #[derive(serde::Serialize)]
        struct Details {
            reason: String,
        }
        ClientError::auth_failed("Authentication failed")
            .with_details(&Details { reason: refusal.to_string() })
    }
}

/// What one credential came to.
pub type Judgement = Result<Arc<Identity>, Refusal>;

/// What was shown at the handshake, by kind; `None` where nothing of the kind was.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// A token or a session cookie.
    pub token: Option<Judgement>,
    pub tenant: Option<Judgement>,
}

/// What a Socket.IO client puts into its CONNECT.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectAuth {
    token: Option<String>,
    tenant_key: Option<String>,
}

impl ConnectAuth {
    /// # Errors
    /// [`Refusal::Malformed`] for what is no object, or holds no strings.
    pub fn read(auth: Option<&RawValue>) -> Result<ConnectAuth, Refusal> {
        let Some(auth) = auth else { return Ok(ConnectAuth::default()) };
        if !auth.get().starts_with('{') {
            return Err(Refusal::Malformed);
        }
        serde_json::from_str(auth.get()).map_err(|_| Refusal::Malformed)
    }
}

/// Who decides whom a credential stands for.
pub struct Authenticator {
    pub tokens: Tokens,
    pub tenants: Tenants,
    /// Ids without a token are refused.
    pub requires_token: bool,
    /// Who shows nothing is refused; otherwise they are guests of guides 003 and 004.
    pub is_required: bool,
}

impl Authenticator {
    /// Whom a token stands for.
    ///
    /// # Errors
    /// A [`Refusal`] names why it proves nothing.
    pub fn token(&self, token: &str) -> Judgement {
        self.tokens.verify(token).map(Arc::new)
    }

    /// Whom a tenant's key stands for.
    ///
    /// # Errors
    /// [`Refusal::UnknownTenantKey`], for an inactive one too.
    pub fn tenant_key(&self, key: &[u8]) -> Judgement {
        let holder = self.tenants.find(key).ok_or(Refusal::UnknownTenantKey)?;
        Ok(Arc::new(Identity {
            trust: Trust::Tenant,
            organization: holder.tenant.organization.clone(),
            tenant: Some(holder.tenant),
            permissions: Some(holder.permissions),
            ..(*Identity::anonymous()).clone()
        }))
    }

    /// Whose socket of `profile` this will be: by what CONNECT shows, else by what the handshake
    /// showed.
    ///
    /// # Errors
    /// A [`Refusal`]; the profile's own where nothing was shown that it needs.
    pub fn connect(
        &self,
        profile: Profile,
        auth: &ConnectAuth,
        shown: &Shown,
        socket: &Id,
        now: Timestamp,
    ) -> Judgement {
        // An invalid token in a CONNECT is refused whether it is needed or not (contract D-30).
        let token = auth.token.as_deref().map(|token| self.token(token)).transpose()?;
        if profile == Profile::Flow {
            let key = auth.tenant_key.as_ref().map(|key| self.tenant_key(key.as_bytes()));
            return key.or_else(|| shown.tenant.clone()).unwrap_or(Err(Refusal::NoTenantKey));
        }
        match token.map(Ok).or_else(|| shown.token.clone()) {
            // The one shown at the handshake may have expired since.
            Some(Ok(who)) if who.expires_at.is_some_and(|at| at <= now) => Err(Refusal::Expired),
            Some(judgement) => judgement,
            None if !self.is_required && profile != Profile::Project => Ok(Arc::new(Identity::guest(socket))),
            None if profile.needs_credentials() => Err(Refusal::NoToken),
            None => Ok(Identity::anonymous()),
        }
    }

    /// Whom a live socket of `current` speaks for after it has shown a token: a first one, or a
    /// rotated one of the same bearer.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing changes then.
    pub fn rotate(&self, current: &Identity, token: &str) -> Judgement {
        // Whoever came by a cookie goes when its browser signs out.
        let who = Identity { sign_in: current.sign_in, ..self.tokens.verify(token)? };
        if current.is_proven() && !current.is_same_bearer(&who) {
            return Err(Refusal::OtherBearer);
        }
        Ok(Arc::new(who))
    }

    /// The same after `authenticate`, which may also claim ids without proof. What is given beside a
    /// token must not contradict it.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing changes then.
    pub fn claim(&self, current: &Identity, claim: &Claim) -> Judgement {
        if let Some(token) = &claim.token {
            let who = self.rotate(current, token)?;
            let agrees = |asked: &Option<Id>, own: &Option<Id>| asked.is_none() || asked == own;
            if agrees(&claim.user, &who.user) && agrees(&claim.organization, &who.organization) {
                return Ok(who);
            }
            return Err(Refusal::OtherBearer);
        }
        match (&claim.user, &claim.organization) {
            _ if current.is_proven() => Err(Refusal::AlreadyProven),
            _ if self.requires_token => Err(Refusal::TokenNeeded),
            (Some(user), Some(organization)) => {
                Ok(Arc::new(Identity::claimed(user.clone(), organization.clone())))
            }
            _ => Err(Refusal::NoToken),
        }
    }
}
