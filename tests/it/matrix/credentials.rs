//! Tokens of every kind, by name, as the walks of profiles and of live sockets show them.

use serde_json::json;

use crate::support::TestServer;
use crate::support::token;

/// `{"alg":"none"}`, `{"sub":"u1","exp":32000000000}` and no signature.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsImV4cCI6MzIwMDAwMDAwMDB9.";
/// The same claims behind a header of another algorithm.
const OTHER_ALGORITHM: &str = "eyJhbGciOiJIUzM4NCJ9.eyJzdWIiOiJ1MSIsImV4cCI6MzIwMDAwMDAwMDB9.c2ln";

/// What proves to be `u1` and of `o1`.
pub fn good() -> String {
    token::sign(json!({"sub": "u1", "org": "o1"}))
}

/// Tokens that prove nothing, by what is wrong with them.
pub fn bad(server: &TestServer) -> Vec<(&'static str, String)> {
    let now = server.clock.seconds();
    let good = good();
    let (body, _) = good.rsplit_once('.').expect("three parts");
    vec![
        ("garbage", "garbage".to_owned()),
        ("empty", String::new()),
        ("unsigned", UNSIGNED.to_owned()),
        ("of another algorithm", OTHER_ALGORITHM.to_owned()),
        ("with its signature cut off", format!("{body}.")),
        ("of another secret", token::sign_with("another-secret-of-thirty-two-bytes", json!({"sub": "u1"}))),
        ("expired", token::sign(json!({"sub": "u1", "exp": now - 1}))),
        ("expiring now", token::sign(json!({"sub": "u1", "exp": now}))),
        ("not yet valid", token::sign(json!({"sub": "u1", "nbf": now + 1}))),
        ("of nobody", token::sign(json!({"name": "u1"}))),
        ("of an empty id", token::sign(json!({"sub": ""}))),
        ("of a path", token::sign(json!({"sub": "../u1"}))),
        ("of a list", token::sign(json!({"sub": ["u1"]}))),
        ("of a path's organization", token::sign(json!({"sub": "u1", "org": "../"}))),
        ("with an id of 300 characters", token::sign(json!({"sub": "x".repeat(300)}))),
        ("far too long", token::sign(json!({"sub": "u1", "pad": "x".repeat(9000)}))),
    ]
}
