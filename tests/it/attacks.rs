//! Attacks over real sockets: what each is answered, and that nobody else notices.
//!
//! Every test plays on a [`Scene`], whose server has one worker thread: whatever blocks or burns
//! it, the bystander in the room notices.

mod abandoned;
mod attachments;
mod compression;
mod frames;
mod handshake;
mod hijacking;
mod limits;
mod memberships;
mod messages;
mod namespaces;
mod payloads;
mod queries;
mod rooms;
mod secrets;
mod table;
mod texts;
mod upgrades;

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::engine::Engine;
use crate::support::frames::*;
use crate::support::socket::Socket;
use crate::support::wire::Wire;
use crate::support::{PATIENCE, TestServer};

/// The room of the [`Scene`]'s bystander.
const ROOM: &str = "dashboard:overview";

/// A server, and somebody in a room of it who minds his own business.
struct Scene {
    server: TestServer,
    bystander: Socket,
    /// Somebody else in the room, who speaks Socket.IO.
    neighbour: Option<Engine>,
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
        Scene { server, bystander, neighbour: None }
    }

    /// The same with a neighbour.
    async fn shared(mut self) -> Scene {
        let mut neighbour = Engine::websocket(&self.server, "/ws/").await;
        neighbour.say("40").await;
        assert!(neighbour.hear().await.starts_with("40{"));
        neighbour.next_event("/", "connected").await;
        neighbour.join("/", ROOM).await;
        self.neighbour = Some(neighbour);
        self
    }

    /// A Socket.IO client that polls, connected to `/` as this user.
    async fn poller(&self, user: &str) -> Engine {
        let mut engine = Engine::polling(&self.server, "/socket.io/").await;
        engine.connect("/", user).await;
        engine
    }

    /// One over each transport.
    async fn pair(&self, user: &str) -> [Engine; 2] {
        let mut engines = Engine::both(&self.server, "/socket.io/").await;
        for engine in &mut engines {
            engine.connect("/", user).await;
        }
        engines
    }

    /// Lets so many intervals between two pings pass, while who lives here shows signs of life.
    async fn pass(&mut self, intervals: u32) {
        for _ in 0..intervals {
            self.server.clock.advance(Duration::from_secs(25));
            self.bystander.expect_nothing().await;
            if let Some(neighbour) = &mut self.neighbour {
                neighbour.expect("2").await;
                neighbour.say("3").await;
                neighbour.expect_nothing("/").await;
            }
        }
    }

    /// A WebSocket whose frames are written by hand, its welcome read.
    async fn rogue(&self) -> Wire {
        Wire::over(self.server.connect().await.into_stream())
    }

    /// All attackers have gone: the server serves, the bystander has noticed nothing but what is
    /// meant for him, and nothing is left behind.
    async fn assert_unharmed(&mut self) {
        // Accepted behind all that came before, so those are counted by now.
        drop(self.server.connect().await);
        let residents = 1 + usize::from(self.neighbour.is_some());
        self.server.until_connections(residents).await;
        let status = self.server.get("/api/ws/status").await.json();
        assert_eq!(status["totalClients"], residents, "{status}");
        assert_eq!(status["authenticatedClients"], 0, "{status}");
        assert_eq!(status["rooms"], json!({ROOM: {"clientCount": residents}}));

        let news = json!({"type": "custom:news", "room": ROOM, "data": 1});
        assert_eq!(self.server.broadcast(news).await["recipients_count"], residents);
        self.bystander.next("custom:news").await;
        self.bystander.expect_nothing().await;
        if let Some(neighbour) = &mut self.neighbour {
            neighbour.next_event("/", "custom:news").await;
            neighbour.expect_nothing("/").await;
        }
    }
}

/// What a plain client says and hears.
impl Wire {
    async fn say(&mut self, message: &Value) {
        self.send(&frame(FIN | TEXT, message.to_string().as_bytes())).await;
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
}

/// Reads to the end of the connection.
async fn rest_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _: io::Result<usize> =
        timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the end in time");
    bytes
}
