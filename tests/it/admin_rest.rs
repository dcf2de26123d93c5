//! The admin REST from outside: who may call, what may be said, to whom, and what every answer looks
//! like (contract sections 7.2 and 8).

mod acknowledgements;
mod bodies;
mod connection;
mod credentials;
mod cross_origin;
mod figures;
mod kicks;
mod notifications;
mod own_pages;
mod paths;
mod refusals;
mod statistics;
mod targets;
mod vocabulary;

use std::net::SocketAddr;

use crate::support::http::{self, Answer};

const BROADCAST: &str = "/api/ws/broadcast";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Every admin route with its method and a body it accepts.
const ADMIN_ROUTES: &[(&str, &str, &str)] = &[
    ("POST", BROADCAST, r#"{"type":"custom:admin","data":1}"#),
    ("GET", "/api/ws/status", ""),
    ("GET", "/api/ws/rooms", ""),
    ("GET", "/api/ws/stats", ""),
    ("GET", "/api/ws/connections", ""),
    ("GET", "/api/v1/websocket/stats", ""),
];

/// POSTs a text as JSON to the broadcast route.
async fn post(address: SocketAddr, body: &str) -> Answer {
    http::request(address, "POST", BROADCAST, &[JSON], body.as_bytes()).await
}
