//! Pings of connections that are never silent (`protocol.md`, 0.8 and 1.7): a JavaScript client gives
//! a server up that sends it everything but pings.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{ONE_WORKER, ROOM, SOCKET_IO};
use crate::support::engine::{Engine, Line};
use crate::support::frames::{FIN, TEXT, frame, split_frame};
use crate::support::{PATIENCE, TestServer};

const INTERVAL: Duration = Duration::from_secs(25);

/// Publishes numbers to everybody in the room, on a connection of its own.
struct Publisher {
    line: Line,
    next: u64,
}

impl Publisher {
    fn of(server: &TestServer) -> Publisher {
        Publisher { line: Line::to(server.address()), next: 0 }
    }

    async fn publish(&mut self, count: u64) {
        for number in self.next..self.next + count {
            let body = json!({"type": "custom:n", "room": ROOM, "data": number}).to_string();
            let headers = [("content-type", "application/json")];
            self.line.ask("POST", "/api/ws/broadcast", &headers, body.as_bytes()).await;
            assert_eq!(self.line.answer().await.status, 200);
        }
        self.next += count;
    }
}

async fn members(server: &TestServer) -> [Engine; 2] {
    let mut engines = Engine::both(server, SOCKET_IO).await;
    for engine in &mut engines {
        engine.connect("/", "ann").await;
        engine.join("/", ROOM).await;
    }
    engines
}

async fn expect_numbers(engine: &mut Engine, numbers: std::ops::Range<u64>) {
    for number in numbers {
        engine.expect(&format!(r#"42["custom:n",{number}]"#)).await;
    }
}

#[actix_web::test]
async fn a_ping_stands_among_thousands_of_broadcasts_where_its_time_came() {
    const HALF: u64 = 500;
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engines = members(&server).await;
    let mut publisher = Publisher::of(&server);
    for cycle in 0..3 {
        let from = publisher.next;
        publisher.publish(HALF).await;
        server.clock.advance(INTERVAL);
        engines[0].settle().await;
        publisher.publish(HALF).await;
        for engine in &mut engines {
            expect_numbers(engine, from..from + HALF).await;
            engine.expect("2").await;
            // Others have its answer before they are read: nobody's clock depends on another's.
            engine.say("3").await;
            expect_numbers(engine, from + HALF..from + 2 * HALF).await;
            assert_eq!(engine.expect_nothing("/").await["success"], true, "in cycle {cycle}");
        }
    }
}

#[actix_web::test]
async fn every_interval_has_its_ping_while_broadcasts_never_pause() {
    const CYCLES: u64 = 20;
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engines = members(&server).await;
    let mut publisher = Publisher::of(&server);
    for _ in 0..CYCLES {
        // Never a second without broadcasts, and no ping before the interval is over.
        for _ in 0..24 {
            let from = publisher.next;
            publisher.publish(2).await;
            server.clock.advance(Duration::from_secs(1));
            for engine in &mut engines {
                expect_numbers(engine, from..from + 2).await;
            }
        }
        let from = publisher.next;
        server.clock.advance(Duration::from_secs(1));
        engines[0].settle().await;
        publisher.publish(2).await;
        for engine in &mut engines {
            engine.expect("2").await;
            engine.say("3").await;
            expect_numbers(engine, from..from + 2).await;
        }
    }
}

/// The answer to a question nobody asked: heard, not answered, and as often as one likes.
const CHATTER: &str = r#"43999[{"success":true}]"#;

#[actix_web::test]
async fn a_websocket_that_never_stops_talking_gets_its_ping() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let [_, mut engine] = members(&server).await;
    let mut wire = engine.wire.take().expect("a WebSocket");
    let words = frame(FIN | TEXT, CHATTER.as_bytes()).repeat(500);
    let (mut reads, mut writes) = wire.stream.split();
    let talk = async {
        for round in 0_u64.. {
            writes.write_all(&words).await.expect("the connection stays");
            if round == 20 {
                server.clock.advance(INTERVAL);
            }
        }
    };
    let arrived = &mut wire.arrived;
    let ping = async {
        loop {
            while let Some((_, payload, rest)) = split_frame(arrived) {
                if payload == b"2" {
                    return;
                }
                *arrived = rest.to_vec();
            }
            assert!(matches!(reads.read_buf(arrived).await, Ok(1..)), "the connection stays");
        }
    };
    tokio::select! {
        () = talk => unreachable!("it never stops"),
        pinged = timeout(PATIENCE, ping) => pinged.expect("a ping, whatever else there is to read"),
    }
}

#[actix_web::test]
async fn a_poll_that_waits_gets_its_ping_while_its_client_never_stops_pushing() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let [mut engine, _other] = members(&server).await;
    let words = [CHATTER; 200].join("\x1e");
    for cycle in 0..3 {
        engine.park().await;
        for _ in 0..5 {
            engine.push(&words).await;
        }
        server.clock.advance(INTERVAL);
        for _ in 0..5 {
            engine.push(&words).await;
        }
        let answer = timeout(PATIENCE, engine.gets.answer()).await.expect("the poll is answered");
        assert_eq!((answer.status, &*answer.text()), (200, "2"), "in cycle {cycle}");
        engine.push("3").await;
    }
}
