//! Polls that wait beside the framework share their connection with everything else of the client's.

use std::time::Duration;

use serde_json::json;

use super::{ONE_WORKER, ROOM, SOCKET_IO};
use crate::support::TestServer;
use crate::support::engine::Engine;

async fn member(server: &TestServer) -> Engine {
    let mut engine = Engine::polling(server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    engine.join("/", ROOM).await;
    engine
}

async fn publish(server: &TestServer, data: u64) {
    server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": data})).await;
}

fn packet(data: u64) -> String {
    format!(r#"42["custom:n",{data}]"#)
}

#[actix_web::test]
async fn one_connection_serves_polls_pushes_and_other_requests_in_turns() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    for round in 0..5 {
        engine.park().await;
        publish(&server, round).await;
        engine.expect_parked(&packet(round)).await;
        // On the line of the polls.
        let url = engine.url("polling");
        engine.gets.ask("POST", &url, &[("content-type", "text/plain")], b"3").await;
        assert_eq!(engine.gets.answer().await.text(), "ok");
        engine.gets.ask("GET", "/health", &[], b"").await;
        assert_eq!(engine.gets.answer().await.status, 200);
    }
    // Packets that are there are fetched without a wait, as before.
    publish(&server, 9).await;
    assert_eq!(engine.get().await.text(), packet(9));
}

#[actix_web::test]
async fn an_answer_that_was_waited_for_has_the_same_head_as_one_that_was_not() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    publish(&server, 1).await;
    let at_once = engine.get().await;
    engine.park().await;
    publish(&server, 2).await;
    let waited_for = engine.gets.answer().await;
    let names = |headers: &[(String, String)]| {
        let mut named: Vec<_> =
            headers.iter().filter(|(name, _)| name != "date").map(|(n, v)| format!("{n}: {v}")).collect();
        named.sort();
        named
    };
    assert_eq!(names(&waited_for.headers), names(&at_once.headers));
    assert!(waited_for.header("date").is_some_and(|date| date.ends_with(" GMT")));
    // Small and in one piece, or as large as it may be.
    engine.park().await;
    let text = "x".repeat(300_000);
    server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": text})).await;
    assert!(engine.gets.answer().await.text() == format!(r#"42["custom:n","{text}"]"#));
}

#[actix_web::test]
async fn what_is_sent_behind_a_poll_that_waits_is_answered_behind_it() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    let url = engine.url("polling");
    let poll = format!("GET {url} HTTP/1.1\r\nhost: x\r\n\r\n");
    let health = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    // Together, in pieces that cut a head, with bare line ends, and while it waits.
    let bare = format!("GET {url} HTTP/1.1\nhost: x\n\n");
    let pieces: [&[&str]; 4] = [
        &[&format!("{poll}{health}")],
        &[&format!("{poll}{}", &health[..9]), &health[9..]],
        &[&format!("{bare}{health}")],
        &[&poll, health],
    ];
    for (round, pieces) in (0..).zip(pieces) {
        for piece in pieces {
            engine.gets.send(piece.as_bytes()).await;
            engine.settle().await;
        }
        publish(&server, round).await;
        assert_eq!(engine.gets.answer().await.text(), packet(round), "round {round}");
        let behind = engine.gets.answer().await;
        assert_eq!((behind.status, behind.json()["status"].is_string()), (200, true), "round {round}");
    }
}

#[actix_web::test]
async fn a_poll_behind_a_push_on_its_connection_loses_nothing() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    let url = engine.url("polling");
    let push = format!("POST {url} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n3");
    let poll = format!("GET {url} HTTP/1.1\r\nhost: x\r\n\r\n");
    for (round, bytes) in (0..).zip([format!("{push}{poll}"), format!("{push}{poll}{push}")]) {
        engine.gets.send(bytes.as_bytes()).await;
        assert_eq!(engine.gets.answer().await.text(), "ok");
        engine.settle().await;
        publish(&server, round).await;
        assert_eq!(engine.gets.answer().await.text(), packet(round));
    }
    assert_eq!(engine.gets.answer().await.text(), "ok", "the push behind the poll");
}

#[actix_web::test]
async fn a_client_that_goes_while_its_poll_waits_is_noticed() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    engine.park().await;
    assert_eq!(server.running().connections(), 1);
    engine.gets.hang_up();
    // With the answer on its way nobody knows whether it arrived; nothing else ends a session that polls.
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_poll_whose_head_ends_in_the_next_packet_loses_nothing_behind_it() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    let url = engine.url("polling");
    let health = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let poll = format!("GET {url} HTTP/1.1\r\nhost: x\r\n\r\n");
    let bare = format!("GET {url} HTTP/1.1\nhost: x\n\n");
    // How much of the poll comes together with the request before it.
    let cuts =
        [(&poll, poll.len() - 2), (&poll, poll.len() - 1), (&bare, bare.len() - 1), (&poll, poll.len() - 3)];
    for (round, (poll, cut)) in (0..).zip(cuts) {
        engine.gets.send(format!("{health}{}", &poll[..cut]).as_bytes()).await;
        assert_eq!(engine.gets.answer().await.status, 200, "round {round}");
        engine.settle().await;
        engine.gets.send(format!("{}{health}", &poll[cut..]).as_bytes()).await;
        engine.settle().await;
        publish(&server, round).await;
        assert_eq!(engine.gets.answer().await.text(), packet(round), "round {round}");
        let behind = engine.gets.answer().await;
        assert_eq!((behind.status, behind.json()["status"].is_string()), (200, true), "round {round}");
    }
}

#[actix_web::test]
async fn what_waited_behind_more_than_the_framework_looks_at_is_answered() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    let url = engine.url("polling");
    let health = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let poll = format!("GET {url} HTTP/1.1\r\nhost: x\r\n\r\n");
    engine.gets.send(format!("{poll}{}", health.repeat(16)).as_bytes()).await;
    engine.settle().await;
    engine.gets.send(poll.as_bytes()).await;
    engine.settle().await;
    publish(&server, 1).await;
    assert_eq!(engine.gets.answer().await.text(), packet(1));
    for _ in 0..16 {
        assert_eq!(engine.gets.answer().await.status, 200);
    }
    engine.settle().await;
    engine.gets.send(health.as_bytes()).await;
    engine.settle().await;
    publish(&server, 2).await;
    assert_eq!(engine.gets.answer().await.text(), packet(2));
    let behind = engine.gets.answer().await;
    assert_eq!((behind.status, behind.json()["status"].is_string()), (200, true));
}

#[actix_web::test]
async fn a_client_that_goes_with_a_request_behind_its_poll_is_noticed() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    engine.park().await;
    engine.gets.ask("GET", "/health", &[], b"").await;
    engine.settle().await;
    assert_eq!(server.running().connections(), 1);
    engine.gets.hang_up();
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_connection_that_is_silent_after_a_poll_is_closed_in_time_and_without_a_word() {
    let server = TestServer::by_hand(&[ONE_WORKER[0], ("PING_INTERVAL_MS", "600000")]);
    let mut engine = member(&server).await;
    engine.park().await;
    publish(&server, 1).await;
    engine.expect_parked(&packet(1)).await;
    engine.settle().await;
    server.clock.advance(Duration::from_secs(74));
    engine.settle().await;
    engine.gets.ask("GET", "/health", &[], b"").await;
    assert_eq!(engine.gets.answer().await.status, 200, "not yet");
    engine.park().await;
    publish(&server, 2).await;
    engine.expect_parked(&packet(2)).await;
    engine.settle().await;
    server.clock.advance(Duration::from_secs(76));
    assert!(engine.gets.try_answer().await.is_none());
}

#[actix_web::test]
async fn a_stop_answers_the_polls_that_wait_and_ends_their_connections() {
    let server = TestServer::with(&ONE_WORKER);
    let (mut waiting, mut between) = (member(&server).await, member(&server).await);

    between.park().await;
    waiting.park().await;
    publish(&server, 1).await;
    between.expect_parked(&packet(1)).await;
    waiting.expect_parked(&packet(1)).await;
    // Of that session only the connection is left.
    between.post("1").await;
    waiting.park().await;
    let stopped = server.stop();
    let told = async {
        let maintenance = waiting.gets.answer().await.text();
        // The connection is good for what is left to be said.
        let url = waiting.url("polling");
        waiting.gets.ask("GET", &url, &[], b"").await;
        let goodbye = waiting.gets.answer().await;
        if goodbye.header("connection") != Some("close") {
            assert!(waiting.gets.try_answer().await.is_none());
        }
        assert!(between.gets.try_answer().await.is_none());
        (maintenance, goodbye.status)
    };
    let (_, (maintenance, goodbye)) = tokio::join!(stopped, told);
    assert!(maintenance.contains("system:maintenance"), "{maintenance}");
    assert_eq!(goodbye, 503);
}
