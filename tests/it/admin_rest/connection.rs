//! Many requests over one connection.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::BROADCAST;
use crate::support::http::{self, Answer};
use crate::support::socket::Socket;
use crate::support::{PATIENCE, TestServer};

/// An HTTP connection that is kept.
struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Connection {
        Connection { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the connection is open");
    }

    /// The next answer, by its own length; `None` once the server has closed.
    async fn answer(&mut self) -> Option<Answer> {
        let head = loop {
            match self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None if self.read().await => {}
                None => return None,
            }
        };
        let answer = http::parse(&self.unread[..head]);
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < head + length {
            assert!(self.read().await, "the whole body");
        }
        let rest = self.unread.split_off(head + length);
        let answer = std::mem::replace(&mut self.unread, rest);
        Some(http::parse(&answer))
    }

    /// Gives whether anything came before the end.
    async fn read(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await;
        read.expect("bytes or the end in time").unwrap_or(0) > 0
    }
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

fn post(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = format!("POST {BROADCAST} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A server with three sockets, and bodies for `count` posts: the n-th goes to the first `n % 4`.
async fn stage(count: usize) -> (TestServer, Vec<Socket>, Vec<Value>) {
    let server = TestServer::start();
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(server.connect().await);
    }
    let ids: Vec<&str> = sockets.iter().map(|socket| &*socket.id).collect();
    let body = |n: usize| json!({"type": "custom:n", "data": n, "target": {"socket_ids": ids[..n % 4]}});
    let bodies = (0..count).map(body).collect();
    (server, sockets, bodies)
}

/// Each socket has what was for it, in order and once.
async fn expect_delivered(sockets: &mut [Socket], count: usize) {
    for (index, socket) in sockets.iter_mut().enumerate() {
        for n in (0..count).filter(|n| index < n % 4) {
            assert_eq!(socket.next("custom:n").await["data"], n);
        }
        socket.expect_nothing().await;
    }
}

#[actix_web::test]
async fn two_hundred_posts_over_one_connection_are_answered_one_by_one() {
    let (server, mut sockets, bodies) = stage(200).await;
    let mut connection = Connection::open(server.address()).await;
    for (n, body) in bodies.iter().enumerate() {
        connection.send(&post(body)).await;
        let answer = connection.answer().await.expect("the connection is kept");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["recipients_count"], n % 4, "post {n}");
    }
    expect_delivered(&mut sockets, 200).await;
}

#[actix_web::test]
async fn posts_sent_in_one_write_are_answered_and_delivered_in_order() {
    for count in [10, 64] {
        let (server, mut sockets, bodies) = stage(count).await;
        let mut connection = Connection::open(server.address()).await;
        let all: Vec<u8> = bodies.iter().flat_map(post).collect();
        connection.send(&all).await;
        let mut last = String::new();
        for n in 0..count {
            let answer = connection.answer().await.expect("an answer for each").json();
            assert_eq!(answer["recipients_count"], n % 4, "post {n} of {count}");
            let sent_at = answer["sent_at"].as_str().unwrap().to_owned();
            assert!(sent_at >= last, "one after the other");
            last = sent_at;
        }
        expect_delivered(&mut sockets, count).await;
    }
}

#[actix_web::test]
async fn answers_of_different_kinds_keep_their_order_in_one_write() {
    let server = TestServer::start();
    let requests = [
        (get("/health"), 200),
        (post(&json!({"type": "custom:x", "data": 1})), 200),
        (get("/nowhere"), 404),
        (post(&json!({"type": "error", "data": 1})), 400),
        (get("/ws"), 426),
        (get(BROADCAST), 405),
        (post(&json!([])), 400),
        (get("/api/ws/rooms"), 200),
    ];
    let mut connection = Connection::open(server.address()).await;
    connection.send(&requests.iter().flat_map(|(bytes, _)| bytes.clone()).collect::<Vec<u8>>()).await;
    for (bytes, status) in &requests {
        let answer = connection.answer().await.expect("an answer for each");
        assert_eq!(answer.status, *status, "{}", String::from_utf8_lossy(bytes));
    }
}

/// What was in a refused body is never taken for a request.
#[actix_web::test]
async fn a_body_that_nobody_read_is_no_request() {
    let server = TestServer::with(&[("ADMIN_API_KEY", "k")]);
    let mut listener = server.connect().await;
    let hidden = String::from_utf8(post(&json!({"type": "custom:hidden", "data": 1}))).unwrap();
    let hidden = hidden.replace("host: localhost", "host: localhost\r\nx-admin-key: k");
    let in_chunk = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    let by_length = (format!("content-length: {}", hidden.len()), hidden);
    let by_chunk = ("transfer-encoding: chunked".to_owned(), in_chunk);
    for (framing, body) in [by_length, by_chunk] {
        for (path, status) in [(BROADCAST, 401), ("/health", 405), ("/nowhere", 404)] {
            let refused = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n{body}");
            let mut connection = Connection::open(server.address()).await;
            connection.send(&[refused.into_bytes(), get("/health")].concat()).await;
            assert_eq!(connection.answer().await.expect("an answer").status, status, "{path} {framing}");
            // Either the body was skipped, or the connection ends.
            if let Some(second) = connection.answer().await {
                assert_eq!(second.json()["status"], "ok", "{path} {framing}");
            }
        }
    }
    listener.expect_nothing().await;
}

#[actix_web::test]
async fn who_waits_for_a_go_ahead_gets_it() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address()).await;
    let post = String::from_utf8(post(&json!({"type": "custom:x", "data": 1}))).unwrap();
    let (head, body) = post.split_once("\r\n\r\n").unwrap();
    connection.send(format!("{head}\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await;
    assert_eq!(connection.answer().await.expect("a go-ahead").status, 100);
    connection.send(body.as_bytes()).await;
    assert_eq!(connection.answer().await.expect("an answer").status, 200);
}

#[actix_web::test]
async fn after_a_body_that_is_too_large_the_connection_ends() {
    let server = TestServer::start();
    let mut connection = Connection::open(server.address()).await;
    connection.send(&post(&json!({"type": "custom:x", "data": "x".repeat(1024 * 1024)}))).await;
    connection.answer().await.expect("an answer").assert_error(413, "MESSAGE_TOO_LARGE");
    let more = connection.answer().await;
    assert!(more.is_none() && connection.unread.is_empty(), "{more:?}");
}

#[actix_web::test]
async fn http_1_0_is_answered_and_closed() {
    let server = TestServer::start();
    let answer = http::raw(server.address(), b"GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(http::parse(&answer).status, 200);
    // Without a Host nobody can know that they talk to this machine.
    let answer = http::raw(server.address(), b"GET /api/ws/status HTTP/1.0\r\n\r\n").await;
    http::parse(&answer).assert_error(401, "UNAUTHORIZED");
}
