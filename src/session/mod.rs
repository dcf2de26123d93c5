//! One connection, as an actor.
//!
//! The actor owns what belongs to the connection: its identity, its limits, its decoder, its place
//! in the counts. The socket is read by [`io`], the actor's one long-lived future, and written by
//! the [`Outbox`] alone, so a peer that stops reading freezes nothing
//! here. What a message means is decided in [`handlers`]; time is kept by [`pulse`].
//!
//! A session asks the RoomServer one thing at a time and reads no further until it is answered:
//! commands of one client take effect in the order they were sent.

pub mod effects;
pub mod handlers;
pub mod io;
pub mod pulse;

use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use bytes::Bytes;
use log::info;
use tokio::net::TcpStream;

use crate::auth::access::Access;
use crate::auth::token::{Refusal, Tokens};
use crate::domain::Ambient;
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::time::Moment;
use crate::hub::messages::Detach;
use crate::hub::outbox::Outbox;
use crate::hub::outboxes::SocketKey;
use crate::hub::worker::Worker;
use crate::limits::budget::{Account, Budget};
use crate::limits::connections::Place;
use crate::limits::rate::SessionRate;
use crate::proto::websocket::{self, Decoder};
use effects::{Ask, Request};
use pulse::Pulse;

/// What sessions need of the settings.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    /// Bytes of one message: refused above the first, the connection is closed above the second.
    pub soft_message_bytes: usize,
    pub hard_message_bytes: usize,
    pub messages_per_second: NonZeroU32,
    pub log_connections: bool,
    pub log_subscriptions: bool,
    pub log_messages: bool,
}

/// What all sessions of one worker share.
pub struct Services {
    pub settings: Arc<SessionSettings>,
    pub tokens: Arc<Tokens>,
    pub access: Arc<Access>,
    pub ambient: Ambient,
    pub worker: Rc<Worker>,
    /// Bytes that all clients' unfinished messages may hold.
    pub inbound: Arc<Budget<SocketKey>>,
}

/// What the route that accepted a connection knows about it: the ticket that the upgrade service
/// trades for a session.
pub struct Admission {
    /// The bearer of the token shown at the handshake, or why it proves nothing.
    pub shown: Option<Result<Identity, Refusal>>,
    /// The connection's place in the total.
    pub place: Place,
    pub services: Rc<Services>,
}

/// A connection.
pub struct Session {
    id: Id,
    identity: Arc<Identity>,
    /// When the identity's credential expires on the monotonic clock.
    expires: Option<Moment>,
    refused_tokens: u32,
    services: Rc<Services>,
    outbox: Rc<Outbox>,
    decoder: Decoder,
    /// Bytes read but not decoded: they wait while an answer is awaited.
    unread: Bytes,
    /// Open while an unfinished message holds much.
    inbound: Option<Account<SocketKey>>,
    awaited: Option<Ask>,
    rate: SessionRate,
    pulse: Pulse,
    phase: Phase,
    _place: Place,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// A close frame is sent or on its way; the peer has until `until` to answer.
    Leaving {
        farewell: Farewell,
        until: Moment,
        /// Bytes that are still read away.
        patience: usize,
        /// The peer's close frame is here, or nothing more is expected of it.
        is_answered: bool,
    },
}

/// How long a peer has to answer a close frame.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the bytes of a peer that broke the protocol are read away (contract D-15).
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
/// How many of them.
const DISCARD_BYTES: usize = 8 * 1024 * 1024;
/// Tokens that may be refused on one connection before it is closed.
const TOKEN_ATTEMPTS: u32 = 10;

impl Session {
    /// Takes over an accepted connection. `head` is the finished 101 answer, `unread` what the
    /// client has sent behind its request.
    pub fn new(admission: Admission, stream: TcpStream, head: &Bytes, unread: Bytes) -> Session {
        let Admission { shown, place, services } = admission;
        let id =
            Id::parse(&services.ambient.random.token::<15>()).expect("base64url is within an id's alphabet");
        let now = services.ambient.clock.now();
        let settings = &services.settings;
        let limits = websocket::Limits {
            soft: settings.soft_message_bytes,
            hard: settings.hard_message_bytes,
            // There is one answer to all that is too large.
            start: 0,
        };
        // From here on the session cleans up after itself, so nothing may fail in between.
        let outbox = services.worker.take_in(stream);
        outbox.send(head);
        let mut session = Session {
            id,
            identity: Identity::anonymous(),
            expires: None,
            refused_tokens: 0,
            outbox,
            decoder: Decoder::new(limits),
            unread,
            inbound: None,
            awaited: None,
            rate: SessionRate::new(settings.messages_per_second, &services.ambient.clock),
            pulse: Pulse::new(settings.ping_interval, settings.ping_timeout, now),
            phase: Phase::Open,
            _place: place,
            services,
        };
        if session.services.settings.log_connections {
            info!(id = session.id.as_str(); "websocket_connect");
        }
        session.awaited = Some(handlers::connection::welcome(&mut session, shown));
        session
    }

    /// Takes `identity` from now on.
    fn become_identity(&mut self, identity: Arc<Identity>) {
        let clock = &self.services.ambient.clock;
        self.expires = identity.expires_at.map(|at| clock.now() + clock.wall().until(at));
        self.identity = identity;
    }

    /// Says goodbye and begins to leave.
    fn leave(&mut self, farewell: Farewell) {
        self.outbox.close(farewell);
        self.begin_to_leave(farewell);
    }

    fn begin_to_leave(&mut self, farewell: Farewell) {
        if self.phase != Phase::Open {
            return;
        }
        let timeout = if farewell.is_violation() { DISCARD_TIMEOUT } else { LEAVE_TIMEOUT };
        let is_answered = matches!(farewell, Farewell::Answered(_));
        let until = self.services.ambient.clock.now() + timeout;
        self.awaited = None;
        // Its close frame is all that is still wanted of the peer.
        self.decoder.skip_messages();
        self.inbound = None;
        self.phase = Phase::Leaving { farewell, until, patience: DISCARD_BYTES, is_answered };
    }

    fn send(&self, frame: &Bytes) {
        // A refused frame needs no answer: the outbox has woken us, and we leave.
        let _ = self.outbox.send(frame);
    }

    /// Tells the client of a refusal that no request caused.
    fn send_error(&self, error: &ClientError) {
        self.send(&handlers::failure(self, error, &Request::default()));
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(io::SocketIo::default());
    }
}

impl Drop for Session {
    /// However a session ends, by its own will, by a panic or with its thread, it leaves no trace.
    fn drop(&mut self) {
        let key = self.outbox.key();
        self.outbox.abandon();
        self.services.worker.let_go(key);
        // Lost only if the RoomServer is gone, and the books with it.
        self.services.worker.rooms().do_send(Detach(key));
        if self.services.settings.log_connections {
            let (code, reason) = match self.phase {
                Phase::Open => (1006, "connection lost"),
                Phase::Leaving { farewell, .. } => (farewell.code().unwrap_or(1005), farewell.reason()),
            };
            info!(id = self.id.as_str(), code, reason; "websocket_disconnect");
        }
    }
}
