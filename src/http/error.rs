//! Refusals over HTTP: JSON with a closed code, whatever went wrong (contract section 8).

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::auth::admin::AdminRefusal;
use crate::domain::error::{ClientError, ErrorCode};

/// A refusal with its status.
#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub error: ClientError,
}

impl ApiError {
    pub fn new(
        status: StatusCode,
        code: ErrorCode,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Self {
        ApiError { status, error: ClientError::new(code, message) }
    }

    /// The server is stopping.
    pub fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The server is stopping; try again",
        )
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.message)
    }
}

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let status = match error.code {
            ErrorCode::AuthFailed | ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
            ErrorCode::InvalidMessage | ErrorCode::SubscriptionFailed => StatusCode::BAD_REQUEST,
            ErrorCode::MessageTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RoomNotFound | ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            ErrorCode::RoomFull | ErrorCode::ConnectionLimit | ErrorCode::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ErrorCode::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        };
        ApiError { status, error }
    }
}

impl From<AdminRefusal> for ApiError {
    fn from(refusal: AdminRefusal) -> Self {
        match refusal {
            AdminRefusal::NoCredentials(error) => ApiError { status: StatusCode::UNAUTHORIZED, error },
            AdminRefusal::NotAnAdmin(error) => ApiError { status: StatusCode::FORBIDDEN, error },
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    success: bool,
    error: &'a str,
    code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a RawValue>,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let ClientError { code, message, details } = &self.error;
        let mut answer = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED => answer.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                answer.insert_header((header::RETRY_AFTER, "1"))
            }
            StatusCode::UPGRADE_REQUIRED => answer
                .insert_header((header::UPGRADE, "websocket"))
                .insert_header((header::SEC_WEBSOCKET_VERSION, "13")),
            _ => &mut answer,
        };
        answer.json(Body { success: false, error: message, code: *code, details: details.as_deref() })
    }
}

pub async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, "There is nothing at this path"))
}

/// 405, and what is allowed instead (RFC 9110, 15.5.6).
pub fn method_not_allowed(request: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let message = format!("This path has no method {}", request.method());
    let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed, message);
    let mut answer = error.error_response();
    answer.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    answer
}
