//! The sockets that are here, one by one.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{SOCKET_IO, millis};
use crate::support::engine::Engine;
use crate::support::frames::{CLOSE, FIN, PING, PONG, frame};
use crate::support::wire::Wire;
use crate::support::{TestServer, http, until};

async fn connections(server: &TestServer, query: &str) -> Value {
    let answer = server.get(&format!("/api/ws/connections{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let body = answer.json();
    assert_eq!((&body["success"], body.as_object().unwrap().len()), (&json!(true), 3), "{body}");
    assert_eq!(body["total_count"], body["connections"].as_array().unwrap().len());
    body["connections"].clone()
}

async fn connection(server: &TestServer, id: &str) -> Value {
    let answer = server.get(&format!("/api/ws/connections/{id}")).await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    let body = answer.json();
    assert_eq!((&body["success"], body.as_object().unwrap().len()), (&json!(true), 2), "{body}");
    body["connection"].clone()
}

/// Scenario S-61.
#[actix_web::test]
async fn every_socket_is_listed_with_its_seven_keys() {
    let server = TestServer::by_hand(&[]);
    let exp = server.clock.seconds() + 3600;
    let mut nobody = server.connect().await;
    nobody.join("dashboard:overview").await;
    server.clock.advance(millis(1_000));
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let claims = json!({"sub": "u1", "org": "A", "exp": exp});
    let root = engine.connect_with("/", claims.clone()).await;
    server.clock.advance(millis(1_000));
    let ws = engine.connect_with("/ws", claims).await;
    for room in ["project:2", "blueprint-1", "global"] {
        engine.join("/ws", room).await;
    }
    server.clock.advance(millis(1_000));
    let other = server.sign_in(json!({"sub": "u2", "org": "B", "exp": exp})).await;

    let row = |id: &str, user: Value, organization: Value, joined: Value, seconds: [u8; 2]| {
        let [connected_at, last_activity_at] = seconds.map(|at| format!("2026-01-01T00:00:0{at}.000Z"));
        json!({
            "socket_id": id, "user_id": user, "organization_id": organization, "status": "connected",
            "subscriptions": joined, "connected_at": connected_at, "last_activity_at": last_activity_at
        })
    };
    let nobodys = row(&nobody.id, Value::Null, Value::Null, json!(["dashboard:overview"]), [0, 0]);
    // One connection: what either socket's client sends is activity of both.
    let roots = row(&root, json!("u1"), json!("A"), json!([]), [1, 2]);
    let wss = row(&ws, json!("u1"), json!("A"), json!(["blueprint-1", "project:2"]), [2, 2]);
    let others = row(&other.id, json!("u2"), json!("B"), json!([]), [3, 3]);

    let all = json!([nobodys, roots, wss, others]);
    assert_eq!(connections(&server, "").await, all, "the oldest first");
    assert_eq!(connections(&server, "?other=1").await, all);
    assert_eq!(connections(&server, "?organization_id=A").await, json!([roots, wss]));
    assert_eq!(connections(&server, "?organization_id=B").await, json!([others]));
    assert_eq!(connections(&server, "?organization_id=C").await, json!([]));
    for bad in ["?organization_id=", "?organization_id=a%20b", "?organization_id"] {
        let answer = server.get(&format!("/api/ws/connections{bad}")).await;
        answer.assert_error(400, "INVALID_MESSAGE");
    }
    for expected in all.as_array().unwrap() {
        let id = expected["socket_id"].as_str().unwrap();
        assert_eq!(connection(&server, id).await, *expected);
    }
    for unknown in ["none", "%00", "%FF", "a%2Fb", &"x".repeat(200)] {
        let answer = server.get(&format!("/api/ws/connections/{unknown}")).await;
        answer.assert_error(404, "NOT_FOUND");
    }

    engine.say("41/ws,").await;
    engine.expect_nothing("/").await;
    server.get(&format!("/api/ws/connections/{ws}")).await.assert_error(404, "NOT_FOUND");
    drop((nobody, engine.goodbye().await, other));
    server.until_connections(0).await;
    assert_eq!(connections(&server, "").await, json!([]));
}

#[actix_web::test]
async fn whatever_a_client_sends_is_activity() {
    let server = TestServer::by_hand(&[]);
    let mut wire = Wire::open(server.address(), "/ws").await;
    wire.next_text().await;
    let ids = connections(&server, "").await;
    let id = ids[0]["socket_id"].as_str().unwrap().to_owned();
    let mut engines = Engine::both(&server, SOCKET_IO).await;
    let mut sockets = Vec::new();
    for engine in &mut engines {
        sockets.push(engine.connect("/", "ann").await);
    }
    sockets.push(id);
    let last = async |index: usize| connection(&server, &sockets[index]).await["last_activity_at"].clone();

    server.clock.advance(millis(1_500));
    for index in 0..3 {
        assert_eq!(last(index).await, "2026-01-01T00:00:00.000Z", "an answer to an admin is none");
    }
    let [polling, websocket] = &mut engines;
    // A pong that nobody asked for, and a ping.
    polling.push("3").await;
    assert_eq!(last(0).await, "2026-01-01T00:00:01.500Z");
    websocket.say("3").await;
    websocket.expect_nothing("/").await;
    assert_eq!(last(1).await, "2026-01-01T00:00:01.500Z");
    wire.send(&frame(FIN | PING, b"?")).await;
    assert_eq!(wire.next().await, Some((PONG, b"?".to_vec())));
    assert_eq!(last(2).await, "2026-01-01T00:00:01.500Z");

    // What it is sent is none.
    server.clock.advance(millis(1_000));
    server.broadcast(json!({"type": "custom:one", "data": 1})).await;
    wire.next_text().await;
    assert_eq!(last(2).await, "2026-01-01T00:00:01.500Z");
    wire.text(r#"{"type":"debug:rooms"}"#).await;
    wire.next_text().await;
    assert_eq!(last(2).await, "2026-01-01T00:00:02.500Z");
}

#[actix_web::test]
async fn who_is_being_sent_away_is_still_listed_as_such() {
    let server = TestServer::by_hand(&[]);
    let (address, clock) = (server.address(), Arc::clone(&server.clock));
    let mut wire = Wire::open(address, "/ws").await;
    wire.next_text().await;
    let stopping = actix_web::rt::spawn(server.stop());
    assert!(wire.next_text().await.contains("system:maintenance"));
    assert!(matches!(wire.next().await, Some((CLOSE, _))));
    // Its goodbye is unanswered, so it is not gone.
    let listed = http::request(address, "GET", "/api/ws/connections", &[], b"").await.json();
    assert_eq!(listed["total_count"], 1);
    assert_eq!(listed["connections"][0]["status"], "disconnecting");
    until(|| {
        clock.advance(millis(1_000));
        stopping.is_finished()
    })
    .await;
    stopping.await.unwrap();
}
