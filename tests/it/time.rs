//! What happens as time passes, on a clock that moves by hand.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::support::TestServer;
use crate::support::socket::Socket;
use crate::support::{PATIENCE, token, until};

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
    let mut mute = server.connect().await.into_stream();
    let mut frame = [0; 2];
    for _ in 0..3 {
        server.clock.advance(seconds(25));
        mute.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, [0x89, 0], "a ping");
    }
    // Sixty seconds after the first unanswered ping it is told, and soon let go.
    server.clock.advance(seconds(10));
    mute.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[0], 0x88, "a close frame");
    let mut code = [0; 2];
    mute.read_exact(&mut code).await.unwrap();
    assert_eq!(u16::from_be_bytes(code), 1001);
    until(|| {
        server.clock.advance(seconds(1));
        server.running().connections() == 0
    })
    .await;
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
    for half_second in 0..=20 {
        // The bucket holds ten at first, and five more every half second.
        let allowed = if half_second == 0 { 10 } else { 5 };
        for _ in 0..allowed + 3 {
            socket.send(json!({"type": "no_such_message"})).await;
        }
        for _ in 0..allowed {
            socket.next_error("INVALID_MESSAGE").await;
        }
        if half_second % 2 == 0 {
            socket.next_error("RATE_LIMIT_EXCEEDED").await;
        }
        // Keep-alives have a bucket of their own; the answer shows that all was seen.
        socket.send(json!({"type": "ping"})).await;
        socket.next("pong").await;
        server.clock.advance(Duration::from_millis(500));
    }
    for _ in 0..8 {
        socket.send(json!({"type": "no_such_message"})).await;
    }
    for _ in 0..5 {
        socket.next_error("INVALID_MESSAGE").await;
    }
    assert_eq!(socket.next_close().await, 4429);
}

#[actix_web::test]
async fn half_a_request_behind_a_whole_one_does_not_hold_its_connection_for_ever() {
    let server = TestServer::by_hand(&[]);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let mut answer = vec![0; 4096];
    for _ in 0..3 {
        // Whoever asks now and then stays.
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let count = timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer").unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
        server.clock.advance(seconds(100));
    }
    stream.write_all(b"GET /hea").await.unwrap();
    until(|| {
        server.clock.advance(seconds(10));
        match stream.try_read(&mut [0; 64]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    })
    .await;
}
