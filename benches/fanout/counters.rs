//! What a server says of itself, and what `/proc` says of it: to be the same when everyone has gone.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Client};
use crate::process::Server;
use crate::usage::resident;
use crate::void::{During, Result, Void};

/// How long the last ones may take to be forgotten.
const LIMIT: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(100);
/// Time for freed pages to go back to the kernel.
const SETTLE: Duration = Duration::from_secs(2);

/// All that are open or closing, and those with a socket.
const CONNECTIONS: [&str; 2] = ["connections", "active_connections"];

/// The figures that must come back, with the names that the server gives them.
pub type Counters = Vec<(&'static str, u64)>;

/// # Errors
/// [`crate::void::Void`] when the server does not answer.
pub async fn read(server: &Server) -> Result<Counters> {
    let mut client = Client::connect(server.address).await?;
    let health = ask(&mut client, "/health").await?;
    let stats = ask(&mut client, "/api/ws/stats").await?;
    let rooms = ask(&mut client, "/api/ws/rooms").await?;
    let files = fs::read_dir(format!("/proc/{}/fd", server.pid())).during("counting open files")?.count();
    let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
    Ok(vec![
        (CONNECTIONS[0], number(&health["connections"])),
        (CONNECTIONS[1], number(&stats["stats"]["active_connections"])),
        ("active_rooms", number(&stats["stats"]["active_rooms"])),
        ("total_count of rooms", number(&rooms["total_count"])),
        ("error_count", number(&stats["stats"]["error_count"])),
        ("open files", files as u64),
    ])
}

/// Reads them once there are only so many connections, none that is still closing among them, and they stay the same.
///
/// # Errors
/// [`crate::void::Void`] as [`read`], or when there are still others after a while.
pub async fn quiet(server: &Server, connections: usize) -> Result<Counters> {
    let start = Instant::now();
    let mut last = read(server).await?;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = read(server).await?;
        let mut counts = now.iter().filter(|(name, _)| CONNECTIONS.contains(name));
        if now == last && counts.all(|(_, count)| *count == connections as u64) {
            return Ok(now);
        }
        if start.elapsed() > LIMIT {
            return Err(Void::new(format!("{connections} connections should be left: {now:?}")));
        }
        last = now;
    }
}

async fn ask(client: &mut Client, target: &str) -> Result<Value> {
    serde_json::from_slice(&client.ask(&http::get(target)).await?).during(target)
}

/// Waits until the counters are `before` again, or gives them as they then are.
///
/// # Errors
/// [`crate::void::Void`] as [`read`].
pub async fn back(server: &Server, before: &Counters) -> Result<(Counters, Duration)> {
    let start = Instant::now();
    loop {
        let now = read(server).await?;
        if now == *before || start.elapsed() > LIMIT {
            return Ok((now, start.elapsed()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Resident bytes, once it is quiet.
///
/// # Errors
/// [`crate::void::Void`] when the process is gone.
pub async fn settled(server: &Server) -> Result<u64> {
    tokio::time::sleep(SETTLE).await;
    resident(server.pid())
}
