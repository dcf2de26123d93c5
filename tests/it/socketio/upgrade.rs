//! From polling to a WebSocket (`protocol.md`, 1.6 and 1.8).

use std::time::Duration;

use serde_json::json;

use super::{ONE_WORKER, PATHS, ROOM, SOCKET_IO};
use crate::support::TestServer;
use crate::support::engine::{BAD_REQUEST, Engine};
use crate::support::frames::*;
use crate::support::http;
use crate::support::wire::{HANDSHAKE, Wire};

/// A member of [`ROOM`] that polls.
async fn member(server: &TestServer, path: &'static str) -> Engine {
    let mut engine = Engine::polling(server, path).await;
    engine.connect("/", "ann").await;
    engine.join("/", ROOM).await;
    engine
}

async fn publish(server: &TestServer, numbers: std::ops::Range<u32>) {
    for number in numbers {
        server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": number})).await;
    }
}

async fn expect_numbers(engine: &mut Engine, numbers: std::ops::Range<u32>) {
    for number in numbers {
        engine.expect(&format!(r#"42["custom:n",{number}]"#)).await;
    }
}

#[actix_web::test]
async fn a_session_goes_on_by_websocket_on_every_path() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        let mut engine = Engine::polling(&server, path).await;
        let id = engine.connect("/", "ann").await;
        engine.join("/", ROOM).await;
        engine.upgrade().await;
        let own = engine.expect_nothing("/").await;
        assert_eq!((&own["socket_id"], &own["user_id"]), (&json!(id), &json!("ann")), "{own}");
        assert!(own["rooms"].as_array().unwrap().contains(&json!(ROOM)), "{own}");
        publish(&server, 0..3).await;
        expect_numbers(&mut engine, 0..3).await;
    }
}

#[actix_web::test]
async fn an_upgrade_needs_no_probe() {
    // The .NET client sends none.
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server, SOCKET_IO).await;
    engine.park().await;
    let probe = engine.probe().await;
    engine.swap_to(probe).await;
    engine.expect_parked("6").await;
    publish(&server, 0..3).await;
    expect_numbers(&mut engine, 0..3).await;
}

#[actix_web::test]
async fn what_waited_comes_first_and_in_order() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server, SOCKET_IO).await;
    publish(&server, 0..10).await;
    let mut probe = engine.probe().await;
    publish(&server, 10..20).await;
    probe.text("2probe").await;
    // Nothing else may come before the swap: python's client reads one frame.
    assert_eq!(probe.next_text().await, "3probe");
    publish(&server, 20..30).await;
    // Polls are served meanwhile, sixteen packets at a time.
    for number in 0..16 {
        engine.expect(&format!(r#"42["custom:n",{number}]"#)).await;
    }
    engine.swap_to(probe).await;
    publish(&server, 30..40).await;
    expect_numbers(&mut engine, 16..40).await;
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn more_than_a_kernel_takes_at_once_comes_whole() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server, SOCKET_IO).await;
    let data = "x".repeat(300_000);
    for number in 0..10 {
        let data = json!([number, data]);
        server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": data})).await;
    }
    engine.upgrade().await;
    publish(&server, 10..11).await;
    for number in 0..10 {
        assert_eq!(engine.next_event("/", "custom:n").await, json!([number, data]));
    }
    expect_numbers(&mut engine, 10..11).await;
}

#[actix_web::test]
async fn everything_may_come_in_one_piece() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server, SOCKET_IO).await;
    let frames = ["2probe", "5", r#"427["ping"]"#].map(|text| frame(FIN | TEXT, text.as_bytes()));
    let request = http::head(server.address(), "GET", &engine.url("websocket"), &HANDSHAKE, 0);
    let mut wire = Wire::over(tokio::net::TcpStream::connect(server.address()).await.unwrap());
    wire.send(&[request, frames.concat()].concat()).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::io::AsyncReadExt::read_u8(&mut wire.stream).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    assert_eq!(wire.next_text().await, "3probe");
    engine.wire = Some(wire);
    engine.next_event("/", "pong").await;
    engine.next_ack("/", 7).await;
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn a_poll_is_released_soon_after_the_probe_was_answered_and_not_before() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server, SOCKET_IO).await;
    // Before it is asked, a probe changes nothing, however long it takes.
    let mut probe = engine.probe().await;
    engine.park().await;
    server.clock.advance(Duration::from_secs(5));
    publish(&server, 0..1).await;
    engine.expect_parked(r#"42["custom:n",0]"#).await;

    engine.park().await;
    probe.text("2probe").await;
    assert_eq!(probe.next_text().await, "3probe");
    server.clock.advance(Duration::from_millis(9));
    publish(&server, 1..2).await;
    engine.expect_parked(r#"42["custom:n",1]"#).await;

    drop(probe);
    let probe = engine.answered_probe_at_last().await;
    engine.park().await;
    server.clock.advance(Duration::from_millis(100));
    engine.expect_parked("6").await;
    engine.swap_to(probe).await;
    // No noop has found its way into the queue.
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn a_poll_that_waits_when_the_probe_is_answered_is_released_ten_milliseconds_later() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server, SOCKET_IO).await;
    engine.park().await;
    let probe = engine.answered_probe().await;
    server.clock.advance(Duration::from_millis(10));
    engine.expect_parked("6").await;
    // Each one after it is held for longer, or a client that has not seen `3probe` would spin.
    for number in 0..3 {
        engine.park().await;
        server.clock.advance(Duration::from_millis(99));
        publish(&server, number..number + 1).await;
        engine.expect_parked(&format!(r#"42["custom:n",{number}]"#)).await;
        engine.park().await;
        server.clock.advance(Duration::from_millis(100));
        engine.expect_parked("6").await;
    }
    engine.swap_to(probe).await;
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn after_the_swap_polls_and_pushes_are_bad_requests() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server, SOCKET_IO).await;
    engine.upgrade().await;
    engine.expect_nothing("/").await;
    for _ in 0..3 {
        let answer = engine.get().await;
        assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST));
        let answer = engine.post(r#"42["ping"]"#).await;
        assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST));
    }
    // A session that began on a WebSocket never had any other.
    let mut direct = Engine::websocket(&server, SOCKET_IO).await;
    let answer = direct.get().await;
    assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST));
    engine.expect_nothing("/").await;
    direct.connect("/", "bob").await;
}

#[actix_web::test]
async fn a_push_that_came_before_the_swap_is_heard_to_its_end() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "1000000"), ("WORKERS", "1")]);
    let mut engine = member(&server, SOCKET_IO).await;
    let probe = engine.answered_probe().await;
    let packets: Vec<_> = (0..500).map(|id| format!(r#"42{id}["debug:rooms"]"#)).collect();
    let url = engine.url("polling");
    engine.posts.ask("POST", &url, &[], packets.join("\x1e").as_bytes()).await;
    // It is being heard.
    engine.next_ack("/", 0).await;
    engine.swap_to(probe).await;
    for id in 1..500 {
        engine.next_ack("/", id).await;
    }
    assert_eq!(engine.posts.answer().await.text(), "ok");
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn a_second_websocket_is_turned_away_and_the_first_left_alone() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server, SOCKET_IO).await;
    let mut first = engine.probe().await;
    assert_eq!(engine.probe().await.close_code().await, 1005);
    first.text("2probe").await;
    assert_eq!(first.next_text().await, "3probe");
    let mut second = engine.probe().await;
    second.text("2probe").await;
    second.text("5").await;
    assert_eq!(second.close_code().await, 1005);
    engine.swap_to(first).await;
    engine.expect_nothing("/").await;
    for _ in 0..3 {
        let mut late = engine.probe().await;
        late.text("5").await;
        assert_eq!(late.close_code().await, 1005);
        engine.expect_nothing("/").await;
    }
    let direct = Engine::websocket(&server, SOCKET_IO).await;
    assert_eq!(direct.probe().await.close_code().await, 1005);
}

#[actix_web::test]
async fn nothing_but_its_own_answer_is_written_to_a_probe() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server, SOCKET_IO).await;
    let mut probe = engine.probe().await;
    publish(&server, 0..3).await;
    probe.send(&frame(FIN | PING, b"there?")).await;
    for _ in 0..3 {
        // A client may ask again.
        probe.text("2probe").await;
        assert_eq!(probe.next_text().await, "3probe");
    }
    engine.swap_to(probe).await;
    expect_numbers(&mut engine, 0..3).await;
    let wire = engine.wire.as_mut().unwrap();
    wire.send(&frame(FIN | PING, b"there?")).await;
    assert_eq!(wire.next().await, Some((PONG, b"there?".to_vec())));
}

#[actix_web::test]
async fn many_upgrades_on_two_workers_lose_nothing() {
    // Each session's polls and WebSocket come on connections of their own, so that many cross from
    // one worker to the other.
    let server = TestServer::by_hand(&[("WORKERS", "2")]);
    let mut engines = Vec::new();
    for _ in 0..40 {
        engines.push(member(&server, SOCKET_IO).await);
    }
    publish(&server, 0..5).await;
    for engine in &mut engines {
        expect_numbers(engine, 0..2).await;
        engine.upgrade().await;
    }
    publish(&server, 5..10).await;
    for engine in &mut engines {
        expect_numbers(engine, 2..10).await;
        engine.expect_nothing("/").await;
    }
}
