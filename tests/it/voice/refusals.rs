//! The exact words of every refusal (contract X-24, X-34; scenarios S-21 to S-23).

use serde_json::{Value, json};

use super::{ONE, TWO};
use crate::support::TestServer;
use crate::support::engine::Engine;

const KEYS: &str = r#"[{"id": "demo1", "name": "One", "keys": [
    {"key": "reader", "active": true, "permissions": ["get_leads"]},
    {"key": "nothing", "active": true, "permissions": []},
    {"key": "all", "active": true}]}]"#;

#[actix_web::test]
async fn bad_parameters_are_told_and_the_socket_lives() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let command = |command: &str, parameters: Value| json!({"command": command, "parameters": parameters});
    let bad = [
        command("create_lead", json!({"name": "x"})),
        command("create_lead", json!({"name": "x", "email": "x"})),
        command("search_leads", json!({})),
        command("get_leads", json!({"limit": "ten"})),
        command("get_leads", json!({"limit": -1})),
        command("get_leads", json!([])),
        command("get_leads", json!("x")),
        json!({"command": 5}),
        json!({}),
        json!([]),
        json!(null),
        json!(42),
        json!("get_leads"),
    ];
    for payload in bad {
        socket.send(json!({"type": "execute_voice_command", "payload": payload})).await;
        let (before, answer) = socket.response().await;
        assert!(before.is_empty(), "nothing is run, so nobody is told: {before:?}");
        assert_eq!(
            (&answer["success"], &answer["error"]),
            (&json!(false), &json!("Invalid parameters")),
            "{payload}"
        );
        assert!(answer["details"].is_string() && answer["timestamp"].is_string(), "{answer}");
        assert_eq!(answer["tenant"], "demo1");
    }
    socket.send(json!({"type": "execute_voice_command"})).await;
    assert_eq!(socket.response().await.1["error"], "Invalid parameters");
    assert_eq!(socket.leads().await, 0);
}

#[actix_web::test]
async fn an_unknown_command_and_a_foreign_tenant_are_told() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let answer = socket.run_with("nope", json!({}), json!({"requestId": "r-1"})).await;
    let timestamp = answer["timestamp"].clone();
    assert_eq!(
        answer,
        json!({"success": false, "error": "Unknown command", "tenant": "demo1", "timestamp": timestamp,
            "command": "nope", "requestId": "r-1"})
    );
    for named in [json!("demo2"), json!("your-tenant-id"), json!("no id at all!"), json!(7)] {
        let answer = socket.run_with("get_leads", json!({}), json!({"tenantId": named})).await;
        assert_eq!(answer["error"], "Access denied", "{named}");
    }
    let own = socket.run_with("get_leads", json!({}), json!({"tenantId": "demo1"})).await;
    assert_eq!(own["success"], true);
}

#[actix_web::test]
async fn a_key_does_what_it_lists() {
    let file = crate::support::scratch::Scratch::new();
    let path = file.path().join("tenants.json");
    std::fs::write(&path, KEYS).unwrap();
    let server = TestServer::with(&[("TENANTS_FILE", path.to_str().unwrap())]);
    for (key, may_read, may_write) in
        [("reader", true, false), ("nothing", false, false), ("all", true, true)]
    {
        let mut socket = server.tenant(key).await;
        let answer = socket.run("get_leads", json!({})).await;
        assert_eq!(answer["success"], may_read, "{key}: {answer}");
        for (command, parameters) in
            [("create_lead", json!({"name": "n", "email": "n@example.com"})), ("start_backup", json!({}))]
        {
            let answer = socket.run(command, parameters).await;
            assert_eq!(answer["success"], may_write, "{key} {command}: {answer}");
            let error = if may_write { Value::Null } else { json!("Access denied") };
            assert_eq!(answer["error"], error, "{key} {command}");
        }
    }
}

#[actix_web::test]
async fn who_is_no_tenant_has_no_commands() {
    let server = TestServer::start();
    let mut socket = server.sign_in(json!({"sub": "u1"})).await;
    let answer = socket.run_with("get_leads", json!({}), json!({"requestId": 1})).await;
    assert_eq!((&answer["error"], &answer["tenant"]), (&json!("Access denied"), &json!("")));
    assert_eq!(answer["requestId"], 1);
}

/// Contract D-08: each request that is refused, once.
#[actix_web::test]
async fn refused_commands_are_counted() {
    let server = TestServer::with(&[("CONFIRM_COMMANDS", "start_backup")]);
    let (mut socket, mut nobody) = (server.tenant(ONE).await, server.sign_in(json!({"sub": "u1"})).await);
    socket.run("nope", json!({})).await;
    socket.run("create_lead", json!({})).await;
    socket.run("start_backup", json!({})).await;
    nobody.run("get_leads", json!({})).await;
    for _ in 0..2 {
        let lead = json!({"name": "n", "email": "n@example.com"});
        let answer = socket.run_with("create_lead", lead, json!({"idempotencyKey": "k"})).await;
        assert_eq!(answer["success"], true);
    }
    assert_eq!(server.get("/api/ws/stats").await.json()["stats"]["error_count"], 4);
}

#[actix_web::test]
async fn a_callback_gets_the_same_as_the_event() {
    let server = TestServer::start();
    let mut engine = Engine::websocket(&server, "/socket.io").await;
    engine.connect("/events", "").await;
    for data in
        [json!({"command": "nope"}), json!({"command": "get_leads", "tenantId": "demo2"}), json!(null)]
    {
        engine.say(&format!("42/events,7{}", json!(["execute_voice_command", data]))).await;
        let event = engine.next_event("/events", "voice_command_response").await;
        assert_eq!(engine.next_ack("/events", 7).await, event);
    }
    let mut other = server.tenant(TWO).await;
    other.send(json!({"type": "execute_voice_command", "payload": {"command": "nope"}, "id": [1]})).await;
    let frame = other.next("voice_command_response").await;
    assert_eq!(frame["id"], json!([1]), "a plain client's own mark");
}
