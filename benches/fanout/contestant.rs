//! One server with everyone who talks to it, and what it uses while it hands out broadcasts.
//!
//! Closed loop: a publisher starts again only when everyone has its last broadcast. A contestant is silent while
//! another is measured, so all of a comparison can be open at once and take turns.

use std::cell::{Cell as Counter, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::dashboard;
use crate::frames::{Inflater, text_of_frame};
use crate::greeting::{self, Dialect, Stage, Subscriber};
use crate::options::Setup;
use crate::process::Server;
use crate::publisher::{Publisher, metric_update};
use crate::subscribers::{Audience, Frames, first_frames};
use crate::usage::{Cpu, CpuReading};
use crate::void::{Result, Void, within};
use crate::websocket::frame_lengths;

const ANSWER_LIMIT: Duration = Duration::from_secs(15);
const WARM_UP: usize = 20;
/// Time for a byte too many to arrive before the last look.
const AFTERMATH: Duration = Duration::from_millis(200);

/// What one contestant did in one round.
pub struct Round {
    /// Of all server threads.
    pub cpu: Cpu,
    elapsed: Duration,
    deliveries: usize,
    /// That came in at the subscribers.
    bytes: u64,
    /// From the publication to the last subscriber, one per broadcast.
    latencies: Vec<Duration>,
}

impl Round {
    /// Microseconds of server CPU per delivered message.
    pub fn cost(&self) -> f64 {
        self.cpu.run.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    /// Bytes on the wire per delivered message, the frame's head included.
    pub fn frame_length(&self) -> f64 {
        self.bytes as f64 / self.deliveries as f64
    }

    pub fn deliveries_per_second(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    pub fn latencies(&self) -> &[Duration] {
        &self.latencies
    }
}

pub struct Contestant {
    pub server: Server,
    audience: Audience,
    publishers: Vec<Publisher>,
    /// The first broadcast, as it was on the wire.
    pub frames: Frames,
    /// Broadcasts of a round at most: one that is much dearer than the others needs not so many.
    at_most: usize,
    /// If another text is published every time.
    witness: Option<Witness>,
}

impl Contestant {
    /// A fresh server of the product with a room of `dialects`; `payload` is the length of the JSON text of `data`.
    ///
    /// # Errors
    /// [`Void`] when someone does not get in, or the first broadcast does not reach all as it should.
    pub async fn product(
        setup: &Setup,
        dialects: impl IntoIterator<Item = Dialect>,
        payload: usize,
        publishers: usize,
    ) -> Result<Self> {
        let server = setup.start_product()?;
        let data = metric_update(payload)?;
        let backends = (0..publishers).map(|_| Publisher::backend(server.address, &data)).collect();
        let product = Self::seat(server, dialects, backends).await?;
        for (dialect, frame) in &product.frames {
            greeting::expect_broadcast(*dialect, frame, &data)?;
        }
        Ok(product)
    }

    /// A floor that writes `frame` to `clients` sockets.
    ///
    /// # Errors
    /// [`Void`] as of [`Contestant::product`].
    pub async fn floor(setup: &Setup, frame: &[u8], clients: usize, publishers: usize) -> Result<Self> {
        let server = setup.start_floor(frame)?;
        let triggers = Publisher::triggers(server.address, publishers).await?;
        let floor = Self::seat(server, std::iter::repeat_n(Dialect::Floor, clients), triggers).await?;
        if floor.frames.values().any(|written| written != frame) {
            return Err(Void::new("the floor writes another frame than the product"));
        }
        Ok(floor)
    }

    async fn seat(
        server: Server,
        dialects: impl IntoIterator<Item = Dialect>,
        mut publishers: Vec<Publisher>,
    ) -> Result<Self> {
        let mut subscribers = greeting::connect(server.address, dialects, Stage::Joined).await?;
        let answer = publishers[0].publish(subscribers.len());
        within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
        let frames = first_frames(&mut subscribers).await?;
        let audience = Audience::seat(subscribers, &frames)?;
        Ok(Self { server, audience, publishers, frames, at_most: usize::MAX, witness: None })
    }

    /// A server whose `subscribers` are sent dashboards, another one every time, and the first of them reads what it
    /// gets.
    ///
    /// # Errors
    /// [`Void`] when the first broadcast does not reach all alike, and as it was published.
    pub async fn of_dashboards(
        server: Server,
        mut subscribers: Vec<Subscriber>,
        at_most: usize,
    ) -> Result<Self> {
        let mut publishers = vec![Publisher::dashboards(server.address)];
        let answer = publishers[0].publish(subscribers.len());
        within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
        let frames = first_frames(&mut subscribers).await?;
        let first = subscribers.first_mut().ok_or_else(|| Void::new("no subscribers"))?;
        let mut witness = Witness { inflater: first.socket.inflater.take(), heard: 0 };
        witness.hear(frames.get(&first.dialect).map_or(&[], |frame| frame))?;
        let audience = Audience::listening(subscribers)?;
        Ok(Self { server, audience, publishers, frames, at_most, witness: Some(witness) })
    }

    /// Publishes `broadcasts` times with `in_flight` publishers at once.
    async fn round(&mut self, in_flight: usize, broadcasts: usize) -> Result<Round> {
        let broadcasts = broadcasts.min(self.at_most);
        let left = Counter::new(broadcasts);
        let received = self.audience.received();
        let latencies = RefCell::new(Vec::with_capacity(broadcasts));
        let (before, start) = (CpuReading::of(self.server.pid())?, Instant::now());
        let audience = &self.audience;
        let work = self.publishers.iter_mut().take(in_flight).map(async |publisher| {
            while left.get() > 0 {
                left.set(left.get() - 1);
                let latency = broadcast(audience, publisher).await?;
                latencies.borrow_mut().push(latency);
            }
            Ok(())
        });
        try_join_all(work).await?;
        let elapsed = start.elapsed();
        let cpu = CpuReading::of(self.server.pid())?.since(&before);
        let deliveries = broadcasts * self.audience.size();
        let bytes = self.audience.received() - received;
        if let Some(witness) = &mut self.witness {
            witness.hear(&self.audience.take_heard())?;
        }
        Ok(Round { cpu, elapsed, deliveries, bytes, latencies: latencies.into_inner() })
    }
}

/// One subscriber that reads what others only count.
struct Witness {
    inflater: Option<Inflater>,
    /// Dashboards so far.
    heard: u64,
}

impl Witness {
    /// # Errors
    /// [`Void`] when these frames are not those of the next dashboards, in order.
    fn hear(&mut self, mut frames: &[u8]) -> Result<()> {
        while let Some((header, payload)) = frame_lengths(frames)? {
            let (frame, rest) = frames
                .split_at_checked(header + payload)
                .ok_or_else(|| Void::new("half a frame at the end of a round"))?;
            let text = text_of_frame(frame, self.inflater.as_mut())?;
            if !text.contains(&dashboard::text(self.heard)) {
                return Err(Void::new(format!("broadcast {} arrived as {text}", self.heard)));
            }
            self.heard += 1;
            frames = rest;
        }
        Ok(())
    }
}

/// One broadcast and its time from the publication to the last subscriber. With several in flight the n-th published
/// is matched with the n-th delivered.
async fn broadcast(audience: &Audience, publisher: &mut Publisher) -> Result<Duration> {
    let number = audience.announce();
    let start = Instant::now();
    let answer = publisher.publish(audience.size());
    within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
    let delivered = audience.delivered(number).await?;
    Ok(delivered.saturating_duration_since(start))
}

/// Lets the contestants take turns, so that drift of the machine meets all alike. Gives the rounds of each; the n-th
/// rounds of all ran one after the other.
///
/// # Errors
/// [`Void`] of whatever spoils a round.
pub async fn in_turns<const N: usize>(
    setup: &Setup,
    contestants: &mut [Contestant; N],
    in_flight: usize,
) -> Result<[Vec<Round>; N]> {
    let mut rounds = [const { Vec::new() }; N];
    take_turns(setup, contestants, &mut rounds, in_flight).await?;
    Ok(rounds)
}

/// The same for a number of contestants that is not known before.
///
/// # Errors
/// [`Void`] of whatever spoils a round.
pub async fn take_turns(
    setup: &Setup,
    contestants: &mut [Contestant],
    rounds: &mut [Vec<Round>],
    in_flight: usize,
) -> Result<()> {
    for contestant in &mut *contestants {
        contestant.round(in_flight, WARM_UP).await?;
    }
    let count = contestants.len();
    for number in 0..setup.rounds {
        for turn in 0..count {
            // Another one first each time, so that none always finds the caches the same other left.
            let whose = (number + turn) % count;
            rounds[whose].push(contestants[whose].round(in_flight, setup.broadcasts).await?);
        }
    }
    Ok(())
}

/// Ends them all.
///
/// # Errors
/// [`Void`] when a subscriber got more or less than was published.
pub async fn finish(contestants: impl IntoIterator<Item = Contestant>) -> Result<()> {
    tokio::time::sleep(AFTERMATH).await;
    for contestant in contestants {
        contestant.audience.verify()?;
        contestant.audience.leave().await;
    }
    Ok(())
}
