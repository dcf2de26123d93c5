//! Secrets that must not reach a log: the real binary, at its most talkative.

use std::path::PathBuf;
use std::process::{Command as Plain, Stdio};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::http;
use crate::support::socket::Socket;
use crate::support::{PATIENCE, token};

const JWT_SECRET: &str = "jwt-secret-5e1f0000-of-enough-characters";
const ADMIN_KEY: &str = "admin-key-5e1f0001-of-enough-characters";
const TENANT_KEY: &str = "tenant-key-5e1f0002-of-enough-characters";

/// An empty folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("switchboard-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the binary in `folder`, and gives it with the address it prints.
async fn start(folder: &Folder) -> (Child, std::net::SocketAddr) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .current_dir(&folder.0)
        .env_clear()
        .envs([("PORT", "0"), ("RUST_LOG", "trace"), ("LOG_FILE", "app.log"), ("WORKERS", "2")])
        .envs([("LOG_ALL_MESSAGES", "true"), ("LOG_BROADCAST_EVENTS", "true")])
        .envs([("JWT_SECRET", JWT_SECRET), ("ADMIN_API_KEY", ADMIN_KEY)])
        .env("TENANT_KEYS", format!("{TENANT_KEY}:acme"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("a line in time").unwrap().unwrap();
    // Whatever else it prints goes nowhere, but must not block it.
    actix_web::rt::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let address = line.strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}"));
    (server, address.parse().unwrap())
}

#[actix_web::test]
async fn no_secret_ever_reaches_the_log() {
    let folder = Folder::new("secrets");
    let (mut server, address) = start(&folder).await;
    let mut stderr = server.stderr.take().unwrap();
    let printed = actix_web::rt::spawn(async move {
        let mut printed = String::new();
        stderr.read_to_string(&mut printed).await.unwrap();
        printed
    });

    let good = token::sign_with(JWT_SECRET, json!({"sub": "u1", "role": "admin"}));
    let signature = good.rsplit_once('.').unwrap().1.to_owned();
    // One that is no JWT for every way in, so that it is found only where its place is known.
    let secret = |number: u32| format!("s3cr3t-{number:04}-zzzz");
    let bearer = |number: u32| format!("Bearer {}", secret(number));
    let paths = [
        format!("/ws?token={}", secret(1)),
        format!("/ws/?a=b&token={}&c=d", secret(2)),
        format!("/ws?tok%65n={}", secret(3)),
        format!("/ws?%74oken={}", secret(4)),
        format!("/ws?token={good}"),
    ];
    for path in &paths {
        let mut socket = Socket::open(address, path, &[]).await;
        socket.next("connection_established").await;
        socket.next_event().await;
    }
    let headers: [(&str, &str); 5] = [
        ("authorization", &bearer(5)),
        ("x-auth-token", &secret(6)),
        ("authorization", &format!("bearer   {}", secret(7))),
        ("authorization", &format!("Bearer {good}")),
        ("cookie", &format!("ws_session={}; a={}", secret(8), secret(9))),
    ];
    for header in headers {
        let mut socket = Socket::open(address, "/ws", &[header]).await;
        socket.next("connection_established").await;
        let messages = [
            json!({"type": "auth", "payload": {"token": secret(10)}}),
            json!({"event": "authenticate", "data": {"token": secret(11)}}),
            json!({"type": "auth", "payload": {"token": [secret(12)]}}),
            json!({"type": "auth", "payload": secret(13), "id": secret(14)}),
            json!({"type": "no_such", "payload": {"password": secret(15)}}),
            json!({"type": "no_such", "payload": {"tenantKey": TENANT_KEY}}),
            json!({"type": "auth", "payload": {"token": good}}),
        ];
        for message in messages {
            socket.send(message).await;
            socket.next_event().await;
        }
        socket.send_text(&format!(r#"{{"type":"auth","payload":{{"token":"{}""#, secret(16))).await;
        socket.next_event().await;
        // The raw connection: a violation with a secret in it.
        use tokio::io::AsyncWriteExt;
        let mut stream = socket.into_stream();
        stream.write_all(secret(17).as_bytes()).await.unwrap();
        super::rest_of(&mut stream).await;
    }
    let body = json!({"type": "custom:x", "data": {"apiKey": secret(18)}}).to_string();
    let json_body = ("content-type", "application/json");
    for (header, status) in [
        (("x-admin-key", ADMIN_KEY), 200),
        (("x-admin-key", &*secret(19)), 401),
        (("authorization", &*bearer(20)), 401),
        (("x-auth-token", &*good), 200),
        (("x-tenant-key", &*secret(21)), 401),
        (("x-tenant-key", TENANT_KEY), 401),
    ] {
        let headers = [json_body, header];
        let answer = http::request(address, "POST", "/api/ws/broadcast", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{header:?}: {}", answer.text());
        assert!(!answer.text().contains("s3cr3t"), "{}", answer.text());
    }
    // Requests the framework itself refuses and may complain about.
    for broken in [
        format!("GET /ws?token={} HTTP/1.1\r\nBroken\r\n\r\n", secret(22)),
        format!("GET /ws?token={} HTTP/9.9\r\n\r\n", secret(23)),
        format!("GET /no\u{1}?token={} HTTP/1.1\r\n\r\n", secret(24)),
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: x\r\n\r\n",
            secret(25)
        ),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX-Admin-Key: {}\r\nHost: b\r\n\r\n", secret(26)),
        format!(
            "GET /ws?token={} HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: close\r\n\r\n",
            secret(27)
        ),
    ] {
        http::raw(address, broken.as_bytes()).await;
    }

    let id = server.id().expect("still running").to_string();
    assert!(Plain::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let ended = timeout(2 * PATIENCE, server.wait()).await.expect("an end in time").unwrap();
    assert!(ended.success(), "{ended}");
    let printed = printed.await.unwrap();
    let file = std::fs::read_to_string(folder.0.join("app.log")).unwrap();

    for (place, log) in [("stderr", &printed), ("file", &file)] {
        // It did log, and to the last detail.
        assert!(log.contains("websocket_connect") && log.contains(" TRACE "), "{place} is talkative");
        assert!(log.contains("event=auth") && log.contains("websocket_disconnect"), "{place}");
        for part in ["s3cr3t", &*signature, JWT_SECRET, ADMIN_KEY, TENANT_KEY] {
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(part)).take(5).collect();
            assert!(lines.is_empty(), "{part} in {place}: {lines:#?}");
        }
    }
}
