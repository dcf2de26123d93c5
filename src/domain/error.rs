//! What a client is told when something is refused: one closed list of codes.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::json;

/// The code of a refusal. Clients branch on it, so the list is closed: the first ten are guide
/// 004's and the only ones a socket ever sees (contract X-24); the rest occur over REST only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    AuthFailed,
    Unauthorized,
    InvalidMessage,
    MessageTooLarge,
    RateLimitExceeded,
    SubscriptionFailed,
    RoomNotFound,
    RoomFull,
    ConnectionLimit,
    InternalError,
    NotFound,
    MethodNotAllowed,
    UnsupportedMediaType,
    UpgradeRequired,
    Unavailable,
}

/// A refusal as a client may see it: no internals, no secrets.
#[derive(Debug, Clone)]
pub struct ClientError {
    pub code: ErrorCode,
    pub message: Cow<'static, str>,
    pub details: Option<Box<RawValue>>,
}

impl ClientError {
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        ClientError { code, message: message.into(), details: None }
    }

    pub fn with_details<T: Serialize + ?Sized>(mut self, details: &T) -> Self {
        self.details = Some(json::raw(details));
        self
    }

    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidMessage, message)
    }

    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Unauthorized, message)
    }

    pub fn auth_failed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::AuthFailed, message)
    }

    pub fn too_large(limit: usize) -> Self {
        Self::new(ErrorCode::MessageTooLarge, format!("A message may have at most {limit} bytes"))
    }

    pub fn internal() -> Self {
        Self::new(ErrorCode::InternalError, "The server could not do this; try again")
    }
}
