//! What a connection costs before anything is sent: resident memory, and the CPU of its handshake.
//!
//! Every figure has a fresh server, because a process that once held 5,000 connections never gives all of it back. A
//! first connection of the kind is open before anything is read.

use std::time::Duration;

use crate::greeting::{self, Dialect, Stage, Subscriber};
use crate::options::Setup;
use crate::polling::{Extent, Pollers};
use crate::process::Server;
use crate::usage::{CpuReading, resident};
use crate::void::Result;

/// Time for a server to finish what start or the last handshake left, such as freed pages going back to the kernel.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Socket(Dialect, Stage),
    Polling(Extent),
}

pub struct Connections {
    pub kind: Kind,
    pub count: usize,
    /// Growth of `VmRSS`, in bytes per connection.
    pub memory: f64,
    pub handshakes_per_cpu_second: f64,
}

/// What holds the connections open.
enum Held {
    Sockets(Vec<Subscriber>),
    Pollers(Pollers),
}

/// Opens `count` connections to a fresh server.
///
/// # Errors
/// [`crate::void::Void`] when the server does not start, or not every connection opens.
pub async fn measure(setup: &Setup, kind: Kind, count: usize) -> Result<Connections> {
    let server = match kind {
        Kind::Socket(Dialect::Floor, _) => setup.start_floor(1, &[])?,
        _ => setup.start_product()?,
    };
    // With the first one comes the part of the program that such clients need; that is nobody's share.
    let _first = open(&server, kind, 1).await?;
    tokio::time::sleep(SETTLE).await;
    let (empty, before) = (resident(server.pid())?, CpuReading::of(server.pid())?);
    let held = open(&server, kind, count).await?;
    let cpu = CpuReading::of(server.pid())?.since(&before);
    tokio::time::sleep(SETTLE).await;
    let grown = resident(server.pid())?.saturating_sub(empty);
    match held {
        Held::Sockets(sockets) => drop(sockets),
        Held::Pollers(pollers) => pollers.verify(count + 1).await?,
    }
    Ok(Connections {
        kind,
        count,
        memory: grown as f64 / count as f64,
        handshakes_per_cpu_second: count as f64 / cpu.run.as_secs_f64(),
    })
}

async fn open(server: &Server, kind: Kind, count: usize) -> Result<Held> {
    match kind {
        Kind::Socket(dialect, stage) => {
            let dialects = std::iter::repeat_n(dialect, count);
            greeting::connect(server.address, dialects, stage).await.map(Held::Sockets)
        }
        Kind::Polling(extent) => Pollers::open(server.address, count, extent).await.map(Held::Pollers),
    }
}
