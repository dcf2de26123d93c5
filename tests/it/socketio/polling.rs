//! What a GET is answered, and when (`protocol.md`, 1.5 and 1.9).

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{ONE_WORKER, ROOM, SOCKET_IO, update};
use crate::support::engine::{BAD_REQUEST, Engine, Line, UNKNOWN, base64};
use crate::support::http::Answer;
use crate::support::{TestServer, until};

/// A member of [`ROOM`] that polls.
async fn member(server: &TestServer) -> Engine {
    let mut engine = Engine::polling(server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    engine.join("/", ROOM).await;
    engine
}

async fn publish(server: &TestServer, data: Value) {
    server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": data})).await;
}

fn packets(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().split('\x1e').map(str::to_owned).collect()
}

#[actix_web::test]
async fn a_poll_brings_at_most_sixteen_packets_in_order() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    for number in 0..40 {
        publish(&server, json!(number)).await;
    }
    let mut next = 0;
    for expected in [16, 16, 8] {
        let answer = engine.get().await;
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let packets = packets(&answer);
        assert_eq!(packets.len(), expected);
        for packet in packets {
            assert_eq!(packet, format!(r#"42["custom:n",{next}]"#));
            next += 1;
        }
    }
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn attachments_count_and_never_part_from_their_packet() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    let mut bob = Engine::websocket(&server, SOCKET_IO).await;
    bob.connect("/", "bob").await;
    bob.join("/", ROOM).await;
    for _ in 0..2 {
        let places: Vec<Value> = (0..10).map(|num| json!({"_placeholder": true, "num": num})).collect();
        let head = format!("4510-7{}", json!(["blueprint_update", update(ROOM, json!(places))]));
        bob.say(&head).await;
        for number in 0..10 {
            bob.wire.as_mut().unwrap().binary(&[number; 4]).await;
        }
        assert_eq!(bob.next_ack("/", 7).await["success"], true);
    }
    for _ in 0..2 {
        let packets = packets(&engine.get().await);
        assert!(packets[0].starts_with(r#"4510-["blueprint_update",{"roomId":"#), "{}", packets[0]);
        let expected: Vec<String> = (0..10).map(|number| format!("b{}", base64(&[number; 4]))).collect();
        assert_eq!(packets[1..], expected);
    }
}

#[actix_web::test]
async fn a_poll_brings_no_more_bytes_than_were_announced_but_for_a_single_packet() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    let data = "x".repeat(400_000);
    for _ in 0..3 {
        publish(&server, json!(data)).await;
    }
    publish(&server, json!("y".repeat(1_040_000))).await;
    publish(&server, json!(1)).await;
    let mut sizes = Vec::new();
    for expected in [2, 1, 1, 1] {
        let answer = engine.get().await;
        assert_eq!(packets(&answer).len(), expected);
        sizes.push(answer.body.len());
    }
    assert!(sizes[0] < 1_000_000 && sizes[2] > 1_000_000, "{sizes:?}");
}

#[actix_web::test]
async fn a_parked_poll_is_answered_by_the_first_event() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    for number in 0..20 {
        engine.park().await;
        publish(&server, json!(number)).await;
        engine.expect_parked(&format!(r#"42["custom:n",{number}]"#)).await;
    }
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn a_second_poll_ends_the_session_and_the_first_is_told() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    engine.park().await;

    let mut second = Line::to(server.address());
    second.ask("GET", &engine.url("polling"), &[], b"").await;

    let refused = second.answer().await;
    assert_eq!((refused.status, &*refused.text()), (400, BAD_REQUEST));
    engine.expect_parked("1").await;
    engine.expect_closed().await;
    assert_eq!(engine.post("3").await.text(), UNKNOWN);
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_poll_that_is_given_up_ends_the_session_at_once() {
    // Time stands still: no deadline can have ended it.
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut watcher = server.connect().await;
    let mut engine = member(&server).await;
    engine.park().await;

    engine.gets.hang_up();

    server.until_connections(1).await;
    engine.expect_closed().await;
    assert_eq!(engine.post("3").await.text(), UNKNOWN);
    let rooms = server.get("/api/ws/rooms").await.json();
    assert_eq!(rooms["total_count"], 0, "{rooms}");
    watcher.expect_nothing().await;
}

#[actix_web::test]
async fn nothing_is_told_twice_when_polls_and_events_race() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    let publisher = async {
        for number in 0..300 {
            publish(&server, json!(number)).await;
        }
    };
    let reader = async {
        for number in 0..300 {
            engine.expect(&format!(r#"42["custom:n",{number}]"#)).await;
        }
    };
    tokio::join!(publisher, reader);
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn bytes_of_an_answer_are_those_of_utf_8() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    let text = "\u{1d11e} \u{e9}\u{2028}\u{1e}\u{0}";
    publish(&server, json!(text)).await;
    let answer = engine.get().await;
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    let packets = packets(&answer);
    assert_eq!(packets.len(), 1, "a separator in a message is escaped: {packets:?}");
    assert_eq!(packets[0], format!(r#"42["custom:n",{}]"#, json!(text)));
}

/// Polls with these `Accept-Encoding`s, after an event of `size` bytes.
async fn polled(engine: &mut Engine, server: &TestServer, size: usize, accepted: Option<&str>) -> Answer {
    publish(server, json!("x".repeat(size))).await;
    let headers: Vec<_> = accepted.iter().map(|accepted| ("accept-encoding", *accepted)).collect();
    let url = engine.url("polling");
    engine.gets.ask("GET", &url, &headers, b"").await;
    engine.gets.answer().await
}

#[actix_web::test]
async fn long_answers_are_compressed_for_whom_takes_gzip() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    let around = r#"42["custom:n",""]"#.len();
    for accepted in ["gzip", "deflate, gzip;q=0.5", "br, gzip, deflate"] {
        for size in [1024 - around, 200_000] {
            let answer = polled(&mut engine, &server, size, Some(accepted)).await;
            assert_eq!(answer.header("content-encoding"), Some("gzip"), "{accepted}");
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
            assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
            assert!(answer.body.len() < size / 2);
            let mut text = String::new();
            GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
            assert_eq!(text, format!(r#"42["custom:n","{}"]"#, "x".repeat(size)));
        }
        let short = polled(&mut engine, &server, 1023 - around, Some(accepted)).await;
        assert_eq!(short.header("content-encoding"), None, "{accepted}");
        assert_eq!(short.body.len(), 1023);
    }
}

#[actix_web::test]
async fn answers_are_not_compressed_for_anybody_else() {
    let server = TestServer::by_hand(&[]);
    let mut engine = member(&server).await;
    for accepted in [None, Some(""), Some("identity"), Some("br"), Some("gzip;q=0"), Some("x-garbage;;q=")] {
        let answer = polled(&mut engine, &server, 5000, accepted).await;
        assert_eq!(answer.header("content-encoding"), None, "{accepted:?}");
        assert!(answer.text().starts_with(r#"42["custom:n","xxx"#), "{accepted:?}");
    }
}

#[actix_web::test]
async fn compression_may_be_switched_off_or_begin_later() {
    for settings in [("COMPRESSION_ENABLED", "false"), ("COMPRESSION_THRESHOLD_BYTES", "5000")] {
        let server = TestServer::by_hand(&[settings]);
        let mut engine = member(&server).await;
        let answer = polled(&mut engine, &server, 4000, Some("gzip")).await;
        assert_eq!(answer.header("content-encoding"), None, "{settings:?}");
    }
}

#[actix_web::test]
async fn a_client_that_wants_text_gets_bytes_as_text_on_its_websocket() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.sid += "&b64=1";
    engine.connect("/", "ann").await;
    engine.join("/", ROOM).await;
    engine.upgrade().await;
    let mut bob = member(&server).await;
    let content = json!({"_placeholder": true, "num": 0});
    let head = format!("451-{}", json!(["blueprint_update", update(ROOM, content)]));
    bob.push(format!("{head}\x1ebAAEC/w==")).await;
    assert!(engine.hear().await.starts_with(r#"451-["blueprint_update","#));
    // A text frame, not a binary one.
    assert_eq!(engine.wire.as_mut().unwrap().next_text().await, "bAAEC/w==");
    until(|| server.running().connections() == 2).await;
}
