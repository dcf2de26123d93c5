//! Contract X-06, as the whole matrix of world and caller.

use serde_json::{Value, json};

use super::{ADMIN_ROUTES, BROADCAST, JSON};
use crate::support::{TestServer, http, token};

const KEY: &str = "an-admin-key-of-some-length";

/// The settings that decide whether credentials are needed.
#[derive(Debug, Clone, Copy)]
struct World {
    has_key: bool,
    is_production: bool,
    is_required: bool,
}

impl World {
    fn all() -> impl Iterator<Item = World> {
        (0..8).map(|bits| World {
            has_key: bits & 1 != 0,
            is_production: bits & 2 != 0,
            is_required: bits & 4 != 0,
        })
    }

    fn start(self) -> TestServer {
        let mut settings = vec![("HOST", "127.0.0.1")];
        settings.push(("ENVIRONMENT", if self.is_production { "production" } else { "development" }));
        settings.push(("ADMIN_AUTH", if self.is_required { "required" } else { "auto" }));
        if self.has_key {
            settings.push(("ADMIN_API_KEY", KEY));
        }
        TestServer::with(&settings)
    }

    fn needs_credentials(self) -> bool {
        self.has_key || self.is_production || self.is_required
    }
}

/// What the headers of a caller are worth.
#[derive(Debug, Clone, Copy)]
enum Worth {
    Nothing,
    /// As much as the key that is set.
    Key,
    Admin,
    NoAdmin,
    Invalid,
}

fn claims(role: Value) -> Value {
    json!({"sub": "u1", "role": role})
}

/// A way to show credentials: its name, the headers, and their worth.
type Shown = (&'static str, Vec<(&'static str, String)>, Worth);

fn shown() -> Vec<Shown> {
    let bearer = |token: String| ("authorization", format!("Bearer {token}"));
    let key = |key: &str| ("x-admin-key", key.to_owned());
    let admin = || token::sign(claims(json!("admin")));
    let user = || token::sign(json!({"sub": "u1"}));
    let expired = token::sign(json!({"sub": "u1", "role": "admin", "exp": 1_000_000_000}));
    let not_yet = token::sign(json!({"sub": "u1", "role": "admin", "nbf": 32_000_000_000_u64}));
    let foreign = token::sign_with("another-secret-of-thirty-two-bytes", claims(json!("admin")));
    // {"alg":"none"} {"sub":"u1","role":"admin","exp":32000000000}
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsInJvbGUiOiJhZG1pbiIsImV4cCI6MzIwMDAwMDAwMDB9.";
    let basic = ("authorization", "Basic YWRtaW46YWRtaW4=".to_owned());
    let lower_case = ("authorization", format!("bearer {}", admin()));
    vec![
        ("nothing", vec![], Worth::Nothing),
        ("Basic", vec![basic], Worth::Nothing),
        ("the right key", vec![key(KEY)], Worth::Key),
        ("a wrong key", vec![key("an-admin-key-of-some-lengtH")], Worth::Invalid),
        ("a prefix of the key", vec![key("an-admin-key")], Worth::Invalid),
        ("an empty key", vec![key("")], Worth::Invalid),
        ("an admin's token", vec![bearer(admin())], Worth::Admin),
        ("an admin's token behind `bearer`", vec![lower_case], Worth::Admin),
        ("an admin's X-Auth-Token", vec![("x-auth-token", admin())], Worth::Admin),
        ("a user's token", vec![bearer(user())], Worth::NoAdmin),
        ("a user's X-Auth-Token", vec![("x-auth-token", user())], Worth::NoAdmin),
        ("the role Admin", vec![bearer(token::sign(claims(json!("Admin"))))], Worth::NoAdmin),
        ("a list of roles", vec![bearer(token::sign(claims(json!(["admin"]))))], Worth::NoAdmin),
        ("an expired token", vec![bearer(expired)], Worth::Invalid),
        ("a token of the future", vec![bearer(not_yet)], Worth::Invalid),
        ("a token of another secret", vec![bearer(foreign)], Worth::Invalid),
        ("a token without signature", vec![bearer(unsigned.to_owned())], Worth::Invalid),
        ("garbage", vec![bearer("garbage".to_owned())], Worth::Invalid),
        ("a wrong key and an admin's token", vec![key("guess"), bearer(admin())], Worth::Invalid),
    ]
}

/// Directly, and by way of a proxy.
const WAYS: &[(&str, Option<(&str, &str)>)] = &[
    ("direct", None),
    ("X-Forwarded-For", Some(("x-forwarded-for", "127.0.0.1"))),
    ("an empty X-Forwarded-For", Some(("x-forwarded-for", ""))),
    ("Forwarded", Some(("forwarded", "for=127.0.0.1"))),
];

fn expected(world: World, worth: Worth, is_direct: bool) -> u16 {
    match worth {
        Worth::Nothing if world.needs_credentials() || !is_direct => 401,
        Worth::Key if !world.has_key => 401,
        Worth::Nothing | Worth::Key | Worth::Admin => 200,
        Worth::NoAdmin => 403,
        Worth::Invalid => 401,
    }
}

#[actix_web::test]
async fn every_caller_in_every_world_gets_what_x_06_says() {
    for world in World::all() {
        let server = world.start();
        let mut listener = server.connect().await;
        let mut published = 0;
        for (name, headers, worth) in shown() {
            for (way, forwarded) in WAYS {
                let status = expected(world, worth, forwarded.is_none());
                for (method, path, body, admitted) in ADMIN_ROUTES {
                    let mut sent: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, &**v)).collect();
                    sent.extend(forwarded);
                    sent.push(JSON);
                    let answer = http::request(server.address(), method, path, &sent, body.as_bytes()).await;

                    let case = format!("{world:?}, {name}, {way}, {path}: {}", answer.text());
                    let answered = if status == 200 { *admitted } else { status };
                    assert_eq!(answer.status, answered, "{case}");
                    assert_eq!(answer.header("content-type"), Some("application/json"), "{case}");
                    let is_asked =
                        answer.header("www-authenticate").is_some_and(|it| it.starts_with("Bearer"));
                    assert_eq!(is_asked, status == 401, "{case}");
                    if status != 200 {
                        assert_eq!(answer.json()["success"], false, "{case}");
                        assert!(answer.json()["error"].as_str().is_some_and(|it| !it.is_empty()), "{case}");
                        let code = answer.json()["code"].clone();
                        assert!(code == "UNAUTHORIZED" || status == 401 && code == "AUTH_FAILED", "{case}");
                    } else if *path == BROADCAST {
                        published += 1;
                    }
                }
            }
        }
        // Those that were let in were heard, and nobody else.
        for _ in 0..published {
            listener.next("custom:admin").await;
        }
        listener.expect_nothing().await;
    }
}

#[actix_web::test]
async fn a_token_in_the_query_opens_nothing() {
    let server = TestServer::with(&[("ADMIN_AUTH", "required")]);
    let path = format!("/api/ws/status?token={}", token::sign(claims(json!("admin"))));
    server.get(&path).await.assert_error(401, "UNAUTHORIZED");
}

#[actix_web::test]
async fn authorization_goes_before_x_auth_token() {
    let server = TestServer::start();
    let (admin, user) = (token::sign(claims(json!("admin"))), token::sign(json!({"sub": "u1"})));
    let headers = [("authorization", &*format!("Bearer {user}")), ("x-auth-token", &*admin)];
    let answer = http::request(server.address(), "GET", "/api/ws/status", &headers, b"").await;
    answer.assert_error(403, "UNAUTHORIZED");
}

#[actix_web::test]
async fn a_name_that_is_not_this_machine_s_loopback_needs_credentials() {
    let server = TestServer::start();
    let port = server.address().port();
    let cases = [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        ("LocalHost".to_owned(), 200),
        (format!("[::1]:{port}"), 200),
        (format!("rebound.example:{port}"), 401),
        (format!("127.0.0.1.example:{port}"), 401),
        (format!("localhost.example:{port}"), 401),
        ("0.0.0.0".to_owned(), 401),
        (String::new(), 401),
    ];
    for (host, status) in cases {
        let answer = http::request(server.address(), "GET", "/api/ws/status", &[("host", &host)], b"").await;
        assert_eq!(answer.status, status, "{host}: {}", answer.text());
    }
}

#[actix_web::test]
async fn who_may_not_call_is_told_so_before_the_body_is_looked_at() {
    let server = TestServer::with(&[("ADMIN_AUTH", "required")]);
    for body in ["{", "{}", r#"{"type":"error","data":1}"#, &"x".repeat(2 * 1024 * 1024)] {
        for headers in [&[JSON][..], &[]] {
            let answer = http::request(server.address(), "POST", BROADCAST, headers, body.as_bytes()).await;
            answer.assert_error(401, "UNAUTHORIZED");
        }
    }
}
