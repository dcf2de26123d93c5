//! How many publications a second one keep-alive connection gets accepted, into a room of one.
//!
//! Closed loop: the next POST is sent when the last one is answered; what became of it at the subscriber is checked at
//! the end of a round. Beside it the same with several POSTs under way on the connection, a session's updates, the
//! floor's triggers, which are what a round trip costs here, and a bare loop of synced writes where the server keeps its
//! store: each POST leaves an entry in the audit trail.

use std::fs::File;
use std::io::{Seek, Write};
use std::time::{Duration, Instant};
use std::{env, process};

use crate::contestant::Round;
use crate::greeting::{self, Dialect, Stage};
use crate::http::Client;
use crate::options::Setup;
use crate::process::Server;
use crate::publisher::{By, Publisher, check_answer, post};
use crate::subscribers::{Audience, first_frames};
use crate::usage::CpuReading;
use crate::void::{During, Result, Void, within};

/// Bytes of the JSON text that varies.
pub const PAYLOAD: usize = 64;
/// POSTs under way at once where there are several.
pub const PIPELINED: usize = 16;
const LIMIT: Duration = Duration::from_secs(60);
const SYNCS: usize = 200;
/// As SQLite writes pages.
const PAGE: [u8; 4096] = [b'x'; 4096];

/// Who asks, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Post,
    Pipelined,
    Session,
    Floor,
}

impl Way {
    const ALL: [Way; 4] = [Way::Post, Way::Pipelined, Way::Session, Way::Floor];
}

pub struct Posts {
    /// The i-th rounds of all ran one after the other.
    pub ways: Vec<(Way, Vec<Round>)>,
    /// Synced writes a second, a figure for each round.
    pub syncs: Vec<f64>,
}

/// # Errors
/// [`Void`] when a publication is refused or does not reach the subscriber exactly once.
pub async fn measure(setup: &Setup) -> Result<Posts> {
    let mut desks = Vec::new();
    let mut frame = Vec::new();
    for way in Way::ALL {
        let desk = Desk::open(setup, way, &mut frame).await?;
        desks.push((desk, Vec::new()));
    }
    let mut syncs = Vec::new();
    for number in 0..=setup.rounds {
        for (desk, rounds) in &mut desks {
            let round = within(LIMIT, "a round of posts", desk.round(setup.posting)).await?;
            // The first one warms up.
            if number > 0 {
                rounds.push(round);
            }
        }
        if number > 0 {
            syncs.push(syncs_per_second()?);
        }
    }
    let ways = desks.into_iter().map(|(desk, rounds)| (desk.way, rounds)).collect();
    Ok(Posts { ways, syncs })
}

/// A server, its one subscriber, and who asks.
struct Desk {
    way: Way,
    server: Server,
    audience: Audience,
    asker: Asker,
}

enum Asker {
    Publisher(Publisher),
    /// The connection and what is sent on it.
    Pipeline(Client, String),
}

impl Desk {
    /// The floor writes the `frame` that was heard last.
    async fn open(setup: &Setup, way: Way, frame: &mut Vec<u8>) -> Result<Self> {
        let server = match way {
            Way::Floor => setup.start_floor(1, frame)?,
            _ => setup.start_product()?,
        };
        let dialect = if way == Way::Floor { Dialect::Floor } else { Dialect::Plain };
        let text = By::Post.text(PAYLOAD)?;
        let mut publisher = match way {
            Way::Post | Way::Pipelined => Publisher::backend(server.address, 1, &text),
            Way::Session => Publisher::session(server.address, 1, &By::Session.text(PAYLOAD)?).await?,
            Way::Floor => {
                Publisher::triggers(server.address, 1).await?.pop().ok_or_else(|| Void::new("no trigger"))?
            }
        };
        // Only now, when the floor knows which connection is the publisher's.
        let mut subscribers = greeting::connect(server.address, [dialect], Stage::Joined(0)).await?;
        within(LIMIT, "the answer to a broadcast", publisher.publish(0, 1)).await?;
        let frames = first_frames(&mut subscribers).await?;
        *frame = frames.get(&dialect).map_or_else(Vec::new, |frame| frame.to_vec());
        let asker = match way {
            Way::Pipelined => Asker::Pipeline(Client::connect(server.address).await?, post(0, &text)),
            _ => Asker::Publisher(publisher),
        };
        Ok(Self { way, server, audience: Audience::seat(subscribers, &frames)?, asker })
    }

    async fn round(&mut self, span: Duration) -> Result<Round> {
        let received = self.audience.received();
        let (before, start) = (CpuReading::of(self.server.pid())?, Instant::now());
        let mut latencies = Vec::new();
        let mut last = None;
        match &mut self.asker {
            Asker::Publisher(publisher) => {
                while start.elapsed() < span {
                    last = Some(self.audience.announce());
                    let asked = Instant::now();
                    publisher.publish(0, 1).await?;
                    latencies.push(asked.elapsed());
                }
            }
            Asker::Pipeline(client, request) => {
                let mut waiting = std::collections::VecDeque::with_capacity(PIPELINED);
                loop {
                    while waiting.len() < PIPELINED && start.elapsed() < span {
                        last = Some(self.audience.announce());
                        waiting.push_back(Instant::now());
                        client.send(request).await?;
                    }
                    let Some(asked) = waiting.pop_front() else { break };
                    check_answer(&client.answer().await?, 1)?;
                    latencies.push(asked.elapsed());
                }
            }
        }
        let elapsed = start.elapsed();
        if let Some(last) = last {
            self.audience.delivered(last).await?;
        }
        self.audience.verify()?;
        let cpu = CpuReading::of(self.server.pid())?.since(&before);
        let bytes = self.audience.received() - received;
        Ok(Round { cpu, elapsed, deliveries: latencies.len(), bytes, latencies })
    }
}

/// A page of a file that is there, written and synced, again and again.
fn syncs_per_second() -> Result<f64> {
    let path = env::temp_dir().join(format!("switchboard-fanout-{}-syncs", process::id()));
    let what = "writing synced pages";
    let mut file = File::create(&path).during(what)?;
    let made = (0..SYNCS).try_for_each(|_| file.write_all(&PAGE)).and_then(|()| file.sync_all());
    made.and_then(|()| file.rewind()).during(what)?;
    let start = Instant::now();
    let written = (0..SYNCS).try_for_each(|_| file.write_all(&PAGE).and_then(|()| file.sync_data()));
    let elapsed = start.elapsed();
    // Best effort: a leftover file in /tmp falsifies no figure.
    let _ = std::fs::remove_file(&path);
    written.during(what)?;
    Ok(SYNCS as f64 / elapsed.as_secs_f64())
}
