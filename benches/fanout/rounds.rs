//! One cell of the table: product and floor side by side, measured in turns.
//!
//! Both hold their subscribers during the whole cell and are silent while the other is measured, so that drift of the
//! machine meets both alike. Closed loop: a publisher starts again only when everyone has its last broadcast.

use std::cell::{Cell as Counter, RefCell};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::options::{Cell, Setup};
use crate::process::Server;
use crate::publisher::{Publisher, metric_update};
use crate::subscribers::{self, Audience, Greeting};
use crate::usage::{Cpu, CpuReading};
use crate::void::{Result, Void, within};
use crate::websocket::json_of;

const ANSWER_LIMIT: Duration = Duration::from_secs(15);
const WARM_UP: usize = 20;
/// Time for a byte too many to arrive before the last look.
const AFTERMATH: Duration = Duration::from_millis(200);

/// What one side did in one round.
pub struct Round {
    /// Of all server threads.
    pub cpu: Cpu,
    elapsed: Duration,
    deliveries: usize,
    /// From the publication to the last subscriber, one per broadcast.
    latencies: Vec<Duration>,
}

impl Round {
    /// Microseconds of server CPU per delivered message.
    pub fn cost(&self) -> f64 {
        self.cpu.run.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    pub fn deliveries_per_second(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    pub fn latencies(&self) -> &[Duration] {
        &self.latencies
    }
}

/// All rounds of one cell at one depth; `product[i]` and `floor[i]` ran one after the other.
pub struct Measured {
    pub cell: Cell,
    pub in_flight: usize,
    pub frame_length: usize,
    pub product: Vec<Round>,
    pub floor: Vec<Round>,
}

/// Measures one cell at each of its depths.
///
/// # Errors
/// [`Void`] of whatever spoils it: no figure of the cell survives.
pub async fn measure(setup: &Setup, cell: &Cell) -> Result<Vec<Measured>> {
    let publishers = cell.depths.iter().copied().max().unwrap_or(1);
    let mut product = Contestant::product(setup, cell, publishers).await?;
    let mut floor = Contestant::floor(setup, cell, publishers, &product.frame).await?;
    let mut all = Vec::new();
    for &in_flight in &cell.depths {
        product.round(in_flight, WARM_UP).await?;
        floor.round(in_flight, WARM_UP).await?;
        let mut measured = Measured {
            cell: cell.clone(),
            in_flight,
            frame_length: product.frame.len(),
            product: Vec::new(),
            floor: Vec::new(),
        };
        for round in 0..setup.rounds {
            let (ours, least);
            // Alternately first, so that none always finds the caches the other left.
            if round % 2 == 0 {
                ours = product.round(in_flight, setup.broadcasts).await?;
                least = floor.round(in_flight, setup.broadcasts).await?;
            } else {
                least = floor.round(in_flight, setup.broadcasts).await?;
                ours = product.round(in_flight, setup.broadcasts).await?;
            }
            measured.product.push(ours);
            measured.floor.push(least);
        }
        all.push(measured);
    }
    tokio::time::sleep(AFTERMATH).await;
    product.finish().await?;
    floor.finish().await?;
    Ok(all)
}

/// A server with everyone who talks to it.
struct Contestant {
    server: Server,
    audience: Audience,
    publishers: Vec<Publisher>,
    /// The first broadcast, as it was on the wire.
    frame: Bytes,
}

impl Contestant {
    async fn product(setup: &Setup, cell: &Cell, publishers: usize) -> Result<Self> {
        let server = setup.start_product()?;
        let data = metric_update(cell.payload)?;
        let backends = (0..publishers).map(|_| Publisher::backend(server.address, &data)).collect();
        let product = Self::seat(server, cell.clients, Greeting::Joined, backends).await?;
        let first = json_of(product.frame.clone())?;
        if first["type"] != "metric_update" || first["data"].to_string().len() != data.len() {
            return Err(Void::new(format!("the first broadcast arrived as {first}")));
        }
        Ok(product)
    }

    async fn floor(setup: &Setup, cell: &Cell, publishers: usize, frame: &Bytes) -> Result<Self> {
        let server = setup.start_floor(frame)?;
        let triggers = Publisher::triggers(server.address, publishers).await?;
        let floor = Self::seat(server, cell.clients, Greeting::Upgrade, triggers).await?;
        if floor.frame != frame {
            return Err(Void::new("the floor writes another frame than the product"));
        }
        Ok(floor)
    }

    async fn seat(
        server: Server,
        clients: usize,
        greeting: Greeting,
        mut publishers: Vec<Publisher>,
    ) -> Result<Self> {
        let mut sockets = subscribers::connect(server.address, clients, greeting).await?;
        let answer = publishers[0].publish(clients);
        within(ANSWER_LIMIT, "the answer to a broadcast", answer).await?;
        let frame = subscribers::first_frame(&mut sockets).await?;
        let audience = Audience::seat(sockets, frame.len())?;
        Ok(Self { server, audience, publishers, frame })
    }

    /// Publishes `broadcasts` times with `in_flight` publishers at once.
    async fn round(&mut self, in_flight: usize, broadcasts: usize) -> Result<Round> {
        let left = Counter::new(broadcasts);
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
        Ok(Round { cpu, elapsed, deliveries, latencies: latencies.into_inner() })
    }

    async fn finish(self) -> Result<()> {
        self.audience.verify()?;
        self.audience.leave().await;
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
