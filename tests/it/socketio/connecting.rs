//! CONNECT: what it is granted, what it is refused with, and how long it may be waited for
//! (`protocol.md` 2.2, contract 0.2, W4, X-02).

use std::time::Duration;

use serde_json::{Value, json};

use super::{PATHS, SOCKET_IO};
use crate::support::engine::Engine;
use crate::support::socketio::{connect_as, head};
use crate::support::{TestServer, token};

const MILLISECOND: Duration = Duration::from_millis(1);

/// The refusal of `namespace`, whose packet comes next. Gives why.
async fn refused(engine: &mut Engine, namespace: &str) -> String {
    let packet = engine.hear().await;
    let refusal = packet.strip_prefix(&head(4, namespace)).unwrap_or_else(|| panic!("{packet}"));
    let refusal: Value = serde_json::from_str(refusal).unwrap();
    let reason = refusal["data"]["reason"].as_str().unwrap().to_owned();
    let message = match namespace {
        "/events" => format!("Tenant authentication failed: {reason}"),
        _ => "Authentication failed".to_owned(),
    };
    let data = json!({"code": "AUTH_FAILED", "reason": reason});
    assert_eq!(refusal, json!({"message": message, "data": data}));
    reason
}

#[actix_web::test]
async fn every_namespace_is_granted_on_every_path_with_an_id_of_its_own() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        for mut engine in Engine::both(&server, path).await {
            let mut ids = vec![engine.sid.clone()];
            for namespace in ["/", "/ws", "/events"] {
                let id = engine.connect(namespace, "ann").await;
                assert!(!ids.contains(&id), "{id} is used twice");
                let own = engine.expect_nothing(namespace).await;
                let user = if namespace == "/events" { Value::Null } else { json!("ann") };
                assert_eq!((&own["socket_id"], &own["user_id"]), (&json!(id), &user));
                ids.push(id);
            }
        }
    }
}

#[actix_web::test]
async fn the_root_of_the_ws_path_needs_no_token() {
    let server = TestServer::by_hand(&[]);
    for path in ["/ws", "/ws/"] {
        for (mut engine, auth) in Engine::both(&server, path).await.into_iter().zip(["", "{}"]) {
            engine.say(&format!("40{auth}")).await;
            assert!(engine.hear().await.starts_with(r#"40{"sid":""#));
            let welcome = engine.next_event("/", "connected").await;
            let own = engine.expect_nothing("/").await;
            assert_eq!(welcome["socket_id"], own["socket_id"]);
            assert_eq!(own["user_id"], Value::Null);
        }
    }
}

#[actix_web::test]
async fn a_comma_may_be_missing_where_nothing_follows() {
    let server = TestServer::by_hand(&[]);
    for packet in ["40/ws", "40/ws,"] {
        let bearer = format!("Bearer {}", token::sign(json!({"sub": "ann"})));
        let headers = [("authorization", &*bearer)];
        let mut engine = Engine::polling_with(&server, SOCKET_IO, &headers).await;
        engine.say(packet).await;
        assert!(engine.hear().await.starts_with(r#"40/ws,{"sid":""#));
        engine.next_event("/ws", "connection_established").await;
        engine.say("41/ws").await;
        engine.say("40/nope").await;
        engine.expect(r#"44/nope,{"message":"Invalid namespace"}"#).await;
    }
}

#[actix_web::test]
async fn a_token_of_the_handshake_counts_for_every_namespace_without_its_own() {
    let server = TestServer::by_hand(&[]);
    let ann = token::sign(json!({"sub": "ann"}));
    for headers in [("x-auth-token", ann.clone()), ("authorization", format!("Bearer {ann}"))] {
        let headers = [(headers.0, &*headers.1)];
        let mut engine = Engine::polling_with(&server, SOCKET_IO, &headers).await;
        engine.say("40").await;
        assert!(engine.hear().await.starts_with(r#"40{"sid":""#));
        assert_eq!(engine.next_event("/", "connection_established").await["data"]["user_id"], "ann");
        // A namespace may be another's.
        engine.connect("/ws", "bob").await;
        assert_eq!(engine.expect_nothing("/ws").await["user_id"], "bob");
        engine.upgrade().await;
        assert_eq!(engine.expect_nothing("/").await["user_id"], "ann");
    }
}

#[actix_web::test]
async fn a_token_of_a_later_request_counts_for_nothing() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let (url, bearer) = (engine.url("polling"), format!("Bearer {}", token::sign(json!({"sub": "ann"}))));
    engine.posts.ask("POST", &url, &[("authorization", &bearer)], b"40").await;
    assert_eq!(engine.posts.answer().await.text(), "ok");
    assert_eq!(refused(&mut engine, "/").await, "no token");
}

#[actix_web::test]
async fn a_bad_credential_is_refused_per_namespace_and_the_connection_kept() {
    let server = TestServer::by_hand(&[]);
    let other = token::sign_with("another-secret-of-thirty-two-chars", json!({"sub": "ann"}));
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        engine.connect("/ws", "ann").await;
        let bad = [json!({}), json!({"token": null}), json!({"token": ""}), json!({"token": 5})];
        for (auth, namespace) in bad.iter().zip(["/", "/events", "/", "/events"]) {
            engine.say(&format!("{}{auth}", head(0, namespace))).await;
            refused(&mut engine, namespace).await;
        }
        for token in ["x", &other, "a.b.c"] {
            engine.say(&format!("40{}", json!({"token": token}))).await;
            refused(&mut engine, "/").await;
        }
        // Others are not touched, and the refused one may try again.
        engine.expect_nothing("/ws").await;
        engine.connect("/", "bob").await;
        assert_eq!(engine.expect_nothing("/").await["user_id"], "bob");
    }
}

#[actix_web::test]
async fn a_client_that_tries_tokens_is_sent_away() {
    let server = TestServer::by_hand(&[]);
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        engine.connect("/ws", "ann").await;
        for _ in 0..10 {
            engine.say(r#"40{"token":"guess"}"#).await;
            refused(&mut engine, "/").await;
        }
        engine.expect("41/ws,").await;
        if engine.wire.is_none() {
            engine.expect_poll("1").await;
        }
        engine.expect_closed().await;
    }
}

#[actix_web::test]
async fn an_unknown_namespace_is_refused_in_exactly_these_words() {
    let server = TestServer::by_hand(&[]);
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        for namespace in
            ["/random", "/WS", "/ws/", "/ws/x", "/socket.io", "/__proto__", "//", "/\u{e9}", "/ "]
        {
            engine.say(&connect_as(namespace, json!({"sub": "ann"}))).await;
            engine.expect(&format!(r#"44{namespace},{{"message":"Invalid namespace"}}"#)).await;
        }
        engine.connect("/", "ann").await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn a_query_behind_a_namespace_is_echoed_in_everything_it_is_told() {
    // Python's servers take it; its clients compare the spelling.
    let server = TestServer::by_hand(&[]);
    for mut engine in Engine::both(&server, SOCKET_IO).await {
        let own = "/ws?x=1";
        let expiry = server.clock.seconds() + 10;
        engine.connect_with(own, json!({"sub": "ann", "exp": expiry})).await;
        engine.join(own, "global").await;
        engine.ask(own, "client:ping", json!({})).await;
        server.broadcast(json!({"type": "custom:n", "room": "global", "data": 1})).await;
        assert_eq!(engine.next_event(own, "custom:n").await, 1);
        // What it says may be spelled either way.
        engine.say(r#"42/ws,["heartbeat"]"#).await;
        engine.next_event(own, "heartbeat").await;
        engine.emit(own, "nonsense", json!(1)).await;
        engine.next_event(own, "error").await;
        engine.say("40/nope?x=1,").await;
        engine.expect(r#"44/nope?x=1,{"message":"Invalid namespace"}"#).await;
        engine.say("40/events?tenant=1,").await;
        refused_as(&mut engine, "/events?tenant=1").await;
        server.clock.advance(Duration::from_secs(10));
        engine.next_event(own, "error").await;
        engine.expect("41/ws?x=1,").await;
    }
}

async fn refused_as(engine: &mut Engine, namespace: &str) {
    let packet = engine.hear().await;
    assert!(packet.starts_with(&head(4, namespace)), "{packet}");
}

#[actix_web::test]
async fn one_namespace_by_two_spellings_is_a_second_connect() {
    let server = TestServer::by_hand(&[]);
    for (first, second) in [("/ws", "/ws?x=1"), ("/ws?x=1", "/ws"), ("/ws?x=1", "/ws?x=2")] {
        for mut engine in Engine::both(&server, SOCKET_IO).await {
            engine.connect(first, "ann").await;
            engine.say_last(&connect_as(second, json!({"sub": "ann"}))).await;
        }
    }
}

#[actix_web::test]
async fn events_behind_a_connect_in_the_same_push_are_heard_after_it() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let connect = connect_as("/", json!({"sub": "ann"}));
    engine.push(format!("{connect}\x1e42[\"join\",{{\"room\":\"global\"}}]\x1e427[\"debug:rooms\"]")).await;
    assert!(engine.hear().await.starts_with(r#"40{"sid":""#));
    engine.next_event("/", "connection_established").await;
    engine.next_event("/", "room_joined").await;
    assert_eq!(engine.next_ack("/", 7).await["rooms"][0], "global");
}

#[actix_web::test]
async fn a_second_connect_behind_the_first_makes_no_second_socket() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let connect = connect_as("/", json!({"sub": "ann"}));
    engine.say_last(&format!("{connect}\x1e{connect}")).await;
    server.until_connections(0).await;
    assert_eq!(server.get("/api/ws/status").await.json()["totalClients"], 0);
}

/// What a client may say without being connected by it.
const NO_CONNECTION: [&str; 3] = ["3", "40", "40/nope,"];

#[actix_web::test]
async fn who_is_connected_to_no_namespace_in_time_is_let_go() {
    let server = TestServer::by_hand(&[]);
    for word in NO_CONNECTION {
        let mut engines = Engine::both(&server, SOCKET_IO).await;
        for engine in &mut engines {
            engine.say(word).await;
            if word != "3" {
                assert!(engine.hear().await.starts_with("44"));
            }
        }
        server.clock.advance(Duration::from_secs(45) - MILLISECOND);
        for engine in &mut engines {
            engine.expect("2").await;
            engine.say("3").await;
            engine.say("40/nope,").await;
            engine.expect(r#"44/nope,{"message":"Invalid namespace"}"#).await;
        }
        server.clock.advance(MILLISECOND);
        let [polling, websocket] = &mut engines;
        websocket.expect_closed().await;
        server.until_connections(0).await;
        polling.expect_closed().await;
    }
}

#[actix_web::test]
async fn a_poll_that_waits_when_the_time_for_a_connect_is_over_is_told() {
    let server = TestServer::by_hand(&[("CONNECT_TIMEOUT_MS", "1000"), ("WORKERS", "1")]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.park().await;
    server.clock.advance(Duration::from_secs(1));
    engine.expect_parked("1").await;
    engine.expect_closed().await;
}

#[actix_web::test]
async fn the_last_moment_is_early_enough_to_connect() {
    let server = TestServer::by_hand(&[]);
    let mut engines = Engine::both(&server, SOCKET_IO).await;
    server.clock.advance(Duration::from_secs(45) - MILLISECOND);
    for engine in &mut engines {
        engine.expect("2").await;
        engine.say("3").await;
        engine.connect("/", "ann").await;
    }
    server.clock.advance(Duration::from_secs(20));
    for engine in &mut engines {
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn who_has_left_the_last_namespace_stays_and_may_come_back() {
    let server = TestServer::by_hand(&[]);
    let mut engines = Engine::both(&server, SOCKET_IO).await;
    for engine in &mut engines {
        engine.connect("/", "ann").await;
        engine.say("41").await;
    }
    for _ in 0..4 {
        server.clock.advance(Duration::from_secs(25));
        for engine in &mut engines {
            engine.expect("2").await;
            engine.say("3").await;
            // The pong has been heard when this is answered.
            engine.say("40/nope,").await;
            engine.expect(r#"44/nope,{"message":"Invalid namespace"}"#).await;
        }
    }
    for engine in &mut engines {
        engine.connect("/", "ann").await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn who_comes_beyond_the_limit_is_told_at_connect_and_never_counted() {
    // Contract D-14.
    let server = TestServer::by_hand(&[("MAX_CONNECTIONS", "2")]);
    let mut members = Engine::both(&server, SOCKET_IO).await;
    for engine in &mut members {
        engine.connect("/", "ann").await;
    }
    for mut surplus in Engine::both(&server, SOCKET_IO).await {
        assert_eq!(server.running().connections(), 2);
        surplus.say(&connect_as("/ws", json!({"sub": "bob"}))).await;
        let refusal = surplus.hear().await;
        let refusal = refusal.strip_prefix("44/ws,").expect("a refusal");
        let refusal: Value = serde_json::from_str(refusal).unwrap();
        assert_eq!(refusal["data"]["code"], "CONNECTION_LIMIT", "{refusal}");
        if surplus.wire.is_none() {
            surplus.expect_poll("1").await;
        }
        surplus.expect_closed().await;
    }
    let status = server.get("/api/ws/status").await.json();
    assert_eq!(status["totalClients"], 2, "{status}");
    for engine in &mut members {
        engine.expect_nothing("/").await;
    }
}
