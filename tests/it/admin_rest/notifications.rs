//! `notification` (contract X-16), acknowledgements (D-05), and what the answer to a POST says.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::post;
use crate::support::TestServer;

/// `base` with the members of `more` on top.
fn with(mut base: Value, more: &Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

#[actix_web::test]
async fn a_notification_is_completed_and_nothing_that_was_given_is_changed() {
    let server = TestServer::by_hand(&[]);
    let mut socket = server.connect().await;
    let action = json!({"label": "Open", "url": "/clips/1"});
    let given = [
        json!({"message": "m"}),
        json!({"message": ""}),
        json!({"message": "m", "title": "t"}),
        json!({"message": "m", "id": "own", "read": true, "timestamp": 5}),
        json!({"message": "m", "type": "error", "priority": "urgent", "action": action}),
        json!({"message": "}{\"\\", "extra": {"nested": [{}]}, "": null}),
    ];
    for form in ["type", "event"] {
        for data in &given {
            let answer = server.broadcast(json!({form: "notification", "data": data})).await;
            let defaults = json!({
                "id": answer["message_id"], "title": "", "type": "info", "priority": "medium",
                "timestamp": server.clock.seconds() * 1000, "read": false
            });
            assert_eq!(socket.next("notification").await["data"], with(defaults, data));
        }
    }
    let words = [
        ("type", ["info", "success", "warning", "error"]),
        ("priority", ["low", "medium", "high", "urgent"]),
    ];
    for (key, words) in words {
        for word in words {
            server.broadcast(json!({"type": "notification", "data": {"message": "m", key: word}})).await;
            assert_eq!(socket.next("notification").await["data"][key], word);
        }
    }
}

/// POSTs each as the data of a notification: refused, and not sent.
async fn expect_refused(bad: &[&str]) {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for data in bad {
        let answer = post(server.address(), &format!(r#"{{"type":"notification","data":{data}}}"#)).await;
        assert_eq!(answer.status, 400, "{data}: {}", answer.text());
        answer.assert_error(400, "INVALID_MESSAGE");
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn what_is_no_notification_is_refused() {
    expect_refused(&[
        "null",
        "0",
        "false",
        "\"\"",
        "\"message\"",
        "[]",
        r#"[{"message":"m"}]"#,
        "{}",
        r#"{"Message":"m"}"#,
        r#"{"message":null}"#,
        r#"{"message":5}"#,
        r#"{"message":{"text":"m"}}"#,
        r#"{"message":"m","type":"INFO"}"#,
        r#"{"message":"m","type":""}"#,
        r#"{"message":"m","type":1}"#,
        r#"{"message":"m","type":["info"]}"#,
        r#"{"message":"m","priority":"critical"}"#,
        r#"{"message":"m","priority":2}"#,
        r#"{"message":"m","priority":{"low":null}}"#,
    ])
    .await;
}

/// Clients take the last of two equal keys. Whatever they see must have passed.
#[actix_web::test]
async fn a_key_said_twice_cannot_carry_what_is_refused_when_said_once() {
    expect_refused(&[
        r#"{"message":"m","message":5}"#,
        r#"{"message":"m","type":"info","type":"zap"}"#,
        r#"{"message":"m","priority":"low","priority":{}}"#,
    ])
    .await;
}

/// JSON has two spellings for every letter.
#[actix_web::test]
async fn an_escaped_word_is_the_same_word() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let data = r#"{"m\u0065ssage":"m","type":"\u0065rror","priority":"\u0068igh"}"#;
    let answer = post(server.address(), &format!(r#"{{"type":"notification","data":{data}}}"#)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(socket.next("notification").await["data"]["type"], "error");
}

#[actix_web::test]
async fn a_frame_asks_for_an_acknowledgement_only_when_the_post_did() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for priority in ["low", "medium", "high", "urgent"] {
        let body = json!({"type": "custom:x", "data": 1, "priority": priority});
        let answer = server.broadcast(with(body.clone(), &json!({"requires_ack": true}))).await;
        let frame = socket.next("custom:x").await;
        assert_eq!((&frame["requires_ack"], &frame["message_id"]), (&json!(true), &answer["message_id"]));
        socket.send(json!({"type": "ack", "payload": {"message_id": answer["message_id"]}})).await;

        for unasked in [json!({}), json!({"requires_ack": false})] {
            server.broadcast(with(body.clone(), &unasked)).await;
            let frame = socket.next("custom:x").await;
            assert!(frame.get("requires_ack").is_none() && frame.get("message_id").is_none(), "{frame}");
        }
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn every_publication_has_its_own_uuid_and_the_time_its_frame_tells() {
    let server = TestServer::by_hand(&[]);
    let mut socket = server.connect().await;
    let mut ids = HashSet::new();
    for time in ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.001Z"] {
        for count in 0..150 {
            let answer = server.broadcast(json!({"type": "custom:x", "data": count})).await;
            let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["message_id", "recipients_count", "sent_at", "success"]);
            let id = answer["message_id"].as_str().unwrap();
            let uuid = uuid::Uuid::parse_str(id).expect("a UUID");
            assert_eq!(uuid.to_string(), id, "hyphenated, in lower case");
            assert!(ids.insert(uuid), "{id} twice");

            assert_eq!(answer["sent_at"], time);
            let frame = socket.next("custom:x").await;
            assert_eq!((&frame["data"], &frame["timestamp"]), (&json!(count), &json!(time)));
        }
        server.clock.advance(Duration::from_millis(1001));
    }
}
