//! Attacks over real sockets: what each is answered, and that nobody else notices.
//!
//! Every test plays on a [`Scene`], whose server has one worker thread: whatever blocks or burns
//! it, the bystander in the room notices.

mod abandoned;
mod frames;
mod handshake;
mod hijacking;
mod limits;
mod messages;
mod rooms;
mod secrets;

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::frames::*;
use crate::support::socket::Socket;
use crate::support::{PATIENCE, TestServer};

/// The room of the [`Scene`]'s bystander.
const ROOM: &str = "dashboard:overview";

/// A server, and somebody in a room of it who minds his own business.
struct Scene {
    server: TestServer,
    bystander: Socket,
}

impl Scene {
    async fn new() -> Scene {
        Scene::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Scene {
        Scene::on(TestServer::with(&[&[("WORKERS", "1")], settings].concat())).await
    }

    /// On a clock that only moves by hand.
    async fn by_hand(settings: &[(&str, &str)]) -> Scene {
        Scene::on(TestServer::by_hand(&[&[("WORKERS", "1")], settings].concat())).await
    }

    async fn on(server: TestServer) -> Scene {
        let mut bystander = server.connect().await;
        bystander.join(ROOM).await;
        Scene { server, bystander }
    }

    /// A WebSocket whose frames are written by hand, its welcome read.
    async fn rogue(&self) -> Rogue {
        Rogue::over(self.server.connect().await.into_stream())
    }

    /// All attackers have gone: the server serves, the bystander has noticed nothing but what is
    /// meant for him, and nothing is left behind.
    async fn assert_unharmed(&mut self) {
        // Accepted behind all that came before, so those are counted by now.
        drop(self.server.connect().await);
        self.server.until_connections(1).await;
        let status = self.server.get("/api/ws/status").await.json();
        assert_eq!(status["totalClients"], 1, "{status}");
        assert_eq!(status["authenticatedClients"], 0, "{status}");
        assert_eq!(status["rooms"], json!({ROOM: {"clientCount": 1}}));

        let news = json!({"type": "custom:news", "room": ROOM, "data": 1});
        assert_eq!(self.server.broadcast(news).await["recipients_count"], 1);
        self.bystander.next("custom:news").await;
        self.bystander.expect_nothing().await;
    }
}

/// A WebSocket client that may send anything, and reads while it sends.
struct Rogue {
    stream: TcpStream,
    arrived: Vec<u8>,
    has_ended: bool,
}

impl Rogue {
    fn over(stream: TcpStream) -> Rogue {
        Rogue { stream, arrived: Vec::new(), has_ended: false }
    }

    /// Sends `bytes`, or as much of them as the server takes.
    async fn send(&mut self, bytes: &[u8]) {
        let Rogue { stream, arrived, has_ended } = self;
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

    async fn say(&mut self, message: &Value) {
        self.send(&frame(FIN | TEXT, message.to_string().as_bytes())).await;
    }

    /// The next frame's opcode and payload; `None` once the connection has ended.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((opcode, payload, rest)) = split_frame(&self.arrived) {
                let found = (opcode, payload.to_vec());
                self.arrived = rest.to_vec();
                return Some(found);
            }
            if self.has_ended {
                assert!(self.arrived.is_empty(), "the last frame is whole: {:?}", self.arrived);
                return None;
            }
            let read = self.stream.read_buf(&mut self.arrived);
            let read = timeout(PATIENCE, read).await.expect("a frame, or the end, in time");
            self.has_ended = !matches!(read, Ok(1..));
        }
    }

    /// The next frame, which must be an event.
    async fn next_event(&mut self) -> Value {
        match self.next().await {
            Some((TEXT, payload)) => serde_json::from_slice(&payload).expect("JSON"),
            other => panic!("expected an event, got {other:?}"),
        }
    }

    async fn next_error(&mut self, code: &str) -> Value {
        let error = self.next_event().await;
        assert_eq!(error["type"], "error", "{error}");
        assert_eq!(error["data"]["code"], code, "{error}");
        error
    }

    /// The connection is open and everything sent so far has been handled without another word.
    async fn assert_open(&mut self) {
        self.say(&json!({"type": "debug:rooms", "id": "open?"})).await;
        let answer = self.next_event().await;
        assert_eq!(answer["id"], "open?", "{answer}");
    }

    /// The next frame must be a close, and the last. Gives its code.
    async fn close_code(&mut self) -> u16 {
        let Some((CLOSE, payload)) = self.next().await else { panic!("no close frame") };
        assert_eq!(self.next().await, None, "nothing follows a close frame");
        payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
    }
}

/// The server's frame at the front of `bytes`, if it is whole, and what stands behind it.
fn split_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let length = *bytes.get(1)?;
    assert!(length < 0x80, "a server masks nothing");
    let (head, length) = match length {
        126 => (4, u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    let end = head + usize::try_from(length).unwrap();
    Some((bytes[0] & 0x0F, bytes.get(head..end)?, &bytes[end..]))
}

/// Reads to the end of the connection.
async fn rest_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _: io::Result<usize> =
        timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the end in time");
    bytes
}
