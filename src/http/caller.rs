//! Who calls: extractors that read credentials, origins and bodies from a request.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};

use super::State;
use super::error::ApiError;
use crate::auth::admin::Shown;
use crate::domain::error::ErrorCode;

const X_ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");
const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

impl FromRequest for State {
    type Error = ApiError;
    type Future = Ready<Result<State, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<State>().cloned();
        ready(state.ok_or_else(|| crate::domain::error::ClientError::internal().into()))
    }
}

/// A caller that may use the admin REST (contract X-06).
pub struct Admin;

impl FromRequest for Admin {
    type Error = ApiError;
    type Future = Ready<Result<Admin, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request))
    }
}

fn admit(request: &HttpRequest) -> Result<Admin, ApiError> {
    let state = request
        .app_data::<State>()
        .ok_or_else(|| ApiError::from(crate::domain::error::ClientError::internal()))?;
    // A page of a foreign origin may not use what this machine's own user may.
    check_origin(request, state)?;
    let headers = request.headers();
    let shown = Shown {
        admin_key: headers.get(X_ADMIN_KEY).map(|key| key.as_bytes()),
        token: bearer(headers).or_else(|| text(headers, &X_AUTH_TOKEN)),
        peer: peer(request),
        forwarded: headers.contains_key(header::FORWARDED) || headers.contains_key(header::X_FORWARDED_FOR),
        host_is_loopback: host(headers).is_some_and(is_loopback_name),
    };
    state.shared.admin.admit(&state.services.tokens, &shown)?;
    Ok(Admin)
}

/// The address at the other end of the connection, whatever a header claims.
pub fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip())
}

/// Every token the handshake shows, in order of precedence (O-036): query, `Authorization`,
/// `X-Auth-Token`.
pub fn tokens(request: &HttpRequest) -> Vec<String> {
    let headers = request.headers();
    let query = query_value(request.query_string(), "token");
    let shown = [query, bearer(headers).map(str::to_owned), text(headers, &X_AUTH_TOKEN).map(str::to_owned)];
    shown.into_iter().flatten().collect()
}

/// Refuses a browser page of an origin that is neither listed nor the server's own (contract X-32).
/// CORS does not cover WebSocket, so every transport asks here.
///
/// # Errors
/// 403.
pub fn check_origin(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let is_listed = state.shared.origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin));
    if is_listed || is_own(origin, headers) {
        return Ok(());
    }
    let message = "This origin is not allowed";
    Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Unauthorized, message))
}

/// Whether `origin` is a page of the host the request was sent to, on any port.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match (authority, host(headers)) {
        (Some(authority), Some(host)) => without_port(authority).eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// The name in the `Host` header, without its port.
fn host(headers: &HeaderMap) -> Option<&str> {
    text(headers, &header::HOST).map(without_port)
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // The colons of `[::1]` are no port's.
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => authority,
    }
}

fn is_loopback_name(name: &str) -> bool {
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The first value of `name` in a query string, decoded.
pub fn query_value(query: &str, name: &str) -> Option<String> {
    let pairs = Query::<Vec<(String, String)>>::from_query(query).ok()?.into_inner();
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_off_a_name_and_an_address() {
        let table = [
            ("localhost:8000", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8000", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1:1", "127.0.0.1"),
        ];
        for (authority, name) in table {
            assert_eq!(without_port(authority), name);
            assert!(is_loopback_name(name));
        }
        for foreign in ["evil.example", "10.0.0.1", "localhost.evil.example", ""] {
            assert!(!is_loopback_name(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_query_value_is_decoded() {
        assert_eq!(query_value("a=1&token=a%2Bb%20c", "token").as_deref(), Some("a+b c"));
        assert_eq!(query_value("a=1", "token"), None);
    }
}
