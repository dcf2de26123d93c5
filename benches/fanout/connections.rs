//! What a connection costs before anything is sent: resident memory, and the CPU of its handshake.
//!
//! Every figure has a fresh server, because a process that once held 5,000 connections never gives all of it back.

use std::time::Duration;

use crate::options::Setup;
use crate::process::Server;
use crate::subscribers::{self, Greeting};
use crate::usage::{CpuReading, resident};
use crate::void::Result;

/// Time for a server to finish what start or the last handshake left, such as freed pages going back to the kernel.
const SETTLE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Idle,
    Joined,
    Floor,
}

pub struct Connections {
    pub kind: Kind,
    pub count: usize,
    /// Growth of `VmRSS`, in bytes per connection.
    pub memory: f64,
    pub handshakes_per_cpu_second: f64,
}

/// Opens `count` connections to a fresh server.
///
/// # Errors
/// [`crate::void::Void`] when the server does not start, or not every connection opens.
pub async fn measure(setup: &Setup, kind: Kind, count: usize) -> Result<Connections> {
    let (server, greeting) = start(setup, kind)?;
    tokio::time::sleep(SETTLE).await;
    let (empty, before) = (resident(server.pid())?, CpuReading::of(server.pid())?);
    let sockets = subscribers::connect(server.address, count, greeting).await?;
    let cpu = CpuReading::of(server.pid())?.since(&before);
    tokio::time::sleep(SETTLE).await;
    let grown = resident(server.pid())?.saturating_sub(empty);
    drop(sockets);
    Ok(Connections {
        kind,
        count,
        memory: grown as f64 / count as f64,
        handshakes_per_cpu_second: count as f64 / cpu.run.as_secs_f64(),
    })
}

fn start(setup: &Setup, kind: Kind) -> Result<(Server, Greeting)> {
    match kind {
        Kind::Idle => Ok((setup.start_product()?, Greeting::Established)),
        Kind::Joined => Ok((setup.start_product()?, Greeting::Joined)),
        Kind::Floor => Ok((setup.start_floor(&[])?, Greeting::Upgrade)),
    }
}
