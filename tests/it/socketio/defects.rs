//! Defects that were found in the transports, each a test that failed before the mend.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use switchboard::dialect::{Dialect, Prepared, Wire};
use switchboard::domain::time::Timestamp;
use switchboard::events::publication::{Priority, Publication, Target};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::support::http::{self, Answer};
use crate::support::socket::Socket;
use crate::support::{TestServer, token, until};

/// Small bounds, so that little data passes them.
const SMALL: &[(&str, &str)] = &[
    ("MAX_MESSAGE_SIZE_BYTES", "110000"),
    ("HARD_MAX_MESSAGE_BYTES", "120000"),
    ("SEND_QUEUE_BYTES", "130000"),
    ("SEND_QUEUE_TOTAL_BYTES", "200000"),
];

/// A session that polls.
struct Poller {
    address: SocketAddr,
    target: String,
}

impl Poller {
    /// Opens a session on an engine path, `/ws/` or `/socket.io/`.
    async fn open(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Poller {
        let target = format!("{path}?EIO=4&transport=polling");
        let open = http::request(server.address(), "GET", &target, headers, b"").await;
        assert_eq!(open.status, 200, "{}", open.text());
        let open: serde_json::Value = serde_json::from_slice(&open.body[1..]).unwrap();
        let target = format!("{target}&sid={}", open["sid"].as_str().unwrap());
        Poller { address: server.address(), target }
    }

    async fn get(&self) -> Answer {
        http::request(self.address, "GET", &self.target, &[], b"").await
    }

    async fn post(&self, body: &str) -> Answer {
        http::request(self.address, "POST", &self.target, &[], body.as_bytes()).await
    }

    /// Says something that must be taken.
    async fn say(&self, body: &str) {
        let answer = self.post(body).await;
        assert_eq!((answer.status, &*answer.text()), (200, "ok"));
    }

    /// Connects to `/` and joins a public room; all that answers this has been read.
    async fn join(&self, room: &str) {
        self.say("40").await;
        assert!(self.get().await.text().starts_with("40{"));
        self.say(&format!(r#"42["join",{{"room":"{room}"}}]"#)).await;
        assert!(self.get().await.text().contains("room_joined"));
    }
}

/// A Socket.IO client on a WebSocket, its open packet read.
async fn websocket(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Socket {
    let mut socket =
        Socket::open(server.address(), &format!("{path}?EIO=4&transport=websocket"), headers).await;
    assert!(text(&mut socket).await.starts_with("0{"));
    socket
}

/// The next text.
async fn text(socket: &mut Socket) -> String {
    match socket.next_message().await {
        Some(Message::Text(text)) => text.to_string(),
        other => panic!("expected a text, got {other:?}"),
    }
}

/// Contract section 9: clients may publish in free, public and (admins) admin rooms. In
/// `global` is everyone who has shown who they are, whatever their organization.
#[actix_web::test]
async fn nobody_speaks_to_the_whole_server_by_being_in_global() {
    let server = TestServer::start();
    let mut sockets = Vec::new();
    for (user, organization) in [("ann", "acme"), ("bob", "other")] {
        let bearer = format!("Bearer {}", token::sign(json!({"sub": user, "org": organization})));
        let mut socket = websocket(&server, "/socket.io/", &[("authorization", &bearer)]).await;
        socket.send_text("40/ws,").await;
        assert!(text(&mut socket).await.starts_with("40/ws,{"));
        assert!(text(&mut socket).await.contains("connection_established"));
        sockets.push(socket);
    }

    for room in ["global", "user:ann"] {
        let update = json!({"roomId": room, "blueprintId": "b", "changes": {"action": "add"}});
        sockets[0].send_text(&format!(r#"42/ws,1["blueprint_update",{update}]"#)).await;
        let answer = text(&mut sockets[0]).await;
        assert!(answer.starts_with("43/ws,1[") && answer.contains("UNAUTHORIZED"), "{room}: {answer}");
    }
    sockets[1].send_text(r#"42/ws,2["client:ping"]"#).await;
    let next = text(&mut sockets[1]).await;
    assert!(next.starts_with("43/ws,2["), "the other organization heard: {next}");
}

/// What an unfinished packet holds is booked for a WebSocket, and must be for pushes.
#[actix_web::test]
async fn unfinished_attachments_of_polling_clients_count_against_the_budget() {
    let server = TestServer::with(SMALL);
    let attachment = vec![7; 60_000];
    let header = r#"452-["blueprint_update",{"_placeholder":true,"num":0}]"#;

    // Five of them hold 300 kB, and 200 kB is all that all clients may hold. On WebSockets it is:
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = websocket(&server, "/ws/", &[]).await;
        socket.send_text("40").await;
        socket.send_text(header).await;
        socket.send_message(Message::binary(attachment.clone())).await;
        sockets.push(socket);
    }
    until(|| server.running().connections() < 5).await;
    drop(sockets);
    server.until_connections(0).await;

    let push = format!("40\x1e{header}\x1eb{}", BASE64_STANDARD.encode(&attachment));
    let mut pollers = Vec::new();
    for _ in 0..5 {
        let poller = Poller::open(&server, "/ws/", &[]).await;
        poller.say(&push).await;
        pollers.push(poller);
    }
    until(|| server.running().connections() < 5).await;
}

/// One client's half-sent bodies must not end the sessions of others.
#[actix_web::test]
async fn half_sent_pushes_of_one_client_cost_nobody_else_the_session() {
    let server = TestServer::with(SMALL);
    let hoarder = Poller::open(&server, "/ws/", &[]).await;
    let innocent = Poller::open(&server, "/ws/", &[]).await;
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 110000\r\n\r\n", hoarder.target);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&[b'x'; 100_000]).await.unwrap();
        bodies.push(stream);
    }
    for count in 0..300 {
        let answer = innocent.post("3").await;
        assert_eq!(answer.status, 200, "push {count} of an innocent client: {}", answer.text());
    }
}

/// What a poll has fetched must be given back to the budget, or the next to be closed is
/// a client that holds nothing.
#[actix_web::test]
async fn who_has_fetched_nearly_everything_is_not_the_fullest() {
    let server = TestServer::with(SMALL);
    let good = Poller::open(&server, "/ws/", &[]).await;
    let full = Poller::open(&server, "/ws/", &[]).await;
    good.join("dashboard:overview").await;
    full.join("clips:analytics").await;
    let publish = async |room: &str, bytes: usize| {
        let data = "x".repeat(bytes);
        server.broadcast(json!({"type": "custom:fill", "room": room, "data": data})).await;
    };

    publish("dashboard:overview", 120_000).await;
    for _ in 0..17 {
        publish("dashboard:overview", 10).await;
    }
    let fetched = good.get().await;
    assert_eq!(fetched.text().split('\x1e').count(), 16);
    // The good one holds two tiny events now. Both together are far below the bound.
    publish("clips:analytics", 100_000).await;

    let rest = good.get().await;
    assert_eq!(rest.status, 200, "closed as the fullest: {}", rest.text());
    assert_eq!(rest.text().split('\x1e').count(), 2);
}

/// A token that has expired since the handshake proves nothing at a later CONNECT.
#[actix_web::test]
async fn a_handshake_s_expired_token_admits_to_no_namespace() {
    let server = TestServer::by_hand(&[]);
    let token = token::sign(json!({"sub": "ann", "exp": server.clock.seconds() + 10}));
    let bearer = format!("Bearer {token}");
    let mut socket = websocket(&server, "/socket.io/", &[("authorization", &bearer)]).await;

    server.clock.advance(Duration::from_secs(11));
    socket.send_text("40/ws,").await;

    let answer = text(&mut socket).await;
    assert!(answer.starts_with(r#"44/ws,{"message":"Authentication failed""#), "{answer}");
}

/// Nothing that is answered may be free.
#[actix_web::test]
async fn malformed_acks_are_not_answered_without_end() {
    let server = TestServer::by_hand(&[]);
    let mut socket = websocket(&server, "/ws/", &[]).await;
    socket.send_text("40").await;
    assert!(text(&mut socket).await.starts_with("40{"));
    assert!(text(&mut socket).await.contains("connected"));

    for _ in 0..1000 {
        socket.send_text(r#"42["ack"]"#).await;
    }
    socket.send_text(r#"42["heartbeat"]"#).await;

    let mut errors = 0;
    while !text(&mut socket).await.contains("heartbeat") {
        errors += 1;
    }
    // The burst, and the one that says that it is over.
    assert!(errors <= 101, "{errors} answers at one moment, at 100 messages a second");
}

/// "Encodes at most once per variant; nothing in a variant depends on a single socket"
/// (`design.md`), which is what staging without slices rests on.
#[test]
fn an_aliased_namespace_is_not_spelled_anew_for_every_socket() {
    let publication = Publication {
        message_id: "m".into(),
        event: "custom:event".into(),
        data: serde_json::value::RawValue::from_string("1".into()).unwrap().into(),
        attachments: Vec::new(),
        target: Target::everyone(),
        requires_ack: false,
        priority: Priority::default(),
        sent_at: Timestamp::from_millis(0),
    };
    let prepared = Prepared::new(publication, vec![None], None, None);
    let alias = Dialect::SocketIoAs(Arc::from("/ws?x=1"));
    let [first, second] = [(); 2].map(|()| prepared.frame(&alias, 0, Wire::default()).unwrap());
    assert_eq!(first.as_ptr(), second.as_ptr(), "a thousand sockets would be a thousand copies");
}

/// A goodbye said while the client changes over must follow it to the WebSocket: it
/// polls no more, and waits for nothing else.
#[actix_web::test]
async fn a_goodbye_reaches_a_client_that_has_just_changed_over() {
    let server = TestServer::by_hand(&[("UPGRADE_TIMEOUT_MS", "60000")]);
    let token = token::sign(json!({"sub": "ann", "exp": server.clock.seconds() + 10}));
    let bearer = format!("Bearer {token}");
    let poller = Poller::open(&server, "/socket.io/", &[("authorization", &bearer)]).await;
    poller.say("40/ws,").await;
    assert!(poller.get().await.text().starts_with("40/ws,{"));
    let target = poller.target.replace("polling", "websocket");
    let mut socket = Socket::open(server.address(), &target, &[]).await;
    socket.send_text("2probe").await;
    assert_eq!(text(&mut socket).await, "3probe");

    server.clock.advance(Duration::from_secs(11));
    socket.send_text("5").await;

    assert!(text(&mut socket).await.contains("The token has expired"));
    assert_eq!(text(&mut socket).await, "41/ws,");
    assert_eq!(socket.next_close().await, 4401);
}

/// A client that does not fetch what it is sent is a slow consumer, on polls as on a socket.
#[actix_web::test]
async fn more_than_may_wait_for_a_poll_ends_the_session() {
    let server = TestServer::with(SMALL);
    let slow = Poller::open(&server, "/ws/", &[]).await;
    slow.join("dashboard:overview").await;
    for _ in 0..3 {
        let data = "x".repeat(100_000);
        server.broadcast(json!({"type": "custom:fill", "room": "dashboard:overview", "data": data})).await;
    }
    assert_eq!(slow.get().await.status, 503);
    server.until_connections(0).await;
}

/// A client between two polls still gets its goodbye, whatever it says meanwhile.
#[actix_web::test]
async fn a_push_does_not_cost_a_polling_client_its_goodbye() {
    let server = TestServer::by_hand(&[]);
    let token = token::sign(json!({"sub": "ann", "exp": server.clock.seconds() + 10}));
    let bearer = format!("Bearer {token}");
    let poller = Poller::open(&server, "/socket.io/", &[("authorization", &bearer)]).await;
    poller.say("40/ws,").await;
    assert!(poller.get().await.text().starts_with("40/ws,{"));

    server.clock.advance(Duration::from_secs(11));
    for _ in 0..20 {
        poller.say("3").await;
    }

    let goodbye = poller.get().await.text();
    assert!(goodbye.contains("The token has expired") && goodbye.ends_with("41/ws,"), "{goodbye}");
}
