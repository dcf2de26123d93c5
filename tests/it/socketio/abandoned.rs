//! Upgrades that are begun and not finished: whatever becomes of the WebSocket, the polls go on.

use std::time::Duration;

use serde_json::json;
use socket2::SockRef;

use super::{ONE_WORKER, ROOM, SOCKET_IO};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::frames::*;
use crate::support::wire::Wire;

/// A member of [`ROOM`] that polls.
async fn member(server: &TestServer) -> Engine {
    let mut engine = Engine::polling(server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    engine.join("/", ROOM).await;
    engine
}

/// The session polls as it always did: a parked poll is answered by what is published.
async fn assert_polls(server: &TestServer, engine: &mut Engine) {
    engine.park().await;
    server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": 1})).await;
    engine.expect_parked(r#"42["custom:n",1]"#).await;
    engine.expect_nothing("/").await;
}

/// Upgrades, as soon as the server knows that the last WebSocket is gone.
async fn upgrade_at_last(engine: &mut Engine) {
    let probe = engine.answered_probe_at_last().await;
    engine.swap_to(probe).await;
    engine.expect_nothing("/").await;
}

/// What is sent on the WebSocket before it is given up.
fn steps() -> Vec<(&'static str, Vec<u8>)> {
    let probe = frame(FIN | TEXT, b"2probe");
    let upgrade = frame(FIN | TEXT, b"5");
    vec![
        ("connected", Vec::new()),
        ("half a header", probe[..1].to_vec()),
        ("half a frame", probe[..8].to_vec()),
        ("a fragment", frame(TEXT, b"2pro")),
        ("a probe", probe.clone()),
        ("a probe and half an upgrade", [&probe[..], &upgrade[..upgrade.len() - 1]].concat()),
        ("a close", frame(FIN | CLOSE, &[3, 232])),
        ("a probe and a close", [&probe[..], &frame(FIN | CLOSE, &[])].concat()),
        ("a ping", frame(FIN | PING, b"x")),
    ]
}

#[actix_web::test]
async fn an_upgrade_given_up_at_any_step_leaves_the_polls_as_they_were() {
    // Time stands still, so no deadline helps.
    let server = TestServer::by_hand(&ONE_WORKER);
    for (step, bytes) in steps() {
        for is_reset in [false, true] {
            let mut engine = member(&server).await;
            let mut probe = engine.probe().await;
            probe.send(&bytes).await;
            if step == "a probe" {
                assert_eq!(probe.next_text().await, "3probe");
            }
            if is_reset {
                SockRef::from(&probe.stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            drop(probe);
            assert_polls(&server, &mut engine).await;
            upgrade_at_last(&mut engine).await;
        }
    }
    server.until_connections(0).await;
}

#[actix_web::test]
async fn an_upgrade_that_is_not_finished_in_time_is_dropped() {
    let server = TestServer::by_hand(&ONE_WORKER);
    for (step, bytes) in steps().into_iter().filter(|(step, _)| !step.contains("close")) {
        let mut engine = member(&server).await;
        let mut probe = engine.probe().await;
        probe.send(&bytes).await;
        if step.starts_with("a probe") {
            assert_eq!(probe.next_text().await, "3probe");
        }
        server.clock.advance(Duration::from_millis(9_999));
        // It is there still, and no other is let in.
        assert_eq!(engine.probe().await.close_code().await, 1005, "{step}");
        server.clock.advance(Duration::from_millis(1));
        assert_eq!(probe.close_code().await, 1005, "{step}");
        assert_polls(&server, &mut engine).await;
        engine.upgrade().await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn the_time_for_an_upgrade_may_be_set() {
    let server = TestServer::by_hand(&[("UPGRADE_TIMEOUT_MS", "500"), ("WORKERS", "1")]);
    let mut engine = member(&server).await;
    let mut probe = engine.probe().await;
    server.clock.advance(Duration::from_millis(499));
    probe.text("2probe").await;
    assert_eq!(probe.next_text().await, "3probe");
    // Its time runs from the opening, not from the last word.
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(probe.close_code().await, 1005);
    assert_polls(&server, &mut engine).await;
}

#[actix_web::test]
async fn a_finished_upgrade_has_no_deadline() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    engine.upgrade().await;
    engine.expect_nothing("/").await;
    server.clock.advance(Duration::from_secs(24));
    engine.expect_nothing("/").await;
}

/// Frames that are no way to begin on the WebSocket of an upgrade.
fn bad_beginnings() -> Vec<Vec<u8>> {
    let texts = ["", "0", "1", "2", "2prob", "2probe ", "2PROBE", "3", "3probe", "6", "x", "\u{e9}", "bAQID"];
    let mut frames: Vec<Vec<u8>> = texts.iter().map(|text| frame(FIN | TEXT, text.as_bytes())).collect();
    frames.push(frame(FIN | TEXT, br#"42["leave",{"room":"blueprint-1"}]"#));
    frames.push(frame(FIN | TEXT, b"41"));
    frames.push(frame(FIN | BINARY, b"2probe"));
    frames.push(frame(FIN | BINARY, b""));
    // What breaks RFC 6455 itself: not UTF-8, reserved opcode and bits, not masked, a stray end.
    frames.push(frame(FIN | TEXT, &[0xFF]));
    frames.push(frame(FIN | 0x3, b"5"));
    frames.push(frame(FIN | 0x40 | TEXT, b"5"));
    frames.push(vec![FIN | TEXT, 1, b'5']);
    frames.push(frame(FIN | CONTINUATION, b"5"));
    frames
}

#[actix_web::test]
async fn any_other_beginning_drops_the_websocket_and_is_not_heard() {
    let server = TestServer::by_hand(&ONE_WORKER);
    for bad in bad_beginnings() {
        for is_asked in [false, true] {
            let mut engine = member(&server).await;
            let mut probe = engine.probe().await;
            if is_asked {
                probe.text("2probe").await;
                assert_eq!(probe.next_text().await, "3probe");
            }
            if is_asked && bad == frame(FIN | TEXT, b"2probe") {
                continue;
            }
            probe.send(&bad).await;
            assert_eq!(probe.close_code().await, 1005, "{:?}", String::from_utf8_lossy(&bad));
            assert_polls(&server, &mut engine).await;
            engine.upgrade().await;
            engine.expect_nothing("/").await;
        }
    }
}

#[actix_web::test]
async fn a_huge_beginning_drops_the_websocket() {
    let settings =
        [("HARD_MAX_MESSAGE_BYTES", "131072"), ("MAX_MESSAGE_SIZE_BYTES", "65536"), ("WORKERS", "1")];
    let server = TestServer::by_hand(&settings);
    for size in [65_537, 131_073] {
        let mut engine = member(&server).await;
        let mut probe = engine.probe().await;
        probe.send(&frame(FIN | TEXT, &vec![b'4'; size])).await;
        // Closed with bytes unread, the goodbye may be lost; the end is not.
        let _ = probe.next().await;
        assert_eq!(probe.next().await, None);
        assert_polls(&server, &mut engine).await;
        upgrade_at_last(&mut engine).await;
    }
}

#[actix_web::test]
async fn what_a_dropped_websocket_still_says_is_not_heard() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    let mut probe = engine.probe().await;
    let words = ["x", "2probe", "5", r#"42["leave",{"room":"blueprint-1"}]"#];
    probe.send(&words.map(|text| frame(FIN | TEXT, text.as_bytes())).concat()).await;
    let heard = probe.next().await;
    assert!(!matches!(heard, Some((TEXT, _))), "{heard:?}");
    assert_polls(&server, &mut engine).await;
    engine.upgrade().await;
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn the_end_of_a_session_is_the_end_of_its_upgrade() {
    let server = TestServer::by_hand(&ONE_WORKER);
    for packet in ["1", "2", "x", "42[\"e\"]", "45[]"] {
        for is_asked in [false, true] {
            let mut engine = Engine::polling(&server, SOCKET_IO).await;
            let mut probe: Wire = engine.probe().await;
            if is_asked {
                probe.text("2probe").await;
                assert_eq!(probe.next_text().await, "3probe");
            }
            engine.post(packet).await;
            assert_eq!(probe.close_code().await, 1005, "{packet:?}");
            engine.expect_closed().await;
        }
    }
    server.until_connections(0).await;
}

#[actix_web::test]
async fn a_poll_given_up_is_the_end_of_an_upgrade_too() {
    let server = TestServer::by_hand(&ONE_WORKER);
    let mut engine = member(&server).await;
    let mut probe = engine.probe().await;
    engine.park().await;
    engine.gets.hang_up();
    assert_eq!(probe.close_code().await, 1005);
    server.until_connections(0).await;
}
