//! JSON Web Tokens: HS256 and nothing else, no leeway, judged by the injected clock.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::authenticator::Refusal;
use crate::domain::id::Id;
use crate::domain::identity::{Identity, Trust};
use crate::domain::tenant::Permissions;
use crate::domain::text;
use crate::domain::time::{Clock, Timestamp};

/// Longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// Verifies tokens against any of several secrets (contract X-09).
pub struct Tokens {
    keys: Vec<DecodingKey>,
    validation: Validation,
    clock: Arc<dyn Clock>,
}

/// The claims that are read (contract D-29); any other, `aud` and `iss` too, is tolerated.
#[derive(Deserialize)]
struct Claims {
    sub: Id,
    name: Option<String>,
    exp: f64,
    nbf: Option<f64>,
    org: Option<Id>,
    organization_id: Option<Id>,
    role: Option<Box<RawValue>>,
    rooms: Option<Vec<String>>,
    projects: Option<Vec<Id>>,
    permissions: Option<Vec<String>>,
}

impl Tokens {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>, clock: Arc<dyn Clock>) -> Tokens {
        let mut validation = Validation::new(Algorithm::HS256);
        // Time is judged below by the injected clock, to the second and without leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Tokens { keys: secrets.into_iter().map(DecodingKey::from_secret).collect(), validation, clock }
    }

    /// Who bears `token`.
    ///
    /// # Errors
    /// A [`Refusal`] names why it proves nothing.
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        if token.len() > MAX_LENGTH {
            return Err(Refusal::Malformed);
        }
        let claims = self.claims(token)?;
        let now = self.clock.wall();
        let at = |secs: f64| Timestamp::from_secs(secs as i64);
        let expires_at = at(claims.exp);
        if expires_at <= now {
            return Err(Refusal::Expired);
        }
        if claims.nbf.is_some_and(|nbf| at(nbf) > now) {
            return Err(Refusal::NotYetValid);
        }
        let permissions = match claims.permissions {
            Some(names) => Some(Permissions::only(names).ok_or(Refusal::Claims)?),
            None => None,
        };
        let is_admin = |role: &RawValue| role.get() == "\"admin\"";
        Ok(Identity {
            trust: Trust::Verified,
            user: Some(claims.sub),
            name: claims.name.as_deref().and_then(text::name).map(Arc::from),
            organization: claims.org.or(claims.organization_id),
            tenant: None,
            admin: claims.role.as_deref().is_some_and(is_admin),
            rooms: claims.rooms,
            projects: claims.projects,
            permissions: permissions.map(Arc::new),
            is_guest: false,
            expires_at: Some(expires_at),
            sign_in: None,
        })
    }

    fn claims(&self, token: &str) -> Result<Claims, Refusal> {
        use jsonwebtoken::errors::ErrorKind;

        // A header that names no algorithm we know, `none` too, ends here.
        jsonwebtoken::decode_header(token).map_err(|_| Refusal::Malformed)?;
        let mut refusal = Refusal::Signature;
        for key in &self.keys {
            match jsonwebtoken::decode::<Claims>(token, key, &self.validation) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {}
                    // The signature was right and the claims are not: no other key changes that.
                    ErrorKind::Json(_) => return Err(Refusal::Claims),
                    _ => refusal = Refusal::Malformed,
                },
            }
        }
        Err(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Moment, Sleep};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

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

    fn tokens() -> Tokens {
        Tokens::new([b"first".as_slice(), b"second"], Arc::new(Fixed))
    }

    fn sign(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn any_configured_secret_verifies() {
        for secret in ["first", "second"] {
            let claims =
                json!({"sub": "u1", "exp": 1001, "org": "o", "role": "admin", "aud": "x", "iss": "y"});
            let identity = tokens().verify(&sign(Algorithm::HS256, secret.as_bytes(), &claims)).unwrap();
            assert_eq!(identity.user.unwrap().as_str(), "u1");
            assert_eq!(identity.organization.unwrap().as_str(), "o");
            assert!(identity.admin);
            assert_eq!(identity.expires_at, Some(Timestamp::from_secs(1001)));
        }
    }

    #[test]
    fn what_proves_nothing_is_refused_by_its_reason() {
        let good = json!({"sub": "u1", "exp": 1001});
        let sign = |claims: Value| sign(Algorithm::HS256, b"first", &claims);
        let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMH0.";
        let cases = [
            ("garbage".to_owned(), Refusal::Malformed),
            (String::new(), Refusal::Malformed),
            (unsigned.to_owned(), Refusal::Malformed),
            ("x".repeat(MAX_LENGTH + 1), Refusal::Malformed),
            (super::tests::sign(Algorithm::HS256, b"other", &good), Refusal::Signature),
            (super::tests::sign(Algorithm::HS512, b"first", &good), Refusal::Signature),
            (sign(json!({"sub": "u1", "exp": 1000})), Refusal::Expired),
            (sign(json!({"sub": "u1", "exp": -1e300})), Refusal::Expired),
            (sign(json!({"sub": "u1", "exp": 2000, "nbf": 1500})), Refusal::NotYetValid),
            (sign(json!({"sub": "u1"})), Refusal::Claims),
            (sign(json!({"exp": 2000})), Refusal::Claims),
            (sign(json!({"sub": "../", "exp": 2000})), Refusal::Claims),
            (sign(json!({"sub": "u1", "exp": 2000, "rooms": "all"})), Refusal::Claims),
        ];
        for (token, refusal) in cases {
            assert_eq!(tokens().verify(&token).unwrap_err(), refusal, "{token}");
        }
    }
}
