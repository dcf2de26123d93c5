//! What is written down of what was done (issue 6, the audit trail).

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use switchboard::store::{AuditVerdict, sqlite};

use super::ONE;
use crate::support::{TestServer, http, token, until};

/// Kind, action and success of all rows, in their order.
fn rows(data: &Path) -> Vec<(String, String, bool)> {
    let file = Connection::open(data.join("switchboard.sqlite")).unwrap();
    let mut all = file.prepare("SELECT kind, action, success FROM audit_log ORDER BY row").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn count(data: &Path) -> u64 {
    match sqlite::verify_audit(data, None).unwrap() {
        AuditVerdict::Sound(head) => head.row,
        AuditVerdict::Broken(broken) => panic!("{broken:?}"),
    }
}

#[actix_web::test]
async fn commands_admins_and_sign_ins_are_written_down_without_what_they_say() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let data = server.data.path().to_owned();
    let until_rows = async |wanted| until(|| count(&data) == wanted).await;
    assert_eq!(count(&data), 0);
    socket.create("Secret Name").await;
    socket.run("nope", json!({})).await;
    assert_eq!(count(&data), 2, "commands, done or refused, before they are answered");
    server.broadcast(json!({"type": "custom:x", "data": "Secret Name"})).await;
    let kpi = server.post("/api/ws/broadcast/kpi", &json!({"organization_id": "o"})).await;
    assert_eq!(kpi.status, 200);
    until_rows(4).await;
    let bearer = format!("Bearer {}", token::sign(json!({"sub": "u1"})));
    let signed =
        http::request(server.address(), "POST", "/auth/session", &[("authorization", &bearer)], b"").await;
    assert_eq!(signed.status, 204);
    until_rows(5).await;
    let cookie = signed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    // What has ended, and only that.
    for shown in [cookie.as_str(), cookie.as_str(), "ws_session=x"] {
        http::request(server.address(), "DELETE", "/auth/session", &[("cookie", shown)], b"").await;
    }
    until_rows(6).await;
    let headers = [("x-tenant-key", ONE), ("content-type", "application/json")];
    let body = br#"{"name":"Secret Name","email":"s@example.com"}"#;
    http::request(server.address(), "POST", "/leads", &headers, body).await;
    assert_eq!(count(&data), 7, "with the change");
    let expected = [
        ("command", "create_lead", true),
        ("command", "unknown", false),
        ("admin", "POST /api/ws/broadcast", true),
        ("admin", "POST /api/ws/broadcast/kpi", true),
        ("auth", "POST /auth/session", true),
        ("auth", "DELETE /auth/session", true),
        ("admin", "POST /leads", true),
    ];
    assert_eq!(rows(&data), expected.map(|(kind, action, done)| (kind.into(), action.into(), done)));

    // Written ahead: what is in the trail stands in either file.
    let mut bytes = Vec::new();
    for name in ["switchboard.sqlite", "switchboard.sqlite-wal"] {
        bytes.extend(std::fs::read(data.join(name)).unwrap_or_default());
    }
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("POST /auth/session") && has("custom:x"), "the check can find something");
    assert!(!has(&bearer[7..]) && !has(&cookie["ws_session=".len()..]), "no credentials");
}

#[actix_web::test]
async fn a_refused_credential_and_a_new_bearer_are_written_down_and_a_stop_loses_nothing() {
    let server = TestServer::start();
    let bad = [("authorization", "Bearer guess"), ("content-type", "application/json")];
    for (method, path, headers) in [
        ("GET", "/api/ws/stats", &bad[..]),
        ("POST", "/auth/session", &bad[..]),
        ("GET", "/leads", &[("x-tenant-key", "guess")]),
    ] {
        assert_eq!(http::request(server.address(), method, path, headers, b"").await.status, 401, "{path}");
    }
    let good = token::sign(json!({"sub": "u1", "organization_id": "o"}));
    let mut console = server.connect().await;
    let claim = json!({"user_id": "u2", "organization_id": "o"});
    // Ids that nothing proves are nobody's: not written.
    for (shown, answer) in [
        (json!({"token": "guess"}), "error"),
        (claim, "authenticated"),
        (json!({"token": good}), "authenticated"),
    ] {
        console.send(json!({"event": "authenticate", "data": shown})).await;
        console.next(answer).await;
    }
    server.broadcast(json!({"type": "custom:x", "data": 1})).await;
    drop(console);
    let data = server.stop().await;
    let expected = [
        ("auth", "admin", false),
        ("auth", "POST /auth/session", false),
        ("auth", "tenant key", false),
        ("auth", "authenticate", false),
        ("auth", "authenticate", true),
        ("admin", "POST /api/ws/broadcast", true),
    ];
    assert_eq!(rows(data.path()), expected.map(|(kind, action, done)| (kind.into(), action.into(), done)));
    assert_eq!(count(data.path()), 6);
}

#[actix_web::test]
async fn a_flood_of_refusals_fills_a_hundred_rows_and_a_count() {
    let server = TestServer::start();
    for _ in 0..120 {
        let guess = [("x-tenant-key", "guess")];
        assert_eq!(http::request(server.address(), "GET", "/leads", &guess, b"").await.status, 401);
    }
    let data = server.stop().await;
    let file = Connection::open(data.path().join("switchboard.sqlite")).unwrap();
    let last = file.query_row("SELECT row, details FROM audit_log ORDER BY row DESC", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    assert_eq!(last.unwrap(), (101, r#"{"left_out":20}"#.to_owned()));
}
