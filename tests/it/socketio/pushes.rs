//! What a POST may bring, and what it is answered (`protocol.md`, 1.4 and 1.5).

use serde_json::json;

use super::{ONE_WORKER, ROOM, SOCKET_IO, update};
use crate::support::TestServer;
use crate::support::engine::{BAD_REQUEST, Engine, Line, UNKNOWN};
use crate::support::http;
use crate::support::socketio::{connect_as, event};

/// Bounds that can be passed quickly.
const SMALL: [(&str, &str); 3] =
    [("HARD_MAX_MESSAGE_BYTES", "131072"), ("MAX_MESSAGE_SIZE_BYTES", "65536"), ("WORKERS", "1")];

/// Headers and body.
type Push<'a> = (&'a [(&'a str, &'a str)], &'a [u8]);

async fn connected(server: &TestServer, user: &str) -> Engine {
    let mut engine = Engine::polling(server, SOCKET_IO).await;
    engine.connect("/", user).await;
    engine
}

#[track_caller]
fn assert_bad_request(answer: &http::Answer, what: &str) {
    assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST), "{what}");
}

#[actix_web::test]
async fn a_push_is_answered_as_the_reference_answers() {
    let server = TestServer::by_hand(&[]);
    let mut engine = connected(&server, "ann").await;
    let answer = engine.post("3").await;
    assert_eq!((answer.status, &*answer.text()), (200, "ok"));
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.header("content-length"), Some("2"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn packets_that_mean_nothing_are_ignored() {
    let server = TestServer::by_hand(&[]);
    let mut engine = connected(&server, "ann").await;
    for packet in ["0", "0{}", "3", "3probe", "3anything", "5", "6", "6x"] {
        engine.push(packet).await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn what_is_no_packet_ends_the_session() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let bad: [&[u8]; 20] = [
        b"",
        b"\x1e",
        b"3\x1e",
        b"\x1e3",
        b"3\x1e\x1e3",
        b"7",
        b"9",
        b"x",
        b"B",
        b" 3",
        b"\n",
        b"\"",
        b"{}",
        b"b*",
        b"bA",
        b"\xff",
        b"4\xff",
        b"4\xc3",
        b"4\xed\xa0\x80",
        b"\xef\xbb\xbf3",
    ];
    for body in bad {
        let mut engine = connected(&server, "ann").await;
        engine.park().await;
        assert_bad_request(&engine.post(body).await, &format!("{:?}", String::from_utf8_lossy(body)));
        engine.expect_parked("1").await;
        engine.expect_closed().await;
    }
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_ping_from_a_client_ends_the_session() {
    let server = TestServer::by_hand(&ONE_WORKER);
    for packet in ["2", "2probe", "2x"] {
        let mut engine = connected(&server, "ann").await;
        engine.park().await;
        assert_bad_request(&engine.post(packet).await, packet);
        engine.expect_parked("1").await;
        engine.expect_closed().await;
    }
}

#[actix_web::test]
async fn a_client_that_says_goodbye_is_let_go() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = connected(&server, "ann").await;
    engine.park().await;
    engine.push("1").await;
    engine.expect_parked("6").await;
    engine.expect_closed().await;
    assert_eq!(engine.post("3").await.text(), UNKNOWN);
    server.until_connections(0).await;
}

#[actix_web::test]
async fn what_stands_in_front_of_a_goodbye_is_heard_and_what_follows_is_not() {
    let server = TestServer::by_hand(&[]);
    let (mut ann, mut bob) = (connected(&server, "ann").await, connected(&server, "bob").await);
    ann.join("/", ROOM).await;
    bob.join("/", ROOM).await;
    let say = |content: i32| event("/", "blueprint_update", &update(ROOM, json!(content)));
    ann.push(format!("{}\x1e1\x1e{}", say(1), say(2))).await;
    ann.expect_closed().await;
    assert_eq!(bob.next_event("/", "blueprint_update").await["changes"]["content"], 1);
    bob.expect_nothing("/").await;
}

#[actix_web::test]
async fn packets_of_one_push_are_heard_in_order() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let mut body = connect_as("/", json!({"sub": "ann"}));
    for number in 0..40 {
        let verb = if number % 2 == 0 { "join" } else { "leave" };
        body += &format!("\x1e42{number}{}", json!([verb, {"room": ROOM}]));
    }
    engine.push(body).await;
    assert!(engine.hear().await.starts_with(r#"40{"sid":""#));
    engine.next_event("/", "connection_established").await;
    for number in 0..40 {
        let told = if number % 2 == 0 { "room_joined" } else { "room_left" };
        engine.next_event("/", told).await;
        assert_eq!(engine.next_ack("/", number).await["success"], true);
    }
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn what_stands_in_front_of_a_bad_packet_is_heard_and_what_follows_is_not() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut bob = connected(&server, "bob").await;
    bob.join("/", ROOM).await;
    for (round, bad) in ["x", "", "2", "b*", "4", "49", "42{}", "42[\"connect\"]"].iter().enumerate() {
        let mut ann = connected(&server, "ann").await;
        ann.join("/", ROOM).await;
        let say = |content: usize| event("/", "blueprint_update", &update(ROOM, json!(content)));
        assert_bad_request(&ann.post(format!("{}\x1e{bad}\x1e{}", say(round), say(99))).await, bad);
        ann.expect_closed().await;
        assert_eq!(bob.next_event("/", "blueprint_update").await["changes"]["content"], round);
        bob.expect_nothing("/").await;
    }
    server.until_connections(1).await;
}

#[actix_web::test]
async fn any_type_of_text_is_taken_and_bytes_are_not() {
    let server = TestServer::by_hand(&[]);
    for kind in [
        Some("text/plain"),
        Some("text/plain; charset=utf-8"),
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
        Some("nonsense"),
        None,
    ] {
        let mut engine = connected(&server, "ann").await;
        let headers: Vec<_> = kind.iter().map(|kind| ("content-type", *kind)).collect();
        let url = engine.url("polling");
        engine.posts.ask("POST", &url, &headers, br#"427["ping"]"#).await;
        assert_eq!(engine.posts.answer().await.text(), "ok", "{kind:?}");
        engine.next_event("/", "pong").await;
        assert_eq!(engine.next_ack("/", 7).await["pong"], true);
    }
    let mut engine = connected(&server, "ann").await;
    let url = engine.url("polling");
    engine.posts.ask("POST", &url, &[("content-type", "application/octet-stream")], b"3").await;
    assert_bad_request(&engine.posts.answer().await, "octets");
    engine.expect_closed().await;
}

#[actix_web::test]
async fn a_body_over_the_hard_limit_ends_the_session() {
    let server = TestServer::by_hand(&SMALL);
    let big = format!("42{}", json!(["ping", "x".repeat(131_072)]));
    let chunked = [format!("{:x}\r\n", big.len()).as_bytes(), big.as_bytes(), b"\r\n0\r\n\r\n"].concat();
    let bodies: [Push<'_>; 2] = [(&[], big.as_bytes()), (&[("transfer-encoding", "chunked")], &chunked)];
    for (headers, body) in bodies {
        let mut engine = connected(&server, "ann").await;
        engine.park().await;
        let url = engine.url("polling");
        engine.posts.ask("POST", &url, headers, body).await;
        let answer = engine.posts.answer().await;
        assert_eq!((answer.status, &*answer.text()), (413, ""), "{headers:?}");
        // Not `1`: python would stay away.
        assert_bad_request(&engine.gets.answer().await, "the parked poll");
        engine.expect_closed().await;
        server.until_connections(0).await;
    }
}

#[actix_web::test]
async fn a_body_of_exactly_the_hard_limit_is_heard() {
    let server = TestServer::by_hand(&SMALL);
    let mut engine = connected(&server, "ann").await;
    // Two packets, each within the soft limit.
    let half = |size: usize| {
        let around = r#"427["ping",""]"#.len();
        format!(r#"427["ping","{}"]"#, "x".repeat(size - around))
    };
    let body = format!("{}\x1e{}", half(65_535), half(65_536));
    engine.push(&body).await;
    for _ in 0..2 {
        engine.next_event("/", "pong").await;
        engine.next_ack("/", 7).await;
    }
    engine.expect_nothing("/").await;
    // And of one byte more is not.
    assert_eq!(engine.post(body + " ").await.status, 413);
    engine.expect_closed().await;
}

#[actix_web::test]
async fn a_packet_over_the_soft_limit_is_refused_and_the_session_kept() {
    // Contract D-16: on its namespace, without the acknowledgement that was asked for.
    let server = TestServer::by_hand(&SMALL);
    let mut engine = connected(&server, "ann").await;
    engine.connect("/ws", "ann").await;
    let big = "x".repeat(65_536);
    for namespace in ["/", "/ws"] {
        let head = if namespace == "/" { "42".to_owned() } else { format!("42{namespace},") };
        engine.push(format!("{head}7{}", json!(["ping", big]))).await;
        assert_eq!(engine.next_event(namespace, "error").await["code"], "MESSAGE_TOO_LARGE");
        engine.expect_nothing(namespace).await;
    }
}

#[actix_web::test]
async fn a_chunked_body_is_taken_whole() {
    let server = TestServer::by_hand(&[]);
    let mut engine = connected(&server, "ann").await;
    let url = engine.url("polling");
    let packet = br#"427["ping"]"#;
    let chunks: Vec<u8> = packet.iter().flat_map(|byte| [b'1', b'\r', b'\n', *byte, b'\r', b'\n']).collect();
    let body = [&chunks[..], b"0\r\n\r\n"].concat();
    engine.posts.ask("POST", &url, &[("transfer-encoding", "chunked")], &body).await;
    assert_eq!(engine.posts.answer().await.text(), "ok");
    engine.next_event("/", "pong").await;
}

#[actix_web::test]
async fn a_body_that_is_cut_off_ends_the_session() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let endings: [Push<'_>; 3] = [
        (&[("content-length", "1000")], br#"42["ping"]"#),
        (&[("content-length", "1000")], b""),
        (&[("transfer-encoding", "chunked")], b"ff\r\n42["),
    ];
    for (headers, body) in endings {
        let mut engine = connected(&server, "ann").await;
        engine.park().await;
        let url = engine.url("polling");
        engine.posts.ask("POST", &url, headers, body).await;
        engine.settle().await;
        engine.posts.hang_up();
        engine.expect_parked("1").await;
        engine.expect_closed().await;
        server.until_connections(0).await;
    }
}

#[actix_web::test]
async fn a_broken_chunk_ends_the_session() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = connected(&server, "ann").await;
    engine.park().await;
    let url = engine.url("polling");
    engine.posts.ask("POST", &url, &[("transfer-encoding", "chunked")], b"2\r\n42zz\r\n").await;
    engine.expect_parked("1").await;
    engine.expect_closed().await;
}

#[actix_web::test]
async fn overlapping_pushes_wait_for_each_other() {
    // The .NET client takes no lock around its sends.
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "100000"), ("WORKERS", "1")]);
    let mut engine = connected(&server, "ann").await;
    let mut lines: Vec<Line> = (0..5).map(|_| Line::to(server.address())).collect();
    for round in 0..5 {
        for (index, line) in lines.iter_mut().enumerate() {
            let first = (round * 5 + index) * 20;
            let packets = (first..first + 20).map(|id| format!(r#"42{id}["debug:rooms"]"#));
            let body = packets.collect::<Vec<_>>().join("\x1e");
            line.ask("POST", &engine.url("polling"), &[], body.as_bytes()).await;
            // So that the next one comes later.
            engine.settle().await;
        }
        for line in &mut lines {
            assert_eq!(line.answer().await.text(), "ok");
        }
        for id in round * 100..(round + 1) * 100 {
            engine.next_ack("/", id as u64).await;
        }
    }
}

#[actix_web::test]
async fn more_than_four_waiting_pushes_end_the_session() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "1000000"), ("WORKERS", "1")]);
    let mut engine = connected(&server, "ann").await;
    // Each packet asks another thread, so this takes as long as thousands of requests do.
    let long = format!("42[\"ping\"]\x1e{}", vec![r#"42["debug:rooms"]"#; 10_000].join("\x1e"));
    let mut lines: Vec<Line> = (0..6).map(|_| Line::to(server.address())).collect();
    let url = engine.url("polling");
    lines[0].ask("POST", &url, &[], long.as_bytes()).await;
    // It is being heard.
    engine.next_event("/", "pong").await;
    for line in &mut lines[1..] {
        line.ask("POST", &url, &[], b"3").await;
    }
    for line in &mut lines {
        assert_bad_request(&line.answer().await, "all of them");
    }
    engine.expect_closed().await;
}

#[actix_web::test]
async fn attachments_may_come_in_later_pushes_than_their_packet() {
    let server = TestServer::by_hand(&[]);
    let (mut ann, mut bob) = (connected(&server, "ann").await, connected(&server, "bob").await);
    ann.join("/", ROOM).await;
    bob.join("/", ROOM).await;
    let content = json!([{"_placeholder": true, "num": 1}, {"_placeholder": true, "num": 0}]);
    let head = format!("452-7{}", json!(["blueprint_update", update(ROOM, content)]));
    ann.push(head).await;
    ann.push("bAQID").await;
    // Only a Socket.IO packet may not come in between.
    ann.push("3").await;
    // Padding may be missing.
    ann.push("b/w").await;
    assert_eq!(ann.next_ack("/", 7).await["success"], true);
    let told = bob.hear().await;
    assert!(told.starts_with(r#"452-["blueprint_update",{"#), "{told}");
    assert!(told.contains(r#""content":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#));
    bob.expect("bAQID").await;
    bob.expect("b/w==").await;
    bob.expect_nothing("/").await;
}
