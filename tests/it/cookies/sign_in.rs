//! `POST /auth/session`: who gets a cookie, and what it looks like.

use super::*;

const JSON: (&str, &str) = ("content-type", "application/json");

fn body(token: &str) -> String {
    json!({"token": token}).to_string()
}

#[actix_web::test]
async fn a_token_is_traded_for_a_cookie_however_it_is_shown() {
    let server = TestServer::by_hand(&[]);
    let token = token::sign(json!({"sub": "ann", "exp": server.clock.seconds() + 90}));
    let bearer = ("authorization", &*format!("Bearer {token}"));
    let ways: [(&[(&str, &str)], String); 5] = [
        (&[JSON], body(&token)),
        (&[bearer], String::new()),
        (&[("x-auth-token", &token)], String::new()),
        (&[JSON, bearer], "{}".to_owned()),
        (&[JSON, bearer], body(&token)),
    ];
    for (headers, body) in ways {
        let answer = ask(&server, "POST", headers, &body).await;
        assert_eq!((answer.status, &*answer.text()), (204, ""), "{headers:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let cookie = answer.header("set-cookie").unwrap();
        let value = cookie.strip_prefix("ws_session=").unwrap();
        let (value, attributes) = value.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=90");
        assert!(value.len() >= 22 && !token.contains(value), "128 bits of nothing in particular: {value}");
        assert_eq!(plain(&server, &format!("a=b; ws_session={value}")).await.1, "ann");
    }
}

#[actix_web::test]
async fn in_production_the_cookie_is_for_https_only() {
    let server = TestServer::with(&[("ENVIRONMENT", "production"), ("HOST", "127.0.0.1")]);
    let bearer = format!("Bearer {}", token::sign(json!({"sub": "ann"})));
    for (method, header) in [("POST", "authorization"), ("DELETE", "authorization")] {
        let answer = ask(&server, method, &[(header, &bearer)], "").await;
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.split("; ").any(|attribute| attribute == "Secure"), "{method}: {cookie}");
    }
}

#[actix_web::test]
async fn without_a_good_token_there_is_no_cookie() {
    let server = TestServer::by_hand(&[]);
    let good = token::sign(json!({"sub": "ann"}));
    let expired = token::sign(json!({"sub": "ann", "exp": server.clock.seconds()}));
    let foreign = token::sign_with("another-secret-of-thirty-two-bytes", json!({"sub": "ann"}));
    let bearer = ("authorization", &*format!("Bearer {good}"));
    let cookie = sign_in(&server, "ann").await;
    type Case<'a> = (&'a [(&'a str, &'a str)], String, u16, &'a str);
    let cases: [Case<'_>; 14] = [
        (&[], String::new(), 401, "AUTH_FAILED"),
        (&[JSON], "{}".to_owned(), 401, "AUTH_FAILED"),
        (&[JSON], r#"{"token":null}"#.to_owned(), 401, "AUTH_FAILED"),
        (&[JSON], body(""), 401, "AUTH_FAILED"),
        (&[JSON], body(&expired), 401, "AUTH_FAILED"),
        (&[JSON], body(&foreign), 401, "AUTH_FAILED"),
        (&[("x-auth-token", &expired)], String::new(), 401, "AUTH_FAILED"),
        (&[JSON, bearer], body("garbage"), 401, "AUTH_FAILED"),
        // A cookie is renewed by a token, not by itself.
        (&[("cookie", &cookie)], String::new(), 401, "AUTH_FAILED"),
        (&[JSON], r#"{"token":1}"#.to_owned(), 400, "INVALID_MESSAGE"),
        (&[JSON], "[]".to_owned(), 400, "INVALID_MESSAGE"),
        (&[JSON, bearer], "{".to_owned(), 400, "INVALID_MESSAGE"),
        (&[("content-type", "text/plain")], body(&good), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[JSON, bearer, FOREIGN], body(&good), 403, "UNAUTHORIZED"),
    ];
    for (headers, body, status, code) in cases {
        let answer = ask(&server, "POST", headers, &body).await;
        assert_eq!(answer.header("set-cookie"), None, "{headers:?} {body}");
        answer.assert_error(status, code);
    }
    let in_query = format!("{PATH}?token={good}");
    let answer = http::request(server.address(), "POST", &in_query, &[], b"").await;
    answer.assert_error(401, "AUTH_FAILED");
    assert_eq!(plain(&server, &cookie).await.1, "ann", "the one she has is as good as before");
}

/// Contract D-41: only new connections have a rate.
#[actix_web::test]
async fn signing_in_is_no_connection_and_has_no_rate() {
    let server = TestServer::by_hand(&[("CONNECTION_RATE_PER_IP", "1")]);
    for _ in 0..20 {
        ask(&server, "POST", &[], "").await.assert_error(401, "AUTH_FAILED");
    }
}

#[actix_web::test]
async fn a_renewed_cookie_carries_the_sign_in_on() {
    let server = TestServer::by_hand(&[]);
    let claims = |secs| json!({"sub": "ann", "exp": server.clock.seconds() + secs});
    let old = sign_in_with(&server, claims(10), "").await;
    let (mut socket, _) = plain(&server, &old).await;
    let new = sign_in_with(&server, claims(100), &old).await;
    assert_ne!(old, new);
    socket.expect_nothing().await;
    assert_eq!(plain(&server, &old).await.1, Value::Null);
    let (mut later, user) = plain(&server, &new).await;
    assert_eq!(user, "ann");

    sign_out(&server, &new).await;
    assert_eq!((socket.next_close().await, later.next_close().await), (4401, 4401));
}

#[actix_web::test]
async fn whoever_signs_in_over_another_signs_that_one_out() {
    let server = TestServer::by_hand(&[]);
    let ann = sign_in(&server, "ann").await;
    let (mut socket, _) = plain(&server, &ann).await;
    let bob = sign_in_with(&server, json!({"sub": "bob"}), &ann).await;
    assert_eq!(socket.next_close().await, 4401);
    assert_eq!(plain(&server, &format!("{ann}; {bob}")).await.1, "bob");
}

#[actix_web::test]
async fn the_oldest_of_too_many_ends_and_takes_its_sockets_along() {
    let server = TestServer::by_hand(&[]);
    let first = sign_in(&server, "ann").await;
    let (mut socket, _) = plain(&server, &first).await;
    for _ in 1..8 {
        sign_in(&server, "ann").await;
    }
    socket.expect_nothing().await;
    sign_in(&server, "ann").await;
    assert_eq!(socket.next_close().await, 4401);
    assert_eq!(plain(&server, &first).await.1, Value::Null);
}
