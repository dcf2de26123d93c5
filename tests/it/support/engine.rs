//! An Engine.IO client with no library of ours: polls and pushes on keep-alive HTTP, each on a
//! connection of its own, and a WebSocket beside or instead of them.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frames::{BINARY, TEXT};
use super::http::{self, Answer};
use super::wire::Wire;
use super::{PATIENCE, TestServer};

/// One keep-alive HTTP connection, opened when it is first needed and again after it has ended.
pub struct Line {
    address: SocketAddr,
    stream: Option<TcpStream>,
    arrived: Vec<u8>,
}

impl Line {
    pub fn to(address: SocketAddr) -> Line {
        Line { address, stream: None, arrived: Vec::new() }
    }

    /// Sends a request. Its answer is still to be read.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut bytes = http::head(self.address, method, path, headers, body.len());
        bytes.extend_from_slice(body);
        self.send(&bytes).await;
    }

    /// Sends `bytes`, or as much of them as the server takes.
    pub async fn send(&mut self, bytes: &[u8]) {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            self.stream = Some(stream);
            self.arrived.clear();
        }
        let stream = self.stream.as_mut().unwrap();
        // A refusal may come, and the connection end, before everything is sent.
        let _ = timeout(PATIENCE, stream.write_all(bytes)).await.expect("the server takes what is sent");
    }

    /// The next answer, whole.
    #[track_caller]
    pub fn answer(&mut self) -> impl Future<Output = Answer> {
        let caller = std::panic::Location::caller();
        async move {
            match timeout(PATIENCE, self.try_answer()).await {
                Ok(Some(answer)) => answer,
                Ok(None) => panic!("at {caller}: the connection ended without an answer"),
                Err(_) => panic!("at {caller}: no answer in time"),
            }
        }
    }

    /// The next answer; `None` if the connection ends instead.
    pub async fn try_answer(&mut self) -> Option<Answer> {
        let stream = self.stream.as_mut().expect("something was asked");
        loop {
            if let Some(head) = self.arrived.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let mut answer = http::parse(&self.arrived);
                let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
                if answer.body.len() >= length {
                    answer.body.truncate(length);
                    self.arrived.drain(..head + 4 + length);
                    if answer.header("connection") == Some("close") {
                        self.stream = None;
                    }
                    return Some(answer);
                }
            }
            if !matches!(stream.read_buf(&mut self.arrived).await, Ok(1..)) {
                self.stream = None;
                return None;
            }
        }
    }

    /// Ends the connection, whatever is under way on it.
    pub fn hang_up(&mut self) {
        self.stream = None;
    }
}

/// One Engine.IO session, from the client's side.
pub struct Engine {
    address: SocketAddr,
    /// One of the four spellings of where an engine is mounted.
    pub path: &'static str,
    pub sid: String,
    pub gets: Line,
    pub posts: Line,
    /// The transport, once it is a WebSocket.
    pub wire: Option<Wire>,
    /// Packets that a poll has brought and nobody has read.
    arrived: VecDeque<String>,
}

impl Engine {
    /// Opens a session that polls.
    pub async fn polling(server: &TestServer, path: &'static str) -> Engine {
        Engine::polling_with(server, path, &[]).await
    }

    /// Opens a session that polls, with these headers in its first request.
    pub async fn polling_with(server: &TestServer, path: &'static str, headers: &[(&str, &str)]) -> Engine {
        let mut engine = Engine::without_sid(server.address(), path);
        engine.gets.ask("GET", &format!("{path}?EIO=4&transport=polling"), headers, b"").await;
        let answer = engine.gets.answer().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        engine.sid = sid_of(&answer.text());
        engine
    }

    /// Opens a session on a WebSocket.
    pub async fn websocket(server: &TestServer, path: &'static str) -> Engine {
        Engine::websocket_with(server, path, &[]).await
    }

    /// Opens a session on a WebSocket, with these headers in its request.
    pub async fn websocket_with(server: &TestServer, path: &'static str, headers: &[(&str, &str)]) -> Engine {
        let mut engine = Engine::without_sid(server.address(), path);
        let url = format!("{path}?EIO=4&transport=websocket");
        let wire = Wire::try_open(server.address(), &url, headers).await;
        let mut wire = wire.unwrap_or_else(|answer| panic!("{url} is refused with {}", answer.status));
        engine.sid = sid_of(&wire.next_text().await);
        engine.wire = Some(wire);
        engine
    }

    fn without_sid(address: SocketAddr, path: &'static str) -> Engine {
        let (gets, posts) = (Line::to(address), Line::to(address));
        Engine { address, path, sid: String::new(), gets, posts, wire: None, arrived: VecDeque::new() }
    }

    pub fn url(&self, transport: &str) -> String {
        format!("{}?EIO=4&transport={transport}&sid={}", self.path, self.sid)
    }

    /// Polls, and gives the answer.
    #[track_caller]
    pub fn get(&mut self) -> impl Future<Output = Answer> {
        let url = self.url("polling");
        let gets = &mut self.gets;
        let caller = std::panic::Location::caller();
        async move {
            gets.ask("GET", &url, &[], b"").await;
            let answer = timeout(PATIENCE, gets.try_answer()).await;
            answer.ok().flatten().unwrap_or_else(|| panic!("at {caller}: the poll is not answered"))
        }
    }

    /// Polls; the answer is still to be read from `gets`. If the server has one worker thread, the
    /// session has the poll when this returns.
    pub async fn park(&mut self) {
        let url = self.url("polling");
        self.gets.ask("GET", &url, &[], b"").await;
        self.settle().await;
    }

    /// A server with one worker thread has taken what was sent before this: it has answered somebody
    /// who asked later, and then again, so that those whom it woke in between have had their turn.
    pub async fn settle(&self) {
        for _ in 0..2 {
            http::request(self.address, "GET", "/health", &[], b"").await;
        }
    }

    /// The parked poll's answer must be these packets.
    #[track_caller]
    pub fn expect_parked(&mut self, packets: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let answer = self.gets.answer();
        async move {
            let answer = answer.await;
            assert_eq!((answer.status, &*answer.text()), (200, packets), "at {caller}");
        }
    }

    /// Polls; what comes must be these packets.
    #[track_caller]
    pub fn expect_poll(&mut self, packets: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let answer = self.get();
        async move {
            let answer = answer.await;
            assert_eq!((answer.status, &*answer.text()), (200, packets), "at {caller}");
        }
    }

    /// Pushes, and gives the answer.
    pub async fn post(&mut self, body: impl AsRef<[u8]>) -> Answer {
        let url = self.url("polling");
        self.posts.ask("POST", &url, &[("content-type", "text/plain;charset=UTF-8")], body.as_ref()).await;
        self.posts.answer().await
    }

    /// Pushes what must be accepted.
    #[track_caller]
    pub fn push(&mut self, body: impl AsRef<[u8]>) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.post(body).await;
            assert_eq!((answer.status, &*answer.text()), (200, "ok"), "at {caller}");
        }
    }

    /// Opens a WebSocket beside the polls, and says nothing on it.
    pub async fn probe(&self) -> Wire {
        Wire::open(self.address, &self.url("websocket")).await
    }

    /// A WebSocket beside the polls that has asked and been answered.
    pub async fn answered_probe(&self) -> Wire {
        let mut probe = self.probe().await;
        probe.text("2probe").await;
        assert_eq!(probe.next_text().await, "3probe");
        probe
    }

    /// The same, as soon as the server knows that the last one is gone.
    pub async fn answered_probe_at_last(&self) -> Wire {
        let reopen = async {
            loop {
                let mut probe = self.probe().await;
                probe.text("2probe").await;
                if probe.next().await == Some((TEXT, b"3probe".to_vec())) {
                    return probe;
                }
            }
        };
        timeout(PATIENCE, reopen).await.expect("the last probe is forgotten")
    }

    /// Makes `probe`, which has been sent `3probe` or needs none, the transport.
    pub async fn swap_to(&mut self, mut probe: Wire) {
        probe.text("5").await;
        self.wire = Some(probe);
    }

    /// Upgrades as a well-behaved client does that has no poll under way.
    pub async fn upgrade(&mut self) {
        let probe = self.answered_probe().await;
        self.swap_to(probe).await;
    }

    /// Sends one packet by the transport there is.
    pub async fn say(&mut self, packet: &str) {
        match &mut self.wire {
            Some(wire) => wire.text(packet).await,
            None => self.push(packet).await,
        }
    }

    /// Sends one binary message by the transport there is.
    pub async fn say_bytes(&mut self, bytes: &[u8]) {
        match &mut self.wire {
            Some(wire) => wire.binary(bytes).await,
            None => self.push(format!("b{}", base64(bytes))).await,
        }
    }

    /// Sends one packet that ends the session.
    #[track_caller]
    pub fn say_last(&mut self, packet: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            match &mut self.wire {
                Some(wire) => wire.text(packet).await,
                None => {
                    let answer = self.post(packet).await;
                    let refused = (400, BAD_REQUEST.to_owned());
                    assert_eq!((answer.status, answer.text()), refused, "at {caller}: {packet}");
                }
            }
            self.expect_closed().await;
        }
    }

    /// The next packet; bytes as `b` and base64, as polling has them.
    #[track_caller]
    pub fn hear(&mut self) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            if let Some(packet) = self.arrived.pop_front() {
                return packet;
            }
            let Some(wire) = &mut self.wire else {
                let answer = self.get().await;
                assert_eq!(answer.status, 200, "at {caller}: {}", answer.text());
                let text = String::from_utf8(answer.body).expect("UTF-8");
                self.arrived = text.split('\x1e').map(str::to_owned).collect();
                return self.arrived.pop_front().expect("a packet, be it empty");
            };
            match wire.next().await {
                Some((TEXT, payload)) => String::from_utf8(payload).expect("UTF-8"),
                Some((BINARY, payload)) => format!("b{}", base64(&payload)),
                other => panic!("at {caller}: expected a packet, got {other:?}"),
            }
        }
    }

    /// The next packet must be this one.
    #[track_caller]
    pub fn expect(&mut self, packet: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move { assert_eq!(self.hear().await, packet, "at {caller}") }
    }

    /// Ends the session by its client's will.
    pub async fn goodbye(mut self) {
        match self.wire.take() {
            Some(wire) => drop(wire),
            None => self.push("1").await,
        }
    }

    /// A session that polls and one on a WebSocket.
    pub async fn both(server: &TestServer, path: &'static str) -> [Engine; 2] {
        [Engine::polling(server, path).await, Engine::websocket(server, path).await]
    }

    /// The session is over: nobody knows its sid any more, or its WebSocket has been closed.
    #[track_caller]
    pub fn expect_closed(&mut self) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            if let Some(wire) = &mut self.wire {
                wire.close_code().await;
                return;
            }
            let answer = self.get().await;
            assert_eq!((answer.status, answer.text()), (400, UNKNOWN.to_owned()), "at {caller}");
        }
    }
}

/// The answer to a sid that nobody has.
pub const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
/// The answer to a request that does not fit the session.
pub const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

fn sid_of(open: &str) -> String {
    let json = open.strip_prefix('0').unwrap_or_else(|| panic!("no open packet: {open}"));
    let open: Value = serde_json::from_str(json).expect("JSON");
    open["sid"].as_str().expect("a sid").to_owned()
}

/// Base64 as the standard has it.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > group.len() { '=' } else { char::from(digit) });
        }
    }
    text
}
