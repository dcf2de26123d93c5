//! What a client says until it counts as connected: nothing to the floor, JSON frames or Socket.IO to the product.
//!
//! Socket.IO clients show a token each, as guide 003's must: whoever has shown one is in two rooms of their own before
//! they ask for any, and their connection holds who they are and until when.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt, TryStreamExt, stream};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::frames::text_of_frame;
use crate::void::{During, Result, Void, within};
use crate::websocket::{Offer, WebSocket};

pub const ROOM: &str = "dashboard:overview";
/// The key of every client's token, known to the product.
pub const SECRET: &str = "the fan-out bench signs with this";
const PLAIN_JOIN: &str = r#"{"type":"join","payload":{"room":"dashboard:overview"}}"#;
pub const SOCKET_IO_JOIN: &str = r#"42["join",{"room":"dashboard:overview"}]"#;

/// Handshakes under way at once, whatever kind they are of.
pub const AT_ONCE: usize = 32;
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
const TOKEN_SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// What is spoken on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Frames of the floor, and of another server beside it.
    Floor,
    /// JSON frames, on `/ws`.
    Plain,
    /// Socket.IO on `/socket.io/`, namespace `/`.
    SocketIo,
}

/// How far the greeting goes. The floor has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Up to the welcome.
    Connected,
    /// And a member of [`ROOM`], answered by `room_joined`.
    Joined,
}

pub struct Subscriber {
    pub dialect: Dialect,
    pub socket: WebSocket,
}

/// Opens a WebSocket for each of `dialects`, many at a time and so in no certain order.
///
/// # Errors
/// [`Void`] of the first connection that fails or is not open in time.
pub async fn connect(
    address: SocketAddr,
    dialects: impl IntoIterator<Item = Dialect>,
    stage: Stage,
) -> Result<Vec<Subscriber>> {
    connect_offering(address, dialects, stage, Offer::Nothing).await
}

/// The same by clients that offer an extension, which the server must agree to.
///
/// # Errors
/// [`Void`] as [`connect`].
pub async fn connect_offering(
    address: SocketAddr,
    dialects: impl IntoIterator<Item = Dialect>,
    stage: Stage,
    offer: Offer,
) -> Result<Vec<Subscriber>> {
    let one = |(number, dialect)| async move {
        let greeted = async {
            let mut socket = WebSocket::connect(address, target(dialect), offer).await?;
            greet(&mut socket, dialect, stage, number).await?;
            Ok(socket)
        };
        let socket = within(HANDSHAKE_LIMIT, "a subscriber's handshake", greeted).await?;
        Ok(Subscriber { dialect, socket })
    };
    stream::iter(dialects.into_iter().enumerate()).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

fn target(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Floor | Dialect::Plain => "/ws",
        Dialect::SocketIo => "/socket.io/?EIO=4&transport=websocket",
    }
}

async fn greet(socket: &mut WebSocket, dialect: Dialect, stage: Stage, number: usize) -> Result<()> {
    match dialect {
        Dialect::Floor => {}
        Dialect::Plain => {
            expect(socket, r#"{"type":"connection_established","#).await?;
            if stage == Stage::Joined {
                socket.send(PLAIN_JOIN).await?;
                expect(socket, r#"{"type":"room_joined","#).await?;
            }
        }
        Dialect::SocketIo => {
            expect(socket, r#"0{"sid":"#).await?;
            socket.send(&socket_io_connect(number)?).await?;
            expect(socket, r#"40{"sid":"#).await?;
            expect(socket, r#"42["connection_established","#).await?;
            if stage == Stage::Joined {
                socket.send(SOCKET_IO_JOIN).await?;
                expect(socket, r#"42["room_joined","#).await?;
            }
        }
    }
    Ok(())
}

async fn expect(socket: &mut WebSocket, beginning: &str) -> Result<()> {
    expected(&socket.text().await?, beginning)
}

/// # Errors
/// [`Void`] when `text` begins otherwise.
pub fn expected(text: &str, beginning: &str) -> Result<()> {
    if text.starts_with(beginning) {
        return Ok(());
    }
    Err(Void::new(format!("a client expected `{beginning}` and got {text}")))
}

/// The packet with which client `number` connects to the namespace `/`.
///
/// # Errors
/// [`Void`] when no token can be signed.
pub fn socket_io_connect(number: usize) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).during("reading the clock")?;
    let claims = json!({ "sub": format!("user-{number}"), "exp": (now + TOKEN_SPAN).as_secs() });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).during("signing a token")?;
    Ok(format!(r#"40{{"token":"{token}"}}"#))
}

/// # Errors
/// [`Void`] when `frame` does not tell a client of the product of a `metric_update` with `data`.
pub fn expect_broadcast(dialect: Dialect, frame: &[u8], data: &str) -> Result<()> {
    let text = text_of_frame(frame, None)?;
    let told = || -> Option<Value> {
        match dialect {
            Dialect::Floor => None,
            Dialect::Plain => {
                let mut frame: Value = serde_json::from_str(&text).ok()?;
                (frame["type"] == "metric_update").then(|| frame["data"].take())
            }
            Dialect::SocketIo => {
                let mut event: Value = serde_json::from_str(text.strip_prefix("42")?).ok()?;
                (event[0] == "metric_update").then(|| event[1].take())
            }
        }
    };
    // The product adds nothing to this event's data, but may order it as it likes.
    if told().is_some_and(|told| told.to_string().len() == data.len()) {
        return Ok(());
    }
    Err(Void::new(format!("the first broadcast arrived as {text}")))
}
