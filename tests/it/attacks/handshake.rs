//! Requests that look like handshakes, and handshakes that nobody completes.

use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{FIN, Scene, TEXT, Wire, frame, rest_of};
use crate::support::http::{self, Answer};
use crate::support::{PATIENCE, TestServer};

/// A handshake that is accepted.
const GOOD: [&str; 5] = [
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// The good handshake, but with `line` as its first, without the headers named as in `changed`,
/// and with those at its end. A header without a value is only left out.
fn handshake(line: &str, changed: &[&str]) -> Vec<u8> {
    let name = |header: &str| header.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let kept = GOOD.iter().filter(|good| !changed.iter().any(|own| name(own) == name(good)));
    let own = changed.iter().filter(|header| header.contains(": "));
    let headers: String = kept.chain(own).map(|header| format!("{header}\r\n")).collect();
    format!("{line}\r\n{headers}\r\n").into_bytes()
}

pub(super) fn good() -> Vec<u8> {
    handshake("GET /ws HTTP/1.1", &[])
}

/// Sends `bytes` and gives what comes back, up to the end of the connection or of the first answer.
async fn exchange(server: &TestServer, bytes: &[u8]) -> (Answer, TcpStream) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    // A refusal may come, and the connection end, before everything is sent.
    let _ = stream.write_all(bytes).await;
    let mut arrived = Vec::new();
    while !arrived.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let read = timeout(PATIENCE, stream.read_buf(&mut arrived)).await.expect("an answer in time");
        assert!(matches!(read, Ok(1..)), "ended with {:?}", String::from_utf8_lossy(&arrived));
    }
    let mut answer = http::parse(&arrived);
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    while answer.body.len() < length {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer.body)).await.expect("a body in time");
        assert!(matches!(read, Ok(1..)), "the body is whole");
    }
    (answer, stream)
}

#[actix_web::test]
async fn a_request_that_is_no_handshake_is_refused_with_a_reason() {
    let mut scene = Scene::new().await;
    let get = "GET /ws HTTP/1.1";
    let cases: &[(&str, &[&str], u16, &str)] = &[
        (get, &["Sec-WebSocket-Key"], 400, "INVALID_MESSAGE"),
        (get, &["Sec-WebSocket-Key: short"], 400, "INVALID_MESSAGE"),
        (get, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ$$"], 400, "INVALID_MESSAGE"),
        (get, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWFhYWFhYWFh"], 400, "INVALID_MESSAGE"),
        (get, &["Sec-WebSocket-Version: 12"], 426, "UPGRADE_REQUIRED"),
        (get, &["Sec-WebSocket-Version: 8"], 426, "UPGRADE_REQUIRED"),
        (get, &["Sec-WebSocket-Version: 0xD"], 426, "UPGRADE_REQUIRED"),
        (get, &["Sec-WebSocket-Version"], 400, "INVALID_MESSAGE"),
        (get, &["Connection"], 400, "INVALID_MESSAGE"),
        (get, &["Connection: keep-alive"], 400, "INVALID_MESSAGE"),
        (get, &["Connection: close, Upgrade"], 400, "INVALID_MESSAGE"),
        (get, &["Upgrade"], 426, "UPGRADE_REQUIRED"),
        (get, &["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"], 400, "INVALID_MESSAGE"),
        (get, &["Upgrade: TLS/1.2"], 400, "INVALID_MESSAGE"),
        ("POST /ws HTTP/1.1", &[], 405, "METHOD_NOT_ALLOWED"),
        ("PUT /ws/ HTTP/1.1", &["Content-Length: 5"], 405, "METHOD_NOT_ALLOWED"),
        ("TRACE /ws HTTP/1.1", &[], 405, "METHOD_NOT_ALLOWED"),
        ("CONNECT /ws HTTP/1.1", &[], 405, "METHOD_NOT_ALLOWED"),
        ("GET /ws/../ws HTTP/1.1", &[], 404, "NOT_FOUND"),
        ("GET /WS HTTP/1.1", &[], 404, "NOT_FOUND"),
        ("GET /health HTTP/1.1", &[], 200, ""),
    ];
    for (line, changed, status, code) in cases {
        let (answer, _) = exchange(&scene.server, &handshake(line, changed)).await;
        assert_eq!(answer.status, *status, "{line} {changed:?}: {}", answer.text());
        if !code.is_empty() {
            answer.assert_error(*status, code);
        }
        if *status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn version_1_0_of_http_cannot_be_upgraded() {
    // RFC 6455, section 4.1: the version must be at least 1.1.
    let mut scene = Scene::new().await;
    let (answer, _) = exchange(&scene.server, &handshake("GET /ws HTTP/1.0", &[])).await;
    answer.assert_error(400, "INVALID_MESSAGE");
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_tunnel_is_not_dug() {
    let mut scene = Scene::new().await;
    for line in ["CONNECT 127.0.0.1:22 HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1"] {
        let (answer, mut stream) = exchange(&scene.server, &handshake(line, &["Upgrade"])).await;
        assert!(matches!(answer.status, 400..=405), "{line}: {}", answer.status);
        assert_eq!(rest_of(&mut stream).await, b"");
    }
    scene.assert_unharmed().await;
}

/// An answer of 101 that no session follows leaves an HTTP connection that every proxy on the way
/// takes for a tunnel: requests smuggled through it pass no rule of the proxy's.
#[actix_web::test]
async fn who_is_told_101_speaks_to_a_session() {
    let mut scene = Scene::new().await;
    let cases: &[&[&str]] = &[
        &["Transfer-Encoding: chunked"],
        &["Upgrade: websocket, h2c"],
        &["Upgrade: h2c, websocket"],
        &["Upgrade: websocket/13"],
        &["Upgrade: not-a-websocket"],
        &["Content-Length: 5"],
        &["Expect: 100-continue"],
        &["Upgrade: websocket", "Upgrade: h2c"],
    ];
    let mut wrong = Vec::new();
    for changed in cases {
        let smuggled = b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        let bytes = [&handshake("GET /ws HTTP/1.1", changed)[..], smuggled].concat();
        let mut stream = TcpStream::connect(scene.server.address()).await.unwrap();
        let _ = stream.write_all(&bytes).await;
        let everything = rest_of(&mut stream).await;
        let told = String::from_utf8_lossy(&everything);
        let speaks_http = told.split_once(" 101 ").is_some_and(|(_, after)| after.contains("HTTP/1."));
        if speaks_http {
            wrong.push(format!("{changed:?} got {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_request_with_two_readings_is_refused_and_what_it_hides_is_never_answered() {
    let mut scene = Scene::new().await;
    let hidden = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let length = format!("Content-Length: {}", hidden.len());
    let cases: &[&[&str]] = &[
        &[&length, "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Content-Length: 0"],
        &["Content-Length: 0", &length],
        &["Content-Length: 5, 5"],
        &["Content-Length: +5"],
        &["Content-Length: -1"],
        &["Content-Length: 99999999999999999999999"],
        &["Transfer-Encoding: xchunked"],
        &["Transfer-Encoding: chunked, identity"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        &["Transfer-Encoding : chunked"],
        &["Transfer-Encoding: \u{b}chunked"],
        &["X: y\r\n Transfer-Encoding: chunked"],
        &["Host: 127.0.0.1"],
        &["X: a\0b"],
    ];
    for headers in cases {
        let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let bytes =
            format!("POST /api/ws/broadcast HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n0\r\n\r\n{hidden}");
        let answer = http::raw(scene.server.address(), bytes.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{headers:?}: {answer}");
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn huge_and_countless_headers_are_refused() {
    let mut scene = Scene::new().await;
    let huge = format!("X-Huge: {}", "x".repeat(200 * 1024));
    let many: Vec<String> = (0..500).map(|number| format!("X-Many-{number}: x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let path = format!("GET /ws?{} HTTP/1.1", "x".repeat(200 * 1024));
    let floods = [
        handshake("GET /ws HTTP/1.1", &[&huge]),
        handshake("GET /ws HTTP/1.1", &many),
        handshake(&path, &[]),
        b"\r\n".repeat(100_000),
    ];
    for bytes in floods {
        let mut attacker = Wire::over(TcpStream::connect(scene.server.address()).await.unwrap());
        attacker.send(&bytes).await;
        // The server may have closed already.
        let _ = SockRef::from(&attacker.stream).shutdown(std::net::Shutdown::Write);
        let answer = [&attacker.arrived[..], &rest_of(&mut attacker.stream).await].concat();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
    }
    scene.assert_unharmed().await;
}

/// The framework's own clock runs here: five real seconds.
#[actix_web::test]
async fn a_head_that_never_ends_is_given_up() {
    let mut scene = Scene::new().await;
    let half = &good()[..60];
    let starts: [&[u8]; 4] = [b"", b"G", half, b"POST /api/ws/broadcast HTTP/1.1\r\nHost: 127.0.0.1\r\n"];
    let given_up = starts.map(|start| {
        let address = scene.server.address();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(start).await.unwrap();
            let answer = rest_of(&mut stream).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
            !start.is_empty() && !answer.is_empty()
        }
    });
    let told = futures_util::future::join_all(given_up).await.into_iter().filter(|told| *told).count();
    // Each of those that had begun to ask is one refusal.
    let counted =
        async { while scene.server.get("/api/ws/stats").await.json()["stats"]["error_count"] != told {} };
    timeout(PATIENCE, counted).await.expect("as many refusals as were told");
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn frames_in_the_same_packet_as_the_handshake_are_answered_in_order() {
    let mut scene = Scene::new().await;
    let ask = |id: u32| frame(FIN | TEXT, json!({"type": "debug:rooms", "id": id}).to_string().as_bytes());
    let frames: Vec<u8> = (0..50).flat_map(ask).collect();
    let (answer, stream) = exchange(&scene.server, &[good(), frames].concat()).await;

    assert_eq!(answer.status, 101);
    let mut socket = Wire { stream, arrived: answer.body, has_ended: false };
    assert_eq!(socket.next_event().await["type"], "connection_established");
    for id in 0..50 {
        assert_eq!(socket.next_event().await["id"], id);
    }
    drop(socket);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_request_in_front_of_the_handshake_is_answered_first() {
    let mut scene = Scene::new().await;
    let bytes = [b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", &good()[..]].concat();
    let mut stream = TcpStream::connect(scene.server.address()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut arrived = Vec::new();
    while !String::from_utf8_lossy(&arrived).contains("connection_established") {
        let read = timeout(PATIENCE, stream.read_buf(&mut arrived)).await.expect("both answers in time");
        assert!(matches!(read, Ok(1..)), "{}", String::from_utf8_lossy(&arrived));
    }
    let arrived = String::from_utf8_lossy(&arrived).into_owned();
    let (health, upgrade) = (arrived.find("uptime_seconds").unwrap(), arrived.find(" 101 ").unwrap());
    assert!(arrived.starts_with("HTTP/1.1 200") && health < upgrade, "{arrived}");
    drop(stream);
    scene.assert_unharmed().await;
}

/// Opens `path` with these raw header lines, and gives its welcome and the socket.
async fn welcomed(server: &TestServer, path: &str, headers: &[u8]) -> (Value, Wire) {
    let mut bytes = handshake(&format!("GET {path} HTTP/1.1"), &[]);
    bytes.truncate(bytes.len() - 2);
    let (answer, stream) = exchange(server, &[&bytes[..], headers, b"\r\n"].concat()).await;
    assert_eq!(answer.status, 101, "{path}: {}", answer.text());
    let mut socket = Wire { stream, arrived: answer.body, has_ended: false };
    let welcome = socket.next_event().await;
    assert_eq!(welcome["type"], "connection_established");
    (welcome, socket)
}

#[actix_web::test]
async fn garbage_where_a_token_should_stand_proves_nothing() {
    let mut scene = Scene::new().await;
    let long = format!("/ws?token={}", "x".repeat(10 * 1024));
    for path in [&*long, "/ws?token=", "/ws?token=%", "/ws?token=%zz", "/ws?token=%ff%fe", "/ws?token=a.b.c"]
    {
        let (welcome, mut socket) = welcomed(&scene.server, path, b"").await;
        assert_eq!(welcome["data"]["authenticated"], false, "{path}");
        let error = socket.next_error("AUTH_FAILED").await;
        assert!(error.to_string().len() < 1000, "what was sent is not repeated");
        socket.assert_open().await;
    }
    for path in ["/ws?", "/ws?%", "/ws?&&==&", "/ws?%ff=%ff", "/ws/?%00"] {
        let (welcome, mut socket) = welcomed(&scene.server, path, b"").await;
        assert_eq!(welcome["data"]["authenticated"], false, "{path}");
        socket.assert_open().await;
    }
    for headers in
        [&b"Cookie: \xff\xfe\r\n"[..], b"User-Agent: \x80\r\n", b"Sec-WebSocket-Protocol: \xff\r\n"]
    {
        let (_, mut socket) = welcomed(&scene.server, "/ws", headers).await;
        socket.assert_open().await;
    }
    scene.assert_unharmed().await;
}

/// Checklist O-036: if any token shown is not valid, nobody is authenticated.
#[actix_web::test]
async fn a_bad_token_beside_a_good_one_spoils_it_however_it_is_written() {
    let mut scene = Scene::new().await;
    let good = crate::support::token::sign(json!({"sub": "u1"}));
    let header = |value: &[u8]| [b"X-Auth-Token: ", value, b"\r\n"].concat();
    let (plain, doubled) = (format!("/ws?token={good}"), format!("/ws?token={good}&token=bad"));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (&plain, header(b"bad")),
        (&plain, header(b"b\xffd")),
        (&plain, b"Authorization: Bearer b\xffd\r\n".to_vec()),
        (&doubled, Vec::new()),
        ("/ws", [header(good.as_bytes()), header(b"bad")].concat()),
    ];
    let mut wrong = Vec::new();
    for (path, headers) in &cases {
        let (welcome, _) = welcomed(&scene.server, path, headers).await;
        if welcome["data"]["authenticated"] != false {
            let path = path.replace(&good, "GOOD");
            wrong.push(format!("{path} {}", String::from_utf8_lossy(headers).replace(&good, "GOOD")));
        }
    }
    assert!(wrong.is_empty(), "authenticated all the same: {wrong:#?}");
    scene.assert_unharmed().await;
}
