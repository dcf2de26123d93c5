//! The admin REST from outside: who may call, what may be said, to whom, and what every answer looks
//! like (contract sections 7.2 and 8).

mod acknowledgements;
mod bodies;
mod connection;
mod credentials;
mod cross_origin;
mod figures;
mod forgetting;
mod kicks;
mod notifications;
mod own_pages;
mod paths;
mod refusals;
mod shortcuts;
mod statistics;
mod targets;
mod vocabulary;

use std::net::SocketAddr;

use crate::support::http::{self, Answer};

const BROADCAST: &str = "/api/ws/broadcast";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Every admin route with its method and a body it accepts, and what an admin gets. Of the broadcasts, only
/// the first reaches anybody.
const ADMIN_ROUTES: &[(&str, &str, &str, u16)] = &[
    ("POST", BROADCAST, r#"{"type":"custom:admin","data":1}"#, 200),
    ("POST", "/api/ws/broadcast/kpi", r#"{"organization_id":"nobodys"}"#, 200),
    ("POST", "/api/ws/broadcast/backlog", r#"{"organization_id":"nobodys"}"#, 200),
    ("POST", "/api/ws/broadcast/attendance", r#"{"organization_id":"nobodys"}"#, 200),
    ("POST", "/api/ws/broadcast/alert", r#"{"organization_id":"nobodys"}"#, 200),
    ("GET", "/api/ws/broadcasts/unknown", "", 404),
    ("GET", "/api/ws/status", "", 200),
    ("GET", "/api/ws/rooms", "", 200),
    ("GET", "/api/ws/stats", "", 200),
    ("GET", "/api/ws/connections", "", 200),
    ("GET", "/api/ws/connections/nobody", "", 404),
    ("DELETE", "/api/ws/connections/nobody", "", 404),
    ("GET", "/api/v1/websocket/stats", "", 200),
];

/// POSTs a text as JSON to the broadcast route.
async fn post(address: SocketAddr, body: &str) -> Answer {
    http::request(address, "POST", BROADCAST, &[JSON], body.as_bytes()).await
}
