//! `/auth/session`: how a browser trades its token for a cookie, and gives it back (contract section
//! 8, D-29).
//!
//! Both methods change what a browser sends from then on, so pages of foreign origins may use
//! neither.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::body::Json;
use super::error::ApiError;
use super::{State, audit, caller, sockets};
use crate::auth::cookies::{self, Opened};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::identity::SignIn;
use crate::hub::messages::{Dismiss, Whom};
use crate::store::AuditKind;

/// `POST /auth/session`: a cookie for the bearer of the token in the body, in `Authorization` or in
/// `X-Auth-Token`; where several are shown, all must be good and the first counts (O-036).
///
/// # Errors
/// 401 without a good token, 403 for a foreign page, and what [`Json`] says of the body.
pub async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: State,
) -> Result<HttpResponse, ApiError> {
    caller::check_origin(&request, &state)?;
    let mut tokens: Vec<String> = token_in_body(&request, payload).await?.into_iter().collect();
    tokens.extend(caller::header_tokens(request.headers()));
    let identity = match sockets::judge_tokens(&tokens, &state) {
        Some(judged) => judged.map_err(|refusal| {
            audit::refused(&state, "POST /auth/session", caller::peer(&request));
            ClientError::from(refusal)
        })?,
        None => return Err(ClientError::auth_failed("Show a token, in the body or as a Bearer").into()),
    };
    let shown = caller::cookies(&request);
    let details = Bearer { user_id: identity.user.as_ref() };
    let Opened { value, max_age, ended } = state.services.cookies.open((*identity).clone(), &shown);
    dismiss(&state, ended).await?;
    audit::note(&state, AuditKind::Auth, "POST /auth/session", caller::peer(&request), &details).await;
    Ok(answer(&state, &value, max_age))
}

/// `DELETE /auth/session`: ends the sign-in of the cookie, and its sockets on every connection. Without
/// one that is known there is nothing to end, nor to learn: the answer is the same.
///
/// # Errors
/// 403 for a foreign page.
pub async fn close(request: HttpRequest, state: State) -> Result<HttpResponse, ApiError> {
    caller::check_origin(&request, &state)?;
    let shown = caller::cookies(&request);
    let ended: Vec<_> = shown.iter().filter_map(|value| state.services.cookies.close(value)).collect();
    let has_ended = !ended.is_empty();
    dismiss(&state, ended).await?;
    if has_ended {
        let details = Bearer { user_id: None };
        audit::note(&state, AuditKind::Auth, "DELETE /auth/session", caller::peer(&request), &details).await;
    }
    Ok(answer(&state, "", 0))
}

/// Whose sign-in it is, as the audit trail says.
#[derive(Serialize)]
struct Bearer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a Id>,
}

/// A request without a body shows its token elsewhere.
async fn token_in_body(request: &HttpRequest, payload: web::Payload) -> Result<Option<String>, ApiError> {
    #[derive(Deserialize)]
    struct Body {
        token: Option<String>,
    }
    let headers = request.headers();
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    if is_empty && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(None);
    }
    let Json(body) = Json::<Body>::from_request(request, &mut payload.into_inner()).await?;
    Ok(body.token)
}

/// Sends away whoever came by sign-ins that have ended, in one message that is out before anything
/// is waited for: a caller that hangs up changes nothing.
async fn dismiss(state: &State, ended: Vec<SignIn>) -> Result<(), ApiError> {
    if !ended.is_empty() {
        let dismiss = Dismiss { whom: Whom::SignedIn(ended), farewell: Farewell::SIGNED_OUT };
        let dismissed = state.services.worker.rooms().send(dismiss).await;
        dismissed.map_err(|_| ClientError::internal())?;
    }
    Ok(())
}

fn answer(state: &State, value: &str, max_age: u64) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::SET_COOKIE, cookies::set(value, max_age, state.shared.secure_cookies)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}
