//! The body of a polling client's POST, read whole: bounded in bytes and in time, and given up as a
//! whole.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::State;
use crate::hub::messages::Evict;
use crate::proto::engineio::{CloseReason, HandshakeError, PushAnswer};
use crate::session::handle::Handle;
use crate::session::pushes::Body;

/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(30);

/// What became of a POST.
#[derive(Debug)]
pub enum Taken {
    /// The session has it, and answers so.
    Heard(PushAnswer),
    /// More bytes than one POST may have.
    TooLarge,
    /// All POSTs together hold too much and this session's most, or the session is over.
    Unwanted,
    TooSlow,
    /// Bytes, which Engine.IO does not send so.
    NoText,
}

/// Hands a POST's body to its session. Whatever goes wrong with it ends the session: packets are
/// lost, and the client has given the session up already or soon will.
pub async fn take(request: &HttpRequest, payload: web::Payload, state: &State, session: &Handle) -> Taken {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|own| own.to_str().ok());
    let essence = content_type.and_then(|own| own.split(';').next()).map(str::trim);
    if essence.is_some_and(|own| own.eq_ignore_ascii_case("application/octet-stream")) {
        session.end(CloseReason::BadPacket);
        return Taken::NoText;
    }
    let Some(counted) = session.pushes().begin() else {
        session.end(CloseReason::TooManyPushes);
        return Taken::Heard(PushAnswer::Refused(HandshakeError::BAD_REQUEST));
    };
    // A client that goes away in the middle makes this future go, too.
    let mut unless_whole = EndUnless { session, reason: Some(CloseReason::PushAborted) };
    let clock = &state.services.ambient.clock;
    let read = tokio::select! {
        // What has arrived is heard, also by a session that is leaving.
        biased;
        read = read(payload, counted, state, session.pushes().most()) => read,
        () = session.pushes().over() => {
            // It ends by itself, when it has said what it has to say.
            unless_whole.reason = None;
            return Taken::Unwanted;
        }
        () = clock.sleep_until(clock.now() + DEADLINE) => Err((Taken::TooSlow, CloseReason::PushAborted)),
    };
    match read {
        Ok((body, counted)) => {
            unless_whole.reason = None;
            Taken::Heard(session.push(body, counted).await)
        }
        Err((taken, reason)) => {
            unless_whole.reason = Some(reason);
            taken
        }
    }
}

/// Ends a session when dropped, if there is a reason.
struct EndUnless<'a> {
    session: &'a Handle,
    reason: Option<CloseReason>,
}

impl Drop for EndUnless<'_> {
    fn drop(&mut self) {
        if let Some(reason) = self.reason {
            self.session.end(reason);
        }
    }
}

async fn read(
    mut payload: web::Payload,
    mut counted: Body,
    state: &State,
    most: usize,
) -> Result<(Bytes, Body), (Taken, CloseReason)> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let Ok(chunk) = chunk else { return Err((Taken::TooSlow, CloseReason::PushAborted)) };
        if body.len() + chunk.len() > most {
            return Err((Taken::TooLarge, CloseReason::TooLarge));
        }
        body.extend_from_slice(&chunk);
        match counted.holds(body.capacity()) {
            Some(fullest) if fullest == counted.session() => {
                return Err((Taken::Unwanted, CloseReason::ShuttingDown));
            }
            // Never lost: the RoomServer outlives every session.
            Some(fullest) => state.services.worker.rooms().do_send(Evict(fullest)),
            None => {}
        }
    }
    Ok((body.freeze(), counted))
}
