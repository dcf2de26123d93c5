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
        // A browser sends its cookie on every path, and guide 004's page cannot drop it to say who else
        // it is.
        let is_taken = |who: &Judgement| {
            profile != Profile::Intraday || !who.as_ref().is_ok_and(|own| own.sign_in.is_some())
        };
        match token.map(Ok).or_else(|| shown.token.clone().filter(is_taken)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::domain::time::{Clock, Moment, Sleep};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Moment {
            Moment::START
        }

        fn wall(&self) -> Timestamp {
            Timestamp::from_secs(1000)
        }

        fn sleep_until(&self, _: Moment) -> Sleep {
            Box::pin(std::future::pending())
        }
    }

    const NOW: Timestamp = Timestamp::from_secs(1000);

    fn authenticator() -> Authenticator {
        Authenticator {
            tokens: Tokens::new([b"secret".as_slice()], Arc::new(Fixed)),
            tenants: Tenants::from_records(&Settings::default().tenants),
            requires_token: false,
            is_required: true,
        }
    }

    fn token(user: &str, organization: Option<&str>) -> String {
        let claims = json!({"sub": user, "org": organization, "exp": 2000});
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(b"secret")).unwrap()
    }

    fn auth(token: Option<&str>, tenant_key: Option<&str>) -> ConnectAuth {
        ConnectAuth { token: token.map(str::to_owned), tenant_key: tenant_key.map(str::to_owned) }
    }

    fn claim(token: Option<String>, user: Option<&str>, organization: Option<&str>) -> Claim {
        let id = |text: Option<&str>| text.and_then(Id::parse);
        Claim { token, user: id(user), organization: id(organization) }
    }

    const KEY: &str = "demo-tenant-key-1";

    /// Contract 0.2: what each profile makes of nothing, a token, a key, and of bad ones.
    #[test]
    fn each_profile_takes_what_it_needs_and_refuses_the_rest() {
        use Profile::{Collab, Flow, Intraday, Project};
        use Trust::{None as Nobody, Tenant, Verified};
        let good = token("ann", None);
        let nothing = || auth(None, None);
        let table: Vec<(Profile, ConnectAuth, Result<Trust, Refusal>)> = vec![
            (Flow, nothing(), Err(Refusal::NoTenantKey)),
            (Flow, auth(Some(&good), None), Err(Refusal::NoTenantKey)),
            (Flow, auth(None, Some(KEY)), Ok(Tenant)),
            (Flow, auth(None, Some("nope")), Err(Refusal::UnknownTenantKey)),
            (Flow, auth(Some("garbage"), Some(KEY)), Err(Refusal::Malformed)),
            (Project, nothing(), Err(Refusal::NoToken)),
            (Project, auth(None, Some(KEY)), Err(Refusal::NoToken)),
            (Project, auth(Some(&good), None), Ok(Verified)),
            (Collab, nothing(), Err(Refusal::NoToken)),
            (Collab, auth(Some("garbage"), None), Err(Refusal::Malformed)),
            (Collab, auth(Some(&good), Some("nope")), Ok(Verified)),
            (Intraday, nothing(), Ok(Nobody)),
            (Intraday, auth(Some("garbage"), None), Err(Refusal::Malformed)),
            (Intraday, auth(Some(&good), None), Ok(Verified)),
        ];
        let socket = Id::parse("s1").unwrap();
        for (profile, auth, expected) in table {
            let judged = authenticator().connect(profile, &auth, &Shown::default(), &socket, NOW);
            assert_eq!(judged.map(|who| who.trust), expected, "{profile:?} {auth:?}");
        }
    }

    #[test]
    fn what_connect_shows_comes_before_what_the_handshake_showed() {
        let own = authenticator();
        let socket = Id::parse("s1").unwrap();
        let shown =
            Shown { token: Some(own.token(&token("ann", None))), tenant: Some(own.tenant_key(b"nope")) };
        let user = |auth: &ConnectAuth, shown: &Shown, now| {
            own.connect(Profile::Project, auth, shown, &socket, now)
                .map(|who| who.user.clone().unwrap().to_string())
        };
        assert_eq!(user(&auth(None, None), &shown, NOW), Ok("ann".to_owned()));
        assert_eq!(user(&auth(Some(&token("bob", None)), None), &shown, NOW), Ok("bob".to_owned()));
        assert_eq!(user(&auth(None, None), &shown, Timestamp::from_secs(2000)), Err(Refusal::Expired));
        let flow = |auth: &ConnectAuth| own.connect(Profile::Flow, auth, &shown, &socket, NOW);
        assert_eq!(flow(&auth(None, None)), Err(Refusal::UnknownTenantKey));
        assert!(flow(&auth(None, Some(KEY))).is_ok());
    }

    #[test]
    fn guests_are_let_in_where_nothing_is_required_and_may_become_somebody() {
        let own = Authenticator { is_required: false, ..authenticator() };
        let socket = Id::parse("s1").unwrap();
        let connect = |profile| own.connect(profile, &auth(None, None), &Shown::default(), &socket, NOW);
        for profile in [Profile::Collab, Profile::Intraday] {
            let guest = connect(profile).unwrap();
            assert!(guest.is_verified() && !guest.is_proven());
            assert_eq!(guest.user.as_ref().unwrap().as_str(), "guest-s1");
            assert!(own.claim(&guest, &claim(None, Some("u"), Some("o"))).is_ok());
        }
        assert_eq!(connect(Profile::Project), Err(Refusal::NoToken));
    }

    /// Contract D-30: what may take whose place.
    #[test]
    fn only_who_has_proven_nothing_may_become_another() {
        let own = authenticator();
        let ids = |user, organization| claim(None, Some(user), Some(organization));
        let with = |user, organization| claim(Some(token(user, organization)), None, None);
        let nobody = Identity::anonymous();
        let claimed = own.claim(&nobody, &ids("u", "o")).unwrap();
        let ann = own.claim(&nobody, &with("ann", Some("o"))).unwrap();
        let tenant = own.tenant_key(KEY.as_bytes()).unwrap();
        let table: Vec<(&Identity, Claim, Result<Trust, Refusal>)> = vec![
            (&nobody, ids("u", "o"), Ok(Trust::Claimed)),
            (&nobody, with("ann", None), Ok(Trust::Verified)),
            (&nobody, claim(Some("x".to_owned()), Some("u"), Some("o")), Err(Refusal::Malformed)),
            (&nobody, claim(None, Some("u"), None), Err(Refusal::NoToken)),
            (&claimed, ids("v", "p"), Ok(Trust::Claimed)),
            (&claimed, with("ann", Some("o")), Ok(Trust::Verified)),
            (&ann, ids("ann", "o"), Err(Refusal::AlreadyProven)),
            (&ann, with("ann", Some("o")), Ok(Trust::Verified)),
            (&ann, with("bob", Some("o")), Err(Refusal::OtherBearer)),
            (&ann, with("ann", Some("p")), Err(Refusal::OtherBearer)),
            (&ann, with("ann", None), Err(Refusal::OtherBearer)),
            (&tenant, ids("u", "o"), Err(Refusal::AlreadyProven)),
            (&tenant, with("ann", None), Err(Refusal::OtherBearer)),
            (&nobody, claim(Some(token("ann", None)), Some("bob"), None), Err(Refusal::OtherBearer)),
            (&nobody, claim(Some(token("ann", None)), None, Some("o")), Err(Refusal::OtherBearer)),
            (&nobody, claim(Some(token("ann", Some("o"))), Some("ann"), Some("o")), Ok(Trust::Verified)),
        ];
        for (current, claim, expected) in table {
            let judged = own.claim(current, &claim).map(|who| who.trust);
            assert_eq!(judged, expected, "{:?} {claim:?}", current.trust);
        }
        let strict = Authenticator { requires_token: true, ..authenticator() };
        assert_eq!(strict.claim(&nobody, &ids("u", "o")), Err(Refusal::TokenNeeded));
        assert!(strict.claim(&nobody, &with("ann", None)).is_ok());
    }

    #[test]
    fn what_is_no_object_of_strings_is_no_credential() {
        for bad in ["5", "null", "[]", "\"x\"", r#"{"token":5}"#, r#"{"tenantKey":[]}"#] {
            let auth: Box<RawValue> = serde_json::from_str(bad).unwrap();
            assert_eq!(ConnectAuth::read(Some(&auth)).unwrap_err(), Refusal::Malformed, "{bad}");
        }
        let auth: Box<RawValue> = serde_json::from_str(r#"{"token":null,"pid":"p","x":1}"#).unwrap();
        assert!(ConnectAuth::read(Some(&auth)).is_ok() && ConnectAuth::read(None).is_ok());
    }
}
