//! `DELETE /auth/session`: the cookie is forgotten and its sockets go.

use super::*;

#[actix_web::test]
async fn signing_out_ends_every_socket_of_the_cookie_and_no_other() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let elsewhere = sign_in(&server, "ann").await;
    // Enough of them to be on every worker.
    let (mut sockets, mut sessions) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        sockets.push(plain(&server, &cookie).await.0);
        for mut engine in engines(&server, SOCKET_IO, &[("cookie", &cookie)]).await {
            for namespace in ["/", "/ws"] {
                connect(&mut engine, namespace).await.unwrap();
            }
            sessions.push(engine);
        }
    }
    let mut others = [
        plain(&server, &elsewhere).await.0,
        server.sign_in(json!({"sub": "ann"})).await,
        plain(&server, &sign_in(&server, "bob").await).await.0,
    ];
    let mut mixed = engines(&server, SOCKET_IO, &[("cookie", &cookie)]).await;
    for engine in &mut mixed {
        connect(engine, "/").await.unwrap();
        engine.connect("/ws", "ann").await;
    }

    sign_out(&server, &cookie).await;
    let to_ann = json!({"type": "custom:n", "data": 1, "user_id": "ann"});
    assert_eq!(server.broadcast(to_ann).await["recipients_count"], 4);
    for socket in &mut sockets {
        assert_eq!(socket.next_close().await, 4401);
    }
    for engine in &mut sessions {
        let mut goodbyes = [engine.hear().await, engine.hear().await];
        goodbyes.sort();
        assert_eq!(goodbyes, ["41", "41/ws,"]);
        match engine.wire.take() {
            Some(mut wire) => assert_eq!(wire.close_code().await, 4401),
            None => {
                engine.expect_poll("1").await;
                engine.expect_closed().await;
            }
        }
    }
    // The namespace that came by a token of its own stays.
    for engine in &mut mixed {
        let mut heard = [engine.hear().await, engine.hear().await];
        heard.sort();
        assert_eq!(heard, ["41", r#"42/ws,["custom:n",1]"#]);
        engine.expect_nothing("/ws").await;
    }
    for socket in &mut others[..2] {
        socket.next("custom:n").await;
    }
    for socket in &mut others {
        socket.expect_nothing().await;
    }
}

#[actix_web::test]
async fn without_a_cookie_that_is_known_there_is_nothing_to_end_or_to_learn() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let (mut socket, _) = plain(&server, &cookie).await;
    for other in ["", "a=b", "ws_session=", "ws_session=forged", "WS_SESSION=x"] {
        sign_out(&server, other).await;
    }
    socket.expect_nothing().await;
    for _ in 0..2 {
        sign_out(&server, &cookie).await;
    }
    assert_eq!(socket.next_close().await, 4401);
    assert_eq!(plain(&server, &cookie).await.1, Value::Null);
}

#[actix_web::test]
async fn a_foreign_page_signs_nobody_out() {
    let server = TestServer::by_hand(&[]);
    let cookie = sign_in(&server, "ann").await;
    let (mut socket, _) = plain(&server, &cookie).await;
    let answer = ask(&server, "DELETE", &[("cookie", &cookie), FOREIGN], "").await;
    answer.assert_error(403, "UNAUTHORIZED");
    assert_eq!(answer.header("set-cookie"), None);
    socket.expect_nothing().await;
    assert_eq!(plain(&server, &cookie).await.1, "ann");
}

#[actix_web::test]
async fn a_token_shown_later_does_not_hide_a_socket_from_its_cookie() {
    let server = TestServer::by_hand(&[]);
    let claims = |secs| json!({"sub": "ann", "exp": server.clock.seconds() + secs});
    let cookie = sign_in_with(&server, claims(10), "").await;
    let (mut socket, _) = plain(&server, &cookie).await;
    for secs in [20, 30] {
        socket.send(json!({"type": "auth", "payload": {"token": token::sign(claims(secs))}})).await;
        socket.next("auth:success").await;
        socket.expect_nothing().await;
    }
    sign_out(&server, &cookie).await;
    assert_eq!(socket.next_close().await, 4401);
}

/// Its own, longer token keeps a socket beyond the end of the cookie that it came by.
#[actix_web::test]
async fn a_socket_with_a_longer_token_outlives_its_cookie_and_may_show_another() {
    let server = TestServer::by_hand(&[]);
    let claims = |secs| json!({"sub": "ann", "exp": server.clock.seconds() + secs});
    let cookie = sign_in_with(&server, claims(10), "").await;
    let (mut socket, _) = plain(&server, &cookie).await;
    for _ in 0..3 {
        let token = token::sign(claims(15));
        socket.send(json!({"type": "auth", "payload": {"token": token}})).await;
        socket.next("auth:success").await;
        server.clock.advance(std::time::Duration::from_secs(9));
        socket.expect_nothing().await;
    }
}

/// Whether the handshake, the entry into the books or the sign-out comes first: nobody stays.
#[actix_web::test]
async fn who_connects_while_the_browser_signs_out_does_not_stay() {
    let server = TestServer::by_hand(&[]);
    for round in 0..60 {
        let cookie = sign_in(&server, "ann").await;
        let mut engine = Engine::websocket_with(&server, SOCKET_IO, &[("cookie", &cookie)]).await;
        let leave = async {
            for _ in 0..round % 10 {
                tokio::task::yield_now().await;
            }
            sign_out(&server, &cookie).await;
        };
        let socketio = async {
            engine.say("40").await;
            if engine.hear().await.starts_with("40") {
                while engine.hear().await != "41" {}
            }
        };
        let plain = async {
            let (mut socket, user) = open_plain(&server, &cookie).await;
            if user == "ann" {
                assert_eq!(last_close(&mut socket).await, 4401);
            }
        };
        tokio::join!(leave, socketio, plain);
    }
}

async fn open_plain(server: &TestServer, cookie: &str) -> (Socket, Value) {
    let mut socket = Socket::open(server.address(), "/ws", &[("cookie", cookie)]).await;
    let welcome = socket.next("connection_established").await;
    (socket, welcome["data"]["user_id"].clone())
}

/// The code of the close, behind whatever comes before it.
async fn last_close(socket: &mut Socket) -> u16 {
    use tokio_tungstenite::tungstenite::protocol::Message;

    loop {
        match socket.next_message().await {
            Some(Message::Close(frame)) => return frame.map_or(1005, |frame| frame.code.into()),
            Some(_) => {}
            None => return 1006,
        }
    }
}
