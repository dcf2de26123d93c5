//! How long nobody may stay nobody (contract X-10, D-13; S-10).

use std::time::Duration;

use serde_json::json;

use super::credentials::good;
use super::peer::{Door, Form, Peer, Who, plain, polling, websocket};
use crate::support::TestServer;

fn server() -> TestServer {
    // No sign of life is asked for meanwhile.
    TestServer::by_hand(&[("AUTH_TIMEOUT_MS", "10000"), ("PING_INTERVAL_MS", "3600000")])
}

const ALMOST: Duration = Duration::from_millis(9_999);
const THE_REST: Duration = Duration::from_millis(1);

const INTRADAY: [Door; 2] = [websocket("/ws/", "/", Form::Bare), polling("/ws/", "/", Form::Bare)];

/// It is there until the deadline, and not any longer.
async fn assert_due(server: &TestServer, peer: &mut Peer) {
    server.clock.advance(ALMOST);
    assert_eq!(peer.hear().await.names(), [""; 0]);
    server.clock.advance(THE_REST);
    peer.expect_dismissal("AUTH_FAILED").await;
    server.until_connections(0).await;
}

/// It stays, whatever the clock says.
async fn assert_stays(server: &TestServer, peer: &mut Peer) {
    for _ in 0..2 {
        server.clock.advance(ALMOST);
        assert_eq!(peer.hear().await.names(), [""; 0]);
    }
}

#[actix_web::test]
async fn an_intraday_client_must_say_who_it_is_in_time() {
    for door in INTRADAY {
        let server = server();
        let (mut peer, _) = Peer::enter(&server, door, &Who::Nobody).await;
        assert_due(&server, &mut peer).await;
    }
}

#[actix_web::test]
async fn trying_is_not_saying() {
    for door in INTRADAY {
        let server = server();
        let (mut peer, _) = Peer::enter(&server, door, &Who::Nobody).await;
        server.clock.advance(Duration::from_millis(5_000));
        let heard = peer.tell("authenticate", &json!({"token": "garbage"})).await;
        assert_eq!(heard.refusal().as_deref(), Some("AUTH_FAILED"));
        assert_eq!(peer.tell("join", &json!({"room": "public:lobby"})).await.refusal(), None);
        assert_eq!(peer.tell("client:ping", &json!({})).await.names(), ["client:pong"]);
        server.clock.advance(Duration::from_millis(4_999));
        assert_eq!(peer.hear().await.rooms(), ["public:lobby"]);
        server.clock.advance(THE_REST);
        peer.expect_dismissal("AUTH_FAILED").await;
    }
}

#[actix_web::test]
async fn who_has_said_so_stays() {
    for door in INTRADAY {
        for who in [Who::Claims("u1", "o1"), Who::Bears(json!({"sub": "u1", "exp": 32_000_000_000_u64}))] {
            let server = server();
            let (mut peer, _) = Peer::enter(&server, door, &who).await;
            assert_stays(&server, &mut peer).await;
        }
        let server = server();
        let (mut peer, _) = Peer::enter(&server, door, &Who::Nobody).await;
        server.clock.advance(ALMOST);
        assert_eq!(peer.tell("authenticate", &json!({"token": good()})).await.refusal(), None);
        assert_stays(&server, &mut peer).await;
    }
}

#[actix_web::test]
async fn a_plain_client_has_as_long_from_its_first_message_in_guide_004_s_form() {
    for first in ["client:ping", "nonsense", "join"] {
        let server = server();
        let mut peer = Peer::plain(&server, plain("/ws", Form::Event), &[]).await;
        // Silence, and guide 002's form, which the question asked behind everything has, start nothing.
        peer.hear().await;
        assert_stays(&server, &mut peer).await;
        peer.tell(first, &json!({"room": "public:lobby"})).await;
        server.clock.advance(Duration::from_millis(5_000));
        // Once begun, it does not begin anew.
        peer.tell("client:ping", &json!({})).await;
        server.clock.advance(Duration::from_millis(4_999));
        assert_eq!(peer.hear().await.names(), [""; 0]);
        server.clock.advance(THE_REST);
        peer.expect_dismissal("AUTH_FAILED").await;
    }
}

#[actix_web::test]
async fn a_plain_client_in_guide_002_s_form_or_that_has_said_who_it_is_may_stay() {
    let server = server();
    let mut peer = Peer::plain(&server, plain("/ws", Form::Type), &[]).await;
    peer.hear().await;
    peer.tell("join", &json!({"room": "public:lobby"})).await;
    peer.tell("client:ping", &json!({})).await;
    assert_stays(&server, &mut peer).await;
    drop(peer);

    let who = Who::Bears(json!({"sub": "u1", "exp": 32_000_000_000_u64}));
    for (door, who) in [
        (plain("/ws", Form::Event), who),
        (plain("/ws", Form::Event), Who::Claims("u1", "o1")),
        (plain("/events", Form::Event), Who::Holds(super::KEY)),
    ] {
        let (mut peer, _) = Peer::enter(&server, door, &who).await;
        peer.tell("client:ping", &json!({})).await;
        assert_stays(&server, &mut peer).await;
    }
}
