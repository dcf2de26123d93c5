//! A large crowd that connects, joins ten rooms each, leaves them and goes, while a room is published to.
//!
//! Each step is taken at a pace: what is asked is how long broadcasts take meanwhile, and in a rush they would only
//! show that the server has one core. Every answer is checked, and at the end nobody may be left anywhere.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::interval;

use crate::counters;
use crate::greeting::{self, Dialect, Stage, Subscriber, room};
use crate::options::Setup;
use crate::pace::{Latencies, Room};
use crate::process::Server;
use crate::void::{Result, Void, within};

/// Clients a second that take their step.
pub const RATE: u32 = 1000;
/// Rooms that each joins.
pub const ROOMS: usize = 10;
/// Rooms there are to join. With 10,000 clients each has 100 members.
pub const POOL: usize = 1000;
/// Between two rooms of a client; prime to [`POOL`], so that they differ.
const STRIDE: usize = 37;
const AT_ONCE: usize = 256;
const LIMIT: Duration = Duration::from_secs(15);

/// What the crowd did, and how broadcasts fared meanwhile.
pub struct Step {
    pub name: &'static str,
    /// How often it was done.
    pub count: usize,
    pub span: Duration,
    pub latencies: Latencies,
}

pub struct Scale {
    /// In the room that is published to.
    pub clients: usize,
    pub crowd: usize,
    /// The first and the last are: nothing.
    pub steps: Vec<Step>,
}

/// # Errors
/// [`Void`] when anybody is refused anything, a broadcast is lost, or somebody is left somewhere.
pub async fn measure(setup: &Setup) -> Result<Scale> {
    let server = setup.start_product()?;
    let mut published = Room::open(&server, setup.crowd).await?;
    // The first ones let the server's maps grow.
    drop(connect(&server, setup.masses / 10).await?);
    let empty = counters::quiet(&server, published.connections()).await?;
    let crowd = setup.masses;
    let mut steps = Vec::new();
    let ((), latencies) = published.during(calm(setup.calm)).await?;
    steps.push(Step { name: "nothing else", count: 0, span: setup.calm, latencies });

    let start = Instant::now();
    let (mut sockets, latencies) = published.during(connect(&server, crowd)).await?;
    steps.push(Step { name: "connect", count: crowd, span: start.elapsed(), latencies });
    for (name, done) in [("join", "room_joined"), ("leave", "room_left")] {
        let start = Instant::now();
        let ((), latencies) = published.during(change(&mut sockets, name, done)).await?;
        steps.push(Step { name, count: crowd * ROOMS, span: start.elapsed(), latencies });
    }
    let start = Instant::now();
    let ((), latencies) = published.during(go(sockets)).await?;
    steps.push(Step { name: "disconnect", count: crowd, span: start.elapsed(), latencies });
    let ((), latencies) = published.during(calm(setup.calm)).await?;
    steps.push(Step { name: "nothing else, again", count: 0, span: setup.calm, latencies });
    let (after, _) = counters::back(&server, &empty).await?;
    if after != empty {
        return Err(Void::new(format!("everyone has gone, but of {empty:?} is left {after:?}")));
    }
    Ok(Scale { clients: setup.crowd, crowd, steps })
}

async fn calm(span: Duration) -> Result<()> {
    tokio::time::sleep(span).await;
    Ok(())
}

/// Numbers from 0, so many a second.
fn paced(count: usize) -> impl StreamExt<Item = usize> {
    let due = interval(Duration::from_secs(1) / RATE);
    stream::unfold((due, 0), move |(mut due, number)| async move {
        if number == count {
            return None;
        }
        due.tick().await;
        Some((number, (due, number + 1)))
    })
}

async fn connect(server: &Server, crowd: usize) -> Result<Vec<Subscriber>> {
    let one = |number| greeting::open(server.address, Dialect::Plain, Stage::Connected, number);
    paced(crowd).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

/// Everyone joins its rooms, or leaves them, one after the other.
async fn change(sockets: &mut [Subscriber], verb: &'static str, done: &'static str) -> Result<()> {
    let beginning = format!(r#"{{"type":"{done}","#);
    let one = async |(number, subscriber): (usize, &mut Subscriber)| {
        let rooms = async {
            for step in 0..ROOMS {
                let name = room(1 + (number + step * STRIDE) % POOL);
                let request = format!(r#"{{"type":"{verb}","payload":{{"room":"{name}"}}}}"#);
                subscriber.socket.send(&request).await?;
                let text = subscriber.socket.text().await?;
                greeting::expected(&text, &beginning)?;
                if !text.contains(&name) {
                    return Err(Void::new(format!("a client asked to {verb} {name} and got {text}")));
                }
            }
            Ok(())
        };
        within(LIMIT, "the answers of ten rooms", rooms).await
    };
    let count = sockets.len();
    let turns = paced(count).zip(stream::iter(sockets));
    turns.map(one).buffer_unordered(AT_ONCE).try_collect::<()>().await
}

async fn go(sockets: Vec<Subscriber>) -> Result<()> {
    let count = sockets.len();
    paced(count).zip(stream::iter(sockets)).for_each(|gone| async move { drop(gone) }).await;
    Ok(())
}
