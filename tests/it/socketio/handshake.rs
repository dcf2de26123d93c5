//! How a session begins, and how it is refused one (`protocol.md`, 1.2 and 1.3).

use serde_json::Value;

use super::{PATHS, SOCKET_IO};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::http::{self, Answer};
use crate::support::wire::{HANDSHAKE, Wire};

/// An origin that `CORS_ORIGINS` lists by default.
pub(super) const LISTED: &str = "http://localhost:3000";

pub(super) async fn ask(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::request(server.address(), method, path, headers, b"").await
}

pub(super) async fn get(server: &TestServer, path: &str) -> Answer {
    ask(server, "GET", path, &[]).await
}

/// The words of a refusal by its code.
fn message(code: u8) -> &'static str {
    [
        "Transport unknown",
        "Session ID unknown",
        "Bad handshake method",
        "Bad request",
        "Forbidden",
        "Unsupported protocol version",
    ][usize::from(code)]
}

#[track_caller]
pub(super) fn assert_refused(answer: &Answer, code: u8, what: &str) {
    let status = if code == 4 { 403 } else { 400 };
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    let body = format!(r#"{{"code":{code},"message":"{}"}}"#, message(code));
    assert_eq!(answer.text(), body, "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

#[actix_web::test]
async fn a_poll_without_a_sid_opens_a_session_on_every_spelling_of_the_paths() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        let answer = get(&server, &format!("{path}?EIO=4&transport=polling&t=x1")).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        assert_eq!(answer.header("set-cookie"), None);
        assert_open(&answer.text(), r#"["websocket"]"#);
    }
}

/// Exactly these five keys in this order, as the reference has them.
#[track_caller]
fn assert_open(packet: &str, upgrades: &str) {
    let open: Value = serde_json::from_str(packet.strip_prefix('0').expect("an open packet")).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let expected = format!(
        r#"0{{"sid":"{sid}","upgrades":{upgrades},"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000}}"#
    );
    assert_eq!(packet, expected);
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(sid.len() >= 20 && sid.chars().all(is_base64url), "at least 120 bits of a url's alphabet: {sid}");
}

#[actix_web::test]
async fn a_websocket_without_a_sid_begins_with_the_open_packet_on_every_path() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        let mut wire = Wire::open(server.address(), &format!("{path}?EIO=4&transport=websocket")).await;
        assert_open(&wire.next_text().await, "[]");
        wire.text("40/nope,").await;
        assert_eq!(wire.next_text().await, r#"44/nope,{"message":"Invalid namespace"}"#, "{path}");
    }
}

#[actix_web::test]
async fn no_two_sessions_share_a_sid_and_the_public_id_is_another() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let public = engine.connect("/", "ann").await;
    let other = Engine::polling(&server, SOCKET_IO).await;
    assert_ne!(engine.sid, other.sid);
    assert_ne!(engine.sid, public);
}

#[actix_web::test]
async fn announced_timings_are_those_of_the_settings() {
    let server = TestServer::by_hand(&[("PING_INTERVAL_MS", "300"), ("PING_TIMEOUT_MS", "200")]);
    let open = get(&server, "/socket.io/?EIO=4&transport=polling").await.text();
    assert!(open.contains(r#""pingInterval":300,"pingTimeout":200,"#), "{open}");
}

#[actix_web::test]
async fn on_ws_the_query_tells_engine_io_from_a_plain_websocket() {
    let server = TestServer::by_hand(&[]);
    for path in ["/ws", "/ws/"] {
        let plain =
            Wire::open(server.address(), &format!("{path}?transport=websocket")).await.next_text().await;
        assert!(plain.contains("connection_established"), "{plain}");
        // Whatever it says, `EIO` is Engine.IO's.
        let answer = get(&server, &format!("{path}?EIO=&transport=polling")).await;
        assert_refused(&answer, 5, path);
        assert_eq!(get(&server, path).await.status, 426);
    }
}

/// Method, query and code, for a session that polls on the path and is called `SID`.
pub(super) const TABLE: &[(&str, &str, u8)] = &[
    ("GET", "EIO=4", 0),
    ("GET", "EIO=4&transport=", 0),
    ("GET", "EIO=4&transport=webtransport", 0),
    ("GET", "EIO=4&transport=Polling", 0),
    ("GET", "EIO=4&transport=toString", 0),
    ("GET", "EIO=4&transport=__proto__&sid=SID", 0),
    ("POST", "EIO=3", 0),
    ("GET", "EIO=4&transport=polling&sid=nobody", 1),
    ("POST", "EIO=4&transport=polling&sid=nobody", 1),
    ("PUT", "EIO=4&transport=polling&sid=nobody", 1),
    ("GET", "EIO=4&transport=websocket&sid=nobody", 1),
    ("GET", "EIO=3&transport=polling&sid=nobody", 1),
    ("GET", "EIO=4&transport=polling&sid=__proto__", 1),
    ("POST", "EIO=4&transport=polling", 2),
    ("POST", "EIO=4&transport=websocket", 2),
    ("PUT", "EIO=3&transport=polling", 2),
    ("DELETE", "EIO=4&transport=polling", 2),
    ("PATCH", "EIO=4&transport=polling&sid=", 2),
    ("GET", "EIO=4&transport=websocket", 3),
    ("GET", "EIO=3&transport=websocket", 3),
    ("GET", "EIO=4&transport=websocket&sid=SID", 3),
    ("POST", "EIO=4&transport=websocket&sid=SID", 3),
    ("PUT", "EIO=4&transport=polling&sid=SID", 3),
    ("DELETE", "EIO=4&transport=polling&sid=SID", 3),
    ("GET", "EIO=3&transport=polling", 5),
    ("GET", "EIO=5&transport=polling", 5),
    ("GET", "EIO=04&transport=polling", 5),
    ("GET", "EIO=&transport=polling", 5),
    ("GET", "EIO=3&EIO=4&transport=polling", 5),
];

#[actix_web::test]
async fn every_bad_request_is_answered_by_the_first_check_it_fails() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        let mut engine = Engine::polling(&server, path).await;
        for (method, query, code) in TABLE {
            let url = format!("{path}?{}", query.replace("SID", &engine.sid));
            assert_refused(&ask(&server, method, &url, &[]).await, *code, &format!("{method} {url}"));
        }
        // None of it has harmed the session.
        engine.connect("/", "ann").await;
        engine.expect_nothing("/").await;
    }
    let answer = get(&server, "/socket.io/?transport=polling").await;
    assert_refused(&answer, 5, "a missing version");
}

#[actix_web::test]
async fn the_version_counts_at_the_handshake_only() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    engine.push(r#"427["ping"]"#).await;
    let answer = get(&server, &format!("/socket.io/?transport=polling&sid={}", engine.sid)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().starts_with(r#"42["pong""#));
}

/// Query and code of upgrades that are refused.
const UPGRADES: &[(&str, u8)] = &[
    ("EIO=4", 0),
    ("EIO=4&transport=flashsocket", 0),
    ("EIO=4&transport=websocket&sid=nobody", 1),
    ("EIO=4&transport=polling&sid=nobody", 1),
    ("EIO=4&transport=polling", 3),
    ("EIO=3&transport=polling", 3),
    ("EIO=4&transport=polling&sid=SID", 3),
    ("EIO=3&transport=websocket", 5),
    ("EIO=&transport=websocket", 5),
];

#[actix_web::test]
async fn a_bad_upgrade_is_refused_over_http_with_the_words_alone() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        let mut engine = Engine::polling(&server, path).await;
        for (query, code) in UPGRADES {
            let url = format!("{path}?{}", query.replace("SID", &engine.sid));
            let answer = Wire::try_open(server.address(), &url, &[("origin", LISTED)]).await;
            let answer = answer.err().unwrap_or_else(|| panic!("{url} is accepted"));
            assert_eq!((answer.status, &*answer.text()), (400, message(*code)), "{url}");
            assert_eq!(answer.header("content-type"), Some("text/html"), "{url}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED), "{url}");
        }
        engine.connect("/", "ann").await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn half_a_websocket_handshake_is_refused_and_its_session_left_alone() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    for url in [engine.url("websocket"), "/socket.io/?EIO=4&transport=websocket".to_owned()] {
        for missing in ["sec-websocket-version", "sec-websocket-key", "connection"] {
            let mut headers = HANDSHAKE.to_vec();
            headers.retain(|(name, _)| *name != missing);
            let answer = ask(&server, "GET", &url, &headers).await;
            assert!(matches!(answer.status, 400 | 426), "{missing}: {}", answer.status);
        }
    }
    server.until_connections(1).await;
    // No upgrade is under way: the next one is accepted and completes.
    engine.upgrade().await;
    engine.connect("/", "ann").await;
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn a_sid_of_the_other_path_is_unknown() {
    let server = TestServer::by_hand(&[]);
    for (own, other) in [("/socket.io/", "/ws/"), ("/ws/", "/socket.io/")] {
        let mut engine = Engine::polling(&server, own).await;
        let url = format!("{other}?EIO=4&transport=polling&sid={}", engine.sid);
        assert_refused(&get(&server, &url).await, 1, &url);
        let answer = http::request(server.address(), "POST", &url, &[], b"1").await;
        assert_refused(&answer, 1, &url);
        let upgrade = Wire::try_open(server.address(), &url.replace("polling", "websocket"), &[]).await;
        assert_eq!(upgrade.err().expect("a refusal").text(), "Session ID unknown");
        engine.connect("/", "ann").await;
    }
}

#[actix_web::test]
async fn a_sid_is_good_on_both_spellings_of_its_path() {
    let server = TestServer::by_hand(&[]);
    for (with, without) in [("/socket.io/", "/socket.io"), ("/ws/", "/ws")] {
        let mut engine = Engine::polling(&server, with).await;
        engine.path = without;
        engine.connect("/", "ann").await;
        engine.upgrade().await;
        engine.expect_nothing("/").await;
    }
}
