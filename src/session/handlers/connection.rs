//! The connection itself: welcome, credentials, signs of life.

use std::sync::Arc;

use crate::auth::token::Refusal;
use crate::dialect::{Reply, plain};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::identity::Identity;
use crate::domain::time::Timestamp;
use crate::events::payload::system::{
    AuthSuccess, Authenticated, ClientPong, ConnectionEstablished, Heartbeat, PROTOCOL_VERSION, Pong,
};
use crate::hub::messages::{Attach, Identify};
use crate::session::effects::{Ask, Effect, Outcome, Request};
use crate::session::{Session, TOKEN_ATTEMPTS};

/// How a proven identity is confirmed.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Guide 002's `auth:success`.
    AuthSuccess,
    /// Guide 004's `authenticated`.
    Authenticated,
}

/// Enters a new connection into the books; its welcome is the first thing it reads.
pub fn welcome(session: &mut Session, shown: Option<Result<Identity, Refusal>>) -> Ask {
    let now = session.services.ambient.clock.wall();
    let identity = match &shown {
        Some(Ok(identity)) => Arc::new(identity.clone()),
        _ => Identity::anonymous(),
    };
    let established = ConnectionEstablished {
        client_id: &session.id,
        connection_id: &session.id,
        user_id: identity.user.as_ref(),
        protocol_version: PROTOCOL_VERSION,
        reconnect_token: &session.services.ambient.random.token::<24>(),
        authenticated: identity.is_verified(),
    };
    let mut welcome = Reply::one(plain::reply("connection_established", &established, None, now));
    let mut confirm = None;
    match shown {
        Some(Ok(_)) => {
            confirm = Some(confirmation(session, &identity, Answer::AuthSuccess, &Request::default(), now));
        }
        Some(Err(refusal)) => {
            session.refused_tokens += 1;
            welcome = welcome.then(plain::failure(&refusal.into(), None, None, now));
        }
        None => {}
    }
    let key = session.outbox.key();
    let attach = Attach { key, id: session.id.clone(), identity: Arc::clone(&identity), welcome, confirm };
    let answer = session.services.worker.rooms().send(attach);
    Ask {
        answer: Box::pin(async move {
            let Ok((written, entered)) = answer.await else {
                return Outcome::Refused(ClientError::internal());
            };
            // Whatever is said next follows the welcome.
            let _ = written.await;
            match entered {
                Ok(()) => Outcome::Became(identity),
                Err(error) => Outcome::Refused(error),
            }
        }),
        request: Request::default(),
    }
}

/// Takes a token on the live connection: a first one, or a rotated one of the same bearer
/// (contract D-30). A refused token changes nothing; many of them end the connection.
pub fn auth(session: &mut Session, token: &str, by: Answer, request: Request) -> Effect {
    match verify(session, token) {
        Ok(identity) => {
            let identity = Arc::new(identity);
            let now = session.services.ambient.clock.wall();
            let confirm = Reply::one(confirmation(session, &identity, by, &request, now));
            let (access, who) = (Arc::clone(&session.services.access), Arc::clone(&identity));
            let identify = Identify {
                key: session.outbox.key(),
                identity: Arc::clone(&identity),
                may_stay: Box::new(move |room| access.may_join(&who, room).is_ok()),
                confirm,
            };
            let answer = session.services.worker.rooms().send(identify);
            let became = Outcome::Became(identity);
            let answer = Box::pin(async move { Outcome::of_change(answer.await, became).await });
            Effect::Ask(Ask { answer, request })
        }
        Err(refusal) => {
            session.refused_tokens += 1;
            session.send(&super::failure(session, &refusal.into(), &request));
            if session.refused_tokens >= TOKEN_ATTEMPTS {
                session.leave(Farewell::Unauthenticated("too many refused tokens"));
            }
            Effect::Nothing
        }
    }
}

fn verify(session: &Session, token: &str) -> Result<Identity, Refusal> {
    let identity = session.services.tokens.verify(token)?;
    if session.identity.is_verified() && !session.identity.is_same_bearer(&identity) {
        return Err(Refusal::OtherBearer);
    }
    Ok(identity)
}

fn confirmation(
    session: &Session,
    who: &Identity,
    by: Answer,
    request: &Request,
    now: Timestamp,
) -> bytes::Bytes {
    let id = request.id.as_deref();
    let (user_id, expires_at) = (who.user.as_ref(), who.expires_at);
    match by {
        Answer::AuthSuccess => {
            plain::reply("auth:success", &AuthSuccess { user_id, timestamp: now, expires_at }, id, now)
        }
        Answer::Authenticated => {
            let authenticated = Authenticated {
                status: "success",
                success: true,
                socket_id: &session.id,
                user_id,
                organization_id: who.organization.as_ref(),
                expires_at,
            };
            plain::reply("authenticated", &authenticated, id, now)
        }
    }
}

pub fn pong(session: &Session, request: &Request) -> Effect {
    let now = session.services.ambient.clock.wall();
    Effect::Reply(plain::reply("pong", &Pong { server_time: now }, request.id.as_deref(), now))
}

pub fn client_pong(session: &Session, request: &Request) -> Effect {
    let now = session.services.ambient.clock.wall();
    let pong = ClientPong { pong: true, server_time: now };
    Effect::Reply(plain::reply("client:pong", &pong, request.id.as_deref(), now))
}

pub fn heartbeat(session: &Session, request: &Request) -> Effect {
    let now = session.services.ambient.clock.wall();
    Effect::Reply(plain::reply("heartbeat", &Heartbeat { timestamp: now }, request.id.as_deref(), now))
}
