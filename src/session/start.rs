//! How a session begins: on a WebSocket that was just accepted, or on a poll.

use std::rc::Rc;
use std::sync::Arc;

use actix::{AsyncContext, Context};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use log::info;
use tokio::net::TcpStream;

use super::directory::Registration;
use super::engine::{Engine, POLL_BYTES};
use super::handle::{Handle, ProbeTicket};
use super::mount::{Mount, Speaks};
use super::pulse::Pulse;
use super::pushes::Pushes;
use super::socket::{Socket, new_id};
use super::{Link, Phase, Services, Session, Standing, decoder, handlers};
use crate::auth::authenticator::Shown;
use crate::dialect::{Dialect, Wire, socketio};
use crate::domain::time::Clock;
use crate::limits::connections::Place;
use crate::limits::rate::SessionRate;
use crate::proto::engineio::{Machine, OpenPacket, Transport};
use crate::proto::socketio::Assembler;

/// What an accepted upgrade is traded for: left by the route in its answer, taken by the upgrade
/// service.
pub enum Ticket {
    /// A session of its own.
    Session(Admission),
    /// A place beside the polls of a session.
    Probe(ProbeTicket),
    /// Nothing: the WebSocket is opened and closed again.
    TurnedAway(Arc<dyn Clock>),
}

/// What the route that accepted a connection knows about it.
pub struct Admission {
    /// What the handshake showed.
    pub shown: Shown,
    pub standing: Standing,
    /// Where it came.
    pub mount: Arc<Mount>,
    /// What its transport can be sent.
    pub wire: Wire,
    pub services: Rc<Services>,
}

impl Admission {
    /// A plain connection with a place in the counts.
    pub fn plain(
        mount: &Arc<Mount>,
        shown: Shown,
        place: Place,
        wire: Wire,
        services: Rc<Services>,
    ) -> Admission {
        let (mount, standing) = (Arc::clone(mount), Standing::Counted(place));
        Admission { shown, standing, mount, wire, services }
    }

    /// Makes the session of an accepted WebSocket; the future is its whole life. `head` is the
    /// finished 101 answer, `unread` what the client has sent behind its request.
    pub fn begin(self, stream: TcpStream, head: &Bytes, unread: Bytes) -> LocalBoxFuture<'static, ()> {
        let context = Context::<Session>::new();
        let mut session = Session::new(self, Some(stream), &context);
        session.outbox.send(head);
        session.unread = unread;
        match &session.link {
            Link::Plain(_) => session.awaited = handlers::connection::welcome_plain(&mut session),
            Link::Engine(engine) => {
                let open = session.open_packet(engine.sid(), Transport::WebSocket);
                session.send(&socketio::engine(&open));
            }
        }
        context.into_future(session).boxed_local()
    }

    /// Starts a session that will be polled. Gives the answer to the poll that asked for it.
    pub fn begin_polling(self) -> String {
        let context = Context::<Session>::new();
        let session = Session::new(self, None, &context);
        let sid = session.link.engine().map(Engine::sid).unwrap_or_default();
        let open = session.open_packet(sid, Transport::Polling);
        context.run(session);
        open
    }
}

impl Session {
    fn new(admission: Admission, stream: Option<TcpStream>, context: &Context<Session>) -> Session {
        let Admission { shown, standing, mount, wire, services } = admission;
        let settings = &mount.settings;
        let now = services.ambient.clock.now();
        // From here on the session cleans up after itself, so nothing may fail in between.
        let outbox = services.worker.take_in(stream);
        outbox.last_activity.set(services.ambient.clock.wall());
        outbox.set_wire(wire);
        let id = new_id(&services);
        // Few connections have more than one.
        let mut sockets = Vec::with_capacity(1);
        let link = match &mount.speaks {
            Speaks::Plain(_) => {
                if let Some(profile) = mount.plain_profile() {
                    // Its one socket is the connection, under the same key and id (contract D-10).
                    sockets.push(Socket::new(outbox.key(), id.clone(), Dialect::Plain, profile));
                }
                Link::Plain(Pulse::new(settings.rhythm(), now))
            }
            Speaks::Engine(_) | Speaks::SocketIo(_) => {
                let machine = match outbox.stream() {
                    Some(_) => Machine::websocket(settings.timings(), now.since_start()),
                    None => Machine::polling(settings.timings(), now.since_start()),
                };
                let sid = services.ambient.random.token::<18>().into();
                let most = settings.hard_message_bytes;
                let pushes = Pushes::new(outbox.key(), &services.pushed, most, outbox.stream().is_none());
                let handle = Handle::new(context.address(), Arc::clone(&pushes));
                let registration = Registration::new(&mount, sid, handle);
                let assembler = Assembler::new(settings.packet_limits());
                let connect_due = mount.has_namespaces().then_some(now + settings.connect_timeout);
                let engine = Engine::new(machine, assembler, registration, pushes, connect_due);
                Link::Engine(Box::new(engine))
            }
        };
        if settings.log_connections {
            let transport = if outbox.stream().is_some() { "websocket" } else { "polling" };
            let speaks = match &mount.speaks {
                Speaks::Plain(_) => "plain",
                Speaks::Engine(_) => "engine.io",
                Speaks::SocketIo(_) => "socket.io",
            };
            info!(id = id.as_str(), transport, speaks; "websocket_connect");
        }
        Session {
            id,
            sockets,
            shown,
            refused_tokens: 0,
            is_opened: false,
            decoder: decoder(&mount, wire),
            rate: SessionRate::new(settings.messages_per_second, &services.ambient.clock),
            mount,
            link,
            unread: Bytes::new(),
            inbound: None,
            awaited: None,
            turn: super::io::Turn::default(),
            phase: Phase::Open,
            standing,
            outbox,
            services,
        }
    }

    fn open_packet(&self, sid: &str, transport: Transport) -> String {
        OpenPacket::new(sid, transport, &self.mount.settings.timings(), POLL_BYTES).to_string()
    }
}
