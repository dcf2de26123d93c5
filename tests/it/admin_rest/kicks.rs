//! `DELETE /api/ws/connections/{socketId}` (contract D-10, D-28, X-30, scenario S-61).

use std::time::Duration;

use serde_json::json;

use super::JSON;
use crate::support::engine::Engine;
use crate::support::http::{self, Answer};
use crate::support::socket::Socket;
use crate::support::{TestServer, token, until};

const SOCKET_IO: &str = "/socket.io/";

async fn kick(server: &TestServer, id: &str) -> Answer {
    kick_with(server, id, &[]).await
}

async fn kick_with(server: &TestServer, id: &str, headers: &[(&str, &str)]) -> Answer {
    http::request(server.address(), "DELETE", &format!("/api/ws/connections/{id}"), headers, b"").await
}

#[track_caller]
fn assert_kicked(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, json!({"success": true})), "{}", answer.text());
}

/// How many sockets a broadcast to this one alone reaches.
async fn reached(server: &TestServer, id: &str, data: u64) -> u64 {
    let body = json!({"type": "custom:n", "data": data, "target": {"socket_ids": [id]}});
    server.broadcast(body).await["recipients_count"].as_u64().unwrap()
}

#[actix_web::test]
async fn a_plain_client_is_closed_with_4403_and_is_gone_when_that_is_answered() {
    let server = TestServer::by_hand(&[]);
    let mut socket = server.connect().await;
    assert_eq!(reached(&server, &socket.id, 1).await, 1);
    assert_kicked(&kick(&server, &socket.id).await);
    assert_eq!(reached(&server, &socket.id, 2).await, 0);
    kick(&server, &socket.id).await.assert_error(404, "NOT_FOUND");
    assert_eq!(server.get("/api/ws/status").await.json()["totalClients"], 0);

    assert_eq!(socket.next("custom:n").await["data"], 1);
    assert_eq!(socket.next_close().await, 4403);
    // The library answers the close when it is read on.
    assert!(socket.next_message().await.is_none());
    server.until_connections(0).await;
}

#[actix_web::test]
async fn one_namespace_is_ended_and_may_be_connected_again() {
    let server = TestServer::by_hand(&[]);
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        let root = engine.connect("/", "ann").await;
        let ws = engine.connect("/ws", "ann").await;
        assert_eq!((reached(&server, &root, 1).await, reached(&server, &ws, 1).await), (1, 1));
        assert_kicked(&kick(&server, &root).await);
        assert_eq!((reached(&server, &root, 2).await, reached(&server, &ws, 2).await), (0, 1));

        assert_eq!(engine.next_event("/", "custom:n").await, 1);
        assert_eq!(engine.next_event("/ws", "custom:n").await, 1);
        // Each socket has its own in order; between two of them there is none to keep.
        let mut last = [engine.hear().await, engine.hear().await];
        last.sort();
        assert_eq!(last, ["41", r#"42/ws,["custom:n",2]"#]);
        let again = engine.connect("/", "ann").await;
        assert_ne!(again, root);
        assert_eq!(reached(&server, &again, 3).await, 1);
        assert_eq!(engine.next_event("/", "custom:n").await, 3);
    }
}

#[actix_web::test]
async fn with_the_last_namespace_the_engine_is_closed_and_the_client_may_come_again() {
    let server = TestServer::by_hand(&[]);
    let [mut polling, mut websocket] = Engine::both(&server, SOCKET_IO).await;
    for engine in [&mut polling, &mut websocket] {
        let ids = [engine.connect("/", "ann").await, engine.connect("/events", "ann").await];
        for id in &ids {
            assert_kicked(&kick(&server, id).await);
        }
        engine.expect("41").await;
        engine.expect("41/events,").await;
    }
    polling.expect_poll("1").await;
    polling.expect_closed().await;
    assert_eq!(websocket.wire.take().unwrap().close_code().await, 4403);
    server.until_connections(0).await;
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        engine.connect("/", "ann").await;
    }
}

/// A poll that waits is answered with the goodbye, and the next is told that the session is over.
#[actix_web::test]
async fn a_parked_poll_brings_the_goodbye() {
    let server = TestServer::by_hand(&[("WORKERS", "1")]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let id = engine.connect("/", "ann").await;
    engine.park().await;
    assert_kicked(&kick(&server, &id).await);
    engine.expect_parked("41").await;
    engine.expect_poll("1").await;
    engine.expect_closed().await;
}

/// Order is a promise: the kick is one more thing in the order of publications.
#[actix_web::test]
async fn what_was_counted_before_the_kick_is_read_before_the_goodbye_and_nothing_more() {
    let server = TestServer::by_hand(&[]);
    for round in 0..20 {
        let mut plain = server.connect().await;
        let mut engine = Engine::websocket(&server, SOCKET_IO).await;
        let ids = [plain.id.clone(), engine.connect("/", "ann").await];
        // It stays, so that the other does not take the connection along.
        engine.connect("/ws", "ann").await;
        let publish = async {
            let mut counted = [0; 2];
            for data in 0..20 {
                for (id, count) in ids.iter().zip(&mut counted) {
                    let reached = reached(&server, id, data).await;
                    assert!(reached == 0 || *count == data, "none comes after one that was missed");
                    *count += reached;
                }
            }
            counted
        };
        let kick = async {
            for _ in 0..round {
                server.get("/health").await;
            }
            for id in &ids {
                assert_kicked(&kick(&server, id).await);
            }
        };
        let ([of_plain, of_engine], ()) = tokio::join!(publish, kick);
        for data in 0..of_plain {
            assert_eq!(plain.next("custom:n").await["data"], data);
        }
        assert_eq!(plain.next_close().await, 4403);
        for data in 0..of_engine {
            assert_eq!(engine.next_event("/", "custom:n").await, data);
        }
        engine.expect("41").await;
        engine.expect_nothing("/ws").await;
    }
}

#[actix_web::test]
async fn a_client_that_reads_nothing_holds_nobody_up_and_is_soon_gone() {
    let server = TestServer::by_hand(&[]);
    let mute = server.connect().await;
    let filler = "x".repeat(900_000);
    for _ in 0..3 {
        let body = json!({"type": "custom:n", "data": filler, "target": {"socket_ids": [mute.id]}});
        assert_eq!(server.broadcast(body).await["recipients_count"], 1);
    }
    assert_kicked(&kick(&server, &mute.id).await);
    assert_eq!(reached(&server, &mute.id, 1).await, 0);
    until(|| {
        server.clock.advance(Duration::from_secs(1));
        server.running().connections() == 0
    })
    .await;
}

#[actix_web::test]
async fn what_a_kicked_socket_had_is_free_at_once() {
    let server = TestServer::by_hand(&[("MAX_CONNECTIONS_PER_ORG", "1"), ("ROOM_MAX_SIZE", "1")]);
    let claims = json!({"sub": "ann", "org": "o"});
    for _ in 0..10 {
        let mut socket = server.sign_in(claims.clone()).await;
        socket.join("blueprint-1").await;
        assert_kicked(&kick(&server, &socket.id).await);
    }
    assert_eq!(server.get("/api/ws/rooms").await.json()["total_count"], 0);
}

#[actix_web::test]
async fn an_id_that_nobody_has_is_404() {
    let server = TestServer::by_hand(&[]);
    let mut socket = server.connect().await;
    let long = "x".repeat(129);
    for id in ["nobody", "%20", "..", "a%2Fb", "%ff", &long, "%00", &socket.id.to_uppercase()] {
        kick(&server, id).await.assert_error(404, "NOT_FOUND");
    }
    kick(&server, &format!("{}/x", socket.id)).await.assert_error(404, "NOT_FOUND");
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn only_an_admin_may_kick() {
    let server = TestServer::with(&[("ADMIN_API_KEY", "a-key")]);
    let mut socket = server.sign_in(json!({"sub": "ann"})).await;
    let id = socket.id.clone();
    let bearer = |claims| format!("Bearer {}", token::sign(claims));
    let (user, admin) = (bearer(json!({"sub": "ann"})), bearer(json!({"sub": "root", "role": "admin"})));
    let key = ("x-admin-key", "a-key");
    let refused: [(&[(&str, &str)], u16); 4] = [
        (&[], 401),
        (&[("x-admin-key", "guess")], 401),
        (&[("authorization", &user)], 403),
        (&[key, JSON, ("origin", "https://evil.example")], 403),
    ];
    for (headers, status) in refused {
        kick_with(&server, &id, headers).await.assert_error(status, "UNAUTHORIZED");
        // Nobody learns whether there is such a socket either.
        kick_with(&server, "nobody", headers).await.assert_error(status, "UNAUTHORIZED");
    }
    socket.expect_nothing().await;
    assert_kicked(&kick_with(&server, &id, &[("authorization", &admin)]).await);
    assert_eq!(socket.next_close().await, 4403);
    let other: Socket = server.connect().await;
    assert_kicked(&kick_with(&server, &other.id, &[key]).await);
}
