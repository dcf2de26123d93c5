//! Every mount has timings and limits of its own, and all share those of connections.

use std::num::NonZeroU32;
use std::time::Duration;

use switchboard::{Mount, SessionSettings};

use super::{Chat, Diary, Echo, start};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::frames::{PING, TEXT};
use crate::support::wire::Wire;

const MILLISECOND: Duration = Duration::from_millis(1);

/// An engine, namespaces and an echo that differ from the product in everything.
fn hasty(settings: &[(&str, &str)]) -> TestServer {
    TestServer::mounted(settings, |app, settings| {
        let own = SessionSettings {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            connect_timeout: Duration::from_secs(1),
            soft_message_bytes: 1000,
            hard_message_bytes: 1000,
            messages_per_second: NonZeroU32::new(3),
            ..SessionSettings::of_handlers(settings)
        };
        let (echo, chat) = (|| Echo(Diary::default()), || Chat(Diary::default()));
        app.mount(Mount::engine("/raw", own.clone(), echo()))
            .mount(Mount::socketio("/chat", own.clone()).namespace("/", chat()))
            .mount(Mount::websocket("/echo", own, echo()))
    })
}

#[actix_web::test]
async fn each_mount_has_its_own_heartbeat() {
    let server = hasty(&[]);
    let mut hasty = Engine::both(&server, "/raw").await;
    let mut calm = Engine::websocket(&server, "/socket.io").await;
    let mut echo = Wire::open(server.address(), "/echo").await;
    server.clock.advance(Duration::from_millis(300));
    for engine in &mut hasty {
        engine.expect("2").await;
    }
    assert_eq!(echo.next().await, Some((PING, Vec::new())));
    server.clock.advance(Duration::from_millis(200));
    for engine in &mut hasty {
        engine.expect_closed().await;
    }
    assert_eq!(echo.close_code().await, 1001);
    calm.connect("/", "ann").await;
    calm.expect_nothing("/").await;
}

#[actix_web::test]
async fn each_engine_announces_its_own_timings() {
    let server = hasty(&[]);
    for (path, interval, timeout) in [("/raw", 300, 200), ("/chat", 300, 200), ("/ws", 25000, 60000)] {
        let answer = server.get(&format!("{path}/?EIO=4&transport=polling")).await;
        let open: serde_json::Value = serde_json::from_str(&answer.text()[1..]).unwrap();
        assert_eq!(
            (&open["pingInterval"], &open["pingTimeout"]),
            (&interval.into(), &timeout.into()),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn who_needs_a_namespace_has_the_mount_s_own_time_for_it() {
    let server = TestServer::mounted(&[], |app, settings| {
        let own = SessionSettings {
            connect_timeout: Duration::from_secs(1),
            ..SessionSettings::of_handlers(settings)
        };
        let chat = Mount::socketio("/chat", own.clone()).namespace("/", Chat(Diary::default()));
        app.mount(Mount::engine("/raw", own, Echo(Diary::default()))).mount(chat)
    });
    let mut late = Engine::websocket(&server, "/chat").await;
    let mut in_time = Engine::websocket(&server, "/chat").await;
    // Where there are no namespaces, nobody is late.
    let mut raw = Engine::websocket(&server, "/raw").await;
    // Nor is it late yet elsewhere.
    let mut calm = Engine::websocket(&server, "/socket.io").await;
    server.clock.advance(Duration::from_secs(1) - MILLISECOND);
    in_time.say("40").await;
    in_time.hear().await;
    in_time.expect(r#"42["auth",{}]"#).await;
    server.clock.advance(MILLISECOND);
    assert_eq!(late.wire.as_mut().unwrap().close_code().await, 1008);
    in_time.say(r#"421["ask"]"#).await;
    in_time.expect("431[]").await;
    raw.say("4x").await;
    raw.expect("4x").await;
    calm.connect("/", "ann").await;
}

#[actix_web::test]
async fn each_mount_has_its_own_bounds_of_a_message() {
    let server = hasty(&[]);
    let mut wire = Wire::open(server.address(), "/echo").await;
    wire.binary(&[0; 1000]).await;
    assert_eq!(wire.next().await.unwrap().1.len(), 1000);
    wire.binary(&[0; 1001]).await;
    assert_eq!(wire.close_code().await, 1009);
    let mut engine = Engine::polling(&server, "/raw").await;
    assert_eq!(engine.post(format!("4{}", "x".repeat(1000))).await.status, 413);
}

#[actix_web::test]
async fn a_rate_is_kept_where_one_is_set() {
    let server = hasty(&[]);
    let mut wire = Wire::open(server.address(), "/echo").await;
    for text in ["1", "2", "3", "4"] {
        wire.text(text).await;
    }
    for text in ["1", "2", "3"] {
        assert_eq!(wire.next_text().await, text);
    }
    assert_eq!(refusals(&server).await, 1);
    server.clock.advance(Duration::from_secs(1));
    wire.text("5").await;
    while wire.next().await != Some((TEXT, b"5".into())) {}

    // With words for it, it is told.
    let mut engine = Engine::websocket(&server, "/chat").await;
    engine.say("40").await;
    for _ in 0..4 {
        engine.say(r#"421["ask"]"#).await;
    }
    engine.hear().await;
    engine.expect(r#"42["auth",{}]"#).await;
    engine.expect("431[]").await;
    engine.expect("431[]").await;
    for _ in 0..2 {
        let refusal = engine.hear().await;
        assert!(refusal.starts_with(r#"431[{"status":"error""#), "{refusal}");
        assert!(refusal.contains("At most 3 messages a second"), "{refusal}");
    }
}

/// Waits until something was refused without a word.
async fn refusals(server: &TestServer) -> u64 {
    loop {
        match server.get("/api/ws/stats").await.json()["stats"]["error_count"].as_u64() {
            Some(0) => {}
            count => return count.expect("a number"),
        }
    }
}

#[actix_web::test]
async fn without_one_a_thousand_messages_all_come_back() {
    let (server, _) = start(&[]);
    let mut wire = Wire::open(server.address(), "/echo").await;
    for number in 0..1000 {
        wire.text(&number.to_string()).await;
    }
    for number in 0..1000 {
        assert_eq!(wire.next_text().await, number.to_string());
    }
}

#[actix_web::test]
async fn places_are_counted_over_all_mounts() {
    let (server, _) = start(&[("MAX_CONNECTIONS", "1")]);
    let _first = Wire::open(server.address(), "/echo").await;
    for path in ["/echo", "/raw/?EIO=4&transport=websocket"] {
        let refused = Wire::try_open(server.address(), path, &[]).await;
        assert_eq!(refused.err().map(|answer| answer.status), Some(503), "{path}");
    }
    assert_eq!(server.get("/raw/?EIO=4&transport=polling").await.status, 503);
    // A namespace has words for it.
    let mut engine = Engine::websocket(&server, "/chat").await;
    engine.say("40").await;
    let refusal = engine.hear().await;
    assert!(refusal.starts_with(r#"44{"message":"#) && refusal.contains("CONNECTION_LIMIT"), "{refusal}");
}

#[actix_web::test]
async fn foreign_pages_are_refused_at_every_mount() {
    let (server, _) = start(&[]);
    let foreign = [("origin", "http://evil.example")];
    for path in ["/echo", "/raw/?EIO=4&transport=websocket", "/chat/?EIO=4&transport=websocket"] {
        let refused = Wire::try_open(server.address(), path, &foreign).await;
        let status = refused.err().map(|answer| answer.status);
        assert!(matches!(status, Some(400 | 403)), "{path}: {status:?}");
    }
}
