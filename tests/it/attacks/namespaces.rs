//! Floods of namespaces, rooms and acknowledgements, and names with a meaning elsewhere.

use std::time::Duration;

use serde_json::json;

use super::Scene;
use super::messages::UNHURRIED;
use crate::support::engine::Engine;
use crate::support::frames::{CLOSE, FIN, PING, PONG, TEXT, frame};
use crate::support::socketio::connect_as;
use crate::support::token;

const NAMES: [&str; 12] = [
    "__proto__",
    "constructor",
    "prototype",
    "hasOwnProperty",
    "toString",
    "valueOf",
    "__defineGetter__",
    "",
    "\u{0}",
    "../x",
    "*",
    "%s%n",
];

#[actix_web::test]
async fn a_flood_of_namespaces_is_held_to_the_rate_and_ended() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = Engine::websocket(&scene.server, "/socket.io/").await;
    for number in 0..100 {
        engine.say(&format!("40/n{number},")).await;
        engine.expect(&format!(r#"44/n{number},{{"message":"Invalid namespace"}}"#)).await;
    }
    let mut told = 0;
    'flood: for _ in 0..30 {
        let wire = engine.wire.as_mut().unwrap();
        for number in 0..200 {
            wire.text(&format!("40/m{number},")).await;
        }
        // Answered behind all that was said before.
        wire.send(&frame(FIN | PING, b"marker")).await;
        loop {
            match wire.next().await {
                Some((TEXT, text)) => {
                    let text = String::from_utf8(text).unwrap();
                    assert!(text.starts_with("44/m") && text.len() < 200, "{text}");
                    told += usize::from(text.contains("RATE_LIMIT_EXCEEDED"));
                }
                Some((PONG, _)) => break,
                Some((CLOSE, code)) => {
                    assert_eq!(code[..2], 4429_u16.to_be_bytes());
                    break 'flood;
                }
                other => panic!("{other:?}"),
            }
        }
        scene.server.clock.advance(Duration::from_millis(600));
    }
    // Once a second and no more, for the ten seconds that a flood is borne.
    assert!((5..=11).contains(&told), "{told}");
    drop(engine);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_flood_of_namespaces_in_one_push_makes_no_socket() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = Engine::polling(&scene.server, "/socket.io/").await;
    let words: Vec<String> = (0..10_000).map(|number| format!("40/{number},")).collect();
    engine.push(words.join("\x1e")).await;
    let status = scene.server.get("/api/ws/status").await.json();
    assert_eq!(status["totalClients"], 2, "{status}");
    // Each within the rate is answered, and then one that says that it is over.
    for number in 0..100 {
        engine.expect(&format!(r#"44/{number},{{"message":"Invalid namespace"}}"#)).await;
    }
    let refusal = engine.hear().await;
    assert!(refusal.starts_with("44/100,{") && refusal.contains("RATE_LIMIT_EXCEEDED"), "{refusal}");
    engine.park().await;
    engine.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_namespace_may_be_long_but_not_without_end() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for mut engine in scene.pair("mallory").await {
        let long = format!("/ws?{}", "x".repeat(252));
        engine.say(&connect_as(&long, json!({"sub": "mallory"}))).await;
        assert!(engine.hear().await.starts_with(&format!("40{long},{{\"sid\":")));
        engine.next_event(&long, "connection_established").await;
        engine.say(&format!("41{long},")).await;
        engine.say(&connect_as(&format!("{long}y"), json!({"sub": "mallory"}))).await;
        engine.expect(&format!(r#"44{long}y,{{"message":"Invalid namespace"}}"#)).await;
        engine.say_last(&format!("40/ws?{},", "x".repeat(4093))).await;
    }
    for mut engine in scene.pair("mallory").await {
        engine.say_last(&format!("40/{}", "n".repeat(1_000_000))).await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn connecting_and_leaving_without_end_is_held_to_the_rate() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = Engine::polling(&scene.server, "/ws/").await;
    engine.push(vec!["40\x1e41"; 100].join("\x1e")).await;
    let answer = engine.post("40\x1e41").await;
    // Refused, so there is nothing to leave: what says so breaks the protocol.
    assert_eq!(answer.status, 400);
    engine.expect_closed().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_flood_of_rooms_ends_at_two_hundred_per_connection_and_leaves_none() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    let [mut polling, mut websocket] = scene.pair("mallory").await;
    for (engine, prefix) in [(&mut polling, "p"), (&mut websocket, "w")] {
        engine.connect("/ws", "mallory").await;
        for namespace in ["", "/ws,"] {
            let words: Vec<String> = (0..1000)
                .map(|number| {
                    format!(
                        "42{namespace}{number}{}",
                        json!(["join", {"room": format!("{prefix}-{number}")}])
                    )
                })
                .collect();
            for word in words.chunks(100) {
                match &mut engine.wire {
                    None => engine.push(word.join("\x1e")).await,
                    Some(wire) => {
                        for word in word {
                            wire.text(word).await;
                        }
                    }
                }
            }
            let mut joined = 0;
            for id in 0..1000 {
                let mut packet = engine.hear().await;
                if packet.contains(r#"["room_joined""#) {
                    joined += 1;
                    packet = engine.hear().await;
                } else {
                    assert!(packet.contains("SUBSCRIPTION_FAILED"), "{packet}");
                }
                assert!(packet.starts_with(&format!("43{namespace}{id}[")), "{packet}");
            }
            // The first namespace has taken all places of the connection.
            assert_eq!(joined, if namespace.is_empty() { 200 } else { 0 }, "{namespace}");
        }
    }
    polling.goodbye().await;
    websocket.goodbye().await;
    scene.assert_unharmed().await;
    assert_eq!(scene.server.get("/api/ws/rooms").await.json()["total_count"], 1);
}

#[actix_web::test]
async fn ack_ids_that_overflow_end_the_connection() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for id in ["18446744073709551616", "99999999999999999999", &"9".repeat(100_000)] {
        for packet in
            [format!(r#"42{id}["heartbeat"]"#), format!("43{id}[]"), format!(r#"450-{id}["heartbeat"]"#)]
        {
            for mut engine in scene.pair("mallory").await {
                engine.say_last(&packet).await;
            }
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn acknowledgements_nobody_asked_for_do_nothing() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = scene.poller("mallory").await;
    let words: Vec<String> = (0..50_000).map(|id| format!("43{id}[{{\"status\":\"success\"}}]")).collect();
    engine.push(words.join("\x1e")).await;
    engine.expect_nothing("/").await;
    engine.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn reserved_names_end_the_connection_and_reach_nobody() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let names = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
    for name in names {
        for packet in
            [format!(r#"42["{name}"]"#), format!(r#"427["{name}",{{}}]"#), format!(r#"450-["{name}"]"#)]
        {
            for mut engine in scene.pair("mallory").await {
                engine.say_last(&packet).await;
            }
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn names_with_a_meaning_elsewhere_are_events_nobody_knows() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    let [mut polling, mut websocket] = scene.pair("mallory").await;
    for engine in [&mut polling, &mut websocket] {
        for name in
            NAMES.iter().chain(&["connection_established", "room_joined", "auth:success", "pong", "error"])
        {
            engine.emit("/", name, json!({"room": "r"})).await;
            assert_eq!(engine.next_event("/", "error").await["code"], "INVALID_MESSAGE", "{name}");
            let refused = engine.ask("/", name, json!(null)).await;
            assert_eq!(refused["code"], "INVALID_MESSAGE", "{name}");
        }
    }
    polling.goodbye().await;
    websocket.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn names_with_a_meaning_elsewhere_are_namespaces_nobody_has() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    let [mut polling, mut websocket] = scene.pair("mallory").await;
    for engine in [&mut polling, &mut websocket] {
        for name in NAMES.iter().filter(|name| !name.is_empty() && **name != "\u{0}") {
            engine.say(&format!("40/{name},{}", json!({"token": token::sign(json!({"sub": "m"}))}))).await;
            engine.expect(&format!(r#"44/{name},{{"message":"Invalid namespace"}}"#)).await;
        }
    }
    polling.goodbye().await;
    websocket.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn keys_with_a_meaning_elsewhere_give_no_rights() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    for key in ["__proto__", "constructor", "prototype"] {
        for mut engine in Engine::both(&scene.server, "/socket.io/").await {
            let token = token::sign(json!({"sub": "root", "role": "admin"}));
            // Only a token of its own name is one.
            for auth in [json!({key: {"token": token}}), json!({key: {"admin": true}, "token": null})] {
                engine.say(&format!("40{auth}")).await;
                assert!(engine.hear().await.starts_with(r#"44{"message":"Authentication failed""#));
            }
            engine.connect("/", "mallory").await;
            let payload = json!({"room": "admin:broadcast", key: {"admin": true, "role": "admin"}});
            assert_eq!(engine.ask("/", "join", payload).await["code"], "UNAUTHORIZED");
            let own = engine.expect_nothing("/").await;
            assert_eq!(own["user_id"], "mallory");
            if engine.wire.is_none() {
                engine.goodbye().await;
            }
        }
    }
    scene.assert_unharmed().await;
}
