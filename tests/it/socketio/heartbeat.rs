//! Pings, pongs, and the end of who does not answer (`protocol.md`, 1.7), on a clock that moves by
//! hand: a ping every 25 seconds, and 60 for its answer.

use std::time::Duration;

use serde_json::json;

use super::{ONE_WORKER, PATHS, SOCKET_IO};
use crate::support::TestServer;
use crate::support::engine::{Engine, UNKNOWN};
use crate::support::frames::{FIN, PING, PONG, frame};
use crate::support::wire::Wire;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// A session that polls and one on a WebSocket, both connected.
async fn both(server: &TestServer, path: &'static str) -> [Engine; 2] {
    let mut engines = Engine::both(server, path).await;
    for engine in &mut engines {
        engine.connect("/", "ann").await;
    }
    engines
}

#[actix_web::test]
async fn pings_come_an_interval_after_the_handshake_and_after_every_pong() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        let mut engines = both(&server, path).await;
        server.clock.advance(seconds(25) - MILLISECOND);
        for engine in &mut engines {
            engine.expect_nothing("/").await;
        }
        server.clock.advance(MILLISECOND);
        for engine in &mut engines {
            engine.expect("2").await;
        }
        // The period is the interval and the time the answer took.
        server.clock.advance(seconds(7));
        for engine in &mut engines {
            engine.say("3").await;
            engine.expect_nothing("/").await;
        }
        server.clock.advance(seconds(25) - MILLISECOND);
        for engine in &mut engines {
            engine.expect_nothing("/").await;
        }
        server.clock.advance(MILLISECOND);
        for engine in &mut engines {
            engine.expect("2").await;
            engine.say("3").await;
            engine.expect_nothing("/").await;
        }
    }
}

#[actix_web::test]
async fn a_parked_poll_is_answered_with_the_ping() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    for _ in 0..5 {
        engine.park().await;
        server.clock.advance(seconds(25));
        engine.expect_parked("2").await;
        engine.push("3").await;
    }
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn there_is_one_ping_until_it_is_answered() {
    let server = TestServer::by_hand(&[]);
    let mut engines = both(&server, SOCKET_IO).await;
    server.clock.advance(seconds(80));
    for engine in &mut engines {
        engine.expect("2").await;
        engine.expect_nothing("/").await;
        engine.say("3").await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn the_timeout_runs_from_when_the_ping_was_queued_not_from_when_it_was_fetched() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    server.clock.advance(seconds(84));
    engine.expect("2").await;
    engine.expect_nothing("/").await;
    server.clock.advance(seconds(1));
    engine.expect_closed().await;
    server.until_connections(0).await;
}

#[actix_web::test]
async fn whoever_comes_exactly_at_the_end_is_too_late() {
    // The public suite polls 500 ms after the handshake and wants the refusal by then.
    let server = TestServer::by_hand(&[("PING_INTERVAL_MS", "300"), ("PING_TIMEOUT_MS", "200")]);
    for _ in 0..20 {
        let [mut polled, mut pushed, probed] = [
            Engine::polling(&server, SOCKET_IO).await,
            Engine::polling(&server, SOCKET_IO).await,
            Engine::polling(&server, SOCKET_IO).await,
        ];
        server.clock.advance(Duration::from_millis(500));
        let answer = polled.get().await;
        assert_eq!((answer.status, &*answer.text()), (400, UNKNOWN));
        let answer = pushed.post("3").await;
        assert_eq!((answer.status, &*answer.text()), (400, UNKNOWN));
        let upgrade = Wire::try_open(server.address(), &probed.url("websocket"), &[]).await;
        assert_eq!(upgrade.err().expect("a refusal").text(), "Session ID unknown");
    }
    server.until_connections(0).await;
}

#[actix_web::test]
async fn whoever_comes_just_before_the_end_is_in_time() {
    let server = TestServer::by_hand(&[("PING_INTERVAL_MS", "300"), ("PING_TIMEOUT_MS", "200")]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    for _ in 0..20 {
        server.clock.advance(Duration::from_millis(499));
        engine.expect_poll("2").await;
        engine.push("3").await;
    }
    engine.connect("/", "ann").await;
}

#[actix_web::test]
async fn a_poll_that_waits_at_the_end_is_told() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    server.clock.advance(seconds(25));
    engine.expect_poll("2").await;
    engine.park().await;
    server.clock.advance(seconds(60));
    engine.expect_parked("1").await;
    engine.expect_closed().await;
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_websocket_that_answers_no_ping_is_closed() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::websocket(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    server.clock.advance(seconds(25));
    engine.expect("2").await;
    server.clock.advance(seconds(60) - MILLISECOND);
    engine.expect_nothing("/").await;
    server.clock.advance(MILLISECOND);
    assert_eq!(engine.wire.as_mut().unwrap().close_code().await, 1001);
    server.until_connections(0).await;
}

#[actix_web::test]
async fn nothing_but_a_pong_is_an_answer() {
    let server = TestServer::by_hand(&[]);
    let mut engines = both(&server, SOCKET_IO).await;
    server.clock.advance(seconds(25));
    for engine in &mut engines {
        engine.expect("2").await;
    }
    for _ in 0..5 {
        server.clock.advance(seconds(11));
        for engine in &mut engines {
            for packet in ["0", "5", "6", r#"42["heartbeat"]"#, r#"42["client:ping"]"#] {
                engine.say(packet).await;
            }
            engine.next_event("/", "heartbeat").await;
            engine.next_event("/", "client:pong").await;
        }
        // Nor are the WebSocket's own.
        let wire = engines[1].wire.as_mut().unwrap();
        wire.send(&frame(FIN | PING, b"alive")).await;
        assert_eq!(wire.next().await, Some((PONG, b"alive".to_vec())));
        wire.send(&frame(FIN | PONG, b"alive")).await;
    }
    server.clock.advance(seconds(5));
    for engine in &mut engines {
        engine.expect_closed().await;
    }
}

#[actix_web::test]
async fn pings_come_on_time_however_busy_the_connection_is() {
    // A JavaScript client's own watch is reset by nothing else.
    let server = TestServer::by_hand(&[]);
    let mut engines = both(&server, SOCKET_IO).await;
    for second in 1..=50 {
        server.clock.advance(seconds(1));
        for engine in &mut engines {
            if second % 25 == 0 {
                engine.expect("2").await;
                engine.say("3").await;
            }
            engine.ask("/", "client:ping", json!({})).await;
        }
    }
}

#[actix_web::test]
async fn a_pong_nobody_asked_for_starts_the_interval_anew() {
    let server = TestServer::by_hand(&[]);
    let mut engines = both(&server, SOCKET_IO).await;
    for _ in 0..5 {
        server.clock.advance(seconds(24));
        for engine in &mut engines {
            engine.say("3").await;
            engine.expect_nothing("/").await;
        }
    }
    server.clock.advance(seconds(25));
    for engine in &mut engines {
        engine.expect("2").await;
    }
}

#[actix_web::test]
async fn a_ping_from_a_client_closes_its_websocket() {
    let server = TestServer::by_hand(&[]);
    for packet in ["2", "2probe", "2x"] {
        let mut engine = Engine::websocket(&server, SOCKET_IO).await;
        engine.say(packet).await;
        assert_eq!(engine.wire.as_mut().unwrap().close_code().await, 1002);
    }
    server.until_connections(0).await;
}

#[actix_web::test]
async fn the_interval_runs_on_through_an_upgrade() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    server.clock.advance(seconds(20));
    engine.upgrade().await;
    engine.expect_nothing("/").await;
    server.clock.advance(seconds(5));
    engine.expect("2").await;
}

#[actix_web::test]
async fn an_unanswered_ping_gets_its_whole_time_again_after_an_upgrade() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    server.clock.advance(seconds(25));
    engine.expect("2").await;
    server.clock.advance(seconds(50));
    engine.upgrade().await;
    engine.expect_nothing("/").await;
    server.clock.advance(seconds(60) - MILLISECOND);
    engine.expect_nothing("/").await;
    server.clock.advance(MILLISECOND);
    engine.expect_closed().await;
}

#[actix_web::test]
async fn the_heartbeat_does_not_stop_for_an_upgrade_that_is_never_finished() {
    // It did elsewhere, and sessions stayed for ever.
    let settings = [("UPGRADE_TIMEOUT_MS", "3600000"), ("WORKERS", "1")];
    let server = TestServer::by_hand(&settings);
    for is_asked in [false, true] {
        let mut engine = Engine::polling(&server, SOCKET_IO).await;
        let mut probe = engine.probe().await;
        if is_asked {
            probe.text("2probe").await;
            assert_eq!(probe.next_text().await, "3probe");
        }
        server.clock.advance(seconds(25));
        engine.expect_poll("2").await;
        server.clock.advance(seconds(60));
        assert_eq!(probe.close_code().await, 1005);
        engine.expect_closed().await;
        server.until_connections(0).await;
    }
}
