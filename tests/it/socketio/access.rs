//! Whose handshakes are taken: origins, the rate of an address, a server that stops (contract X-32,
//! D-41, `protocol.md` 1.10).

use std::time::Duration;

use super::handshake::{LISTED, TABLE, ask, assert_refused, get};
use super::{PATHS, SOCKET_IO};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::http;
use crate::support::wire::{HANDSHAKE, Wire};

#[actix_web::test]
async fn refusals_may_be_read_by_the_pages_that_may_call() {
    let server = TestServer::by_hand(&[]);
    let own = format!("http://{}", server.address());
    for path in PATHS {
        for (method, query, code) in TABLE.iter().filter(|(_, query, _)| !query.contains("SID")) {
            for origin in [LISTED, &own] {
                let answer = ask(&server, method, &format!("{path}?{query}"), &[("origin", origin)]).await;
                assert_refused(&answer, *code, query);
                assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{query}");
                assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{query}");
                assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{query}");
            }
        }
    }
}

#[actix_web::test]
async fn answers_to_polls_and_pushes_may_be_read_by_the_pages_that_may_call() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let (url, origin) = (engine.url("polling"), [("origin", LISTED)]);
    engine.posts.ask("POST", &url, &origin, b"40/nope,").await;
    let pushed = engine.posts.answer().await;
    engine.gets.ask("GET", &url, &origin, b"").await;
    let polled = engine.gets.answer().await;
    for (answer, text) in [(pushed, "ok"), (polled, r#"44/nope,{"message":"Invalid namespace"}"#)] {
        assert_eq!((answer.status, &*answer.text()), (200, text));
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    }
}

#[actix_web::test]
async fn a_foreign_page_is_forbidden_every_transport() {
    let server = TestServer::by_hand(&[]);
    let engine = Engine::polling(&server, SOCKET_IO).await;
    let foreign = [("origin", "http://evil.example")];
    for path in PATHS {
        let url = format!("{path}?EIO=4&transport=polling");
        let answer = ask(&server, "GET", &url, &foreign).await;
        assert_refused(&answer, 4, &url);
        assert_eq!(answer.header("access-control-allow-origin"), None);
        // Before the version is looked at, behind everything else.
        assert_refused(&ask(&server, "GET", &url.replace('4', "3"), &foreign).await, 4, "EIO=3");
        assert_refused(&ask(&server, "POST", &url, &foreign).await, 2, "POST");

        let url = url.replace("polling", "websocket");
        let answer = Wire::try_open(server.address(), &url, &foreign).await.err().expect("a refusal");
        assert_eq!((answer.status, &*answer.text()), (403, "Forbidden"));
    }
    // With a sid, too.
    for (method, url) in [("GET", engine.url("polling")), ("POST", engine.url("polling"))] {
        assert_refused(&ask(&server, method, &url, &foreign).await, 4, method);
    }
    let upgrade = Wire::try_open(server.address(), &engine.url("websocket"), &foreign).await;
    assert_eq!(upgrade.err().expect("a refusal").status, 403);
}

#[actix_web::test]
async fn an_origin_of_strange_bytes_is_a_bad_request_before_the_sid_is_looked_at() {
    let server = TestServer::by_hand(&[]);
    let strange = [("origin", "http://\u{e4}.example")];
    for query in ["transport=polling", "transport=polling&sid=nobody", "transport=websocket"] {
        let url = format!("/socket.io/?EIO=4&{query}");
        assert_refused(&ask(&server, "GET", &url, &strange).await, 3, query);
    }
    let answer = ask(&server, "GET", "/socket.io/?EIO=4&transport=nope", &strange).await;
    assert_refused(&answer, 0, "the transport comes first");
}

#[actix_web::test]
async fn a_preflight_is_answered_without_a_look_at_any_session() {
    let server = TestServer::by_hand(&[]);
    for path in PATHS {
        for query in ["EIO=4&transport=polling&sid=nobody", "EIO=3&transport=nope", "EIO=4"] {
            let url = format!("{path}?{query}");
            let bare = ask(&server, "OPTIONS", &url, &[]).await;
            assert_eq!((bare.status, &*bare.text()), (204, ""), "{url}");
            let headers = [
                ("origin", LISTED),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,content-type"),
            ];
            let preflight = ask(&server, "OPTIONS", &url, &headers).await;
            assert!(matches!(preflight.status, 200 | 204), "{url}: {}", preflight.status);
            assert_eq!(preflight.body, b"");
            assert_eq!(preflight.header("access-control-allow-origin"), Some(LISTED));
            assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
            let methods = preflight.header("access-control-allow-methods").unwrap_or_default();
            assert!(methods.contains("GET") && methods.contains("POST"), "{methods}");
            let headers = preflight.header("access-control-allow-headers").unwrap_or_default();
            assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
        }
    }
}

#[actix_web::test]
async fn only_new_connections_are_held_to_the_rate_of_an_address() {
    let server = TestServer::by_hand(&[("CONNECTION_RATE_PER_IP", "1")]);
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    let handshake = "/socket.io/?EIO=4&transport=polling";
    // What is refused anyway takes from no bucket, nor does a preflight.
    for _ in 0..20 {
        assert_refused(&get(&server, "/socket.io/?EIO=3&transport=polling").await, 5, "a bad handshake");
        assert_eq!(ask(&server, "OPTIONS", handshake, &[]).await.status, 204);
    }
    // Ten at once, and the first is here already.
    for _ in 0..9 {
        assert_eq!(get(&server, handshake).await.status, 200);
    }
    for (path, headers) in
        [(handshake, &[][..]), ("/socket.io/?EIO=4&transport=websocket", &HANDSHAKE), ("/ws", &HANDSHAKE)]
    {
        let headers = [headers, &[("origin", LISTED)]].concat();
        let answer = ask(&server, "GET", path, &headers).await;
        answer.assert_error(429, "RATE_LIMIT_EXCEEDED");
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
    }
    // Polls and pushes are no new connections; an upgrade is.
    for _ in 0..30 {
        engine.push("3").await;
    }
    engine.connect("/", "ann").await;
    let upgrade = Wire::try_open(server.address(), &engine.url("websocket"), &[]).await;
    assert_eq!(upgrade.err().expect("a refusal").status, 429);
    engine.expect_nothing("/").await;
    server.clock.advance(Duration::from_secs(1));
    engine.upgrade().await;
    engine.expect_nothing("/").await;
}

#[actix_web::test]
async fn while_the_server_stops_new_sessions_and_upgrades_are_sent_elsewhere() {
    let server = TestServer::by_hand(&[]);
    let address = server.address();
    let mut engine = Engine::polling(&server, SOCKET_IO).await;
    engine.connect("/", "ann").await;
    let meanwhile = async {
        let handshake = "/socket.io/?EIO=4&transport=polling";
        let answer = http::request(address, "GET", handshake, &[("origin", LISTED)], b"").await;
        answer.assert_error(503, "UNAVAILABLE");
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        for url in [engine.url("websocket"), "/ws/?EIO=4&transport=websocket".to_owned()] {
            let upgrade = Wire::try_open(address, &url, &[]).await;
            assert_eq!(upgrade.err().expect("a refusal").status, 503, "{url}");
        }
        // The session gets what was meant for it, then a goodbye that makes every client come back.
        engine.next_event("/", "system:maintenance").await;
        let goodbye = engine.get().await;
        assert_eq!((goodbye.status, &*goodbye.text()), (503, ""));
        assert!(goodbye.header("retry-after").is_some());
    };
    // The stop begins first, and ends when the session has.
    tokio::join!(server.stop(), meanwhile);
}
