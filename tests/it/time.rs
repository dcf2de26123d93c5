//! What happens as time passes, on a clock that moves by hand.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::support::TestServer;
use crate::support::socket::Socket;
use crate::support::token;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A socket signed in with a token that expires so many seconds from now.
async fn signed_in_for(server: &TestServer, secs: i64) -> Socket {
    server.sign_in(json!({"sub": "u1", "exp": server.clock.seconds() + secs})).await
}

#[actix_web::test]
async fn a_silent_client_is_pinged_on_schedule() {
    let server = TestServer::by_hand(&[]);
    let mut socket = server.connect().await;
    for _ in 0..5 {
        server.clock.advance(seconds(25));
        assert!(matches!(socket.next_frame().await, Some(Message::Ping(_))));
        // The library has answered by itself; this shows that the answer has arrived.
        socket.expect_nothing().await;
    }
}

#[actix_web::test]
async fn a_client_that_answers_no_ping_is_given_up() {
    let server = TestServer::by_hand(&[]);
    let _mute = server.connect().await.into_stream();
    server.until_connections(1).await;
    server.clock.advance(seconds(25));
    server.clock.advance(seconds(59));
    assert_eq!(server.running().connections(), 1);
    server.clock.advance(seconds(30));
    // A goodbye nobody answers either.
    server.clock.advance(seconds(10));
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_token_that_expires_ends_the_connection() {
    let server = TestServer::by_hand(&[]);
    let mut socket = signed_in_for(&server, 3).await;
    server.clock.advance(seconds(2));
    socket.expect_nothing().await;
    server.clock.advance(seconds(1));
    socket.next_error("AUTH_FAILED").await;
    assert_eq!(socket.next_close().await, 4401);
}

#[actix_web::test]
async fn a_rotated_token_keeps_the_connection() {
    let server = TestServer::by_hand(&[]);
    let mut socket = signed_in_for(&server, 3).await;
    let longer = token::sign(json!({"sub": "u1", "exp": server.clock.seconds() + 20}));
    socket.send(json!({"type": "auth", "payload": {"token": longer}})).await;
    let confirmed = socket.next("auth:success").await;
    assert_eq!(confirmed["data"]["expires_at"], "2026-01-01T00:00:20.000Z");

    server.clock.advance(seconds(10));
    socket.expect_nothing().await;
    server.clock.advance(seconds(10));
    socket.next_error("AUTH_FAILED").await;
    assert_eq!(socket.next_close().await, 4401);
}

#[actix_web::test]
async fn an_expired_token_is_refused_at_once_and_without_leeway() {
    let server = TestServer::by_hand(&[]);
    let token = token::sign(json!({"sub": "u1", "exp": server.clock.seconds()}));
    let mut socket = Socket::open(server.address(), &format!("/ws?token={token}"), &[]).await;
    assert_eq!(socket.next("connection_established").await["data"]["authenticated"], false);
    let error = socket.next_error("AUTH_FAILED").await;
    assert_eq!(error["data"]["details"]["reason"], "token expired");
}

#[actix_web::test]
async fn a_flood_is_refused_told_once_a_second_and_ended_after_ten() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "10")]);
    let mut socket = server.connect().await;
    let rude = json!({"type": "no_such_message"});
    for second in 0..11 {
        for _ in 0..15 {
            socket.send(rude.clone()).await;
        }
        for _ in 0..10 {
            socket.next_error("INVALID_MESSAGE").await;
        }
        socket.next_error("RATE_LIMIT_EXCEEDED").await;
        // Keep-alives have a bucket of their own, and show that all fifteen were seen.
        socket.send(json!({"type": "ping"})).await;
        socket.next("pong").await;
        server.clock.advance(Duration::from_millis(if second < 10 { 999 } else { 1 }));
        server.clock.advance(Duration::from_millis(1));
    }
    for _ in 0..15 {
        socket.send(rude.clone()).await;
    }
    loop {
        match socket.next_message().await {
            Some(Message::Close(Some(frame))) => {
                assert_eq!(u16::from(frame.code), 4429);
                break;
            }
            Some(_) => {}
            None => panic!("ended without a close frame"),
        }
    }
}
