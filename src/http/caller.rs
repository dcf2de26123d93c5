//! Who calls: extractors that read credentials, origins and bodies from a request.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};

use super::error::ApiError;
use super::{State, audit};
use crate::auth::admin::Shown;
use crate::auth::authenticator::{Judgement, Refusal};
use crate::auth::cookies;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::tenant::Tenant;
use crate::proto::engineio::Origin;

const X_ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-key");
const X_TENANT_KEY: HeaderName = HeaderName::from_static("x-tenant-key");
const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// Any of these shows that a proxy stands in between.
const FORWARDED: &[&str] =
    &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

impl FromRequest for State {
    type Error = ApiError;
    type Future = Ready<Result<State, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<State>().cloned();
        ready(state.ok_or_else(|| ClientError::internal().into()))
    }
}

/// A caller that may use the admin REST (contract X-06).
pub struct Admin {
    /// The address at the other end.
    pub peer: Option<IpAddr>,
}

impl FromRequest for Admin {
    type Error = ApiError;
    type Future = Ready<Result<Admin, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request))
    }
}

fn admit(request: &HttpRequest) -> Result<Admin, ApiError> {
    let state = request.app_data::<State>().ok_or_else(|| ApiError::from(ClientError::internal()))?;
    // A page of a foreign origin may not use what this machine's own user may.
    check_origin(request, state)?;
    let headers = request.headers();
    let tokens: Vec<String> = header_tokens(headers).collect();
    let admin_keys: Vec<&[u8]> = headers.get_all(X_ADMIN_KEY).map(|key| key.as_bytes()).collect();
    let shown = Shown {
        admin_keys: &admin_keys,
        tokens: &tokens,
        peer: peer(request),
        forwarded: FORWARDED.iter().any(|name| headers.contains_key(*name)),
        host_is_loopback: host(headers).is_some_and(is_loopback_name),
    };
    let admitted = state.shared.admin.admit(&state.services.authenticator.tokens, &shown);
    admitted.inspect_err(|_| audit::refused(state, "admin", shown.peer))?;
    Ok(Admin { peer: shown.peer })
}

/// A caller that shows a tenant's key.
pub struct TenantCaller {
    identity: Arc<Identity>,
    tenant: Arc<Tenant>,
}

impl TenantCaller {
    pub fn tenant(&self) -> &Id {
        &self.tenant.id
    }

    /// Refuses what the key does not list, if it lists anything.
    ///
    /// # Errors
    /// 403.
    pub fn check(&self, permission: &str) -> Result<(), ApiError> {
        if self.identity.permissions.as_ref().is_none_or(|own| own.allows(permission)) {
            return Ok(());
        }
        Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Unauthorized, "Access denied"))
    }
}

impl FromRequest for TenantCaller {
    type Error = ApiError;
    type Future = Ready<Result<TenantCaller, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit_tenant(request))
    }
}

fn admit_tenant(request: &HttpRequest) -> Result<TenantCaller, ApiError> {
    let state = request.app_data::<State>().ok_or_else(|| ApiError::from(ClientError::internal()))?;
    check_origin(request, state)?;
    let identity = check_tenant(request, state)?;
    let tenant = identity.tenant.clone().ok_or_else(ClientError::internal)?;
    Ok(TenantCaller { identity, tenant })
}

/// The address at the other end of the connection, whatever a header claims.
pub fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip())
}

/// Refuses an address that opens connections too fast (contract D-11, D-41).
///
/// # Errors
/// 429.
pub fn check_rate(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    if peer(request).is_none_or(|address| state.shared.addresses.allows(address)) {
        return Ok(());
    }
    let message = "Too many new connections from this address";
    Err(ClientError::new(ErrorCode::RateLimitExceeded, message).into())
}

/// Every token the handshake shows, in order of precedence (O-036): query, `Authorization`,
/// `X-Auth-Token`.
pub fn tokens(request: &HttpRequest) -> Vec<String> {
    let query = query_values(request.query_string(), "token");
    query.chain(header_tokens(request.headers())).collect()
}

/// Whose tenant key the handshake shows (contract X-20). Every key shown must be good, and all of
/// them the same tenant's.
pub fn tenant_key(request: &HttpRequest, state: &State) -> Option<Judgement> {
    let judge = |key: &[u8]| state.services.authenticator.tenant_key(key);
    let headers = request.headers().get_all(X_TENANT_KEY).map(|key| judge(key.as_bytes()));
    let query = query_values(request.query_string(), "tenant_key")
        .filter(|_| state.shared.allow_query_tenant_key)
        .map(|key| judge(key.as_bytes()));
    headers.chain(query).reduce(|first, next| match (first?, next?) {
        (first, next) if first.tenant == next.tenant => Ok(first),
        _ => Err(Refusal::UnknownTenantKey),
    })
}

/// Refuses who shows no tenant's key. Gives who shows one.
///
/// # Errors
/// 401.
pub fn check_tenant(request: &HttpRequest, state: &State) -> Result<Arc<Identity>, ApiError> {
    let reason = match tenant_key(request, state) {
        Some(Ok(identity)) => return Ok(identity),
        Some(Err(refusal)) => refusal,
        None => Refusal::NoTenantKey,
    };
    audit::refused(state, "tenant key", peer(request));
    Err(ClientError::auth_failed(format!("Tenant authentication failed: {reason}")).into())
}

/// The session cookies that a browser has sent along. Good for a handshake, whose page was checked
/// by its origin; nothing else is opened by them (contract X-06). Another cookie of the site may hold
/// any bytes, so only a pair of its own has to be text.
pub fn cookies(request: &HttpRequest) -> Vec<String> {
    let headers = request.headers().get_all(header::COOKIE);
    let pairs = headers.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let texts = pairs.filter_map(|pair| std::str::from_utf8(pair).ok());
    texts.flat_map(cookies::values).map(str::to_owned).collect()
}

/// The tokens in headers. Bytes that are no text are a bad token, not an absent one.
pub fn header_tokens(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let read = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let bearers = headers.get_all(header::AUTHORIZATION).map(read).filter_map(|value| {
        // A scheme without a token is a bad token.
        let (scheme, token) = value.split_once(' ').unwrap_or((&value, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    bearers.chain(headers.get_all(X_AUTH_TOKEN).map(read))
}

/// Refuses a browser page of an origin that is neither listed nor the server's own (contract X-32).
/// CORS does not cover WebSocket, so every transport asks here, or [`origin`].
///
/// # Errors
/// 403.
pub fn check_origin(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    if origin(request, state) == Origin::Accepted {
        return Ok(());
    }
    let message = "This origin is not allowed";
    Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Unauthorized, message))
}

/// What is to be thought of the page that asks. For a transport with its own words of refusal;
/// [`check_origin`] has ours.
pub fn origin(request: &HttpRequest, state: &State) -> Origin {
    judge_origin(request.headers(), &state.shared.origins, &state.shared.ports)
}

/// The same for CORS, which stands in front of the routes. A header that comes twice must be good
/// twice, or it would depend on the reader which page asks.
pub(super) fn judge_origin(headers: &HeaderMap, listed: &[String], ports: &[u16]) -> Origin {
    let is_allowed = |origin: &str| {
        let is_listed = listed.iter().any(|listed| listed.eq_ignore_ascii_case(origin));
        is_listed || is_own(origin, headers, ports)
    };
    let mut judgement = Origin::Accepted;
    for origin in headers.get_all(header::ORIGIN) {
        match origin.to_str() {
            Ok(origin) if is_allowed(origin) => {}
            Ok(_) => judgement = Origin::Refused,
            Err(_) => return Origin::Garbled,
        }
    }
    judgement
}

/// Whether `origin` is a page of the very host and port the request was sent to, or of that host on
/// another of our ports.
fn is_own(origin: &str, headers: &HeaderMap, ports: &[u16]) -> bool {
    let (authority, default_port) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
        (Some(authority), _) => (authority, 80),
        (_, Some(authority)) => (authority, 443),
        _ => return false,
    };
    let Some(sent_to) = text(headers, &header::HOST) else { return false };
    if authority.eq_ignore_ascii_case(sent_to) {
        return true;
    }
    let name = without_port(authority);
    let port = match authority[name.len()..].strip_prefix(':') {
        Some(port) => port.parse().ok(),
        None => Some(default_port),
    };
    name.eq_ignore_ascii_case(without_port(sent_to)) && port.is_some_and(|port| ports.contains(&port))
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

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The first value of `name` in a query string, decoded.
pub fn query_value(query: &str, name: &str) -> Option<String> {
    query_values(query, name).next()
}

fn query_values(query: &str, name: &str) -> impl Iterator<Item = String> {
    let pairs = Query::<Vec<(String, String)>>::from_query(query).map(Query::into_inner);
    pairs.unwrap_or_default().into_iter().filter(move |(key, _)| key == name).map(|(_, value)| value)
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
    fn an_origin_is_garbled_only_where_it_is_no_text() {
        use Origin::{Accepted, Garbled, Refused};
        const LISTED: &[u8] = b"https://dash.example";
        let table: [(&[&[u8]], Origin); 12] = [
            (&[], Accepted),
            (&[LISTED], Accepted),
            (&[b"HTTPS://Dash.Example"], Accepted),
            (&[b"http://own.example:8001"], Accepted),
            (&[LISTED, b"http://own.example"], Accepted),
            (&[b"https://evil.example"], Refused),
            (&[b""], Refused),
            // RFC 6454 has lists of origins, so a space is in its place, if not welcome.
            (&[b"https://dash.example https://dash.example"], Refused),
            (&[LISTED, b"https://evil.example"], Refused),
            (&[b"https://evil.example", LISTED], Refused),
            (&[b"https://dash.example\xff"], Garbled),
            (&[b"https://evil.example", b"\xc3\xa9", LISTED], Garbled),
        ];
        for (origins, judgement) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("own.example:8000"));
            for origin in origins {
                headers.append(header::ORIGIN, HeaderValue::from_bytes(origin).unwrap());
            }
            let judged = judge_origin(&headers, &["https://dash.example".to_owned()], &[80, 8000, 8001]);
            assert_eq!(judged, judgement, "{origins:?}");
        }
    }

    #[test]
    fn a_query_value_is_decoded() {
        assert_eq!(query_value("a=1&token=a%2Bb%20c", "token").as_deref(), Some("a+b c"));
        assert_eq!(query_value("a=1", "token"), None);
    }
}
