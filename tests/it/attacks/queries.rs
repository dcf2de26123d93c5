//! Handshakes whose query was crafted (CVE-2022-21676, CVE-2022-41940, CVE-2023-31125).

use super::Scene;
use crate::support::engine::{Engine, UNKNOWN};
use crate::support::http;
use crate::support::wire::Wire;

async fn get(scene: &Scene, query: &str) -> http::Answer {
    http::request(scene.server.address(), "GET", &format!("/socket.io/?{query}"), &[], b"").await
}

/// The transports and versions that JavaScript would find on any object.
const INHERITED: [&str; 6] =
    ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "prototype"];

#[actix_web::test]
async fn names_that_every_object_has_are_no_transport_version_or_sid() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for name in INHERITED {
        let answer = get(&scene, &format!("EIO=4&transport={name}")).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(0)), "{name}");
        let answer = get(&scene, &format!("EIO={name}&transport=polling")).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(5)), "{name}");
        let answer = get(&scene, &format!("EIO=4&transport=polling&sid={name}")).await;
        assert_eq!((answer.status, &*answer.text()), (400, UNKNOWN), "{name}");
        for query in [format!("EIO=4&transport={name}"), format!("EIO=4&transport=websocket&sid={name}")] {
            let upgrade = Wire::try_open(scene.server.address(), &format!("/ws/?{query}"), &[]).await;
            assert_eq!(upgrade.err().expect("a refusal").status, 400, "{query}");
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn of_a_repeated_key_the_first_counts() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    let mut engine = scene.poller("ann").await;
    let sid = engine.sid.clone();
    for (query, code) in [
        ("EIO=3&EIO=4&transport=polling".to_owned(), 5),
        ("EIO=4&transport=nope&transport=polling".to_owned(), 0),
        (format!("EIO=4&transport=polling&sid=nobody&sid={sid}"), 1),
        ("EIO[]=4&transport[]=polling".to_owned(), 0),
        ("EIO=4&transport[toString]=polling".to_owned(), 0),
        ("EIO=4&transport=polling&transport=websocket&sid=x".to_owned(), 1),
    ] {
        let answer = get(&scene, &query).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(code)), "{query}");
    }
    // The second of each is not looked at.
    engine.sid += &format!("&sid=nobody&transport=nope&EIO=3{}", "&x=y".repeat(1000));
    engine.expect_nothing("/").await;
    engine.goodbye().await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn percent_signs_that_encode_nothing_mean_themselves() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for garbage in ["%", "%%", "%z", "%zz", "%4", "%u0041", "%00", "%ff", "%c0%af", "%ed%a0%80", "+", "%25"] {
        for (query, code) in [
            (format!("EIO=4&transport={garbage}"), 0),
            (format!("EIO=4&transport=polling{garbage}"), 0),
            (format!("EIO=4&transport=polling&sid={garbage}"), 1),
            (format!("EIO=4{garbage}&transport=polling"), 5),
            (format!("{garbage}=x&EIO=4&transport=polling&sid=x"), 1),
        ] {
            let answer = get(&scene, &query).await;
            assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(code)), "{query}");
        }
    }
    // What is encoded rightly is what it says.
    let answer = get(&scene, "%45IO=%34&tr%61nsport=%70olling").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sid = answer.text().split('"').nth(3).unwrap().to_owned();
    let encoded: String = sid.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let url = format!("/socket.io/?EIO=4&transport=polling&sid={encoded}");
    let answer = http::request(scene.server.address(), "POST", &url, &[], b"1").await;
    assert_eq!((answer.status, &*answer.text()), (200, "ok"));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_sid_of_ten_kilobytes_is_nobody_s() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for sid in ["x".repeat(10_000), "%41".repeat(10_000), "\u{5c}".repeat(10_000), "&sid=".repeat(2000)] {
        let answer = get(&scene, &format!("EIO=4&transport=polling&sid={sid}")).await;
        match sid.starts_with('&') {
            // Empty ones are none.
            true => assert_eq!(answer.status, 200),
            false => assert_eq!((answer.status, &*answer.text()), (400, UNKNOWN)),
        }
        assert!(answer.body.len() < 200);
        if answer.status == 200 {
            let sid = answer.text().split('"').nth(3).unwrap().to_owned();
            let url = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
            http::request(scene.server.address(), "POST", &url, &[], b"1").await;
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn huge_keys_and_values_are_answered_in_few_words_or_refused() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for size in [1000, 30_000, 1_000_000] {
        for query in [
            format!("{}=1&EIO=4&transport=nope", "k".repeat(size)),
            format!("EIO={}&transport=nope", "4".repeat(size)),
            format!("EIO=4&transport={}", "polling".repeat(size / 7)),
            format!("EIO=4&transport=nope&{}", "a=b&".repeat(size / 4)),
            format!("EIO=4&transport=nope{}", "&".repeat(size)),
            format!("EIO=4&transport=nope&token={}", "t".repeat(size)),
            format!("EIO=4&transport=nope&{}", "%".repeat(size)),
        ] {
            let answer = get(&scene, &query).await;
            assert!(matches!(answer.status, 400 | 414 | 431), "{size}: {}", answer.status);
            assert!(answer.body.len() < 500, "{}", answer.text());
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_crafted_target_reaches_no_engine() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for path in [
        "//socket.io/?EIO=4&transport=polling",
        "/socket.io//?EIO=4&transport=polling",
        "/socket.io/x?EIO=4&transport=polling",
        "/SOCKET.IO/?EIO=4&transport=polling",
        "/socket%2eio/x?EIO=4&transport=polling",
        "/ws/x?EIO=4&transport=polling",
        "/socket.iox?EIO=4&transport=polling",
    ] {
        let answer = http::request(scene.server.address(), "GET", path, &[], b"").await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_handshake_that_is_reset_while_it_is_answered_leaves_its_session_to_the_timers() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for _ in 0..100 {
        let mut engine = Engine::polling(&scene.server, "/socket.io/").await;
        let stream = tokio::net::TcpStream::connect(scene.server.address()).await.unwrap();
        let mut wire = Wire::over(stream);
        let head = http::head(
            scene.server.address(),
            "GET",
            &engine.url("websocket"),
            &crate::support::wire::HANDSHAKE,
            0,
        );
        wire.send(&head).await;
        socket2::SockRef::from(&wire.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(wire);
        engine.gets.hang_up();
    }
    scene.pass(4).await;
    scene.server.until_connections(2).await;
    scene.assert_unharmed().await;
}
