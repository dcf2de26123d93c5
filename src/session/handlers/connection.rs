//! The connection itself: welcome, credentials, signs of life.

use std::sync::Arc;

use crate::auth::token::Refusal;
use crate::dialect::{Answer, Dialect, Reply, Request, plain, socketio};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::identity::Identity;
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::events::payload::system::{
    Accepted, AuthSuccess, Authenticated, ClientPong, Connected, ConnectionEstablished,
    ConnectionEstablishedData, ConnectionEstablishedEvent, Heartbeat, PROTOCOL_VERSION, PingAck, Pong,
};
use crate::hub::messages::{Attach, Identify};
use crate::hub::outboxes::SocketKey;
use crate::session::effects::{Ask, Effect, Outcome};
use crate::session::socket::Socket;
use crate::session::{Session, TOKEN_ATTEMPTS};

/// By which command a token was shown; each has a confirmation of its own.
#[derive(Clone, Copy)]
pub enum By {
    /// Guide 002's, confirmed by `auth:success`.
    Auth,
    /// Guide 004's, confirmed by `authenticated`.
    Authenticate,
}

/// Enters a plain connection into the books; its welcome is the first thing it reads.
pub fn welcome_plain(session: &mut Session) -> Option<Ask> {
    let now = session.services.ambient.clock.wall();
    let shown = session.shown.take();
    let identity = match &shown {
        Some(Ok(identity)) => Arc::new(identity.clone()),
        _ => Identity::anonymous(),
    };
    let socket = session.sockets.first()?;
    let established = ConnectionEstablished {
        client_id: &socket.id,
        connection_id: &socket.id,
        user_id: identity.user.as_ref(),
        protocol_version: PROTOCOL_VERSION,
        reconnect_token: &session.services.ambient.random.token::<24>(),
        authenticated: identity.is_verified(),
    };
    let mut welcome = Reply::one(plain::reply("connection_established", &established, None, now));
    match shown {
        Some(Ok(_)) => {
            let confirm = confirmation(socket, &identity, By::Auth, now).spell(&Request::default(), now);
            welcome = confirm.frames().iter().cloned().fold(welcome, Reply::then);
        }
        Some(Err(refusal)) => {
            session.refused_tokens += 1;
            welcome = welcome.then(plain::failure(&refusal.into(), None, None, now));
        }
        None => {}
    }
    attach(session, session.outbox.key(), identity, welcome)
}

/// Enters a Socket.IO socket into the books; the CONNECT packet is the first thing it reads, its
/// profile's welcome the next.
pub fn welcome(session: &Session, key: SocketKey, identity: Arc<Identity>) -> Option<Ask> {
    let now = session.services.ambient.clock.wall();
    let socket = session.socket(key)?;
    let namespace = socket.dialect.namespace()?;
    let mut welcome = Reply::one(socketio::connected(namespace, socket.id.as_str()));
    match socket.profile {
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
        // Its welcome names a tenant, and a token names none.
        Profile::Flow | Profile::Plain => {}
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
        profile: socket.profile,
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

/// Takes a token on the live connection: a first one, or a rotated one of the same bearer
/// (contract D-30). A refused token changes nothing; many of them end the connection.
pub fn auth(session: &mut Session, key: SocketKey, token: &str, by: By, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    match verify(session, socket, token) {
        Ok(identity) => {
            let identity = Arc::new(identity);
            let now = session.services.ambient.clock.wall();
            let confirm = confirmation(socket, &identity, by, now).spell(&request, now);
            let (access, who) = (Arc::clone(&session.services.access), Arc::clone(&identity));
            let identify = Identify {
                key,
                identity: Arc::clone(&identity),
                may_stay: Box::new(move |room| access.may_join(&who, room).is_ok()),
                confirm,
            };
            let answer = session.services.worker.rooms().send(identify);
            let became = Outcome::Became(identity);
            let answer = Box::pin(async move { Outcome::of_change(answer.await, became).await });
            Effect::Ask(Ask { answer, socket: key, request })
        }
        Err(refusal) => {
            session.refused_tokens += 1;
            session.reply(&super::failure(session, &refusal.into(), &request));
            if session.refused_tokens >= TOKEN_ATTEMPTS {
                session.leave(Farewell::Unauthenticated("too many refused tokens"));
            }
            Effect::Nothing
        }
    }
}

fn verify(session: &Session, socket: &Socket, token: &str) -> Result<Identity, Refusal> {
    let identity = session.services.tokens.verify(token)?;
    if socket.identity.is_verified() && !socket.identity.is_same_bearer(&identity) {
        return Err(Refusal::OtherBearer);
    }
    Ok(identity)
}

fn confirmation(socket: &Socket, who: &Identity, by: By, now: Timestamp) -> Answer {
    let (user_id, expires_at) = (who.user.as_ref(), who.expires_at);
    match by {
        By::Auth => {
            let success = || AuthSuccess { user_id, timestamp: now, expires_at };
            Answer::both("auth:success", &success(), &Accepted::with(success()))
        }
        By::Authenticate => Answer::either(
            "authenticated",
            &Accepted::with(Authenticated {
                socket_id: &socket.id,
                user_id,
                organization_id: who.organization.as_ref(),
                expires_at,
            }),
        ),
    }
}

/// What a refused socket is told: in the refusal of its namespace, or on the plain connection.
pub fn not_entered(session: &mut Session, key: SocketKey, error: &ClientError) {
    let Some(dialect) = session.socket(key).map(|socket| socket.dialect.clone()) else { return };
    match &dialect {
        Dialect::Plain => {
            session.send_error(key, error);
            session.leave(Farewell::ConnectionLimit);
        }
        Dialect::SocketIo(_) | Dialect::SocketIoAs(_) => {
            session.remove_socket(key);
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
    super::answer(session, request, &Answer::either("client:pong", &pong))
}

pub fn heartbeat(session: &Session, request: &Request) -> Effect {
    let heartbeat = || Heartbeat { timestamp: session.services.ambient.clock.wall() };
    super::answer(session, request, &Answer::both("heartbeat", &heartbeat(), &heartbeat()))
}
