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

/// The key of every client's token, known to the product.
pub const SECRET: &str = "the fan-out bench signs with this";
/// A tenant's key that the product knows in development.
const TENANT_KEY: &str = "demo-tenant-key-1";

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
    /// The same, namespace `/ws`.
    SocketIoWs,
    /// The same, namespace `/events`, whose clients show a tenant's key.
    SocketIoEvents,
}

impl Dialect {
    /// All that the product speaks.
    pub const PRODUCT: [Dialect; 4] =
        [Dialect::Plain, Dialect::SocketIo, Dialect::SocketIoWs, Dialect::SocketIoEvents];

    /// What stands behind the type of a Socket.IO packet.
    fn namespace(self) -> &'static str {
        match self {
            Dialect::Floor | Dialect::Plain | Dialect::SocketIo => "",
            Dialect::SocketIoWs => "/ws,",
            Dialect::SocketIoEvents => "/events,",
        }
    }
}

/// How far the greeting goes. The floor has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Up to the welcome.
    Connected,
    /// And a member of [`room`] so and so, answered by `room_joined`.
    Joined(usize),
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
    let one = |(number, dialect)| open_offering(address, dialect, stage, number, offer);
    stream::iter(dialects.into_iter().enumerate()).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

/// Opens one WebSocket, for client `number`.
///
/// # Errors
/// [`Void`] as [`connect`].
pub async fn open(address: SocketAddr, dialect: Dialect, stage: Stage, number: usize) -> Result<Subscriber> {
    open_offering(address, dialect, stage, number, Offer::Nothing).await
}

async fn open_offering(
    address: SocketAddr,
    dialect: Dialect,
    stage: Stage,
    number: usize,
    offer: Offer,
) -> Result<Subscriber> {
    let greeted = async {
        let mut socket = WebSocket::connect(address, target(dialect), offer).await?;
        greet(&mut socket, dialect, stage, number).await?;
        Ok(socket)
    };
    let socket = within(HANDSHAKE_LIMIT, "a subscriber's handshake", greeted).await?;
    Ok(Subscriber { dialect, socket })
}

fn target(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Floor | Dialect::Plain => "/ws",
        Dialect::SocketIo | Dialect::SocketIoWs | Dialect::SocketIoEvents => {
            "/socket.io/?EIO=4&transport=websocket"
        }
    }
}

async fn greet(socket: &mut WebSocket, dialect: Dialect, stage: Stage, number: usize) -> Result<()> {
    match dialect {
        Dialect::Floor => {}
        Dialect::Plain => {
            expect(socket, r#"{"type":"connection_established","#).await?;
            if let Stage::Joined(number) = stage {
                socket.send(&plain_join(number)).await?;
                expect(socket, r#"{"type":"room_joined","#).await?;
            }
        }
        Dialect::SocketIo | Dialect::SocketIoWs | Dialect::SocketIoEvents => {
            let namespace = dialect.namespace();
            let welcome =
                if dialect == Dialect::SocketIoEvents { "connected" } else { "connection_established" };
            expect(socket, r#"0{"sid":"#).await?;
            socket.send(&socket_io_connect(dialect, number)?).await?;
            expect(socket, &format!(r#"40{namespace}{{"sid":"#)).await?;
            expect(socket, &format!(r#"42{namespace}["{welcome}","#)).await?;
            if let Stage::Joined(number) = stage {
                socket.send(&socket_io_join(dialect, number)).await?;
                expect(socket, &format!(r#"42{namespace}["room_joined","#)).await?;
            }
        }
    }
    Ok(())
}

/// The name of a room that anyone may join and who has signed in may speak in; all are equally long.
pub fn room(number: usize) -> String {
    format!("public:fanout-{number:04}")
}

pub fn plain_join(number: usize) -> String {
    format!(r#"{{"type":"join","payload":{{"room":"{}"}}}}"#, room(number))
}

pub fn socket_io_join(dialect: Dialect, number: usize) -> String {
    format!(r#"42{}["join",{{"room":"{}"}}]"#, dialect.namespace(), room(number))
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

/// The packet with which client `number` connects to its namespace.
///
/// # Errors
/// [`Void`] when no token can be signed.
pub fn socket_io_connect(dialect: Dialect, number: usize) -> Result<String> {
    if dialect == Dialect::SocketIoEvents {
        return Ok(format!(r#"40/events,{{"tenantKey":"{TENANT_KEY}"}}"#));
    }
    let token = token(&format!("user-{number}"))?;
    Ok(format!(r#"40{}{{"token":"{token}"}}"#, dialect.namespace()))
}

/// A token with which the product knows `user`.
///
/// # Errors
/// [`Void`] when none can be signed.
pub fn token(user: &str) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).during("reading the clock")?;
    let claims = json!({ "sub": user, "exp": (now + TOKEN_SPAN).as_secs() });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).during("signing a token")
}

/// What a publication is told as, and what must be in it.
pub struct Told<'a> {
    pub event: &'a str,
    /// Where in the event's data [`Told::text`] stands; empty if it is the whole.
    pub at: &'a str,
    /// JSON.
    pub text: &'a str,
}

/// # Errors
/// [`Void`] when `frame` does not tell a client of the product that.
pub fn expect_broadcast(dialect: Dialect, frame: &[u8], expected: &Told<'_>) -> Result<()> {
    let text = text_of_frame(frame, None)?;
    let told = || -> Option<Value> {
        let (event, data) = match dialect {
            Dialect::Floor => return None,
            Dialect::Plain => {
                let mut frame: Value = serde_json::from_str(&text).ok()?;
                (frame["type"].take(), frame["data"].take())
            }
            _ => {
                let packet = text.strip_prefix("42")?.strip_prefix(dialect.namespace())?;
                let mut event: Value = serde_json::from_str(packet).ok()?;
                (event[0].take(), event[1].take())
            }
        };
        (event == expected.event).then(|| data.pointer(expected.at).cloned())?
    };
    // The product adds nothing here, but may order it as it likes.
    if told().is_some_and(|told| told.to_string().len() == expected.text.len()) {
        return Ok(());
    }
    Err(Void::new(format!("the first broadcast arrived as {text}")))
}
