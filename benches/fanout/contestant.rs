//! One server with everyone who talks to it, and what it uses while it hands out broadcasts.
//!
//! Closed loop: a publisher starts again only when everyone has its last broadcast. A contestant is silent while
//! another is measured, so all of a comparison can be open at once and take turns. Several rooms are published to one
//! after the other, round and round.

use std::cell::{Cell as Counter, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::dashboard;
use crate::frames::{Inflater, text_of_frame};
use crate::greeting::{self, Dialect, Stage, Subscriber};
use crate::options::Setup;
use crate::process::Server;
use crate::publisher::{By, Publisher};
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
    pub elapsed: Duration,
    pub deliveries: usize,
    /// That came in at the subscribers.
    pub bytes: u64,
    /// From the publication to the last subscriber, one per broadcast.
    pub latencies: Vec<Duration>,
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
}

pub struct Contestant {
    pub server: Server,
    /// By room.
    audiences: Vec<Audience>,
    /// Broadcasts so far, over all rooms.
    published: usize,
    publishers: Vec<Publisher>,
    /// Publishers that get each broadcast of another, uncounted, besides its audience.
    others: usize,
    /// The first broadcast, as it was on the wire.
    pub frames: Frames,
    /// Broadcasts of a round at most: one that is much dearer than the others needs not so many.
    at_most: usize,
    /// If another text is published every time.
    witness: Option<Witness>,
}

/// Rooms as they are opened: so many, each with these members.
pub struct Rooms {
    pub count: usize,
    pub members: Vec<Dialect>,
}

impl Contestant {
    /// A fresh server of the product with these rooms. Publishers that are sessions are in all of them.
    /// `payload` is the length of the JSON text that varies, see [`By::text`].
    ///
    /// # Errors
    /// [`Void`] when someone does not get in, or the first broadcast does not reach all as it should.
    pub async fn product(
        setup: &Setup,
        rooms: &Rooms,
        payload: usize,
        by: By,
        publishers: usize,
    ) -> Result<Self> {
        let server = setup.start_product()?;
        let text = by.text(payload)?;
        let publishers = match by {
            By::Post => {
                (0..publishers).map(|_| Publisher::backend(server.address, rooms.count, &text)).collect()
            }
            By::Session => {
                let mut sessions = Vec::with_capacity(publishers);
                for _ in 0..publishers {
                    sessions.push(Publisher::session(server.address, rooms.count, &text).await?);
                }
                sessions
            }
        };
        let others = if by == By::Session { publishers.len().saturating_sub(1) } else { 0 };
        let mut product = Self::seat(server, rooms, publishers).await?;
        product.others = others;
        for (dialect, frame) in &product.frames {
            greeting::expect_broadcast(*dialect, frame, &by.told(&text))?;
        }
        Ok(product)
    }

    /// A floor that writes `frame` to `members` sockets of each room.
    ///
    /// # Errors
    /// [`Void`] as of [`Contestant::product`].
    pub async fn floor(
        setup: &Setup,
        frame: &[u8],
        count: usize,
        members: usize,
        publishers: usize,
    ) -> Result<Self> {
        let server = setup.start_floor(members, frame)?;
        let triggers = Publisher::triggers(server.address, publishers).await?;
        let rooms = Rooms { count, members: vec![Dialect::Floor; members] };
        let floor = Self::seat(server, &rooms, triggers).await?;
        if floor.frames.values().any(|written| written != frame) {
            return Err(Void::new("the floor writes another frame than the product"));
        }
        Ok(floor)
    }

    async fn seat(server: Server, rooms: &Rooms, mut publishers: Vec<Publisher>) -> Result<Self> {
        let mut subscribers = Vec::with_capacity(rooms.count);
        // One room after the other: the floor knows its rooms by the order in which they came.
        for number in 0..rooms.count {
            let members = rooms.members.iter().copied();
            subscribers.push(greeting::connect(server.address, members, Stage::Joined(number)).await?);
        }
        let (mut frames, mut audiences) = (Frames::new(), Vec::with_capacity(rooms.count));
        for (number, mut members) in subscribers.into_iter().enumerate() {
            let answer = publishers[0].publish(number, members.len());
            within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
            let here = first_frames(&mut members).await?;
            audiences.push(Audience::seat(members, &here)?);
            if number == 0 {
                frames = here;
            }
        }
        Ok(Self {
            server,
            audiences,
            published: 0,
            publishers,
            others: 0,
            frames,
            at_most: usize::MAX,
            witness: None,
        })
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
        let answer = publishers[0].publish(0, subscribers.len());
        within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
        let frames = first_frames(&mut subscribers).await?;
        let first = subscribers.first_mut().ok_or_else(|| Void::new("no subscribers"))?;
        let mut witness = Witness { inflater: first.socket.inflater.take(), heard: 0 };
        witness.hear(frames.get(&first.dialect).map_or(&[], |frame| frame))?;
        let audiences = vec![Audience::listening(subscribers)?];
        Ok(Self {
            server,
            audiences,
            published: 0,
            publishers,
            others: 0,
            frames,
            at_most,
            witness: Some(witness),
        })
    }

    /// Publishes `broadcasts` times.
    async fn round(&mut self, depth: Depth, broadcasts: usize) -> Result<Round> {
        let broadcasts = broadcasts.min(self.at_most);
        let (next, end) = (Counter::new(self.published), self.published + broadcasts);
        let received = |audiences: &[Audience]| audiences.iter().map(Audience::received).sum::<u64>();
        let bytes_before = received(&self.audiences);
        let latencies = RefCell::new(Vec::with_capacity(broadcasts));
        let (before, start) = (CpuReading::of(self.server.pid())?, Instant::now());
        let audiences = &self.audiences;
        let work = async |publisher: &mut Publisher, end: usize| {
            while next.get() < end {
                let room = next.replace(next.get() + 1) % audiences.len();
                let latency = broadcast(&audiences[room], publisher, room).await?;
                latencies.borrow_mut().push(latency);
            }
            Ok(())
        };
        while next.get() < end {
            let until = match depth {
                Depth::InFlight(_) => end,
                Depth::AtOnce(count) => end.min(next.get() + count),
            };
            let publishers = self.publishers.iter_mut().take(depth.publishers());
            try_join_all(publishers.map(|publisher| work(publisher, until))).await?;
        }
        let elapsed = start.elapsed();
        let cpu = CpuReading::of(self.server.pid())?.since(&before);
        self.published = end;
        // All rooms are of one size.
        let deliveries = broadcasts * (self.audiences[0].size() + self.others);
        let bytes = received(&self.audiences) - bytes_before;
        if let Some(witness) = &mut self.witness {
            witness.hear(&self.audiences[0].take_heard())?;
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
async fn broadcast(audience: &Audience, publisher: &mut Publisher, room: usize) -> Result<Duration> {
    let number = audience.announce();
    let start = Instant::now();
    let answer = publisher.publish(room, audience.size());
    within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
    let delivered = audience.delivered(number).await?;
    Ok(delivered.saturating_duration_since(start))
}

/// How many broadcasts are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// So many publishers, each of which starts again as soon as its own last one is delivered.
    InFlight(usize),
    /// So many together, and the next when all of them are delivered.
    AtOnce(usize),
}

impl Depth {
    pub const ONE: Depth = Depth::InFlight(1);

    pub fn publishers(self) -> usize {
        match self {
            Self::InFlight(count) | Self::AtOnce(count) => count,
        }
    }
}

/// What one contestant does in each round.
#[derive(Clone, Copy)]
pub struct Turn {
    /// Which contestant.
    pub whose: usize,
    pub depth: Depth,
    pub broadcasts: usize,
}

impl Turn {
    /// One for each of so many contestants, with one broadcast in flight.
    pub fn each(setup: &Setup, contestants: usize) -> Vec<Self> {
        (0..contestants)
            .map(|whose| Self { whose, depth: Depth::ONE, broadcasts: setup.broadcasts })
            .collect()
    }
}

/// Lets the contestants take turns, so that drift of the machine meets all alike. Gives the rounds of each turn; the
/// n-th rounds of all ran one after the other.
///
/// # Errors
/// [`Void`] of whatever spoils a round.
pub async fn take_turns(
    setup: &Setup,
    contestants: &mut [Contestant],
    turns: &[Turn],
) -> Result<Vec<Vec<Round>>> {
    for turn in turns {
        contestants[turn.whose].round(turn.depth, WARM_UP).await?;
    }
    let mut rounds: Vec<Vec<Round>> = turns.iter().map(|_| Vec::new()).collect();
    for number in 0..setup.rounds {
        for offset in 0..turns.len() {
            // Another one first each time, so that none always finds the caches the same other left.
            let at = (number + offset) % turns.len();
            let Turn { whose, depth, broadcasts } = turns[at];
            rounds[at].push(contestants[whose].round(depth, broadcasts).await?);
        }
    }
    Ok(rounds)
}

/// Ends them all.
///
/// # Errors
/// [`Void`] when a subscriber got more or less than was published.
pub async fn finish(contestants: impl IntoIterator<Item = Contestant>) -> Result<()> {
    tokio::time::sleep(AFTERMATH).await;
    for contestant in contestants {
        for audience in contestant.audiences {
            audience.verify()?;
            audience.leave().await;
        }
    }
    Ok(())
}
