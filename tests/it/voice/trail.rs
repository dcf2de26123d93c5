//! What is written down of what was done (issue 6, the audit trail).

use serde_json::json;
use switchboard::store::{AuditVerdict, sqlite};

use super::ONE;
use crate::support::{TestServer, http, token};

#[actix_web::test]
async fn commands_admins_and_sign_ins_are_written_down_without_what_they_say() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let rows = || match sqlite::verify_audit(server.data.path(), None).unwrap() {
        AuditVerdict::Sound(head) => head.row,
        AuditVerdict::Broken(broken) => panic!("{broken:?}"),
    };
    assert_eq!(rows(), 0);
    socket.create("Secret Name").await;
    socket.run("nope", json!({})).await;
    assert_eq!(rows(), 2, "commands, done or refused");
    server.broadcast(json!({"type": "custom:x", "data": "Secret Name"})).await;
    let kpi = server.post("/api/ws/broadcast/kpi", &json!({"organization_id": "o"})).await;
    assert_eq!((kpi.status, rows()), (200, 4));
    let bearer = format!("Bearer {}", token::sign(json!({"sub": "u1"})));
    let signed =
        http::request(server.address(), "POST", "/auth/session", &[("authorization", &bearer)], b"").await;
    assert_eq!((signed.status, rows()), (204, 5));
    let cookie = signed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for (shown, count) in [(cookie.as_str(), 6), (cookie.as_str(), 6), ("ws_session=x", 6)] {
        let headers = [("cookie", shown)];
        http::request(server.address(), "DELETE", "/auth/session", &headers, b"").await;
        assert_eq!(rows(), count, "what ended, and only that");
    }
    let headers = [("x-tenant-key", ONE), ("content-type", "application/json")];
    let body = br#"{"name":"Secret Name","email":"s@example.com"}"#;
    http::request(server.address(), "POST", "/leads", &headers, body).await;
    assert_eq!(rows(), 7);

    // Written ahead: what is in the trail stands in either file.
    let mut bytes = Vec::new();
    for name in ["switchboard.sqlite", "switchboard.sqlite-wal"] {
        bytes.extend(std::fs::read(server.data.path().join(name)).unwrap_or_default());
    }
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("POST /auth/session") && has("custom:x"), "the check can find something");
    assert!(!has(&bearer[7..]) && !has(&cookie["ws_session=".len()..]), "no credentials");
}
