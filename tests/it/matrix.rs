//! Who may do what, cell by cell: trust level by verb by room, credential by profile, event by sender,
//! over every transport (contract sections 6, 7 and 9).
//!
//! The tables are written by hand from the contract, never from the code that is tested. A refused
//! cell must have the documented code and leave everything as it was; a granted one must have its
//! effect. Each walk says how many cells it has, so that none is skipped unnoticed.

mod admin_events;
mod catalogue;
mod channels;
mod connecting;
mod credentials;
mod deadlines;
mod events;
mod hierarchy;
mod peer;
mod rooms;
mod rooms_table;
mod signing_in;

use serde_json::Value;

use crate::support::TestServer;

/// A walk asks faster than any client may.
const UNHURRIED: (&str, &str) = ("RATE_LIMIT_MESSAGES_PER_SECOND", "100000");

const KEY: &str = "demo-tenant-key-1";

/// A server on a clock that stands still.
fn unhurried() -> TestServer {
    TestServer::by_hand(&[UNHURRIED])
}

/// The name and the members of every room there is, as an admin sees them.
async fn rooms_of(server: &TestServer) -> Vec<(String, u64)> {
    let body = server.get("/api/ws/rooms").await.json();
    let rooms = body["rooms"].as_array().expect("a list of rooms");
    let count = |room: &Value| (text(&room["room_id"]), room["member_count"].as_u64().expect("a number"));
    let mut counts: Vec<(String, u64)> = rooms.iter().map(count).collect();
    counts.sort();
    counts
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
