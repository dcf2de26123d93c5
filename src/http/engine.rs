//! Where clients connect: Engine.IO over HTTP, and beside it the way to plain WebSockets.
//!
//! What a request asks for, and how a refusal reads, is decided by [`judge`]; here the request is
//! put into its words, and what it asks for is asked of the session. `OPTIONS` is answered before
//! anything is looked up: a preflight knows no session.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::http::{Method as HttpMethod, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, web};

use super::error::ApiError;
use super::poll::{Counted, WaitingPoll};
use super::{State, caller, push, sockets};
use crate::dialect::Wire;
use crate::proto::engineio::{Ask, HandshakeError, Method, PushAnswer, Query, Request, Transport, judge};
use crate::proto::websocket::WindowBits;
use crate::session::Standing;
use crate::session::handle::{Handle, ProbeTicket, Probed};
use crate::session::mount::{Door, Mount};
use crate::session::pushes::Pushes;
use crate::session::start::{Admission, Ticket};

/// A request for a path where something is mounted.
pub async fn enter(
    request: HttpRequest,
    payload: web::Payload,
    state: State,
    door: Arc<Door>,
) -> HttpResponse {
    let mount = door.mount(Query::parse(request.query_string()).eio.is_some());
    if mount.is_engine() {
        return serve(&request, payload, &state, mount).await;
    }
    match *request.method() {
        HttpMethod::GET | HttpMethod::HEAD => answered(&request, sockets::open(&request, &state, mount)),
        _ => super::error::method_not_allowed(&request, super::READ),
    }
}

async fn serve(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    mount: &Arc<Mount>,
) -> HttpResponse {
    if request.method() == HttpMethod::OPTIONS {
        return HttpResponse::NoContent().finish();
    }
    let query = Query::parse(request.query_string());
    let session = query.sid.as_deref().and_then(|sid| mount.directory.find(sid));
    let asked = Request {
        method: match *request.method() {
            HttpMethod::GET => Method::Get,
            HttpMethod::POST => Method::Post,
            _ => Method::Other,
        },
        // Any other protocol that is offered may be passed over (RFC 9110, 7.8).
        upgrade: request.headers().get_all(header::UPGRADE).any(names_websocket),
        origin: caller::origin(request, state),
        session: session.as_ref().map(|session| session.pushes().transport()),
    };
    let outcome = match (judge(&asked, &query), session) {
        (Err(error), _) => return refuse(&asked, error),
        (Ok(Ask::Open { transport: Transport::Polling, base64 }), _) => {
            open_polling(request, state, mount, base64)
        }
        (Ok(Ask::Open { transport: Transport::WebSocket, base64 }), _) => {
            open_websocket(request, state, &asked, mount, base64)
        }
        (Ok(Ask::Poll { .. }), Some(session)) => {
            Ok(WaitingPoll::begin(request, state, session, asked).placeholder())
        }
        (Ok(Ask::Push { .. }), Some(session)) => {
            let taken = push::take(request, payload, state, &session).await;
            Ok(push_answer(taken, &asked, session.pushes()))
        }
        (Ok(Ask::Probe { base64, .. }), Some(session)) => {
            probe(request, state, &session, &asked, base64).await
        }
        // `judge` gives these for a session that was found only.
        (Ok(_), None) => return refuse(&asked, HandshakeError::SESSION_UNKNOWN),
    };
    answered(request, outcome)
}

fn names_websocket(upgrade: &header::HeaderValue) -> bool {
    let mut names = upgrade.to_str().unwrap_or_default().split(',');
    names.any(|name| name.trim().eq_ignore_ascii_case("websocket"))
}

fn open_polling(
    request: &HttpRequest,
    state: &State,
    mount: &Arc<Mount>,
    base64: bool,
) -> Result<HttpResponse, ApiError> {
    caller::check_rate(request, state)?;
    let open = admit(request, state, mount, Wire { base64, deflate: None })?.begin_polling();
    Ok(text(HttpResponse::Ok()).body(open))
}

fn open_websocket(
    request: &HttpRequest,
    state: &State,
    asked: &Request,
    mount: &Arc<Mount>,
    base64: bool,
) -> Result<HttpResponse, ApiError> {
    caller::check_rate(request, state)?;
    let Some((mut answer, deflate)) = handshake(request, state)? else {
        return Ok(refuse(asked, HandshakeError::BAD_REQUEST));
    };
    let ticket = Ticket::Session(admit(request, state, mount, Wire { base64, deflate })?);
    answer.extensions_mut().insert(ticket);
    Ok(answer)
}

/// A session's place, or one to be told in that there is none (contract D-14).
fn admit(
    request: &HttpRequest,
    state: &State,
    mount: &Arc<Mount>,
    wire: Wire,
) -> Result<Admission, ApiError> {
    if state.is_stopping() {
        return Err(ApiError::stopping());
    }
    let counted = state.shared.connections.take().map(Standing::Counted);
    let surplus = || state.shared.surplus.take().map(Standing::Surplus);
    // Without a namespace there are no words for it.
    let standing = if mount.has_namespaces() { counted.or_else(surplus) } else { counted };
    Ok(Admission {
        shown: sockets::shown(request, state, mount),
        standing: standing.ok_or_else(sockets::full)?,
        mount: Arc::clone(mount),
        wire,
        services: state.services.clone(),
    })
}

fn push_answer(answer: push::Taken, asked: &Request, pushes: &Pushes) -> HttpResponse {
    match answer {
        push::Taken::Heard(PushAnswer::Ok) => {
            // The type is the reference's, for no better reason than that it always was.
            let mut ok = HttpResponse::Ok();
            ok.insert_header((header::CONTENT_TYPE, "text/html"));
            ok.insert_header((header::CACHE_CONTROL, "no-store")).body("ok")
        }
        push::Taken::Heard(PushAnswer::Refused(error)) => refuse(asked, error),
        push::Taken::Heard(PushAnswer::Unavailable) | push::Taken::Unwanted => unavailable(pushes),
        push::Taken::TooLarge => HttpResponse::PayloadTooLarge().finish(),
        push::Taken::TooSlow => HttpResponse::RequestTimeout().finish(),
        push::Taken::NoText => refuse(asked, HandshakeError::BAD_REQUEST),
    }
}

async fn probe(
    request: &HttpRequest,
    state: &State,
    session: &Handle,
    asked: &Request,
    base64: bool,
) -> Result<HttpResponse, ApiError> {
    caller::check_rate(request, state)?;
    let Some((mut answer, deflate)) = handshake(request, state)? else {
        return Ok(refuse(asked, HandshakeError::BAD_REQUEST));
    };
    if state.is_stopping() {
        return Err(ApiError::stopping());
    }
    let ticket = match session.begin_probe(Wire { base64, deflate }).await {
        Probed::Accepted(number) => {
            Ticket::Probe(ProbeTicket::new(session.clone(), number, state.services.worker.id()))
        }
        Probed::TurnedAway => {
            // A connection refused, if only after the 101.
            state.services.meters.refused();
            Ticket::TurnedAway(state.services.ambient.clock.clone())
        }
        Probed::Refused(error) => return Ok(refuse(asked, error)),
    };
    answer.extensions_mut().insert(ticket);
    Ok(answer)
}

/// The 101 for a WebSocket handshake. `None` for what only looks like one: that is a bad request in
/// Engine.IO's own words.
fn handshake(
    request: &HttpRequest,
    state: &State,
) -> Result<Option<(HttpResponse, Option<WindowBits>)>, ApiError> {
    match sockets::handshake(request, state) {
        Err(error) if error.status == StatusCode::BAD_REQUEST => Ok(None),
        answer => answer.map(Some),
    }
}

/// The reference answers an upgrade with the words alone, everything else with JSON.
pub(super) fn refuse(asked: &Request, error: HandshakeError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = HttpResponse::build(status);
    if asked.upgrade {
        answer.content_type("text/html").body(error.message)
    } else {
        answer.content_type("application/json").body(error.body())
    }
}

/// The session is over. That it was closed for what it held is counted already.
pub(super) fn unavailable(pushes: &Pushes) -> HttpResponse {
    let mut answer = HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, "1")).finish();
    if pushes.is_shed() {
        answer.extensions_mut().insert(Counted);
    }
    answer
}

/// The head of every answer that holds packets.
pub(super) fn text(mut answer: HttpResponseBuilder) -> HttpResponseBuilder {
    answer.insert_header((header::CONTENT_TYPE, "text/plain; charset=UTF-8"));
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}

fn answered(request: &HttpRequest, outcome: Result<HttpResponse, ApiError>) -> HttpResponse {
    use actix_web::ResponseError;

    match outcome {
        Ok(answer) => answer,
        Err(error) => error.error_response().respond_to(request).map_into_boxed_body(),
    }
}
