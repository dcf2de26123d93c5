//! Credentials on the live connection: a first one, a rotated one, or ids that prove nothing.

use std::sync::Arc;

use crate::auth::authenticator::Judgement;
use crate::dialect::{Answer, Request};
use crate::domain::farewell::Farewell;
use crate::domain::identity::Identity;
use crate::domain::time::Timestamp;
use crate::events::payload::intraday::Claim;
use crate::events::payload::system::{Accepted, AuthSuccess, Authenticated};
use crate::hub::messages::Identify;
use crate::hub::outboxes::SocketKey;
use crate::session::effects::{Ask, Effect, Outcome};
use crate::session::socket::Socket;
use crate::session::{Session, TOKEN_ATTEMPTS};

/// Guide 002: takes a token.
pub fn auth(session: &mut Session, key: SocketKey, token: &str, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    let judgement = session.services.authenticator.rotate(&socket.identity, token);
    take(session, key, judgement, auth_success, request)
}

/// Guide 004: takes a token, or ids without proof.
pub fn authenticate(session: &mut Session, key: SocketKey, claim: &Claim, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    let judgement = session.services.authenticator.claim(&socket.identity, claim);
    take(session, key, judgement, authenticated, request)
}

/// The confirmation of each, by which the client knows whom it speaks for.
type Confirm = fn(&Socket, &Identity, Timestamp) -> Answer;

/// Speaks for another from now on, or tells why not. A refused credential changes nothing; many of
/// them end the connection.
fn take(
    session: &mut Session,
    key: SocketKey,
    judgement: Judgement,
    confirm: Confirm,
    request: Request,
) -> Effect {
    match judgement {
        Ok(identity) => {
            let Some(socket) = session.socket(key) else { return Effect::Nothing };
            session.note_identity(&socket.id, &identity);
            let now = session.services.ambient.clock.wall();
            let confirm = confirm(socket, &identity, now).spell(&request, now);
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
            if let Some(socket) = session.sockets.iter_mut().find(|socket| socket.key == key) {
                socket.is_changing = true;
            }
            Effect::Ask(Ask { answer, socket: key, request })
        }
        Err(refusal) => {
            session.refused_tokens += 1;
            session.note_refusal("authenticate");
            session.reply(&super::failure(session, &refusal.into(), &request));
            if session.refused_tokens >= TOKEN_ATTEMPTS {
                session.leave(Farewell::Unauthenticated("too many refused tokens"));
            }
            Effect::Nothing
        }
    }
}

/// `auth:success`, told after the handshake's token too.
pub fn auth_success(_: &Socket, who: &Identity, now: Timestamp) -> Answer {
    let success = || AuthSuccess { user_id: who.user.as_ref(), timestamp: now, expires_at: who.expires_at };
    Answer::both("auth:success", &success(), &Accepted::with(success()))
}

fn authenticated(socket: &Socket, who: &Identity, _: Timestamp) -> Answer {
    let authenticated = Accepted::with(Authenticated {
        socket_id: &socket.id,
        user_id: who.user.as_ref(),
        organization_id: who.organization.as_ref(),
        permissions: who.permissions.as_ref().and_then(|own| own.names()),
        expires_at: who.expires_at,
    });
    Answer::either("authenticated", &authenticated, &authenticated)
}
