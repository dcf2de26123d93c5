//! Connections of an Engine.IO session given up by the thousand: nothing may be left of them once
//! their time has passed.

use std::time::Duration;

use super::Scene;
use crate::support::engine::{Engine, UNKNOWN};
use crate::support::frames::*;
use crate::support::http;
use crate::support::wire::Wire;

const MANY: usize = 1000;

/// Nobody knows these any more.
async fn assert_forgotten(scene: &Scene, sids: &[String]) {
    let mut line = crate::support::engine::Line::to(scene.server.address());
    for sid in sids {
        line.ask("GET", &format!("/socket.io/?EIO=4&transport=polling&sid={sid}"), &[], b"").await;
        let answer = line.answer().await;
        assert_eq!((answer.status, &*answer.text()), (400, UNKNOWN));
    }
}

#[actix_web::test]
async fn a_thousand_abandoned_upgrades_leave_nothing() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut sids = Vec::new();
    let mut kept = Vec::new();
    let close = frame(FIN | CLOSE, &[3, 232]);
    for number in 0..MANY {
        let mut engine = Engine::polling(&scene.server, "/socket.io/").await;
        let mut probe = engine.probe().await;
        let words = [frame(FIN | TEXT, b"2probe"), frame(FIN | TEXT, b"5")].concat();
        match number % 6 {
            0 => {}
            1 => probe.send(&words[..3]).await,
            2 => probe.text("2probe").await,
            3 => {
                probe.text("2probe").await;
                assert_eq!(probe.next_text().await, "3probe");
            }
            4 => probe.send(&close).await,
            _ => probe.send(&words[..words.len() - 1]).await,
        }
        engine.gets.hang_up();
        sids.push(engine.sid);
        // Some are given up without a word.
        if number % 7 == 0 {
            kept.push(probe);
        }
    }
    assert_eq!(scene.server.running().connections(), MANY + 2);
    // Not one of them is upgraded or ended, and then all are past the last chance to answer a ping.
    scene.pass(1).await;
    assert_eq!(scene.server.running().connections(), MANY + 2);
    for probe in &mut kept {
        // What was said last decides how it ends; it has ended by now.
        while probe.next().await.is_some() {}
    }
    scene.pass(3).await;
    scene.server.until_connections(2).await;
    assert_forgotten(&scene, &sids).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_thousand_aborted_polls_leave_nothing() {
    // No timer is needed.
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut sids = Vec::new();
    for _ in 0..MANY {
        let mut engine = Engine::polling(&scene.server, "/socket.io/").await;
        let url = engine.url("polling");
        engine.gets.ask("GET", &url, &[], b"").await;
        sids.push(engine.sid);
    }
    scene.server.until_connections(2).await;
    assert_forgotten(&scene, &sids).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn parked_polls_without_end_end() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut parked = Vec::new();
    for number in 0..300 {
        let mut engine = Engine::polling(&scene.server, "/socket.io/").await;
        if number % 2 == 0 {
            engine.connect("/", "mallory").await;
        }
        let url = engine.url("polling");
        engine.gets.ask("GET", &url, &[], b"").await;
        parked.push(engine);
    }
    parked[0].settle().await;
    scene.pass(1).await;
    for engine in &mut parked {
        // The ping releases each; it polls again, and answers nothing.
        assert_eq!(engine.gets.answer().await.text(), "2");
        let url = engine.url("polling");
        engine.gets.ask("GET", &url, &[], b"").await;
    }
    parked[0].settle().await;
    scene.pass(3).await;
    for engine in &mut parked {
        assert_eq!(engine.gets.answer().await.text(), "1");
        engine.expect_closed().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_thousand_handshakes_that_nobody_follows_leave_nothing() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut sids = Vec::new();
    for _ in 0..MANY {
        sids.push(Engine::polling(&scene.server, "/socket.io/").await.sid);
    }
    assert_eq!(scene.server.running().connections(), MANY + 2);
    // No namespace after 45 seconds.
    scene.pass(2).await;
    scene.server.until_connections(2).await;
    assert_forgotten(&scene, &sids).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn websockets_without_end_for_one_session_are_turned_away() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = scene.poller("mallory").await;
    let first = engine.answered_probe().await;
    let mut mute = Vec::new();
    for number in 0..300 {
        let mut probe = engine.probe().await;
        probe.text("2probe").await;
        match number % 3 {
            0 => assert_eq!(probe.close_code().await, 1005),
            1 => drop(probe),
            // It does not even say goodbye.
            _ => mute.push(probe),
        }
    }
    engine.swap_to(first).await;
    engine.expect_nothing("/").await;
    for probe in &mut mute {
        assert_eq!(probe.close_code().await, 1005);
    }
    drop(engine);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn guessed_sids_open_nothing() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut victim = scene.poller("ann").await;
    let own = victim.sid.clone();
    let flipped = own.to_ascii_lowercase();
    let cut = own[..own.len() - 1].to_owned();
    let mut guesses =
        vec![cut, format!("{own}A"), format!("{own}%00"), format!("%20{own}"), format!("{own}%2e")];
    if flipped != own {
        guesses.push(flipped);
    }
    guesses.extend((0..200).map(|number| format!("guess-{number}")));
    for guess in &guesses {
        let url = format!("/socket.io/?EIO=4&transport=polling&sid={guess}");
        let get = http::request(scene.server.address(), "GET", &url, &[], b"").await;
        assert_eq!((get.status, &*get.text()), (400, UNKNOWN), "{guess}");
        let post = http::request(scene.server.address(), "POST", &url, &[], b"1").await;
        assert_eq!((post.status, &*post.text()), (400, UNKNOWN), "{guess}");
        let upgrade = Wire::try_open(scene.server.address(), &url.replace("polling", "websocket"), &[]).await;
        assert_eq!(upgrade.err().expect("a refusal").status, 400, "{guess}");
    }
    victim.expect_nothing("/").await;
    victim.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn garbage_behind_the_handshake_of_an_upgrade_ends_the_upgrade_alone() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = scene.poller("mallory").await;
    for garbage in [vec![0xFF; 100_000], vec![0; 100_000], b"GET / HTTP/1.1\r\n\r\n".repeat(1000)] {
        let url = engine.url("websocket");
        let head = http::head(scene.server.address(), "GET", &url, &crate::support::wire::HANDSHAKE, 0);
        let stream = tokio::net::TcpStream::connect(scene.server.address()).await.unwrap();
        let mut wire = Wire::over(stream);
        wire.send(&[head, garbage].concat()).await;
        drop(wire);
        engine.expect_nothing("/").await;
    }
    // Time has not moved; the session can be upgraded again.
    let probe = engine.answered_probe_at_last().await;
    engine.swap_to(probe).await;
    engine.expect_nothing("/").await;
    drop(engine);
    scene.server.clock.advance(Duration::from_secs(1));
    scene.assert_unharmed().await;
}
