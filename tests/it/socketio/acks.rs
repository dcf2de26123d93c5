//! Acknowledgements that a client asks for (`protocol.md` 2.3, contract W14, X-24).

use serde_json::{Value, json};

use super::{ROOM, SOCKET_IO, update};
use crate::support::engine::Engine;
use crate::support::{TestServer, token};

async fn connected(server: &TestServer) -> [Engine; 2] {
    let mut engines = Engine::both(server, SOCKET_IO).await;
    for engine in &mut engines {
        engine.connect("/", "ann").await;
    }
    engines
}

#[actix_web::test]
async fn an_id_is_echoed_up_to_the_largest_of_64_bits() {
    let server = TestServer::by_hand(&[]);
    for mut engine in connected(&server).await {
        engine.connect("/ws", "ann").await;
        for id in [0, 1, 7, (1 << 31) - 1, 1 << 31, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
            engine.say(&format!(r#"42{id}["client:ping"]"#)).await;
            assert_eq!(engine.next_ack("/", id).await["pong"], true);
            engine.say(&format!(r#"42/ws,{id}["client:ping"]"#)).await;
            assert_eq!(engine.next_ack("/ws", id).await["pong"], true);
        }
        // One id may be used twice.
        engine.say(r#"42007["client:ping"]"#).await;
        engine.next_ack("/", 7).await;
    }
}

#[actix_web::test]
async fn an_id_beyond_64_bits_ends_the_connection() {
    let server = TestServer::by_hand(&[]);
    let ids = ["18446744073709551616", "99999999999999999999", &"9".repeat(1000)];
    for id in ids {
        for packet in [format!(r#"42{id}["client:ping"]"#), format!("43{id}[]"), format!("42{id}")] {
            for mut engine in connected(&server).await {
                engine.say_last(&packet).await;
            }
        }
    }
    server.until_connections(0).await;
}

/// Every command with its payload, and a key of what is acknowledged.
fn commands() -> Vec<(&'static str, Value, &'static str)> {
    let token = token::sign(json!({"sub": "ann"}));
    vec![
        ("auth", json!({"token": token}), "userId"),
        ("authenticate", json!({"token": token}), "socket_id"),
        ("join", json!({"room": ROOM}), "room"),
        ("blueprint_update", update(ROOM, json!(1)), "success"),
        ("leave", json!({"room": ROOM}), "room"),
        ("debug:rooms", json!({}), "rooms"),
        ("ping", json!({}), "pong"),
        ("client:ping", json!({}), "pong"),
        ("heartbeat", json!({}), "timestamp"),
        ("ack", json!({"message_id": "m"}), "success"),
    ]
}

#[actix_web::test]
async fn every_command_is_acknowledged_if_asked_and_only_then() {
    let server = TestServer::by_hand(&[]);
    for mut engine in connected(&server).await {
        for (id, (name, data, key)) in commands().into_iter().enumerate() {
            engine.say(&format!("42{id}{}", json!([name, data]))).await;
            // Some tell by an event, too; in front of the acknowledgement.
            let mut packet = engine.hear().await;
            if packet.starts_with("42") {
                packet = engine.hear().await;
            }
            let ack = packet.strip_prefix(&format!("43{id}[")).unwrap_or_else(|| panic!("{name}: {packet}"));
            let ack: Value = serde_json::from_str(ack.strip_suffix(']').unwrap()).unwrap();
            assert!(ack.get(key).is_some(), "{name}: {ack}");
            engine.expect_nothing("/").await;
        }
        for (name, data, _) in commands() {
            engine.emit("/", name, data).await;
            let answer = engine.ask("/", "debug:rooms", json!({}));
            let is_silent = matches!(name, "blueprint_update" | "debug:rooms" | "ack");
            if is_silent {
                answer.await;
            } else {
                drop(answer);
                let packet = engine.hear().await;
                assert!(packet.starts_with("42["), "{name}: {packet}");
                engine.expect_nothing("/").await;
            }
        }
    }
}

#[actix_web::test]
async fn a_refusal_goes_to_the_acknowledgement_or_to_an_error_event() {
    let server = TestServer::by_hand(&[]);
    let cases = [
        ("nonsense", json!({}), "INVALID_MESSAGE"),
        ("join", json!({"room": 5}), "INVALID_MESSAGE"),
        ("join", json!({"room": "user:bob"}), "UNAUTHORIZED"),
        ("leave", json!({"room": ROOM}), "ROOM_NOT_FOUND"),
        ("auth", json!({"token": "x"}), "AUTH_FAILED"),
        ("blueprint_update", json!({}), "INVALID_MESSAGE"),
    ];
    for mut engine in connected(&server).await {
        for (name, data, code) in &cases {
            engine.say(&format!("429{}", json!([name, data]))).await;
            let ack = engine.next_ack("/", 9).await;
            assert_eq!((&ack["success"], &ack["status"]), (&json!(false), &json!("error")), "{ack}");
            assert_eq!((&ack["code"], &ack["error"]["code"]), (&json!(code), &json!(code)), "{name}: {ack}");
            engine.emit("/", name, data.clone()).await;
            let error = engine.next_event("/", "error").await;
            assert_eq!((&error["code"], &error["event"]), (&json!(code), &json!(name)), "{error}");
            engine.expect_nothing("/").await;
        }
    }
}

#[actix_web::test]
async fn whoever_waits_for_an_acknowledgement_over_the_rate_gets_it() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "5")]);
    for mut engine in Engine::both(&server, "/ws/").await {
        engine.say("40").await;
        engine.hear().await;
        engine.next_event("/", "connected").await;
        // The CONNECT was the first.
        for id in 1..5 {
            engine.say(&format!(r#"42{id}["debug:rooms"]"#)).await;
            assert_eq!(engine.next_ack("/", id).await["success"], true);
        }
        for id in 5..9 {
            engine.say(&format!(r#"42{id}["debug:rooms"]"#)).await;
            assert_eq!(engine.next_ack("/", id).await["code"], "RATE_LIMIT_EXCEEDED");
        }
        // Without: told once a second at most, which has been.
        engine.say(r#"42["debug:rooms"]"#).await;
        engine.say(r#"429["client:ping"]"#).await;
        engine.next_ack("/", 9).await;
    }
}
