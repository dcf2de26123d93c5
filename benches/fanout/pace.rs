//! A room that is published to at a steady pace while something else goes on.
//!
//! A client in the room publishes: a POST would leave entries in the store, and what these take is no matter of who comes
//! and goes. Open loop: a broadcast that is late because the one before took long is counted from when it was due, not from when
//! it was sent.

use std::cell::Cell;
use std::process;
use std::time::{Duration, Instant};

use tokio::time::interval;

use crate::greeting::{self, Dialect, Stage};
use crate::process::Server;
use crate::publisher::{By, Publisher};
use crate::subscribers::{Audience, first_frames};
use crate::usage::{Cpu, CpuReading};
use crate::void::{Result, within};

/// Broadcasts a second.
pub const RATE: u32 = 50;
/// Bytes of the JSON text that varies.
pub const PAYLOAD: usize = 64;
const LIMIT: Duration = Duration::from_secs(15);
/// What a timer may be late by itself.
const SLACK: Duration = Duration::from_millis(2);

pub struct Room {
    server: u32,
    audience: Audience,
    publisher: Publisher,
}

/// How long broadcasts took from when they were due to their last subscriber, and who had the cores meanwhile.
pub struct Latencies {
    /// Shortest first.
    sorted: Vec<Duration>,
    /// Of server and load generator.
    cpu: [Cpu; 2],
}

impl Latencies {
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Of the time that server and load generator could run, how much others had their cores, in percent.
    pub fn waited(&self) -> [f64; 2] {
        self.cpu.map(|Cpu { run, wait }| 100.0 * wait.as_secs_f64() / (run + wait).as_secs_f64())
    }

    /// In milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = self.sorted.len().saturating_sub(1) * percent / 100;
        self.sorted.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

impl Room {
    /// A room of so many plain clients.
    ///
    /// # Errors
    /// [`crate::void::Void`] when one of them does not get in, or not the first broadcast.
    pub async fn open(server: &Server, clients: usize) -> Result<Self> {
        let dialects = std::iter::repeat_n(Dialect::Plain, clients);
        let mut subscribers = greeting::connect(server.address, dialects, Stage::Joined(0)).await?;
        let text = By::Session.text(PAYLOAD)?;
        let mut publisher = Publisher::session(server.address, 1, &text).await?;
        within(LIMIT, "the answer to a broadcast", publisher.publish(0, clients)).await?;
        let frames = first_frames(&mut subscribers).await?;
        Ok(Self { server: server.pid(), audience: Audience::seat(subscribers, &frames)?, publisher })
    }

    /// To the server, of subscribers and publisher.
    pub fn connections(&self) -> usize {
        self.audience.size() + 1
    }

    /// Publishes for as long as `work` goes on.
    ///
    /// # Errors
    /// [`crate::void::Void`] when a broadcast is lost, or of the work.
    pub async fn during<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<(T, Latencies)> {
        let read = |pid| [CpuReading::of(pid), CpuReading::of(process::id())];
        let before = read(self.server);
        let is_done = Cell::new(false);
        let work = async {
            let done = work.await;
            is_done.set(true);
            done
        };
        let mut latencies = Vec::new();
        let publishing = async {
            let mut due = interval(Duration::from_secs(1) / RATE);
            while !is_done.get() {
                // Where one was late the next come at once, each with the time at which it was due.
                let due = due.tick().await.into_std();
                let start = Instant::now().min(due + SLACK);
                let number = self.audience.announce();
                let answer = self.publisher.publish(0, self.audience.size());
                within(LIMIT, "the answer to a broadcast", answer).await?;
                let delivered = self.audience.delivered(number).await?;
                latencies.push(delivered.saturating_duration_since(start));
            }
            self.audience.verify()
        };
        let (done, ()) = tokio::try_join!(work, publishing)?;
        latencies.sort_unstable();
        let [server, load] = before;
        let [server_now, load_now] = read(self.server);
        let cpu = [server_now?.since(&server?), load_now?.since(&load?)];
        Ok((done, Latencies { sorted: latencies, cpu }))
    }
}
