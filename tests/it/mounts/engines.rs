//! Messages without Socket.IO: over polls, over WebSockets, and through the upgrade.

use std::time::Duration;

use super::start;
use crate::support::engine::{Engine, UNKNOWN};
use crate::support::frames::{BINARY, TEXT};
use crate::support::http;
use crate::support::wire::Wire;

#[actix_web::test]
async fn what_comes_goes_back_as_it_came_by_every_transport() {
    let (server, _) = start(&[]);
    for path in ["/raw", "/raw/"] {
        for mut engine in Engine::both(&server, path).await {
            for text in ["4hello", "4", "4\u{20ac}", r#"42["not","socket.io"]"#] {
                engine.say(text).await;
                engine.expect(text).await;
            }
            engine.say_bytes(&[1, 2, 3, 4]).await;
            engine.expect("bAQIDBA==").await;
            engine.say("4twice").await;
            engine.expect("4one").await;
            engine.expect("bAg==").await;
        }
    }
}

#[actix_web::test]
async fn messages_survive_the_upgrade_in_their_order() {
    let (server, _) = start(&[]);
    let mut engine = Engine::polling(&server, "/raw").await;
    engine.push("4one\u{1e}bAQID").await;
    engine.upgrade().await;
    engine.say("4two").await;
    for packet in ["4one", "bAQID", "4two"] {
        engine.expect(packet).await;
    }
}

#[actix_web::test]
async fn bytes_are_text_where_the_transport_takes_none() {
    let (server, _) = start(&[]);
    let mut wire = Wire::open(server.address(), "/raw/?EIO=4&transport=websocket&b64=1").await;
    wire.next_text().await;
    wire.text("bAQID").await;
    assert_eq!(wire.next_text().await, "bAQID");
    wire.binary(&[1, 2, 3]).await;
    assert_eq!(wire.next_text().await, "bAQID");
}

#[actix_web::test]
async fn a_plain_websocket_needs_no_engine() {
    let (server, _) = start(&[]);
    let mut wire = Wire::open(server.address(), "/echo").await;
    for text in ["hello", "", "4one", "{}"] {
        wire.text(text).await;
        assert_eq!(wire.next().await, Some((TEXT, text.into())));
    }
    // More than is refused with words elsewhere; there are none here.
    let large = vec![7; 1_500_000];
    wire.binary(&large).await;
    assert_eq!(wire.next().await, Some((BINARY, large)));
    wire.text("twice").await;
    assert_eq!(wire.next().await, Some((TEXT, b"one".into())));
    assert_eq!(wire.next().await, Some((BINARY, vec![2])));
}

#[actix_web::test]
async fn what_is_too_large_ends_its_own_connection() {
    let (server, diary) = start(&[]);
    let beyond = vec![b'4'; 2 * 1024 * 1024 + 1];
    let mut wire = Wire::open(server.address(), "/echo").await;
    wire.binary(&beyond).await;
    assert_eq!(wire.close_code().await, 1009);
    let mut engine = Engine::websocket(&server, "/raw").await;
    let wire = engine.wire.as_mut().unwrap();
    wire.binary(&beyond).await;
    assert_eq!(wire.close_code().await, 1009);
    let mut polling = Engine::polling(&server, "/raw").await;
    assert_eq!(polling.post(&beyond).await.status, 413);
    polling.expect_closed().await;
    // Until then, what a client still sends is read away.
    server.clock.advance(Duration::from_secs(1));
    let mut lines = diary.until(6).await;
    lines.sort();
    assert_eq!(lines, ["closed", "closed", "closed", "opened", "opened", "opened"]);
}

#[actix_web::test]
async fn a_sid_is_good_where_it_was_issued_alone() {
    let (server, _) = start(&[]);
    let paths = ["/raw", "/chat", "/socket.io", "/ws"];
    for path in paths {
        let engine = Engine::polling(&server, path).await;
        for other in paths.into_iter().filter(|other| *other != path) {
            let url = format!("{other}/?EIO=4&transport=polling&sid={}", engine.sid);
            let answer = http::request(server.address(), "POST", &url, &[], b"4x").await;
            assert_eq!((answer.status, &*answer.text()), (400, UNKNOWN), "{path} at {other}");
        }
    }
}
