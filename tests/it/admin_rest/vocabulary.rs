//! What an admin may say: every name of contract section 7.2, X-18 and D-32.

use serde_json::{Value, json};

use super::post;
use crate::support::TestServer;

/// Guide 004's seventeen.
const CHANNEL_EVENTS: &[&str] = &[
    "kpi:update",
    "kpi:computed",
    "kpi:alert",
    "backlog:update",
    "backlog:snapshot",
    "backlog:alert",
    "attendance:update",
    "attendance:checkin",
    "attendance:checkout",
    "attendance:alert",
    "alert:triggered",
    "alert:acknowledged",
    "alert:resolved",
    "alert:escalated",
    "system:notification",
    "system:broadcast",
    "system:maintenance",
];

/// Rows of section 7.2 that are for a room, a user or everyone; `notification` has its own tests.
const ROOM_EVENTS: &[&str] = &[
    "user_joined",
    "user_left",
    "message",
    "user_typing",
    "blueprint_update",
    "cursor_move",
    "scroll_position",
    "operation",
    "lead_event",
    "voice_event",
    "integration_event",
    "project.updated",
    "workflow.progress",
    "agent.status_changed",
    "pr.created",
    "issue.updated",
    "ai.suggestion",
    "project.deleted",
    "workflow.started",
    "workflow.completed",
    "workflow.failed",
    "pr.updated",
    "pr.closed",
    "issue.created",
    "issue.closed",
    "agent.connected",
    "agent.disconnected",
    "ai.analysis_complete",
    "metric_update",
    "agent_status_change",
    "voice_clone_progress",
    "training_milestone",
    "training:update",
    "clip_played",
    "room:message",
];

/// Rows of section 7.2 whose target is one socket, or the sender.
const SOCKET_EVENTS: &[&str] = &[
    "connected",
    "connection_established",
    "auth:success",
    "authenticated",
    "reconnected",
    "room_joined",
    "room_left",
    "operation_ack",
    "pong",
    "client:pong",
    "client:subscribe",
    "client:unsubscribe",
    "heartbeat",
    "error",
    "voice_command_response",
    "metrics:data",
];

/// Names that are nobody's to send: the client library's own, what clients ask, and what looks like
/// an event and is none.
const NO_EVENTS: &[&str] = &[
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
    "auth",
    "authenticate",
    "join",
    "leave",
    "ping",
    "client:ping",
    "debug:rooms",
    "ack",
    "subscribe",
    "",
    " ",
    "kpi:update ",
    " kpi:update",
    "KPI:update",
    "kpi",
    "project_updated",
    "constructor",
    "__proto__",
    "custom",
    ":event",
    "custom:",
    "Custom:event",
    "custom:Event",
    "1custom:event",
    "my_custom:event",
    "custom event:x",
    "custom:e vent",
    "custom:ev\u{e9}nt",
    "custom:event\n",
    "custom:ev\u{0}nt",
];

const CUSTOM: &[&str] =
    &["custom:event", "training:started", "a:b", "a1:b-c_d.e:f", "x:1", "billing:__--..::"];

/// Data with one of everything, and integers that a detour through floats would not survive.
fn sample() -> Value {
    json!({
        "null": null, "yes": true, "int": -9_007_199_254_740_993_i64, "big": u64::MAX, "half": 0.5,
        "text": "quote \" backslash \\ slash / newline \n nul \u{0} e\u{301} \u{1F600} \u{2028}",
        "list": [[], {}, [1, [2, [3]]]], "": {"": ""}, "type": "not the event", "data": {"event": "x"}
    })
}

#[actix_web::test]
async fn every_channel_and_room_event_arrives_with_its_data_in_both_guides_forms() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for name in CHANNEL_EVENTS.iter().chain(ROOM_EVENTS) {
        for form in ["event", "type"] {
            let answer = server.broadcast(json!({form: name, "data": sample()})).await;
            assert_eq!(answer["success"], true, "{answer}");
            assert_eq!(answer["recipients_count"], 1, "{name}");

            let frame = socket.next(name).await;
            assert_eq!(frame["data"], sample(), "{name}");
            assert_eq!(frame["timestamp"], answer["sent_at"], "{name}");
            let keys: Vec<&String> = frame.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["data", "event", "timestamp", "type"], "{name}");
        }
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn what_is_for_one_socket_or_nobody_s_to_send_is_refused_in_both_forms() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let too_long = format!("custom:{}", "x".repeat(61));
    for name in SOCKET_EVENTS.iter().chain(NO_EVENTS).copied().chain([&*too_long]) {
        for form in ["event", "type"] {
            let body = json!({form: name, "data": {"message": "m"}}).to_string();
            let answer = post(server.address(), &body).await;
            assert_eq!(answer.status, 400, "{body}: {}", answer.text());
            answer.assert_error(400, "INVALID_MESSAGE");
        }
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn a_custom_type_goes_by_type_and_not_by_event() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let longest = format!("c:{}", "x".repeat(60));
    for name in CUSTOM.iter().copied().chain([&*longest]) {
        let answer = server.broadcast(json!({"type": name, "data": [name]})).await;
        assert_eq!(answer["recipients_count"], 1, "{name}");
        assert_eq!(socket.next(name).await["data"], json!([name]));

        let by_event = json!({"event": name, "data": [name]}).to_string();
        post(server.address(), &by_event).await.assert_error(400, "INVALID_MESSAGE");
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn two_names_must_be_one() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for (kind, event) in [("kpi:update", "kpi:alert"), ("custom:x", "kpi:update"), ("kpi:update", "custom:x")]
    {
        let body = json!({"type": kind, "event": event, "data": 1}).to_string();
        post(server.address(), &body).await.assert_error(400, "INVALID_MESSAGE");
    }
    server.broadcast(json!({"type": "kpi:update", "event": "kpi:update", "data": 1})).await;
    socket.next("kpi:update").await;
    socket.expect_nothing().await;
}

/// Guide 004, line 424, to the letter.
#[actix_web::test]
async fn guide_004_s_example_is_sent_to_its_organization() {
    let body = r#"{
  "event": "system:notification",
  "data": {
    "message": "System maintenance in 10 minutes"
  },
  "target": {
    "organization_id": "org_123"
  },
  "priority": "urgent",
  "requires_ack": true
}"#;
    let server = TestServer::start();
    let mut member = server.sign_in(json!({"sub": "u1", "org": "org_123"})).await;
    let mut other = server.sign_in(json!({"sub": "u2", "org": "org_456"})).await;

    let answer = post(server.address(), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((&answer["success"], &answer["recipients_count"]), (&json!(true), &json!(1)));

    let frame = member.next("system:notification").await;
    assert_eq!(frame["data"], json!({"message": "System maintenance in 10 minutes"}));
    assert_eq!((&frame["requires_ack"], &frame["message_id"]), (&json!(true), &answer["message_id"]));
    assert_eq!(frame["room"], "org:org_123");
    other.expect_nothing().await;
}

/// Guide 002's `sendToUser` and `broadcastToRoom`, as bodies.
#[actix_web::test]
async fn guide_002_s_examples_reach_the_user_and_the_room() {
    let server = TestServer::start();
    let mut user = server.sign_in(json!({"sub": "user-123"})).await;
    let mut trainer = server.sign_in(json!({"sub": "user-456"})).await;
    trainer.join("voice:training").await;

    let ready = r#"{ "message": "Your voice clone is ready!" }"#;
    let to_user = format!(r#"{{"user_id": "user-123", "type": "notification", "data": {ready}}}"#);
    assert_eq!(post(server.address(), &to_user).await.json()["recipients_count"], 1);
    let frame = user.next("notification").await;
    assert_eq!(frame["data"]["message"], "Your voice clone is ready!");
    assert_eq!(frame["room"], "user:user-123");

    let to_room = r#"{"room": "voice:training", "type": "training:update", "data": { "activeJobs": 5 }}"#;
    assert_eq!(post(server.address(), to_room).await.json()["recipients_count"], 1);
    let frame = trainer.next("training:update").await;
    assert_eq!((&frame["data"], &frame["room"]), (&json!({"activeJobs": 5}), &json!("voice:training")));
    user.expect_nothing().await;
    trainer.expect_nothing().await;
}
