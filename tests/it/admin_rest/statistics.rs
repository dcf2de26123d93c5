//! Views for admins and clients over HTTP.

use serde_json::json;

use crate::support::TestServer;

#[actix_web::test]
async fn the_defaults_for_clients_are_those_of_the_settings() {
    let server = TestServer::with(&[("ADMIN_AUTH", "required"), ("AUTH_TIMEOUT_MS", "10000")]);
    let answer = server.get("/api/ws/config").await;
    assert_eq!(answer.status, 200);
    let config = json!({
        "max_message_size_bytes": 1_048_576, "ping_interval_ms": 25_000, "ping_timeout_ms": 60_000,
        "auth_required": true, "auth_timeout_ms": 10_000, "reconnection_enabled": true, "reconnection_attempts": 5, "reconnection_delay_ms": 1_000
    });
    assert_eq!(answer.json(), json!({"success": true, "config": config}));

    let server = TestServer::with(&[
        ("MAX_MESSAGE_SIZE_BYTES", "1000"),
        ("PING_INTERVAL", "2"),
        ("PING_TIMEOUT_MS", "3001"),
        ("AUTH_REQUIRED", "false"),
        ("AUTH_TIMEOUT_MS", "99"),
        ("RECONNECTION_ENABLED", "false"),
        ("RECONNECTION_ATTEMPTS", "0"),
        ("RECONNECTION_DELAY_MS", "7"),
    ]);
    let config = json!({
        "max_message_size_bytes": 1_000, "ping_interval_ms": 2_000, "ping_timeout_ms": 3_001,
        "auth_required": false, "auth_timeout_ms": 99, "reconnection_enabled": false, "reconnection_attempts": 0, "reconnection_delay_ms": 7
    });
    assert_eq!(server.get("/api/ws/config").await.json()["config"], config);
}
