//! A WebSocket client that may send anything, frame by frame, and reads while it sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;
use super::frames::*;
use super::http::{self, Answer};

pub struct Wire {
    pub stream: TcpStream,
    /// Read, but not yet taken as a frame.
    pub arrived: Vec<u8>,
    pub has_ended: bool,
}

/// The headers of a good handshake; a `host` stands in front of them.
pub const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

impl Wire {
    pub fn over(stream: TcpStream) -> Wire {
        Wire { stream, arrived: Vec::new(), has_ended: false }
    }

    /// Opens a WebSocket that must be accepted.
    pub async fn open(address: SocketAddr, path: &str) -> Wire {
        match Wire::try_open(address, path, &[]).await {
            Ok(wire) => wire,
            Err(answer) => panic!("{path} is refused with {}: {}", answer.status, answer.text()),
        }
    }

    /// Opens a WebSocket. A refusal gives the whole answer.
    pub async fn try_open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Wire, Answer> {
        let mut wire = Wire::over(TcpStream::connect(address).await.unwrap());
        wire.stream.set_nodelay(true).unwrap();
        let headers = [&HANDSHAKE[..], headers].concat();
        wire.send(&http::head(address, "GET", path, &headers, 0)).await;
        while !wire.arrived.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            assert!(wire.read().await, "the head of an answer");
        }
        let answer = http::parse(&wire.arrived);
        if answer.status == 101 {
            wire.arrived = answer.body;
            return Ok(wire);
        }
        // What is refused ends with the connection.
        while wire.read().await {}
        Err(http::parse(&wire.arrived))
    }

    /// Sends `bytes`, or as much of them as the server takes.
    pub async fn send(&mut self, bytes: &[u8]) {
        let Wire { stream, arrived, has_ended } = self;
        let (mut reads, mut writes) = stream.split();
        let exchange = async {
            let write = writes.write_all(bytes);
            tokio::pin!(write);
            loop {
                tokio::select! {
                    // A refusal may come, and the connection end, before everything is sent.
                    _ = &mut write => return,
                    read = reads.read_buf(arrived), if !*has_ended => {
                        *has_ended = !matches!(read, Ok(1..));
                    }
                }
            }
        };
        timeout(PATIENCE, exchange).await.expect("the server takes or refuses what is sent");
    }

    pub async fn text(&mut self, text: &str) {
        self.send(&frame(FIN | TEXT, text.as_bytes())).await;
    }

    pub async fn binary(&mut self, bytes: &[u8]) {
        self.send(&frame(FIN | BINARY, bytes)).await;
    }

    /// The next frame's opcode and payload; `None` once the connection has ended.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((opcode, payload, rest)) = split_frame(&self.arrived) {
                let found = (opcode, payload.to_vec());
                self.arrived = rest.to_vec();
                return Some(found);
            }
            if !self.read().await {
                assert!(self.arrived.is_empty(), "the last frame is whole: {:?}", self.arrived);
                return None;
            }
        }
    }

    /// The next frame, which must be a text.
    #[track_caller]
    pub fn next_text(&mut self) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                Some((TEXT, payload)) => String::from_utf8(payload).expect("UTF-8"),
                other => panic!("at {caller}: expected a text, got {other:?}"),
            }
        }
    }

    /// The next frame must be a close, which is answered, and the last. Gives its code.
    #[track_caller]
    pub fn close_code(&mut self) -> impl Future<Output = u16> {
        let caller = std::panic::Location::caller();
        async move {
            let payload = match self.next().await {
                Some((CLOSE, payload)) => payload,
                other => panic!("at {caller}: expected a close, got {other:?}"),
            };
            self.send(&frame(FIN | CLOSE, &payload)).await;
            assert_eq!(self.next().await, None, "at {caller}: nothing follows a close frame");
            payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
        }
    }

    /// Reads more. Gives whether there was any.
    pub async fn read(&mut self) -> bool {
        if !self.has_ended {
            let read = self.stream.read_buf(&mut self.arrived);
            let read = timeout(PATIENCE, read).await.expect("more, or the end, in time");
            self.has_ended = !matches!(read, Ok(1..));
        }
        !self.has_ended
    }
}
