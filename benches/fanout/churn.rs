//! Clients that come and go while a room is published to: each connects, greets, joins a room and leaves the server.
//!
//! Open loop, so many a second. Every other one speaks Socket.IO; half say goodbye and wait for the answer, half are
//! just gone. A handshake or a goodbye that is not answered as it should be spoils the run.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::interval;

use crate::counters::{self, Counters};
use crate::greeting::{self, Dialect, Stage};
use crate::options::Setup;
use crate::pace::{Latencies, Room};
use crate::process::Server;
use crate::void::{During, Result, Void, within};

/// Visits a second.
pub const RATE: u32 = 500;
/// Rooms that visitors join, none of them the one that is published to.
const POOL: usize = 100;
/// Visits before anything is compared: the server's maps, pools and caches grow to their size in them.
const WARM_UP: Duration = Duration::from_secs(5);
/// Visits under way at once, at most: beyond that the server does not keep up.
const BEHIND: usize = 2000;
const LIMIT: Duration = Duration::from_secs(15);

pub struct Churn {
    pub clients: usize,
    pub visits: usize,
    /// From the first to the last.
    pub span: Duration,
    pub before: Latencies,
    pub during: Latencies,
    pub after: Latencies,
    /// Resident bytes.
    pub memory: [u64; 2],
    pub counters: [Counters; 2],
    /// How long after the last visit the counters were looked at.
    pub settled: Duration,
}

/// # Errors
/// [`Void`] when a visitor or a broadcast is lost, or the server does not keep up.
pub async fn measure(setup: &Setup) -> Result<Churn> {
    let server = setup.start_product()?;
    let mut room = Room::open(&server, setup.crowd).await?;
    let quiet = || async {
        tokio::time::sleep(setup.calm).await;
        Ok(())
    };
    room.during(visits(&server, WARM_UP)).await?;
    let counted = counters::quiet(&server, room.connections()).await?;
    let resident = counters::settled(&server).await?;
    let ((), before) = room.during(quiet()).await?;
    let ((visits, span), during) = room.during(visits(&server, setup.churn)).await?;
    let ((), after) = room.during(quiet()).await?;
    let (counted_after, settled) = counters::back(&server, &counted).await?;
    let memory = [resident, counters::settled(&server).await?];
    let counters = [counted, counted_after];
    Ok(Churn { clients: setup.crowd, visits, span, before, during, after, memory, counters, settled })
}

/// So many a second for so long. Gives how many there were, and how long they took.
async fn visits(server: &Server, span: Duration) -> Result<(usize, Duration)> {
    let mut due = interval(Duration::from_secs(1) / RATE);
    let start = Instant::now();
    let (mut visitors, mut count) = (JoinSet::new(), 0);
    while start.elapsed() < span {
        due.tick().await;
        visitors.spawn_local(visit(server.address, count));
        count += 1;
        while let Some(gone) = visitors.try_join_next() {
            gone.during("a visit")??;
        }
        if visitors.len() > BEHIND {
            return Err(Void::new(format!("{BEHIND} visits under way: the server does not keep up")));
        }
    }
    while let Some(gone) = visitors.join_next().await {
        gone.during("a visit")??;
    }
    Ok((count, start.elapsed()))
}

async fn visit(address: std::net::SocketAddr, number: usize) -> Result<()> {
    let dialect = if number.is_multiple_of(2) { Dialect::Plain } else { Dialect::SocketIo };
    let stage = Stage::Joined(1 + number % POOL);
    let visitor = greeting::open(address, dialect, stage, number).await?;
    if number % 4 < 2 {
        within(LIMIT, "a goodbye", visitor.socket.close()).await?;
    }
    Ok(())
}
