//! Clients that take more than their share.

use std::time::Duration;

use serde_json::json;

use super::{FIN, ROOM, Scene, TEXT, frame};
use crate::support::http;
use crate::support::socket::Socket;
use crate::support::{PATIENCE, token};

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A handshake that must be refused with this error. Gives the answer.
async fn refused(scene: &Scene, headers: &[(&str, &str)], status: u16, code: &str) -> http::Answer {
    let headers = [&HANDSHAKE[..], headers].concat();
    let answer = http::request(scene.server.address(), "GET", "/ws", &headers, b"").await;
    answer.assert_error(status, code);
    answer
}

#[actix_web::test]
async fn a_flood_of_rooms_ends_at_two_hundred_and_leaves_none() {
    let mut scene = Scene::with(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "100000")]).await;
    let mut user = scene.server.sign_in(json!({"sub": "u1", "org": "o"})).await;
    for number in 0..200 {
        user.join(&format!("room-{number}")).await;
    }
    for number in 200..220 {
        user.send(json!({"type": "join", "payload": {"room": format!("room-{number}")}})).await;
        user.next_error("SUBSCRIPTION_FAILED").await;
    }
    // One it is in already is no new one, and one it leaves makes room.
    user.join("room-0").await;
    user.send(json!({"type": "leave", "payload": {"room": "room-0"}})).await;
    user.next("room_left").await;
    user.join("room-220").await;
    let rooms = scene.server.get("/api/ws/rooms?prefix=room-").await.json();
    assert_eq!(rooms["total_count"], 200);

    drop(user);

    scene.assert_unharmed().await;
    assert_eq!(scene.server.get("/api/ws/rooms").await.json()["total_count"], 1);
}

#[actix_web::test]
async fn a_full_room_is_closed_until_somebody_goes() {
    let mut scene = Scene::with(&[("ROOM_MAX_SIZE", "2")]).await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(scene.server.connect().await);
    }
    let [first, second, third, fourth] = &mut sockets[..] else { unreachable!() };
    let join = || json!({"type": "join", "payload": {"room": "public:full"}});
    first.join("public:full").await;
    second.join("public:full").await;
    third.send(join()).await;
    third.next_error("ROOM_FULL").await;
    // Asking again from inside fills nothing.
    first.join("public:full").await;

    first.send(json!({"type": "leave", "payload": {"room": "public:full"}})).await;
    first.next("room_left").await;
    third.join("public:full").await;
    fourth.send(join()).await;
    fourth.next_error("ROOM_FULL").await;

    let second = sockets.remove(1);
    drop(second);
    scene.server.until_connections(4).await;
    sockets[2].join("public:full").await;
    drop(sockets);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_full_server_says_so_and_serves_again_once_somebody_goes() {
    let mut scene = Scene::with(&[("MAX_CONNECTIONS", "3")]).await;
    let (first, second) = (scene.server.connect().await, scene.server.connect().await);
    for _ in 0..10 {
        let answer = refused(&scene, &[], 503, "CONNECTION_LIMIT").await;
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(scene.server.running().connections(), 3);
    assert_eq!(scene.server.get("/health").await.status, 200);
    drop(first);
    scene.server.until_connections(2).await;
    let third = scene.server.connect().await;
    refused(&scene, &[], 503, "CONNECTION_LIMIT").await;
    drop((second, third));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_refused_handshake_takes_no_place() {
    let mut scene = Scene::with(&[("MAX_CONNECTIONS", "2")]).await;
    for _ in 0..5 {
        refused(&scene, &[("origin", "http://evil.example")], 403, "UNAUTHORIZED").await;
        let bad = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")];
        let answer = http::request(scene.server.address(), "GET", "/ws", &bad, b"").await;
        answer.assert_error(400, "INVALID_MESSAGE");
        assert_eq!(scene.server.running().connections(), 1);
    }
    drop(scene.server.connect().await);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_burst_of_connections_is_answered_429_and_rest_is_not_counted() {
    let mut scene = Scene::by_hand(&[("CONNECTION_RATE_PER_IP", "5/s")]).await;
    // The bystander was the first of fifty.
    for _ in 1..50 {
        drop(scene.server.connect().await);
    }
    for disguise in [&[][..], &[("x-forwarded-for", "10.0.0.1")], &[("forwarded", "for=10.0.0.2")]] {
        let answer = refused(&scene, disguise, 429, "RATE_LIMIT_EXCEEDED").await;
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    for _ in 0..100 {
        assert_eq!(scene.server.get("/health").await.status, 200);
        assert_eq!(scene.server.get("/api/ws/status").await.status, 200);
    }
    assert_eq!(scene.server.get("/ws").await.status, 426);

    scene.server.clock.advance(Duration::from_secs(1));

    for _ in 0..5 {
        drop(scene.server.connect().await);
    }
    refused(&scene, &[], 429, "RATE_LIMIT_EXCEEDED").await;
    scene.server.clock.advance(Duration::from_secs(10));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn ten_refused_tokens_end_the_connection() {
    // CVE-2026-31903.
    let mut scene = Scene::new().await;
    let auth = |number: usize| {
        let name = if number.is_multiple_of(2) { "auth" } else { "authenticate" };
        let message = json!({"type": name, "payload": {"token": format!("guess-{number}")}});
        frame(FIN | TEXT, message.to_string().as_bytes())
    };
    let burst: Vec<u8> = (0..100).flat_map(auth).collect();
    let mut rogue = scene.rogue().await;
    rogue.send(&burst).await;
    for _ in 0..10 {
        rogue.next_error("AUTH_FAILED").await;
    }
    // What is sent behind the tenth is not even looked at.
    rogue.send(&frame(FIN | TEXT, br#"{"type":"ping"}"#)).await;
    let Some((super::CLOSE, payload)) = rogue.next().await else { panic!("no close frame") };
    assert_eq!(payload[..2], 4401_u16.to_be_bytes());
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_token_refused_at_the_handshake_is_the_first_of_ten() {
    let mut scene = Scene::new().await;
    let mut socket = Socket::open(scene.server.address(), "/ws?token=guess", &[]).await;
    socket.next("connection_established").await;
    socket.next_error("AUTH_FAILED").await;
    for _ in 0..9 {
        socket.send(json!({"type": "auth", "payload": {"token": "guess"}})).await;
        socket.next_error("AUTH_FAILED").await;
    }
    assert_eq!(socket.next_close().await, 4401);
    drop(socket);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_full_organization_turns_the_next_away_in_the_right_words() {
    let mut scene = Scene::with(&[("MAX_CONNECTIONS_PER_ORG", "2")]).await;
    let first = scene.server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    let second = scene.server.sign_in(json!({"sub": "u2", "org": "A"})).await;
    let bearer = format!("Bearer {}", token::sign(json!({"sub": "u3", "org": "A"})));
    // Many times: what is said must not depend on which thread is faster.
    for _ in 0..50 {
        let mut third = Socket::open(scene.server.address(), "/ws", &[("authorization", &bearer)]).await;
        third.next_error("CONNECTION_LIMIT").await;
        assert_eq!(third.next_close().await, 1013);
    }
    let mut late = scene.server.connect().await;
    late.send(json!({"type": "auth", "payload": {"token": &bearer[7..]}})).await;
    late.next_error("CONNECTION_LIMIT").await;
    assert_eq!(late.next_close().await, 1013);

    let mut other = scene.server.sign_in(json!({"sub": "u1", "org": "B"})).await;
    other.expect_nothing().await;
    let mut homeless = scene.server.sign_in(json!({"sub": "u9"})).await;
    homeless.expect_nothing().await;
    drop((first, late));
    scene.server.until_connections(4).await;
    scene.server.sign_in(json!({"sub": "u3", "org": "A"})).await.expect_nothing().await;
    drop((second, other, homeless));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn who_is_turned_away_is_not_told_that_he_is_in() {
    let mut scene = Scene::with(&[("MAX_CONNECTIONS_PER_ORG", "1")]).await;
    let first = scene.server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    let bearer = format!("Bearer {}", token::sign(json!({"sub": "u2", "org": "A"})));
    for _ in 0..50 {
        let mut second = Socket::open(scene.server.address(), "/ws", &[("authorization", &bearer)]).await;
        while let Some(message) = second.next_message().await {
            let text = message.to_text().unwrap_or_default();
            assert!(!text.contains("auth:success"), "{text}");
        }
    }
    drop(first);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_client_that_asks_much_and_reads_nothing_is_bounded() {
    let settings = [
        ("RATE_LIMIT_MESSAGES_PER_SECOND", "1000000"),
        ("SEND_QUEUE_BYTES", "262144"),
        ("HARD_MAX_MESSAGE_BYTES", "131072"),
        ("MAX_MESSAGE_SIZE_BYTES", "65536"),
    ];
    let mut scene = Scene::by_hand(&settings).await;
    let mut stream = scene.server.connect().await.into_stream();
    let ask = frame(FIN | TEXT, br#"{"type":"debug:rooms"}"#).repeat(1000);
    let flood = async {
        use tokio::io::AsyncWriteExt;
        // Ends because the server cuts the connection.
        while stream.write_all(&ask).await.is_ok() {
            scene.bystander.expect_nothing().await;
            // Else a goodbye nobody reads would be waited with for five real seconds.
            scene.server.clock.advance(Duration::from_millis(100));
        }
    };
    tokio::time::timeout(2 * PATIENCE, flood).await.expect("the server gives it up");
    drop(stream);
    assert_eq!(scene.bystander.rooms().await, [ROOM]);
    scene.assert_unharmed().await;
}
