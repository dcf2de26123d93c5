//! Several namespaces on one connection: sockets of their own, with identities and ends of their own
//! (`protocol.md` 2.2, contract D-28).

use std::time::Duration;

use serde_json::json;

use super::{ONE_WORKER, ROOM, SOCKET_IO, update};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::socketio::connect_as;

const ALL: [&str; 3] = ["/", "/ws", "/events"];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A session over each transport, connected to all namespaces: `/` as ann, `/ws` as bob, `/events` as a tenant.
async fn everywhere(server: &TestServer) -> [Engine; 2] {
    let mut engines = Engine::both(server, SOCKET_IO).await;
    for engine in &mut engines {
        for (namespace, user) in ALL.into_iter().zip(["ann", "bob", ""]) {
            engine.connect(namespace, user).await;
        }
    }
    engines
}

/// Reads one event from each of these namespaces, in any order.
async fn one_each(engine: &mut Engine, namespaces: &[&str], rest: &str) {
    let mut heard = Vec::new();
    for _ in namespaces {
        heard.push(engine.hear().await);
    }
    let head = |namespace: &&str| match *namespace {
        "/" => "42".to_owned(),
        other => format!("42{other},"),
    };
    let mut expected: Vec<_> = namespaces.iter().map(|namespace| head(namespace) + rest).collect();
    heard.sort();
    expected.sort();
    assert_eq!(heard, expected);
}

#[actix_web::test]
async fn a_broadcast_arrives_once_per_namespace() {
    let server = TestServer::by_hand(&[]);
    let mut engines = everywhere(&server).await;
    for engine in &mut engines {
        for namespace in ALL {
            engine.join(namespace, ROOM).await;
        }
    }
    let told = server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": 1})).await;
    assert_eq!(told["recipients_count"], 6);
    let told = server.broadcast(json!({"type": "custom:n", "data": 2})).await;
    assert_eq!(told["recipients_count"], 6);
    for engine in &mut engines {
        one_each(engine, &ALL, r#"["custom:n",1]"#).await;
        one_each(engine, &ALL, r#"["custom:n",2]"#).await;
        engine.expect_nothing("/ws").await;
    }
}

#[actix_web::test]
async fn each_namespace_speaks_for_its_own_user_and_is_in_its_own_rooms() {
    let server = TestServer::by_hand(&[]);
    let mut engines = everywhere(&server).await;
    for engine in &mut engines {
        engine.join("/ws", ROOM).await;
        let own = engine.expect_nothing("/").await;
        assert_eq!(own["user_id"], "ann");
        assert!(!own["rooms"].as_array().unwrap().contains(&json!(ROOM)), "{own}");
        // Only who is a member may publish.
        let refused = engine.ask("/", "blueprint_update", update(ROOM, json!(1))).await;
        assert_eq!(refused["success"], false, "{refused}");
    }
    let told = server.broadcast(json!({"type": "custom:n", "user_id": "bob", "data": 1})).await;
    assert_eq!(told["recipients_count"], 2);
    for engine in &mut engines {
        assert_eq!(engine.next_event("/ws", "custom:n").await, 1);
        assert_eq!(engine.expect_nothing("/ws").await["user_id"], "bob");
    }
}

#[actix_web::test]
async fn a_namespace_that_is_left_takes_no_other_along() {
    let server = TestServer::by_hand(&[]);
    for mut engine in everywhere(&server).await {
        for namespace in ALL {
            engine.join(namespace, ROOM).await;
        }
        engine.say("41/ws,").await;
        // No answer; the next question is answered next.
        engine.expect_nothing("/").await;
        let told = server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": 1})).await;
        assert_eq!(told["recipients_count"], 2);
        one_each(&mut engine, &["/", "/events"], r#"["custom:n",1]"#).await;
        // It may be connected again, as somebody else and to no room.
        engine.connect("/ws", "carol").await;
        let own = engine.expect_nothing("/ws").await;
        assert_eq!(own["user_id"], "carol");
        assert!(!own["rooms"].as_array().unwrap().contains(&json!(ROOM)), "{own}");
        for namespace in ALL {
            engine.emit(namespace, "leave", json!({"room": ROOM})).await;
            let told = if namespace == "/ws" { "error" } else { "room_left" };
            engine.next_event(namespace, told).await;
        }
    }
}

#[actix_web::test]
async fn one_socket_of_a_connection_tells_the_others_of_it() {
    // "Others" are other sockets.
    let server = TestServer::by_hand(&[]);
    for mut engine in everywhere(&server).await {
        for namespace in ALL {
            engine.join(namespace, ROOM).await;
        }
        engine.emit("/", "blueprint_update", update(ROOM, json!(1))).await;
        let mut heard = [engine.hear().await, engine.hear().await];
        heard.sort();
        assert!(heard[0].starts_with(r#"42/events,["blueprint_update""#), "{heard:?}");
        assert!(heard[1].starts_with(r#"42/ws,["blueprint_update""#), "{heard:?}");
        engine.expect_nothing("/").await;
        for namespace in ALL {
            engine.emit(namespace, "leave", json!({"room": ROOM})).await;
            engine.next_event(namespace, "room_left").await;
        }
    }
}

#[actix_web::test]
async fn a_breach_in_one_namespace_ends_all() {
    let server = TestServer::by_hand(&[]);
    let mut witness = server.sign_in(json!({"sub": "w"})).await;
    witness.join(ROOM).await;
    for mut engine in everywhere(&server).await {
        for namespace in ALL {
            engine.join(namespace, ROOM).await;
        }
        engine.say_last("42/ws,{}").await;
    }
    server.until_connections(1).await;
    let told = server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": 1})).await;
    assert_eq!(told["recipients_count"], 1);
    witness.next("custom:n").await;
}

#[actix_web::test]
async fn a_token_that_expires_ends_its_namespace_and_the_last_one_the_connection() {
    let server = TestServer::by_hand(&[]);
    let mut engines = Engine::both(&server, SOCKET_IO).await;
    for engine in &mut engines {
        let expiry = server.clock.seconds();
        engine.connect_with("/", json!({"sub": "ann", "exp": expiry + 10})).await;
        engine.connect_with("/ws", json!({"sub": "ann", "exp": expiry + 20})).await;
    }
    server.clock.advance(seconds(10));
    for engine in &mut engines {
        assert_eq!(engine.next_event("/", "error").await["code"], "AUTH_FAILED");
        engine.expect("41").await;
        engine.expect_nothing("/ws").await;
    }
    server.clock.advance(seconds(10));
    for engine in &mut engines {
        assert_eq!(engine.next_event("/ws", "error").await["code"], "AUTH_FAILED");
        engine.expect("41/ws,").await;
        if engine.wire.is_none() {
            engine.expect_poll("1").await;
        }
        engine.expect_closed().await;
    }
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_rotated_token_keeps_its_own_namespace_only() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::websocket(&server, SOCKET_IO).await;
    let expiry = server.clock.seconds();
    for namespace in ["/", "/ws"] {
        engine.connect_with(namespace, json!({"sub": "ann", "exp": expiry + 10})).await;
    }
    let longer = crate::support::token::sign(json!({"sub": "ann", "exp": expiry + 20}));
    assert_eq!(engine.ask("/ws", "authenticate", json!({"token": longer})).await["success"], true);
    server.clock.advance(seconds(10));
    engine.next_event("/", "error").await;
    engine.expect("41").await;
    engine.expect_nothing("/ws").await;
}

/// Over each transport: `/` has just been ended by the server, `/ws` is still there.
async fn dismissed(server: &TestServer) -> [Engine; 2] {
    let mut engines = Engine::both(server, SOCKET_IO).await;
    for engine in &mut engines {
        let expiry = server.clock.seconds() + 1;
        engine.connect_with("/", json!({"sub": "ann", "exp": expiry})).await;
        engine.connect("/ws", "ann").await;
    }
    server.clock.advance(seconds(1));
    for engine in &mut engines {
        engine.next_event("/", "error").await;
        engine.expect("41").await;
    }
    engines
}

const STRAYS: [&str; 5] = [r#"42["join",{"room":"x"}]"#, "42", "431[]", "41", r#"421["ping"]"#];

#[actix_web::test]
async fn what_was_on_its_way_to_a_namespace_the_server_has_ended_is_ignored() {
    let server = TestServer::by_hand(&[]);
    let mut engines = dismissed(&server).await;
    server.clock.advance(seconds(5) - Duration::from_millis(1));
    for engine in &mut engines {
        for stray in STRAYS {
            engine.say(stray).await;
        }
        engine.say(r#"451-["blueprint_update",{"_placeholder":true,"num":0}]"#).await;
        engine.say_bytes(&[1]).await;
        engine.expect_nothing("/ws").await;
    }
}

#[actix_web::test]
async fn what_comes_too_late_for_that_ends_the_connection() {
    let server = TestServer::by_hand(&[]);
    for stray in STRAYS {
        let mut engines = dismissed(&server).await;
        server.clock.advance(seconds(5));
        for engine in &mut engines {
            engine.expect_nothing("/ws").await;
            engine.say_last(stray).await;
        }
    }
}

#[actix_web::test]
async fn an_ended_namespace_may_be_connected_again() {
    let server = TestServer::by_hand(&ONE_WORKER);
    for engine in &mut dismissed(&server).await {
        engine.connect("/", "bob").await;
        assert_eq!(engine.expect_nothing("/").await["user_id"], "bob");
        // It is the client who leaves now, so what comes next is no stray.
        engine.say("41").await;
        engine.say_last(&connect_as("/ws", json!({"sub": "ann"}))).await;
    }
}
