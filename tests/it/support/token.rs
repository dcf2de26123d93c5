//! Tokens as an identity provider would sign them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

/// Signs `claims`; `exp` is an hour from now unless given.
pub fn sign(claims: Value) -> String {
    sign_with(super::SECRET, claims)
}

pub fn sign_with(secret: &str, mut claims: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let members = claims.as_object_mut().expect("claims are an object");
    members.entry("exp").or_insert(json!(now + 3600));
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}
