//! Pages of other sites that use a visitor's browser, and requests that lie about where they come
//! from.

use serde_json::json;

use super::Scene;
use crate::support::http::{self, Answer};
use crate::support::socket::Socket;

/// POSTs a broadcast that only an admin may, with these headers.
async fn broadcast(scene: &Scene, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "application/json")], headers].concat();
    let body = json!({"type": "custom:hijacked", "data": 1}).to_string();
    http::request(scene.server.address(), "POST", "/api/ws/broadcast", &headers, body.as_bytes()).await
}

async fn upgrade(scene: &Scene, headers: &[(&str, &str)]) -> Answer {
    let handshake = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let headers = [&handshake[..], headers].concat();
    http::request(scene.server.address(), "GET", "/ws", &headers, b"").await
}

#[actix_web::test]
async fn a_foreign_page_gets_neither_a_socket_nor_a_broadcast() {
    let mut scene = Scene::new().await;
    let port = scene.server.address().port();
    let foreign = [
        "http://evil.example",
        "https://evil.example",
        "null",
        "",
        "*",
        "http://",
        "file://",
        "http://127.0.0.1.evil.example",
        &format!("http://127.0.0.1.evil.example:{port}"),
        "http://127.0.0.1@evil.example",
        &format!("http://127.0.0.1:{port}@evil.example"),
        &format!("http://evil.example@127.0.0.1:{port}"),
        &format!("http://evil.example#@127.0.0.1:{port}"),
        &format!("http://evil.example/127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{port}, http://evil.example"),
        &format!("http://127.0.0.1:{port} http://evil.example"),
        &format!("ftp://127.0.0.1:{port}"),
        &format!("//127.0.0.1:{port}"),
        &format!("127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{port}/"),
        &format!("http://localhost:{port}"),
        &format!("http://[::1]:{port}"),
        "http://localhost:3000.evil.example",
        "http://localhost:30001",
        "http://localhost:3000/",
        "https://localhost:3000",
        "chrome-extension://abcdefgh",
    ];
    for origin in foreign {
        let headers = [("origin", origin)];
        for answer in [upgrade(&scene, &headers).await, broadcast(&scene, &headers).await] {
            assert_eq!(answer.status, 403, "{origin:?}: {}", answer.text());
            answer.assert_error(403, "UNAUTHORIZED");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin:?}");
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn an_origin_that_is_no_text_is_foreign() {
    let mut scene = Scene::new().await;
    for origin in [&b"\xff"[..], b"http://127.0.0.1\xff", b"http://127.0.0.1:\xd9\xa1"] {
        let head = b"POST /api/ws/broadcast HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nOrigin: ";
        let answer = http::raw(scene.server.address(), &[head, origin, b"\r\n\r\n"].concat()).await;
        http::parse(&answer).assert_error(403, "UNAUTHORIZED");
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn own_and_listed_pages_pass_and_so_does_who_is_no_page() {
    let mut scene = Scene::new().await;
    let own = format!("http://{}", scene.server.address());
    let welcome: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", &own)],
        &[("origin", "http://localhost:3000")],
        &[("origin", "http://LocalHost:3000")],
        &[("origin", "http://Switchboard.Example"), ("host", "switchboard.example")],
    ];
    for headers in welcome {
        let socket = Socket::try_open(scene.server.address(), "/ws", headers).await;
        assert!(socket.is_ok(), "{headers:?}: {:?}", socket.err());
    }
    for headers in &welcome[..4] {
        assert_eq!(broadcast(&scene, headers).await.status, 200, "{headers:?}");
        scene.bystander.next("custom:hijacked").await;
    }
    scene.assert_unharmed().await;
}

/// Contract X-32: an origin must be listed or name the request's own host *on any of our ports*.
/// Whatever else listens on this machine, a page of it is not ours.
#[actix_web::test]
async fn a_page_of_the_same_host_on_a_port_that_is_not_ours_is_foreign() {
    let mut scene = Scene::new().await;
    for origin in ["http://127.0.0.1:1", "http://127.0.0.1:65535", "http://127.0.0.1:99999999"] {
        let headers = [("origin", origin)];
        for answer in [broadcast(&scene, &headers).await, upgrade_or_101(&scene, &headers).await] {
            assert_eq!(answer.status, 403, "{origin}");
        }
    }
    scene.assert_unharmed().await;
}

/// Like [`upgrade`], for a handshake that may be accepted and then has no end.
async fn upgrade_or_101(scene: &Scene, headers: &[(&str, &str)]) -> Answer {
    match Socket::try_open(scene.server.address(), "/ws", headers).await {
        Ok(_) => Answer { status: 101, headers: Vec::new(), body: Vec::new() },
        Err(_) => upgrade(scene, headers).await,
    }
}

#[actix_web::test]
async fn a_name_led_here_by_dns_is_no_admin() {
    let mut scene = Scene::new().await;
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "",
        "@",
    ] {
        let origin = format!("http://{host}");
        broadcast(&scene, &[("host", host)]).await.assert_error(401, "UNAUTHORIZED");
        let own = broadcast(&scene, &[("host", host), ("origin", &origin)]).await;
        assert!(matches!(own.status, 401 | 403), "{host}: {}", own.text());
        let headers = [("host", host)];
        for path in ["/api/ws/status", "/api/ws/rooms"] {
            let answer = http::request(scene.server.address(), "GET", path, &headers, b"").await;
            answer.assert_error(401, "UNAUTHORIZED");
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn what_came_through_a_proxy_is_no_local_admin() {
    let mut scene = Scene::new().await;
    let forwarded = [
        ("x-forwarded-for", "127.0.0.1"),
        ("X-FORWARDED-FOR", "10.0.0.1"),
        ("x-forwarded-for", ""),
        ("forwarded", "for=127.0.0.1"),
        ("forwarded", "garbage"),
    ];
    for header in forwarded {
        broadcast(&scene, &[header]).await.assert_error(401, "UNAUTHORIZED");
    }
    scene.assert_unharmed().await;
}

/// Whoever shows a credential is judged by it, even where nothing is needed.
#[actix_web::test]
async fn a_bad_admin_credential_is_refused_however_it_is_written() {
    let mut scene = Scene::new().await;
    let cases: &[&[u8]] = &[
        b"X-Admin-Key: guess",
        b"X-Admin-Key: ",
        b"X-Admin-Key: \xff",
        b"Authorization: Bearer garbage",
        b"X-Auth-Token: garbage",
        b"X-Auth-Token: \xff",
        b"Authorization: Bearer g\xffrbage",
    ];
    let mut wrong = Vec::new();
    for header in cases {
        let head = b"GET /api/ws/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
        let answer = http::raw(scene.server.address(), &[head, *header, b"\r\n\r\n"].concat()).await;
        let status = http::parse(&answer).status;
        if status != 401 {
            wrong.push(format!("{}: {status}", String::from_utf8_lossy(header)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    scene.assert_unharmed().await;
}
