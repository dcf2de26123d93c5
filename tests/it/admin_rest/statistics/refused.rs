//! Refusals: each request, message and connection once, by cause.

use serde_json::json;

use super::{SOCKET_IO, millis, stats, until_stat};
use crate::support::engine::Engine;
use crate::support::frames::{BINARY, FIN, PING, TEXT, frame, header};
use crate::support::socket::Socket;
use crate::support::socketio::connect_as;
use crate::support::wire::Wire;
use crate::support::{TestServer, http, token};

/// Counts refusals as they are driven.
struct Refusals<'a> {
    server: &'a TestServer,
    count: u64,
}

impl Refusals<'_> {
    /// So many more were refused, and no others.
    #[track_caller]
    fn expect(&mut self, more: u64) -> impl Future<Output = ()> {
        self.count += more;
        until_stat(self.server, "error_count", json!(self.count))
    }

    #[track_caller]
    fn expect_at_once(&mut self, more: u64, what: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        self.count += more;
        async move {
            let count = stats(self.server).await["error_count"].clone();
            assert_eq!(count, self.count, "at {caller}: {what}");
        }
    }
}

#[actix_web::test]
async fn every_refused_request_is_one_refusal() {
    let server = TestServer::start();
    let mut refusals = Refusals { server: &server, count: 0 };
    let json = ("content-type", "application/json");
    let broadcast = "/api/ws/broadcast";
    let [opens, unknown, old] =
        ["4", "4&sid=none", "3"].map(|rest| format!("/socket.io/?transport=polling&EIO={rest}"));
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16);
    let cases: Vec<Case<'_>> = vec![
        ("GET", "/nowhere", vec![], "", 404),
        ("HEAD", "/nowhere", vec![], "", 404),
        ("PUT", "/health", vec![], "", 405),
        ("POST", broadcast, vec![], "{}", 415),
        ("POST", broadcast, vec![json], "{...}", 400),
        ("POST", broadcast, vec![json], r#"{"type":"evil","data":1}"#, 400),
        ("GET", "/api/ws/stats", vec![("x-forwarded-for", "10.0.0.1")], "", 401),
        ("GET", "/api/ws/connections/none", vec![], "", 404),
        ("GET", "/ws", vec![], "", 426),
        ("GET", &old, vec![], "", 400),
        ("GET", &unknown, vec![], "", 400),
        ("GET", &opens, vec![("origin", "http://evil.example")], "", 403),
    ];
    for (method, path, headers, body, status) in cases {
        let answer = http::request(server.address(), method, path, &headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        refusals.expect_at_once(1, &format!("{method} {path}")).await;
    }
    let page = ("origin", "http://evil.example");
    assert!(Wire::try_open(server.address(), "/ws", &[page]).await.is_err());
    refusals.expect_at_once(1, "an upgrade").await;
    http::raw(server.address(), b"this is no HTTP\r\n\r\n").await;
    refusals.expect(1).await;
    // And what is answered is none.
    assert_eq!(server.get("/health").await.status, 200);
    refusals.expect_at_once(0, "health").await;
}

#[actix_web::test]
async fn every_refused_message_of_a_plain_client_is_one_refusal() {
    let server = TestServer::with(&[("MAX_MESSAGE_SIZE_BYTES", "1000")]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let mut socket = server.connect().await;
    let large = json!({"type": "x", "payload": "y".repeat(2000)}).to_string();
    let cases = [
        ("{", "INVALID_MESSAGE"),
        (r#"{"type":"unheard:of"}"#, "INVALID_MESSAGE"),
        (r#"{"type":"join","payload":{}}"#, "INVALID_MESSAGE"),
        (r#"{"type":"join","payload":{"room":"voice:training"}}"#, "UNAUTHORIZED"),
        (r#"{"type":"leave","payload":{"room":"public:a"}}"#, "ROOM_NOT_FOUND"),
        (r#"{"type":"auth","payload":{"token":"no"}}"#, "AUTH_FAILED"),
        (&*large, "MESSAGE_TOO_LARGE"),
    ];
    for (text, code) in cases {
        socket.send_text(text).await;
        socket.next_error(code).await;
        refusals.expect_at_once(1, text).await;
    }
    socket.join("public:a").await;
    refusals.expect_at_once(0, "what is done").await;

    // Let in, but not for who it says it is.
    let mut stranger = Socket::open(server.address(), "/ws?token=no", &[]).await;
    stranger.next("connection_established").await;
    stranger.next_error("AUTH_FAILED").await;
    refusals.expect_at_once(1, "the token of a handshake").await;
}

#[actix_web::test]
async fn every_refused_connect_is_one_refusal() {
    let server = TestServer::with(&[("MAX_CONNECTIONS", "2")]);
    let mut refusals = Refusals { server: &server, count: 0 };
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        for packet in ["40", r#"40{"token":"no"}"#, "40/nowhere,"] {
            engine.say(packet).await;
            assert!(engine.hear().await.starts_with("44"));
            refusals.expect_at_once(1, packet).await;
        }
        engine.connect("/", "ann").await;
        let refused = engine.ask("/", "join", json!({"room": "admin:broadcast"})).await;
        assert_eq!(refused["code"], "UNAUTHORIZED");
        refusals.expect_at_once(1, "a join").await;
        engine.goodbye().await;
    }
    server.until_connections(0).await;

    let _both = Engine::both(&server, SOCKET_IO).await;
    let mut surplus = Engine::websocket(&server, SOCKET_IO).await;
    surplus.say(&connect_as("/", json!({"sub": "ann"}))).await;
    assert!(surplus.hear().await.contains("CONNECTION_LIMIT"));
    surplus.expect_closed().await;
    refusals.expect_at_once(1, "the limit of connections").await;
    assert_eq!(Socket::try_open(server.address(), "/ws", &[]).await.err(), Some(503));
    refusals.expect_at_once(1, "the same for a plain client").await;
}

#[actix_web::test]
async fn an_organization_that_is_full_refuses_once() {
    let server = TestServer::with(&[("MAX_CONNECTIONS_PER_ORG", "1")]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let claims = json!({"sub": "u1", "org": "A"});
    let _first = server.sign_in(claims.clone()).await;
    let token = token::sign(claims);
    let mut second = Socket::open(server.address(), &format!("/ws?token={token}"), &[]).await;
    second.next_error("CONNECTION_LIMIT").await;
    second.next_close().await;
    assert!(second.next_message().await.is_none());
    refusals.expect(1).await;
    let mut third = server.connect().await;
    third.send(json!({"type": "auth", "payload": {"token": token}})).await;
    third.next_error("CONNECTION_LIMIT").await;
    third.next_close().await;
    assert!(third.next_message().await.is_none());
    refusals.expect(1).await;
    server.until_connections(1).await;
    refusals.expect_at_once(0, "their ends").await;
}

#[actix_web::test]
async fn what_is_over_the_rate_is_refused_whether_it_is_told_or_not() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "5")]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let mut socket = server.connect().await;
    for _ in 0..8 {
        socket.send(json!({"type": "debug:rooms"})).await;
    }
    for _ in 0..5 {
        socket.next("debug:rooms:ack").await;
    }
    socket.next_error("RATE_LIMIT_EXCEEDED").await;
    refusals.expect(3).await;
    // Signs of life have a bucket of their own.
    for _ in 0..7 {
        socket.send(json!({"type": "heartbeat"})).await;
    }
    for _ in 0..5 {
        socket.next("heartbeat").await;
    }
    refusals.expect(2).await;

    let mut wire = Wire::open(server.address(), "/ws").await;
    wire.next_text().await;
    for _ in 0..6 {
        wire.send(&frame(FIN | PING, b"")).await;
    }
    refusals.expect(1).await;
    let mut engine = Engine::websocket(&server, SOCKET_IO).await;
    for _ in 0..5 {
        engine.say("40/nowhere,").await;
        engine.hear().await;
    }
    refusals.expect_at_once(5, "namespaces that are not there").await;
    for _ in 0..2 {
        engine.say("40/nowhere,").await;
    }
    assert!(engine.hear().await.contains("RATE_LIMIT_EXCEEDED"));
    refusals.expect(2).await;
}

#[actix_web::test]
async fn a_flood_is_refused_message_by_message_and_then_as_a_connection() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "1")]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let mut socket = server.connect().await;
    // Of four in a second, one is allowed. The first refusal is at 250 ms, the flood ten seconds long.
    for quarter in 0..=42 {
        socket.send(json!({"type": "debug:rooms"})).await;
        if quarter % 4 == 0 {
            while socket.next_event().await["type"] != "debug:rooms:ack" {}
        } else {
            refusals.expect(1).await;
        }
        server.clock.advance(millis(250));
    }
    loop {
        match socket.next_message().await {
            Some(message) if message.is_close() => break,
            Some(_) => {}
            None => panic!("a close frame comes first"),
        }
    }
    refusals.expect_at_once(0, "the last message and the end are one").await;
}

#[actix_web::test]
async fn a_connection_that_breaks_the_protocol_is_one_refusal() {
    let server = TestServer::with(&[
        ("MAX_MESSAGE_SIZE_BYTES", "1000"),
        ("HARD_MAX_MESSAGE_BYTES", "2000"),
        ("CONNECT_TIMEOUT_MS", "100000"),
    ]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let violations: [(&[u8], u16); 3] = [
        (&[FIN | TEXT, 1, b'x'], 1002),
        (&frame(FIN | TEXT, &[0xFF]), 1007),
        (&header(FIN | BINARY, 3000), 1009),
    ];
    for (bytes, code) in violations {
        let mut wire = Wire::open(server.address(), "/ws").await;
        wire.next_text().await;
        wire.send(bytes).await;
        assert_eq!(wire.close_code().await, code);
        refusals.expect(1).await;
    }
    // On polling it is the request that is refused.
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        let is_polling = engine.wire.is_none();
        engine.say_last("42[\"to nobody\"]").await;
        // That nobody knows the session any more was asked by one more request.
        refusals.expect(1 + u64::from(is_polling)).await;
    }
    server.until_connections(0).await;
    refusals.expect_at_once(0, "their ends").await;
}

#[actix_web::test]
async fn overlapping_polls_and_probes_are_one_refusal_each() {
    let server = TestServer::by_hand(&[("WORKERS", "1")]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    let probe = engine.answered_probe().await;
    let mut late = engine.probe().await;
    late.close_code().await;
    refusals.expect_at_once(1, "a second probe").await;
    drop(probe);
    engine.park().await;
    let url = engine.url("polling");
    assert_eq!(server.get(&url).await.status, 400);
    refusals.expect_at_once(1, "a second poll").await;
}

#[actix_web::test]
async fn a_client_that_is_closed_for_reading_too_slowly_is_one_refusal() {
    let server = TestServer::with(&[
        ("MAX_MESSAGE_SIZE_BYTES", "1000"),
        ("HARD_MAX_MESSAGE_BYTES", "2000"),
        ("SEND_QUEUE_BYTES", "4000"),
    ]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let slow = server.connect().await;
    let big = "x".repeat(500_000);
    let mut delivered = 0;
    loop {
        let answer = server.broadcast(json!({"type": "custom:big", "data": big})).await;
        if answer["recipients_count"] == 0 {
            break;
        }
        delivered += 1;
    }
    refusals.expect(1).await;
    let now = stats(&server).await;
    assert_eq!(now["total_messages"], delivered, "what was refused was not delivered");
    assert_eq!(now["messages_by_event"], json!({"custom:big": delivered}));
    // It was there all the time, and read nothing.
    drop(slow);
}

/// A body that breaks HTTP is its request's: refused once, whoever notices.
#[actix_web::test]
async fn a_body_that_is_no_http_is_one_refusal() {
    let server = TestServer::start();
    let mut refusals = Refusals { server: &server, count: 0 };
    let json = ("content-type", "application/json");
    let chunked = [json, ("transfer-encoding", "chunked")];
    let head = http::head(server.address(), "POST", "/api/ws/broadcast", &chunked, 0);
    http::raw(server.address(), &[&head[..], b"zz\r\n"].concat()).await;
    refusals.expect(1).await;
    // Of two requests on one connection, the second is none.
    let head = http::head(server.address(), "GET", "/health", &[], 0);
    let answers = http::raw(server.address(), &[&head[..], b"this is no HTTP\r\n\r\n"].concat()).await;
    assert!(answers.starts_with(b"HTTP/1.1 200"));
    refusals.expect(1).await;
    server.until_connections(0).await;
    refusals.expect_at_once(0, "no more").await;
}

#[actix_web::test]
async fn a_slow_polling_client_is_one_refusal() {
    let server = TestServer::by_hand(&[
        ("WORKERS", "1"),
        ("MAX_MESSAGE_SIZE_BYTES", "1000"),
        ("HARD_MAX_MESSAGE_BYTES", "2000"),
        ("SEND_QUEUE_BYTES", "4000"),
    ]);
    let mut refusals = Refusals { server: &server, count: 0 };
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    let big = "x".repeat(5_000);
    for _ in 0..3 {
        server.broadcast(json!({"type": "custom:big", "data": big})).await;
    }
    refusals.expect(1).await;
    assert_eq!(engine.get().await.status, 503);
    refusals.expect_at_once(0, "what it is told is no other").await;
    assert_eq!(engine.get().await.status, 400);
    refusals.expect_at_once(1, "a poll of a session that nobody knows").await;
}
