//! Statistics and connections: every number is compared with the traffic that was driven here
//! (contract D-08, X-07; scenarios S-30, S-61). Refusals are in [`refused`], the list of sockets in
//! [`sockets`].

mod refused;
mod sockets;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::engine::Engine;
use crate::support::frames::{FIN, PING, PONG, frame};
use crate::support::wire::Wire;
use crate::support::{PATIENCE, TestServer};

const SOCKET_IO: &str = "/socket.io/";

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

async fn stats(server: &TestServer) -> Value {
    let answer = server.get("/api/ws/stats").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["success"], true);
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    body["stats"].clone()
}

async fn websocket_stats(server: &TestServer) -> Value {
    let answer = server.get("/api/v1/websocket/stats").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Asks until `key` is `expected`: for what the server does after the client has its answer.
#[track_caller]
fn until_stat<'a>(server: &'a TestServer, key: &'a str, expected: Value) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let mut last = Value::Null;
        let asking = async {
            loop {
                last = stats(server).await[key].clone();
                if last == expected {
                    return;
                }
                tokio::time::sleep(millis(1)).await;
            }
        };
        let in_time = timeout(PATIENCE, asking).await;
        assert!(in_time.is_ok(), "at {caller}: {key} becomes {expected}, not {last}");
    }
}

fn nothing() -> Value {
    json!({
        "active_connections": 0, "connections_by_org": {}, "active_rooms": 0,
        "rooms_by_type": {"org": 0, "dept": 0, "queue": 0, "other": 0},
        "total_messages": 0, "messages_per_second": 0.0, "messages_by_event": {},
        "average_latency_ms": 0.0, "max_latency_ms": 0.0, "error_count": 0, "uptime_seconds": 0
    })
}

#[actix_web::test]
async fn an_idle_server_has_nothing_to_tell() {
    let server = TestServer::by_hand(&[]);
    assert_eq!(stats(&server).await, nothing());
    let expected = json!({
        "connections": 0, "rooms": {"global": 0, "project:*": 0, "user:*": 0}, "events_emitted": 0,
        "uptime_seconds": 0
    });
    assert_eq!(websocket_stats(&server).await, expected);
    server.clock.advance(millis(3_999));
    assert_eq!(stats(&server).await["uptime_seconds"], 3);
    assert_eq!(websocket_stats(&server).await["uptime_seconds"], 3);
}

/// Scenario S-30.
#[actix_web::test]
async fn guide_001_s_view_sums_members_by_prefix() {
    let server = TestServer::start();
    let mut clients = Vec::new();
    for (index, user) in ["a", "b", "c"].into_iter().enumerate() {
        let mut client = Engine::websocket(&server, SOCKET_IO).await;
        client.connect("/ws", user).await;
        if index < 2 {
            client.join("/ws", "project:1").await;
        }
        clients.push(client);
    }
    let before = websocket_stats(&server).await;
    assert_eq!(before["connections"], 3);
    assert_eq!(before["rooms"], json!({"global": 3, "project:*": 2, "user:*": 3}));
    assert_eq!(before["events_emitted"], 0);

    clients[0].join("/ws", "project:2").await;
    clients[0].join("/ws", "dashboard:overview").await;
    clients[0].join("/ws", "free name").await;
    server.broadcast(json!({"type": "project.updated", "data": {}})).await;
    let after = websocket_stats(&server).await;
    let rooms = json!({"dashboard:*": 1, "global": 3, "other": 1, "project:*": 3, "user:*": 3});
    assert_eq!(after["rooms"], rooms);
    assert_eq!(after["events_emitted"], 1);
}

#[actix_web::test]
async fn deliveries_are_counted_by_event_and_answers_are_not() {
    let server = TestServer::by_hand(&[]);
    let exp = server.clock.seconds() + 3600;
    let mut ann = Engine::websocket(&server, SOCKET_IO).await;
    ann.connect_with("/", json!({"sub": "ann", "exp": exp})).await;
    let mut bob = server.sign_in(json!({"sub": "bob", "exp": exp})).await;
    let mut nobody = server.connect().await;
    ann.join("/", "blueprint-1").await;
    bob.join("blueprint-1").await;
    nobody.expect_nothing().await;
    assert_eq!(stats(&server).await["total_messages"], 0, "welcomes, confirmations and answers");

    server.broadcast(json!({"type": "custom:one", "data": 1})).await;
    server.broadcast(json!({"type": "custom:one", "data": 1, "user_id": "bob"})).await;
    server.broadcast(json!({"type": "custom:two", "data": 1, "room": "blueprint-1"})).await;
    server.broadcast(json!({"type": "custom:none", "data": 1, "room": "empty"})).await;
    // From one client to the one other member.
    ann.next_event("/", "custom:one").await;
    ann.next_event("/", "custom:two").await;
    let update = json!({"roomId": "blueprint-1", "blueprintId": "1", "changes": {"action": "update"}});
    assert_eq!(ann.ask("/", "blueprint_update", update).await["success"], true);
    let now = stats(&server).await;
    assert_eq!(now["total_messages"], 7);
    let by_event = json!({"blueprint_update": 1, "custom:one": 4, "custom:two": 2});
    assert_eq!(now["messages_by_event"], by_event);
    assert_eq!(websocket_stats(&server).await["events_emitted"], 5, "one of them to nobody");
    assert_eq!(now["error_count"], 0);

    // Seven in one second, over ten seconds.
    for (advance, per_second) in [(999, 0.0), (1, 0.7), (9_999, 0.7), (1, 0.0)] {
        server.clock.advance(millis(advance));
        assert_eq!(stats(&server).await["messages_per_second"], per_second, "{advance} ms later");
    }
    assert_eq!(stats(&server).await["total_messages"], 7);
}

#[actix_web::test]
async fn organizations_count_connections_however_many_namespaces_they_have() {
    let server = TestServer::start();
    let of = |user: &str, org: &str| json!({"sub": user, "org": org});
    let mut twice = Engine::websocket(&server, SOCKET_IO).await;
    twice.connect_with("/", of("u1", "A")).await;
    twice.connect_with("/ws", of("u1", "A")).await;
    let plain = server.sign_in(of("u2", "A")).await;
    let other = server.sign_in(of("u3", "B")).await;
    let nobody = server.connect().await;

    let now = stats(&server).await;
    assert_eq!(now["active_connections"], 4);
    assert_eq!(now["connections_by_org"], json!({"A": 2, "B": 1}));
    // `global`, a user's room in each organization, and `org:` of the two plain ones.
    assert_eq!(now["active_rooms"], 6);
    assert_eq!(now["rooms_by_type"], json!({"org": 2, "dept": 0, "queue": 0, "other": 4}));
    let view = websocket_stats(&server).await;
    assert_eq!(view["connections"], 4);
    assert_eq!(view["rooms"], json!({"global": 4, "org:*": 2, "project:*": 0, "user:*": 4}));

    // Of two namespaces, one remains.
    twice.say("41/ws,").await;
    twice.expect_nothing("/").await;
    assert_eq!(stats(&server).await["connections_by_org"], json!({"A": 2, "B": 1}));

    drop((twice, plain, other, nobody));
    server.until_connections(0).await;
    let mut left = stats(&server).await;
    assert!(left["uptime_seconds"].as_u64().is_some());
    left["uptime_seconds"] = json!(0);
    assert_eq!(left, nothing());
}

#[actix_web::test]
async fn latency_is_from_a_ping_to_its_pong_on_every_transport() {
    let server = TestServer::by_hand(&[]);
    let exp = server.clock.seconds() + 3600;
    let mut plain = Wire::open(server.address(), "/ws").await;
    plain.next_text().await;
    let mut engines = Engine::both(&server, SOCKET_IO).await;
    for engine in &mut engines {
        engine.connect_with("/", json!({"sub": "ann", "exp": exp})).await;
        // Nobody has asked.
        engine.say("3").await;
        engine.expect_nothing("/").await;
    }
    plain.send(&frame(FIN | PONG, b"")).await;
    plain.text(r#"{"type":"debug:rooms"}"#).await;
    plain.next_text().await;
    server.clock.advance(millis(25_000));
    assert_eq!(plain.next().await, Some((PING, Vec::new())));
    for engine in &mut engines {
        engine.expect("2").await;
    }
    assert_eq!(stats(&server).await["max_latency_ms"], 0.0);

    server.clock.advance(millis(15));
    plain.send(&frame(FIN | PONG, b"")).await;
    until_stat(&server, "average_latency_ms", json!(15.0)).await;
    let [mut polling, mut websocket] = engines;
    server.clock.advance(millis(25));
    websocket.say("3").await;
    until_stat(&server, "average_latency_ms", json!(27.5)).await;
    server.clock.advance(millis(60));
    polling.say("3").await;
    let now = stats(&server).await;
    assert_eq!(now["average_latency_ms"], 51.666);
    assert_eq!(now["max_latency_ms"], 100.0);

    // Once each.
    server.clock.advance(millis(500));
    plain.send(&frame(FIN | PONG, b"")).await;
    plain.text(r#"{"type":"debug:rooms"}"#).await;
    plain.next_text().await;
    for engine in [&mut polling, &mut websocket] {
        engine.say("3").await;
        engine.expect_nothing("/").await;
    }
    let now = stats(&server).await;
    assert_eq!((&now["average_latency_ms"], &now["max_latency_ms"]), (&json!(51.666), &json!(100.0)));
}

#[actix_web::test]
async fn a_pong_that_crosses_an_upgrade_is_measured_from_its_ping() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    server.clock.advance(millis(25_000));
    engine.expect("2").await;
    server.clock.advance(millis(300));
    engine.upgrade().await;
    server.clock.advance(millis(40));
    engine.say("3").await;
    until_stat(&server, "max_latency_ms", json!(340.0)).await;
}

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

/// The names that are counted are kept for ever, so they are short.
#[actix_web::test]
async fn names_of_events_do_not_fill_the_memory() {
    let server = TestServer::by_hand(&[]);
    let _socket = server.connect().await;
    for (bytes, status) in [(900_000, 400), (129, 400), (128, 200)] {
        let name = format!("{}:b", "a".repeat(bytes - 2));
        let answer = server.post("/api/ws/broadcast", &json!({"type": name, "data": 1})).await;
        assert_eq!(answer.status, status, "{bytes} bytes: {}", answer.text());
    }
    let by_event = &stats(&server).await["messages_by_event"];
    assert_eq!(by_event, &json!({format!("{}:b", "a".repeat(126)): 1}));
}

/// A poll is a sign of life, as a pong is.
#[actix_web::test]
async fn a_poll_is_a_sign_of_activity() {
    let server = TestServer::by_hand(&[("WORKERS", "1")]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let id = engine.connect("/", "ann").await;
    server.clock.advance(millis(20_000));
    engine.park().await;
    let answer = server.get(&format!("/api/ws/connections/{id}")).await.json();
    assert_eq!(answer["connection"]["last_activity_at"], "2026-01-01T00:00:20.000Z");
}

/// One name, one figure: connections without a namespace are in neither.
#[actix_web::test]
async fn active_connections_are_the_same_on_every_route() {
    let server = TestServer::by_hand(&[]);
    let expect = async |count: usize| {
        let health = server.get("/api/ws/health").await.json();
        let status = server.get("/api/ws/status").await.json();
        let stats = stats(&server).await;
        assert_eq!(
            [&health["active_connections"], &stats["active_connections"], &status["totalClients"]],
            [&json!(count); 3]
        );
    };
    let mut engine = Engine::websocket(&server, SOCKET_IO).await;
    expect(0).await;
    for namespace in ["/", "/ws"] {
        engine.connect(namespace, "ann").await;
        expect(1).await;
    }
    let plain = server.connect().await;
    expect(2).await;
    engine.say("41/ws,").await;
    engine.expect_nothing("/").await;
    expect(2).await;
    drop((plain, engine));
    server.until_connections(0).await;
    until_stat(&server, "active_connections", json!(0)).await;
    expect(0).await;
}
