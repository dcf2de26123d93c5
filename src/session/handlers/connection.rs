//! The connection itself: welcome, credentials, signs of life.

use std::sync::Arc;

use super::credentials;
use crate::dialect::{Answer, Dialect, Reply, Request, plain, socketio};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::identity::Identity;
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::events::payload::leads;
use crate::events::payload::system::{
    ClientPong, Connected, ConnectionEstablished, ConnectionEstablishedData, ConnectionEstablishedEvent,
    Heartbeat, PROTOCOL_VERSION, PingAck, Pong,
};
use crate::hub::messages::Attach;
use crate::hub::outboxes::SocketKey;
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome};

/// Enters a plain connection into the books; its welcome is the first thing it reads.
pub fn welcome_plain(session: &mut Session) -> Option<Ask> {
    let now = session.services.ambient.clock.wall();
    let shown = std::mem::take(&mut session.shown);
    let socket = session.sockets.first()?;
    if socket.profile == Some(Profile::Flow) {
        // Without a key there is no connection: the route has seen to that.
        let identity = shown.tenant.and_then(Result::ok)?;
        let connected = flow_welcome(&identity, now)?;
        let welcome = Reply::one(plain::reply("connected", &connected, None, now));
        return attach(session, session.outbox.key(), identity, welcome);
    }
    let identity = match &shown.token {
        Some(Ok(identity)) => Arc::clone(identity),
        _ => Identity::anonymous(),
    };
    let established = ConnectionEstablished {
        client_id: &socket.id,
        connection_id: &socket.id,
        user_id: identity.user.as_ref(),
        protocol_version: PROTOCOL_VERSION,
        reconnect_token: &session.services.ambient.random.token::<24>(),
        authenticated: identity.is_authenticated(),
    };
    let mut welcome = Reply::one(plain::reply("connection_established", &established, None, now));
    match shown.token {
        Some(Ok(_)) => {
            let success = credentials::auth_success(socket, &identity, now);
            let confirm = success.spell(&Request::default(), now);
            welcome = confirm.frames().iter().cloned().fold(welcome, Reply::then);
        }
        Some(Err(refusal)) => {
            session.refused_tokens += 1;
            session.count_refusal();
            welcome = welcome.then(plain::failure(&refusal.into(), None, None, now));
        }
        None => {}
    }
    attach(session, session.outbox.key(), identity, welcome)
}

/// `None` for who is no tenant.
fn flow_welcome(who: &Identity, now: Timestamp) -> Option<leads::Connected<'_>> {
    who.tenant.as_ref().map(|tenant| leads::Connected::new(&tenant.id, now))
}

/// Enters a Socket.IO socket into the books; the CONNECT packet is the first thing it reads, its
/// profile's welcome the next.
pub fn welcome(session: &Session, key: SocketKey, identity: Arc<Identity>) -> Option<Ask> {
    let now = session.services.ambient.clock.wall();
    let socket = session.socket(key)?;
    let namespace = socket.dialect.namespace()?;
    let mut welcome = Reply::one(socketio::connected(namespace, socket.id.as_str()));
    match socket.profile? {
        Profile::Project | Profile::Collab => {
            let established = ConnectionEstablishedEvent {
                kind: "connection.established",
                timestamp: now,
                data: ConnectionEstablishedData {
                    connection_id: &socket.id,
                    client_id: &socket.id,
                    user_id: identity.user.as_ref(),
                    protocol_version: PROTOCOL_VERSION,
                },
            };
            welcome = welcome.then(socketio::event(namespace, "connection_established", &established));
        }
        Profile::Intraday => {
            let connected = Connected { socket_id: &socket.id, server_time: now };
            welcome = welcome.then(socketio::event(namespace, "connected", &connected));
        }
        Profile::Flow => {
            let connected = flow_welcome(&identity, now)?;
            welcome = welcome.then(socketio::event(namespace, "connected", &connected));
        }
        Profile::Plain => {}
    }
    attach(session, key, identity, welcome)
}

fn attach(session: &Session, key: SocketKey, identity: Arc<Identity>, welcome: Reply) -> Option<Ask> {
    let socket = session.socket(key)?;
    let attach = Attach {
        key,
        connection: session.outbox.key(),
        id: socket.id.clone(),
        identity: Arc::clone(&identity),
        profile: socket.profile?,
        dialect: socket.dialect.clone(),
        welcome,
    };
    let answer = session.services.worker.rooms().send(attach);
    let answer = Box::pin(async move {
        match answer.await {
            Ok(Ok(written)) => {
                // Whatever is said next follows the welcome.
                let _ = written.await;
                Outcome::Became(identity)
            }
            Ok(Err(error)) => Outcome::NotEntered(error),
            Err(_) => Outcome::NotEntered(ClientError::internal()),
        }
    });
    let request = Request { dialect: socket.dialect.clone(), ..Request::default() };
    Some(Ask { answer, socket: key, request })
}

/// What a refused socket is told: in the refusal of its namespace, or on the plain connection.
pub fn not_entered(session: &mut Session, key: SocketKey, error: &ClientError) {
    let Some(dialect) = session.socket(key).map(|socket| socket.dialect.clone()) else { return };
    match &dialect {
        Dialect::Plain => {
            session.send_error(key, error);
            session.leave(Farewell::ConnectionLimit);
        }
        Dialect::SocketIo(_) | Dialect::Enveloped | Dialect::SocketIoAs(_) | Dialect::EnvelopedAs(_) => {
            session.remove_socket(key);
            session.expect_namespace();
            session.refuse_connect(dialect.namespace().unwrap_or("/"), &error.message, error);
        }
    }
}

pub fn pong(session: &Session, request: &Request) -> Effect {
    let server_time = session.services.ambient.clock.wall();
    let ack = PingAck { status: "pong", pong: true, server_time };
    super::answer(session, request, &Answer::both("pong", &Pong { server_time }, &ack))
}

pub fn client_pong(session: &Session, request: &Request) -> Effect {
    let pong = ClientPong { pong: true, server_time: session.services.ambient.clock.wall() };
    super::answer(session, request, &Answer::either("client:pong", &pong, &pong))
}

pub fn heartbeat(session: &Session, request: &Request) -> Effect {
    let heartbeat = || Heartbeat { timestamp: session.services.ambient.clock.wall() };
    super::answer(session, request, &Answer::both("heartbeat", &heartbeat(), &heartbeat()))
}
