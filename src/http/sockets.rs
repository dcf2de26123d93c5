//! Where a plain WebSocket begins, and the handshake that Engine.IO's share with it.

use std::sync::{Arc, Once};

use actix_web::http::StatusCode;
use actix_web::http::Version;
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use log::{info, warn};

use super::error::ApiError;
use super::upgrade::Upgradable;
use super::{State, audit, caller};
use crate::auth::authenticator::{Judgement, Shown};
use crate::dialect::Wire;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::profile::Profile;
use crate::proto::websocket::{WindowBits, negotiate};
use crate::session::mount::Mount;
use crate::session::start::{Admission, Ticket};

/// Accepts a WebSocket handshake: checks who asks and whether there is room, and leaves the ticket
/// that the upgrade service trades for a session. An invalid token refuses nothing here: the
/// client is told on the open socket and may try again (O-041).
///
/// A tenant's key, where one is needed, is looked at first: a request that is no handshake still
/// learns whether its key is good (contract S-16).
pub fn open(request: &HttpRequest, state: &State, mount: &Arc<Mount>) -> Result<HttpResponse, ApiError> {
    let needs_key = mount.plain_profile() == Some(Profile::Flow);
    if !needs_key && !request.headers().contains_key(header::UPGRADE) {
        let hint = match mount.has_profile() {
            true => "This is a WebSocket: connect with ws://, or open / for the console",
            false => "This is a WebSocket: connect with ws://",
        };
        return Err(ApiError::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::UpgradeRequired, hint));
    }
    caller::check_origin(request, state)?;
    if needs_key {
        caller::check_tenant(request, state)?;
    }
    caller::check_rate(request, state)?;
    let (mut answer, deflate) = handshake(request, state)?;
    if state.is_stopping() {
        return Err(ApiError::stopping());
    }
    let place = state.shared.connections.take().ok_or_else(full)?;
    let wire = Wire { base64: false, deflate };
    let shown = shown(request, state, mount);
    let admission = Admission::plain(mount, shown, place, wire, state.services.clone());
    answer.extensions_mut().insert(Ticket::Session(admission));
    Ok(answer)
}

/// The 101 that accepts a WebSocket handshake, and the window if messages may be compressed (RFC 7692).
///
/// # Errors
/// 400 or 426 for what is none, or came on a connection that cannot be handed over.
pub fn handshake(
    request: &HttpRequest,
    state: &State,
) -> Result<(HttpResponse, Option<WindowBits>), ApiError> {
    // The framework's own handshake is laxer than the RFC; this check is not.
    actix_http::ws::verify_handshake(request.head()).map_err(|error| bad_handshake(&error))?;
    let can_be_handed_over = request.extensions().contains::<Upgradable>();
    if !can_be_handed_over || request.version() < Version::HTTP_11 {
        let message = "Not a WebSocket handshake: it must be HTTP/1.1, `Upgrade: websocket`, without a body";
        return Err(ClientError::invalid(message).into());
    }
    let mut answer = actix_web_actors::ws::handshake(request).map_err(|error| bad_handshake(&error))?;
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_EXTENSIONS);
    let offers = offers.filter(|_| state.shared.compress_from.is_some());
    let agreed = negotiate(offers.filter_map(|offer| offer.to_str().ok()));
    if let Some(agreed) = agreed {
        answer.insert_header((header::SEC_WEBSOCKET_EXTENSIONS, agreed.to_string()));
    }
    Ok((answer.finish(), agreed.map(|agreed| agreed.window)))
}

/// Every place is taken.
pub fn full() -> ApiError {
    ClientError::new(ErrorCode::ConnectionLimit, "The server has as many connections as it may").into()
}

/// Whom the handshake shows, if anyone. A browser sends its cookie whether the page wants it or not,
/// and the page can neither read nor drop it: so it counts only where no token is shown, and one that
/// is good no longer as if there were none. Of several, as paths may have them, any good one counts.
pub fn shown(request: &HttpRequest, state: &State, mount: &Mount) -> Shown {
    if !mount.has_profile() {
        // A program's handlers know their own credentials.
        return Shown::default();
    }
    warn_of_token_in_url(request);
    let token = judge_tokens(&caller::tokens(request), state).or_else(|| {
        let cookies = caller::cookies(request);
        cookies.iter().find_map(|value| state.services.cookies.find(value)).map(Arc::new).map(Ok)
    });
    if let Some(Err(_)) = token {
        audit::refused(state, "handshake", caller::peer(request));
    }
    Shown { token, tenant: caller::tenant_key(request, state) }
}

/// The identity of the first token shown, if every token shown is valid (O-036).
pub fn judge_tokens(tokens: &[String], state: &State) -> Option<Judgement> {
    let judged = tokens.iter().map(|token| state.services.authenticator.token(token));
    judged.reduce(|first, next| first.and_then(|first| next.map(|_| first)))
}

/// Guide 002 allows it, and proxies log it; once is enough to say so.
fn warn_of_token_in_url(request: &HttpRequest) {
    static ONCE: Once = Once::new();
    if caller::query_value(request.query_string(), "token").is_some() {
        ONCE.call_once(|| {
            warn!("a client shows its token in the URL, where proxies log it; a header is safer")
        });
    }
}

fn bad_handshake(error: &actix_http::ws::HandshakeError) -> ApiError {
    use actix_http::ws::HandshakeError;

    info!("websocket_handshake_refused: {error}");
    match error {
        HandshakeError::UnsupportedVersion => ApiError::new(
            StatusCode::UPGRADE_REQUIRED,
            ErrorCode::UpgradeRequired,
            "Only version 13 of the WebSocket protocol is spoken here",
        ),
        other => ClientError::invalid(format!("Not a WebSocket handshake: {other}")).into(),
    }
}
