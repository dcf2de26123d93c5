//! A JSON body, read whole: bounded in bytes and in time.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::State;
use super::error::ApiError;
use crate::domain::error::{ClientError, ErrorCode};

/// Largest body of a REST request (contract section 8).
pub const MAX_BODY: usize = 1024 * 1024;
/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(30);
/// Most that is repeated of what a parser said: it may quote the body.
const SHOWN: usize = 200;

/// The body as a `T`.
///
/// # Errors
/// 415 for another content type or any encoding, 413 over the limit, 408 if it does not arrive, 400
/// for anything that does not fit `T`.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Json<T>, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(error) = check_type(request) {
            return async { Err(error) }.boxed_local();
        }
        let state = request.app_data::<State>().cloned();
        let body = Bytes::from_request(request, payload);
        async move {
            let clock = state.ok_or_else(ClientError::internal)?.services.ambient.clock.clone();
            let body = tokio::select! {
                body = body => body.map_err(unreadable)?,
                () = clock.sleep_until(clock.now() + DEADLINE) => return Err(too_slow()),
            };
            parse(&body).map(Json)
        }
        .boxed_local()
    }
}

fn check_type(request: &HttpRequest) -> Result<(), ApiError> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let essence = text(header::CONTENT_TYPE).and_then(|value| value.split(';').next()).map(str::trim);
    let is_json = essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    // Nothing is inflated, so that a small body cannot become a large one.
    let is_plain =
        text(header::CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    if is_json && is_plain {
        return Ok(());
    }
    let message = "The body must be application/json, without a content encoding";
    Err(ClientError::new(ErrorCode::UnsupportedMediaType, message).into())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // serde would read an array as a struct's fields in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ClientError::invalid("The body must be a JSON object").into());
    }
    serde_json::from_slice(body).map_err(|error| {
        let reason: String = error.to_string().chars().take(SHOWN).collect();
        ClientError::invalid(format!("The body does not fit: {reason}")).into()
    })
}

fn unreadable(error: actix_web::Error) -> ApiError {
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => ClientError::too_large(MAX_BODY).into(),
        _ => ClientError::invalid("The body could not be read").into(),
    }
}

fn too_slow() -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::InvalidMessage, "The body did not arrive in time")
}
