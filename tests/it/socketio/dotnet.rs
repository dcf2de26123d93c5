//! The .NET client's way (`protocol.md`, 0.1, 1.5 and 9), frame by frame.

use serde_json::{Value, json};

use super::{ONE_WORKER, ROOM, SOCKET_IO, update};
use crate::support::TestServer;
use crate::support::engine::{BAD_REQUEST, Engine, Line};
use crate::support::http;
use crate::support::socketio::{connect_as, event};

#[actix_web::test]
async fn its_sequence_connects_without_a_probe_and_without_a_poll() {
    let server = TestServer::by_hand(&[]);
    for namespace in ["/", "/ws"] {
        // GET, POST `40`, a WebSocket with the sid, `5` at once; never a poll.
        let mut engine = Engine::polling(&server, SOCKET_IO).await;
        engine.push(connect_as(namespace, json!({"sub": "ann"}))).await;
        let mut wire = engine.probe().await;
        wire.text("5").await;
        let granted = wire.next_text().await;
        let head = if namespace == "/" { "40" } else { "40/ws," };
        let granted: Value = serde_json::from_str(granted.strip_prefix(head).expect("a grant")).unwrap();
        assert_eq!(granted.as_object().unwrap().len(), 1);
        engine.wire = Some(wire);
        engine.next_event(namespace, "connection_established").await;
        let own = engine.expect_nothing(namespace).await;
        assert_eq!(own["socket_id"], granted["sid"]);

        engine.join(namespace, ROOM).await;
        server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": 1})).await;
        assert_eq!(engine.next_event(namespace, "custom:n").await, 1);
        engine.emit(namespace, "leave", json!({"room": ROOM})).await;
        engine.next_event(namespace, "room_left").await;
    }
}

#[actix_web::test]
async fn its_upgrade_may_overtake_its_connect() {
    // The push is answered before the WebSocket is opened, but what it asked for may still be asked.
    let server = TestServer::by_hand(&[]);
    for _ in 0..30 {
        let mut engine = Engine::polling(&server, SOCKET_IO).await;
        let mut wire = engine.probe().await;
        let url = engine.url("polling");
        let connect = connect_as("/", json!({"sub": "ann"}));
        engine.posts.ask("POST", &url, &[], connect.as_bytes()).await;
        wire.text("5").await;
        engine.wire = Some(wire);
        let answer = engine.posts.answer().await;
        match answer.status {
            200 => {
                assert!(engine.hear().await.starts_with(r#"40{"sid":""#));
                engine.next_event("/", "connection_established").await;
            }
            // It came behind the swap: a bad request, not heard.
            _ => {
                assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST));
                engine.connect("/", "ann").await;
            }
        }
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn what_waits_for_its_first_poll_comes_by_websocket() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let connect = connect_as("/", json!({"sub": "ann"}));
    engine.push(format!("{connect}\x1e{}", event("/", "join", &json!({"room": ROOM})))).await;
    for number in 0..100 {
        server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": number})).await;
    }
    let probe = engine.probe().await;
    engine.swap_to(probe).await;
    assert!(engine.hear().await.starts_with(r#"40{"sid":""#));
    engine.next_event("/", "connection_established").await;
    engine.next_event("/", "room_joined").await;
    for number in 0..100 {
        assert_eq!(engine.next_event("/", "custom:n").await, number);
    }
}

#[actix_web::test]
async fn without_an_upgrade_it_posts_attachments_apart_and_pushes_overlap() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut bob = Engine::websocket(&server, SOCKET_IO).await;
    bob.connect("/", "bob").await;
    bob.join("/", ROOM).await;
    let mut ann = Engine::polling(&server, SOCKET_IO).await;
    ann.connect("/", "ann").await;
    ann.join("/", ROOM).await;
    let url = ann.url("polling") + "&t=1795212596939";
    let mut pongs = Line::to(server.address());
    let kind = [("content-type", "text/plain; charset=utf-8")];
    for round in 0..20_u8 {
        let content = json!({"_placeholder": true, "num": 0});
        let head = format!("451-{round}{}", json!(["blueprint_update", update(ROOM, content)]));
        ann.posts.ask("POST", &url, &kind, head.as_bytes()).await;
        // No lock around its sends: a pong may come before, between or behind.
        pongs.ask("POST", &url, &kind, b"3").await;
        assert_eq!(ann.posts.answer().await.text(), "ok");
        let body = format!("b{}", crate::support::engine::base64(&[round; 5]));
        ann.posts.ask("POST", &url, &kind, body.as_bytes()).await;
        assert_eq!(ann.posts.answer().await.text(), "ok");
        assert_eq!(pongs.answer().await.text(), "ok");
        assert_eq!(ann.next_ack("/", round.into()).await["success"], true);
        assert!(bob.hear().await.starts_with(r#"451-["blueprint_update","#));
        bob.expect(&body).await;
    }
}

#[actix_web::test]
async fn its_poll_of_a_closed_session_is_an_error_it_comes_back_from() {
    let server = TestServer::by_hand(&[]);
    let engine = Engine::polling(&server, SOCKET_IO).await;
    let url = engine.url("polling");
    assert_eq!(http::request(server.address(), "POST", &url, &[], b"1").await.text(), "ok");
    let answer = http::request(server.address(), "GET", &url, &[], b"").await;
    assert_eq!(answer.status, 400);
}
