//! Dashboards of 4 KiB to clients that negotiated permessage-deflate, beside clients that did not and beside `ws` on
//! Node.js, which deflates for each client anew.
//!
//! Every broadcast has another text, so nobody can keep what an earlier one cost, and in each room one client inflates
//! all it gets and compares it with what was sent. Without Node.js or `ws` the product is measured alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::contestant::{Contestant, Round, Turn, finish, take_turns};
use crate::greeting::{Dialect, Stage, connect_offering};
use crate::options::Setup;
use crate::process::Server;
use crate::usage::resident;
use crate::void::Result;
use crate::websocket::Offer;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fanout/ws_peer.mjs");
/// As the client tests install it, in the version they pin.
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/node_modules/ws");
/// Time for a server to finish what start or the last handshake left.
const SETTLE: Duration = Duration::from_millis(500);

/// Who hands out the dashboards, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Product(Dialect, Offer),
    /// `ws` on Node.js, to clients that negotiated.
    Peer,
}

const PRODUCT: [Room; 4] = [
    Room::Product(Dialect::Plain, Offer::Nothing),
    Room::Product(Dialect::Plain, Offer::Deflate),
    Room::Product(Dialect::SocketIo, Offer::Nothing),
    Room::Product(Dialect::SocketIo, Offer::Deflate),
];

pub struct Measured {
    pub room: Room,
    /// The i-th of each room ran one after the other.
    pub rounds: Vec<Round>,
    /// Growth of `VmRSS` in bytes per connection, when all have joined.
    pub idle: f64,
    /// The same after all rounds.
    pub used: f64,
}

pub struct Dashboards {
    pub clients: usize,
    pub rooms: Vec<Measured>,
    /// What the peer is, or why there is none.
    pub peer: std::result::Result<String, String>,
}

/// # Errors
/// [`crate::void::Void`] of whatever spoils it; that there is no peer does not.
pub async fn measure(setup: &Setup) -> Result<Dashboards> {
    let peer = find_peer();
    let rooms = PRODUCT.into_iter().chain(peer.is_ok().then_some(Room::Peer));
    let (mut contestants, mut memories) = (Vec::new(), Vec::new());
    for room in rooms.clone() {
        let (contestant, memory) = open(setup, room).await?;
        contestants.push(contestant);
        memories.push(memory);
    }
    let turns = Turn::each(setup, contestants.len());
    let rounds = take_turns(setup, &mut contestants, &turns).await?;
    let each = |grown: u64| grown as f64 / setup.deflated as f64;
    let mut measured = Vec::new();
    for (((room, rounds), contestant), memory) in rooms.zip(rounds).zip(&contestants).zip(memories) {
        let now = resident(contestant.server.pid())?;
        measured.push(Measured {
            room,
            rounds,
            idle: each(memory.idle.saturating_sub(memory.empty)),
            used: each(now.saturating_sub(memory.empty)),
        });
    }
    finish(contestants).await?;
    Ok(Dashboards { clients: setup.deflated, rooms: measured, peer })
}

/// Resident bytes of a server without connections, and with all of them before the first broadcast.
struct Memory {
    empty: u64,
    idle: u64,
}

async fn open(setup: &Setup, room: Room) -> Result<(Contestant, Memory)> {
    let (server, dialect, offer, at_most) = match room {
        Room::Product(dialect, offer) => (setup.start_product()?, dialect, offer, usize::MAX),
        Room::Peer => {
            (setup.start_node(SCRIPT, LIBRARY)?, Dialect::Floor, Offer::Deflate, setup.peer_broadcasts)
        }
    };
    // With the first one comes the part of the program that such clients need; that is nobody's share.
    drop(connect_offering(server.address, [dialect], Stage::Joined(0), offer).await?);
    let empty = settled(&server).await?;
    let dialects = std::iter::repeat_n(dialect, setup.deflated);
    let subscribers = connect_offering(server.address, dialects, Stage::Joined(0), offer).await?;
    let idle = settled(&server).await?;
    let contestant = Contestant::of_dashboards(server, subscribers, at_most).await?;
    Ok((contestant, Memory { empty, idle }))
}

async fn settled(server: &Server) -> Result<u64> {
    tokio::time::sleep(SETTLE).await;
    resident(server.pid())
}

/// The versions of Node.js and `ws`, or what is missing.
fn find_peer() -> std::result::Result<String, String> {
    let node = Command::new("node").arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let node = node.ok().filter(|ended| ended.status.success()).ok_or("there is no Node.js here")?;
    let manifest = fs::read_to_string(Path::new(LIBRARY).join("package.json"));
    let manifest = manifest.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let library = manifest.as_ref().and_then(|manifest| manifest["version"].as_str());
    let library = library.ok_or("`ws` is not installed: npm ci --prefix tests/clients")?;
    Ok(format!("ws {library} on Node.js {}", String::from_utf8_lossy(&node.stdout).trim()))
}
