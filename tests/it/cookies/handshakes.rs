//! What a cookie opens at a handshake, and what it does not.

use std::time::Duration;

use super::*;
use crate::support::socketio::connect_as;

#[actix_web::test]
async fn a_cookie_signs_in_whatever_is_spoken() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let (mut socket, user) = plain(&server, &cookie).await;
    assert_eq!(user, "ann");
    assert_eq!(socket.rooms().await, ["global", "user:ann"]);
    for path in [SOCKET_IO, "/ws/"] {
        for engine in &mut engines(&server, path, &[("cookie", &cookie)]).await {
            for namespace in ["/", "/ws"] {
                // Guide 004's page says itself who it is.
                let is_intraday = (path, namespace) == ("/ws/", "/");
                let user = if is_intraday { json!(null) } else { json!("ann") };
                assert_eq!(connect(engine, namespace).await.unwrap(), user, "{path} {namespace}");
            }
        }
    }
}

#[actix_web::test]
async fn the_server_s_own_page_may_show_its_cookie_and_a_foreign_one_may_not() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let own = format!("http://{}", server.address());
    let headers = [("cookie", &*cookie), ("origin", &*own)];
    for engine in &mut engines(&server, SOCKET_IO, &headers).await {
        assert_eq!(connect(engine, "/").await.unwrap(), "ann");
    }
    let headers = [("cookie", &*cookie), FOREIGN];
    assert_eq!(Socket::try_open(server.address(), "/ws", &headers).await.err(), Some(403));
    let websocket = format!("{SOCKET_IO}?EIO=4&transport=websocket");
    assert_eq!(Socket::try_open(server.address(), &websocket, &headers).await.err(), Some(403));
    let polling = format!("{SOCKET_IO}?EIO=4&transport=polling");
    assert_eq!(http::request(server.address(), "GET", &polling, &headers, b"").await.status, 403);
}

#[actix_web::test]
async fn a_token_goes_before_the_cookie() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let bob = token::sign(json!({"sub": "bob"}));
    let headers = [("cookie", &*cookie), ("x-auth-token", &*bob)];
    for engine in &mut engines(&server, SOCKET_IO, &headers).await {
        assert_eq!(connect(engine, "/").await.unwrap(), "bob");
    }
    for engine in &mut engines(&server, SOCKET_IO, &[("cookie", &cookie)]).await {
        engine.connect("/", "bob").await;
        assert_eq!(engine.expect_nothing("/").await["user_id"], "bob");
        assert_eq!(connect(engine, "/ws").await.unwrap(), "ann");
    }
    // A bad token is not made good by a cookie.
    let headers = [("cookie", &*cookie), ("x-auth-token", "garbage")];
    for engine in &mut engines(&server, SOCKET_IO, &headers).await {
        assert_eq!(connect(engine, "/").await.unwrap_err()["data"]["reason"], "malformed token");
    }
}

/// The page cannot drop the cookie, so one that is good no longer must not stand in anybody's way.
#[actix_web::test]
async fn a_forged_or_ended_cookie_counts_as_none() {
    let server = TestServer::by_hand(&[]);
    let ended = sign_in(&server, "ann").await;
    sign_out(&server, &ended).await;
    let good = sign_in(&server, "ann").await;
    let longer = format!("{good}A");
    let shorter = &good[..good.len() - 1];
    let lower = format!("ws_session={}", good["ws_session=".len()..].to_lowercase());
    for stale in [&ended, &longer, shorter, &lower, "ws_session=", "ws_session=ann", "ws_session=\u{fc}"] {
        let (mut socket, user) = plain(&server, stale).await;
        assert_eq!(user, Value::Null, "{stale}");
        socket.expect_nothing().await;
        for engine in &mut engines(&server, SOCKET_IO, &[("cookie", stale)]).await {
            assert_eq!(connect(engine, "/").await.unwrap_err(), refused(), "{stale}");
            engine.connect("/", "bob").await;
        }
        for engine in &mut engines(&server, "/ws/", &[("cookie", stale)]).await {
            assert_eq!(connect(engine, "/").await.unwrap(), Value::Null, "{stale}");
        }
    }
    // A stale one beside it, of another path, changes nothing.
    assert_eq!(plain(&server, &format!("{ended}; {good}")).await.1, "ann");
}

#[actix_web::test]
async fn a_cookie_ends_with_its_token_and_so_do_its_sockets() {
    let server = TestServer::by_hand(&[]);
    let claims = json!({"sub": "ann", "exp": server.clock.seconds() + 10});
    let cookie = sign_in_with(&server, claims, "").await;
    let (mut socket, _) = plain(&server, &cookie).await;
    let mut engines = engines(&server, SOCKET_IO, &[("cookie", &cookie)]).await;
    for engine in &mut engines {
        connect(engine, "/").await.unwrap();
    }
    server.clock.advance(Duration::from_millis(9_999));
    assert_eq!(plain(&server, &cookie).await.1, "ann");
    socket.expect_nothing().await;

    server.clock.advance(Duration::from_millis(1));
    socket.next_error("AUTH_FAILED").await;
    assert_eq!(socket.next_close().await, 4401);
    for engine in &mut engines {
        engine.next_event("/", "error").await;
        engine.expect("41").await;
    }
    assert_eq!(plain(&server, &cookie).await.1, Value::Null);
}

#[actix_web::test]
async fn a_cookie_shown_before_it_ended_opens_no_namespace_after() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let mut engines = engines(&server, SOCKET_IO, &[("cookie", &cookie)]).await;
    sign_out(&server, &cookie).await;
    for engine in &mut engines {
        assert_eq!(connect(engine, "/").await.unwrap_err(), refused());
        engine.say(&connect_as("/", json!({"sub": "ann"}))).await;
        assert!(engine.hear().await.starts_with("40{"));
    }
}

/// Another site's form or script would send it along (contract X-06).
#[actix_web::test]
async fn the_admin_rest_takes_no_cookie() {
    let server = TestServer::with(&[("ADMIN_AUTH", "required")]);
    let cookie = sign_in_with(&server, json!({"sub": "root", "role": "admin"}), "").await;
    let headers = [("cookie", &*cookie)];
    for (method, path) in [("GET", "/api/ws/status"), ("DELETE", "/api/ws/connections/x")] {
        let answer = http::request(server.address(), method, path, &headers, b"").await;
        answer.assert_error(401, "UNAUTHORIZED");
    }
}

/// `document.cookie = "name=Jürgen"`: what another cookie of the site holds is not ours to judge.
#[actix_web::test]
async fn a_sibling_cookie_beyond_ascii_does_not_hide_ours() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    for both in [format!("name=Jürgen; {cookie}"), format!("{cookie};name=Jürgen")] {
        assert_eq!(plain(&server, &both).await.1, "ann", "{both}");
    }
}

#[actix_web::test]
async fn a_sibling_cookie_beyond_ascii_does_not_keep_a_sign_in_alive() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    sign_out(&server, &format!("name=Jürgen; {cookie}")).await;
    assert_eq!(plain(&server, &cookie).await.1, serde_json::Value::Null);
}
