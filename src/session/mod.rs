//! One connection, as an actor.
//!
//! The actor owns what belongs to the connection: its limits, its decoder, its place in the counts,
//! and its sockets. A plain WebSocket has one socket; Socket.IO has one in each namespace it is
//! connected to. WebSockets are read by [`io`], the actor's one long-lived future, and written by
//! the [`Outbox`] alone, so a peer that stops reading freezes nothing here; polls and pushes come
//! as messages ([`handle`]). What a message means is decided in [`handlers`].
//!
//! A session asks the RoomServer one thing at a time and hears no further until it is answered:
//! commands of one client take effect in the order they were sent.

pub mod directory;
pub mod effects;
mod endings;
mod engine;
pub mod handle;
pub mod handlers;
mod hearing;
mod inbox;
pub mod io;
pub mod mount;
mod namespaces;
pub mod own;
pub mod pulse;
pub mod pushes;
mod reading;
mod refusals;
mod settings;
mod socket;
pub mod start;
mod trail;

pub use settings::SessionSettings;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context};
use bytes::Bytes;
use log::info;
use tokio::net::TcpStream;

use crate::auth::access::Access;
use crate::auth::authenticator::{Authenticator, Shown};
use crate::auth::cookies::CookieSessions;
use crate::dialect::spelling::Spellings;
use crate::dialect::{Reply, Request, Wire};
use crate::domain::Ambient;
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::time::Moment;
use crate::events::publisher::Publisher;
use crate::hub::outbox::Outbox;
use crate::hub::outboxes::SocketKey;
use crate::hub::worker::Worker;
use crate::limits::budget::{Account, Budget};
use crate::limits::connections::Place;
use crate::limits::rate::{SessionRate, SharedRate};
use crate::limits::turns::Turns;
use crate::proto::engineio::Input;
use crate::proto::websocket::{self, Decoder};
use crate::store::{AuditQueue, Store};
use crate::telemetry::Meters;
use crate::voice::executor::VoiceCommandExecutor;
use crate::voice::grammar::Grammar;
use effects::Ask;
use engine::Engine;
use mount::Mount;
use pulse::Pulse;
use socket::Socket;

/// What stands behind the commands of guide 000 and its REST.
#[derive(Clone)]
pub struct Voice {
    pub executor: Addr<VoiceCommandExecutor>,
    pub store: Arc<dyn Store>,
    /// What is written down without anybody waiting for it.
    pub audit: Arc<AuditQueue>,
    pub publisher: Arc<dyn Publisher>,
    /// What transcripts are understood by.
    pub grammar: Arc<Grammar>,
    /// Whose turn it is to read leads by REST.
    pub turns: Arc<Turns>,
}

/// What all sessions of one worker share.
pub struct Services {
    pub authenticator: Arc<Authenticator>,
    pub cookies: Arc<CookieSessions>,
    pub access: Arc<Access>,
    pub ambient: Ambient,
    pub meters: Arc<Meters>,
    pub worker: Rc<Worker>,
    /// Where commands by voice are left, and what is behind them; `None` in a server without the product's.
    pub voice: Option<Voice>,
    /// What the sessions of one tenant may send together, for tenants that have a limit.
    pub tenant_rates: Arc<HashMap<Id, SharedRate>>,
    /// Bytes that all clients' unfinished messages may hold.
    pub inbound: Arc<Budget<SocketKey>>,
    /// Bytes that the bodies of all polling clients' POSTs may hold.
    pub pushed: Arc<Budget<SocketKey>>,
    /// Namespaces as their clients spell them.
    pub spellings: Arc<Spellings>,
}

/// A connection.
pub struct Session {
    /// Its name in the log; also the id of a plain connection's socket.
    id: Id,
    /// Where it began: its timings and limits, and who answers it.
    mount: Arc<Mount>,
    link: Link,
    sockets: Vec<Socket>,
    /// What the handshake showed.
    shown: Shown,
    refused_tokens: u32,
    /// Whether a program whose messages these are knows of it.
    is_opened: bool,
    services: Rc<Services>,
    outbox: Rc<Outbox>,
    decoder: Decoder,
    /// Bytes read but not decoded: they wait while an answer is awaited.
    unread: Bytes,
    /// Open while an unfinished message holds much.
    inbound: Option<Account<SocketKey>>,
    awaited: Option<Ask>,
    rate: SessionRate,
    turn: io::Turn,
    phase: Phase,
    standing: Standing,
}

/// What a connection speaks below its messages.
enum Link {
    /// A bare WebSocket.
    Plain(Pulse),
    Engine(Box<Engine>),
}

impl Link {
    fn engine(&self) -> Option<&Engine> {
        match self {
            Link::Plain(_) => None,
            Link::Engine(engine) => Some(engine),
        }
    }

    fn engine_mut(&mut self) -> Option<&mut Engine> {
        match self {
            Link::Plain(_) => None,
            Link::Engine(engine) => Some(engine),
        }
    }
}

/// Whether a connection counts.
pub enum Standing {
    Counted(Place),
    /// There was no place for it: a Socket.IO client learns that when it connects to a namespace
    /// (contract D-14).
    Surplus(Place),
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The goodbye is said or on its way; the peer has until `until` to answer.
    Leaving {
        farewell: Farewell,
        until: Moment,
        /// Bytes that are still read away.
        patience: usize,
        /// The peer's close frame is here, or nothing more is expected of it.
        is_answered: bool,
    },
}

/// How long a peer has to answer a close frame, or to fetch by a poll what it is still to get.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the bytes of a peer that broke the protocol are read away (contract D-15).
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
/// How many of them.
const DISCARD_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of an oversize packet in front of and behind its namespace: Engine.IO's digit, and what
/// Socket.IO's codec asks for.
const OVERSIZE_HEAD: usize = 65;
/// Tokens that may be refused on one connection before it is closed.
const TOKEN_ATTEMPTS: u32 = 10;

impl Session {
    /// Says goodbye and begins to leave.
    fn leave(&mut self, farewell: Farewell) {
        if farewell.is_dismissal() {
            self.disconnect_sockets();
        }
        self.outbox.close(farewell);
        self.begin_to_leave(farewell);
    }

    fn begin_to_leave(&mut self, farewell: Farewell) {
        if self.phase != Phase::Open {
            return;
        }
        self.count_ending(farewell);
        let timeout = if farewell.is_violation() { DISCARD_TIMEOUT } else { LEAVE_TIMEOUT };
        let is_answered = matches!(farewell, Farewell::Answered(_));
        let until = self.services.ambient.clock.now() + timeout;
        self.awaited = None;
        if self.outbox.stream().is_some() {
            // Its close frame is all that is still wanted of the peer.
            self.decoder.skip_messages();
        }
        self.inbound = None;
        self.phase = Phase::Leaving { farewell, until, patience: DISCARD_BYTES, is_answered };
        let sheds_load = matches!(farewell, Farewell::SlowConsumer | Farewell::Overload);
        if let Some(engine) = self.link.engine().filter(|_| sheds_load) {
            engine.pushes_in.shed();
        }
        if self.outbox.stream().is_some() {
            // Requests that still name this session find it over.
            self.engine_input(Input::Close(endings::reason_of(farewell)));
        }
    }

    /// The WebSocket there is to read: the transport, or one that asks to become it.
    fn stream(&self) -> Option<&TcpStream> {
        self.outbox.stream().or_else(|| self.link.engine()?.probe())
    }

    /// A decoder for a WebSocket at its beginning.
    fn new_decoder(&self) -> Decoder {
        // One that asks to become the transport has agreed on something of its own.
        let probing = self.link.engine().filter(|_| self.outbox.stream().is_none());
        let wire = probing.map_or_else(|| self.outbox.wire(), Engine::probe_wire);
        decoder(&self.mount, wire)
    }

    fn send(&self, frame: &Bytes) {
        // A refused frame needs no answer: the outbox has woken us, and we leave.
        let _ = self.outbox.answer(frame);
    }

    fn reply(&self, reply: &Reply) {
        for frame in reply.frames() {
            self.send(frame);
        }
    }

    /// Tells the client of a refusal that no request caused.
    fn send_error(&self, key: SocketKey, error: &ClientError) {
        if let Some(socket) = self.socket(key) {
            let request = Request { dialect: socket.dialect.clone(), ..Request::default() };
            self.reply(&handlers::failure(self, error, &request));
        }
    }
}

/// A decoder; of a text that is too large, one for Socket.IO keeps what names the namespace
/// (contract D-16). Where there are no words for a refusal, nothing is refused.
fn decoder(mount: &Mount, wire: Wire) -> Decoder {
    let settings = &mount.settings;
    let (soft, hard) = (settings.soft_message_bytes, settings.hard_message_bytes);
    let inflates = wire.deflate.is_some();
    if !mount.has_namespaces() {
        let soft = if mount.messages().is_some() { hard } else { soft };
        return Decoder::new(websocket::Limits { soft, hard, start: 0 }).inflating(inflates);
    }
    // Whatever is base64 counts by the bytes it stands for, which only the packet codec knows.
    let soft = soft.div_ceil(3).saturating_mul(4).saturating_add(1);
    let start = settings.packet_limits().namespace + OVERSIZE_HEAD;
    Decoder::new(websocket::Limits { soft, hard, start }).inflating(inflates)
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.open_own();
        ctx.spawn(io::SocketIo::default());
    }
}

impl Drop for Session {
    /// However a session ends, by its own will, by a panic or with its thread, it leaves no trace.
    fn drop(&mut self) {
        self.outbox.abandon();
        for socket in std::mem::take(&mut self.sockets) {
            self.detach(&socket, None);
        }
        self.close_own();
        self.services.worker.let_go(self.outbox.key());
        if self.mount.settings.log_connections {
            let (code, reason) = match self.phase {
                Phase::Leaving { farewell, .. } => (farewell.code().unwrap_or(1005), farewell.reason()),
                Phase::Open => match self.link.engine().and_then(Engine::end) {
                    Some(reason) => (1005, reason.as_str()),
                    None => (1006, "connection lost"),
                },
            };
            info!(id = self.id.as_str(), code, reason; "websocket_disconnect");
        }
    }
}
