//! Binary packets whose words and attachments do not fit each other (CVE-2026-33151, CVE-2022-2421,
//! CVE-2023-32695).

use serde_json::json;

use super::Scene;
use super::messages::UNHURRIED;
use crate::support::engine::{Engine, base64};

const SMALL: [(&str, &str); 4] = [
    ("HARD_MAX_MESSAGE_BYTES", "131072"),
    ("MAX_MESSAGE_SIZE_BYTES", "65536"),
    ("SEND_QUEUE_BYTES", "262144"),
    ("SEND_QUEUE_TOTAL_BYTES", "1048576"),
];

/// `words` end the connection of whoever says them, by poll as by WebSocket.
async fn assert_fatal(scene: &mut Scene, words: &str) {
    for mut engine in scene.pair("mallory").await {
        engine.say_last(words).await;
    }
}

fn placeholder(num: &str) -> String {
    let changes = format!(r#"{{"action":"add","content":{{"_placeholder":true,"num":{num}}}}}"#);
    format!(r#"["blueprint_update",{{"roomId":"r","blueprintId":"b","changes":{changes}}}]"#)
}

#[actix_web::test]
async fn thousands_of_announced_attachments_end_the_connection_at_once() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for count in ["11", "10000", "4294967296", "18446744073709551616", &"9".repeat(5000), "-1", "1e9", "0x1"]
    {
        let words = format!("45{count}-{}", placeholder("0"));
        assert_fatal(&mut scene, &words).await;
        assert_fatal(&mut scene, &format!("46{count}-1[1]")).await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn as_many_attachments_as_may_be_are_taken() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for mut engine in scene.pair("ann").await {
        engine.join("/", "r").await;
        engine.say(&format!("4510-7{}", placeholder("9"))).await;
        for byte in 0..10 {
            engine.say_bytes(&[byte]).await;
        }
        assert_eq!(engine.next_ack("/", 7).await["success"], true);
        engine.goodbye().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_count_without_attachments_holds_up_nobody_but_its_author() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for text in ["42[\"heartbeat\"]", "41", "450-[\"heartbeat\"]", "40/ws,{}"] {
        for mut engine in scene.pair("mallory").await {
            engine.say(&format!("4510-7{}", placeholder("0"))).await;
            // The next message has to be binary.
            engine.say_last(text).await;
        }
    }
    // Whoever only waits is waited for as long as it lives.
    let mut engines = scene.pair("mallory").await;
    for engine in &mut engines {
        engine.say(&format!("452-7{}", placeholder("0"))).await;
        engine.say_bytes(b"one").await;
    }
    scene.pass(3).await;
    for engine in &mut engines {
        engine.expect("2").await;
    }
    scene.pass(1).await;
    let [polling, mut websocket] = engines;
    websocket.expect_closed().await;
    drop((polling, websocket));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_placeholder_that_stands_for_no_attachment_ends_the_connection() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let numbers = [
        "1",
        "10",
        "-1",
        "0.5",
        "1e400",
        "4294967296",
        "18446744073709551616",
        "\"0\"",
        "null",
        "[]",
        "true",
        "{}",
        "-0.1",
        "99999999999999999999999999999999",
    ];
    for num in numbers {
        assert_fatal(&mut scene, &format!("451-{}", placeholder(num))).await;
    }
    // However deep, and behind however many good ones.
    let good = r#"{"_placeholder":true,"num":0}"#;
    let deep = format!(r#"451-["e",{good},[{{"a":[{good},{{"_placeholder":true,"num":1}}]}}]]"#);
    assert_fatal(&mut scene, &deep).await;
    for shape in
        [r#"{"_placeholder":false,"num":0}"#, r#"{"_placeholder":true}"#, r#"{"_placeholder":1,"num":0}"#]
    {
        assert_fatal(&mut scene, &format!(r#"451-["e",{shape}]"#)).await;
    }
    assert_fatal(&mut scene, r#"450-["e",{"_placeholder":true,"num":0}]"#).await;
    assert_fatal(&mut scene, r#"461-1[{"_placeholder":true,"num":1}]"#).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn what_only_looks_like_a_placeholder_is_an_object() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    for mut engine in scene.pair("ann").await {
        engine.join("/", "r").await;
        // No binary packet, so nothing stands for anything.
        engine.say(&format!("427{}", placeholder("7"))).await;
        assert_eq!(engine.next_ack("/", 7).await["success"], true);
        for look in [r#"{"num":7}"#, r#"{"placeholder":true,"num":7}"#, r#""_placeholder""#] {
            let words = placeholder("0").replace(r#"{"_placeholder":true,"num":0}"#, look);
            engine.say(&format!("451-7{words}")).await;
            engine.say_bytes(&[1]).await;
            assert_eq!(engine.next_ack("/", 7).await["success"], true, "{look}");
        }
        engine.goodbye().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn an_attachment_without_a_packet_ends_the_connection() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for bytes in [&b""[..], b"\0", b"2[\"join\"]", &[0xFF; 1000]] {
        let [mut polling, mut websocket] = scene.pair("mallory").await;
        polling.say_last(&format!("b{}", base64(bytes))).await;
        websocket.wire.as_mut().unwrap().binary(bytes).await;
        websocket.expect_closed().await;
        // In front of any namespace, too.
        let mut early = Engine::websocket(&scene.server, "/ws/").await;
        early.wire.as_mut().unwrap().binary(bytes).await;
        early.expect_closed().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn attachments_that_are_too_large_together_are_refused_and_more_ends_the_connection() {
    let mut scene = Scene::by_hand(&SMALL).await.shared().await;
    for mut engine in scene.pair("mallory").await {
        // Over the soft limit: told, without the acknowledgement that was asked for.
        engine.say(&format!("453-7{}", placeholder("0"))).await;
        for _ in 0..3 {
            engine.say_bytes(&[0; 30_000]).await;
        }
        assert_eq!(engine.next_event("/", "error").await["code"], "MESSAGE_TOO_LARGE");
        engine.expect_nothing("/").await;
        // Over the hard limit.
        engine.say(&format!("4510-7{}", placeholder("0"))).await;
        for _ in 0..4 {
            engine.say_bytes(&[0; 30_000]).await;
        }
        match &mut engine.wire {
            Some(wire) => {
                wire.binary(&[0; 30_000]).await;
                assert_eq!(wire.close_code().await, 1009);
            }
            None => {
                let answer = engine.post(format!("b{}", base64(&[0; 30_000]))).await;
                assert_eq!(answer.status, 400);
                engine.expect_closed().await;
            }
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn one_attachment_named_a_thousand_times_does_not_become_a_thousand() {
    let mut scene = Scene::by_hand(&SMALL).await.shared().await;
    let mut plain = scene.server.sign_in(json!({"sub": "bob"})).await;
    plain.join("r").await;
    for mut engine in scene.pair("mallory").await {
        engine.join("/", "r").await;
        let named = vec![r#"{"_placeholder":true,"num":0}"#; 1000].join(",");
        let words = placeholder("0").replace(r#"{"_placeholder":true,"num":0}"#, &format!("[{named}]"));
        engine.say(&format!("451-7{words}")).await;
        engine.say_bytes(&[0; 20_000]).await;
        assert_eq!(engine.next_ack("/", 7).await["code"], "MESSAGE_TOO_LARGE");
        plain.expect_nothing().await;
        engine.goodbye().await;
    }
    drop(plain);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn unfinished_messages_of_many_cost_the_greediest_his_connection() {
    let mut scene = Scene::by_hand(&SMALL).await.shared().await;
    let mut hoarders = Vec::new();
    let mut ended = 0;
    // Sixty kilobytes each, one megabyte in all.
    for _ in 0..30 {
        let mut engine = Engine::websocket(&scene.server, "/socket.io/").await;
        engine.connect("/", "mallory").await;
        let wire = engine.wire.as_mut().unwrap();
        wire.text(&format!("4510-{}", placeholder("0"))).await;
        wire.binary(&[0; 60_000]).await;
        wire.text("3").await;
        hoarders.push(engine);
    }
    for engine in &mut hoarders {
        // A ping of the WebSocket may come between; whose connection has ended answers none.
        let wire = engine.wire.as_mut().unwrap();
        wire.send(&super::frame(super::FIN | super::PING, b"?")).await;
        match wire.next().await {
            Some((super::PONG, _)) => {}
            Some((super::CLOSE, code)) => {
                assert_eq!(code[..2], [3, 245], "1013");
                ended += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((5..30).contains(&ended), "{ended} of thirty had to go");
    drop(hoarders);
    scene.assert_unharmed().await;
}
