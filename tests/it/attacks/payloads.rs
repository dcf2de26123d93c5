//! Pushes that are huge, crowded, slow or many (CVE-2020-36048), and JSON without a floor.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;

use super::Scene;
use super::messages::UNHURRIED;
use crate::support::engine::{BAD_REQUEST, Engine, Line, base64};
use crate::support::until;

/// One megabyte for all clients together.
const SMALL: [(&str, &str); 4] = [
    ("HARD_MAX_MESSAGE_BYTES", "524288"),
    ("MAX_MESSAGE_SIZE_BYTES", "65536"),
    ("SEND_QUEUE_BYTES", "786432"),
    ("SEND_QUEUE_TOTAL_BYTES", "1048576"),
];

#[actix_web::test]
async fn a_push_of_a_hundred_thousand_packets_is_heard_in_order_and_in_bounds() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for packet in ["3", "6", "43[1]", "42[\"ack\",{\"message_id\":\"m\"}]"] {
        let mut engine = scene.poller("mallory").await;
        let mut body = vec![packet; 100_000].join("\x1e").into_bytes();
        body.truncate(2_000_000);
        let end = body.iter().rposition(|byte| *byte == 0x1E).unwrap();
        body.truncate(end);
        engine.push(&body).await;
        engine.expect_nothing("/").await;
        engine.goodbye().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_push_of_a_hundred_thousand_commands_is_held_to_the_rate() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = scene.poller("mallory").await;
    engine.push(vec!["42[\"no\"]"; 100_000].join("\x1e")).await;
    let mut told = Vec::new();
    for _ in 0..100 {
        told.push(engine.next_event("/", "error").await["code"].clone());
    }
    // The CONNECT took one of the hundred.
    assert!(told[..99].iter().all(|code| code == "INVALID_MESSAGE"), "{told:?}");
    assert_eq!(told[99], "RATE_LIMIT_EXCEEDED");
    // Told once a second at most, and time has not moved.
    engine.say("427[\"client:ping\"]").await;
    engine.next_ack("/", 7).await;
    engine.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn others_are_served_while_a_push_of_many_packets_is_heard() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    let engine = scene.poller("mallory").await;
    let body = vec!["3"; 200_000].join("\x1e");
    let mut line = Line::to(scene.server.address());
    let is_heard = Cell::new(false);
    let push = async {
        line.ask("POST", &engine.url("polling"), &[], body.as_bytes()).await;
        assert_eq!(line.answer().await.text(), "ok");
        is_heard.set(true);
    };
    let neighbour = scene.neighbour.as_mut().unwrap();
    let others = async {
        let mut rounds = 0;
        while !is_heard.get() {
            neighbour.ask("/", "client:ping", json!({})).await;
            rounds += 1;
        }
        rounds
    };
    let ((), rounds) = tokio::join!(push, others);
    println!("a neighbour was answered {rounds} times meanwhile");
    assert!(rounds >= 10, "a neighbour was answered {rounds} times only");
    engine.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn ten_thousand_levels_are_refused_and_the_connection_kept() {
    // Contract D-39.
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    for depth in [129, 10_000, 150_000] {
        let (list, object) = ("[".repeat(depth) + &"]".repeat(depth), "{\"a\":".repeat(depth));
        let object = format!("{object}1{}", "}".repeat(depth));
        for deep in [list, object] {
            for mut engine in scene.pair("mallory").await {
                let words = [
                    format!(r#"["join",{deep}]"#),
                    format!(r#"["join",{{"room":{deep}}}]"#),
                    format!(r#"["ping",{deep}]"#),
                    format!(r#"["blueprint_update",{{"roomId":"r","blueprintId":"b","changes":{deep}}}]"#),
                    format!(r#"["nobody",{deep}]"#),
                ];
                for words in &words {
                    engine.say(&format!("42{words}")).await;
                    assert_eq!(engine.next_event("/", "error").await["code"], "INVALID_MESSAGE");
                    engine.say(&format!("427{words}")).await;
                    assert_eq!(engine.next_ack("/", 7).await["code"], "INVALID_MESSAGE");
                    engine.say(&format!("451-7{words}")).await;
                    engine.say_bytes(&[1]).await;
                    assert_eq!(engine.next_ack("/", 7).await["code"], "INVALID_MESSAGE");
                }
                // An argument nobody reads may be as deep as it likes, and so may an acknowledgement.
                engine.say(&format!(r#"42["heartbeat",{{}},{deep}]"#)).await;
                engine.next_event("/", "heartbeat").await;
                engine.say(&format!("439[{deep}]")).await;
                // In a CONNECT it is a bad credential.
                engine.say(&format!(r#"40/ws,{{"token":{deep}}}"#)).await;
                assert!(engine.hear().await.starts_with(r#"44/ws,{"message":"Authentication failed""#));
                engine.expect_nothing("/").await;
                engine.goodbye().await;
            }
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn levels_that_are_never_closed_are_no_json() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for deep in ["[".repeat(1_000_000), "{\"a\":".repeat(200_000), "[{\"a\":".repeat(100_000)] {
        for head in ["42[\"join\",", "42", "431", "40/ws,{\"token\":", "451-[\"e\","] {
            for mut engine in scene.pair("mallory").await {
                engine.say_last(&format!("{head}{deep}")).await;
            }
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn what_many_hold_together_is_bounded_at_the_cost_of_who_holds_most() {
    let mut scene = Scene::by_hand(&SMALL).await.shared().await;
    let mut holders = Vec::new();
    for _ in 0..4 {
        let mut holder = scene.poller("mallory").await;
        let url = holder.url("polling");
        // Almost a quarter of all, and never the rest.
        holder.posts.ask("POST", &url, &[("content-length", "524288")], &[b'3'; 250_000]).await;
        holders.push(holder);
    }
    let before = scene.server.running().connections();
    // Nobody who comes late pays for it: one of those who hold most has to go.
    let mut body = vec![b'6'; 99_999];
    body[1..].chunks_mut(2).for_each(|pair| pair[0] = 0x1E);
    for _ in 0..20 {
        let mut late = scene.poller("late").await;
        late.push(&body).await;
        late.goodbye().await;
        // Whoever is sent away is waited for five seconds.
        scene.server.clock.advance(Duration::from_secs(1));
    }
    until(|| scene.server.running().connections() < before).await;
    assert!(scene.server.running().connections() > before - 4, "there was room for most");
    drop(holders);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn slow_bodies_are_given_up_after_half_a_minute() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut engine = Engine::polling(&scene.server, "/socket.io/").await;
        let url = engine.url("polling");
        let headers =
            if number % 2 == 0 { ("content-length", "1000") } else { ("transfer-encoding", "chunked") };
        engine.posts.ask("POST", &url, &[headers], b"ff\r\n3\x1e3").await;
        slow.push(engine);
    }
    slow[0].settle().await;
    scene.pass(1).await;
    for engine in &mut slow {
        // A byte now and then buys no time.
        engine.posts.send(b"\x1e").await;
    }
    slow[0].settle().await;
    assert_eq!(scene.server.running().connections(), 102);
    scene.server.clock.advance(Duration::from_secs(5));
    for engine in &mut slow {
        assert_eq!(engine.posts.answer().await.status, 408);
    }
    scene.server.until_connections(2).await;
    for engine in &mut slow {
        engine.expect_closed().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn pushes_for_a_session_that_is_gone_are_not_read() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let engine = scene.poller("mallory").await;
    let url = engine.url("polling");
    engine.goodbye().await;
    let mut line = Line::to(scene.server.address());
    line.ask("POST", &url, &[("content-length", "2000000")], &[b'3'; 1000]).await;
    assert_eq!(line.answer().await.status, 400);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn base64_without_end_is_decoded_within_the_bounds() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    // More than the soft limit once it is decoded: known to belong to nothing, so the end either way.
    let mut engine = scene.poller("mallory").await;
    let answer = engine.post(format!("b{}", base64(&vec![7; 1_500_000]))).await;
    assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST));
    engine.expect_closed().await;
    // Thousands of small ones, each behind a packet.
    let mut engine = scene.poller("mallory").await;
    let packet = "451-[\"ack\",{\"message_id\":\"m\",\"x\":{\"_placeholder\":true,\"num\":0}}]\x1ebAA==";
    engine.push(vec![packet; 20_000].join("\x1e")).await;
    engine.expect_nothing("/").await;
    engine.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_client_that_never_polls_is_bounded_in_what_waits_for_it() {
    let settings = [&SMALL[..], &UNHURRIED].concat();
    let mut scene = Scene::by_hand(&settings).await.shared().await;
    let mut lazy = scene.poller("mallory").await;
    lazy.join("/", super::ROOM).await;
    let data = "x".repeat(50_000);
    let mut published = 0;
    // Closed at three quarters of a megabyte.
    loop {
        let body = json!({"type": "custom:fill", "room": super::ROOM, "data": data});
        published += 1;
        let told = scene.server.broadcast(body).await["recipients_count"].as_u64().unwrap();
        scene.bystander.next("custom:fill").await;
        scene.neighbour.as_mut().unwrap().next_event("/", "custom:fill").await;
        if told == 2 {
            break;
        }
        assert!(published < 100, "it is never closed");
    }
    assert!((14..20).contains(&published), "{published}");
    // Every client comes back after this.
    assert_eq!(lazy.get().await.status, 503);
    lazy.expect_closed().await;
    scene.assert_unharmed().await;
}
