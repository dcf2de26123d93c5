//! Joins: how many a second one server takes from many clients, and what each costs it.
//!
//! Closed loop: a client has a few requests under way, joins some rooms of a pool all share and leaves them again. A
//! join counts once its answer has come and has named the room; an answer out of turn spoils the run. So does a room
//! that is left when everyone has gone: then somebody was answered and not served.

use std::cell::Cell;
use std::collections::VecDeque;
use std::process;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::Value;

use crate::greeting::{self, Dialect, Stage};
use crate::http::{self, Client};
use crate::options::Setup;
use crate::process::Server;
use crate::usage::{Cpu, CpuReading};
use crate::void::{During, Result, Void, within};
use crate::websocket::WebSocket;

/// Joins of a round, over all clients.
pub const JOINS: usize = 10_000;
/// Rooms there are to join. With 500 clients each has up to 50 members.
pub const POOL: usize = 100;
/// Rooms a client is in before it leaves them all.
pub const ROOMS: usize = 10;
/// Requests of one client under way at once.
pub const IN_FLIGHT: usize = 4;
/// Between two rooms of a client; prime to [`POOL`], so that they differ.
const STRIDE: usize = 37;

const ROUND_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(15);
const CLAIM: &str = r#"{"event":"authenticate","data":{"user_id":"user","organization_id":"bench"}}"#;

/// How it is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `join` in JSON frames, answered by `room_joined`.
    Plain,
    /// `join` over Socket.IO, answered by `room_joined` and an acknowledgement.
    SocketIo,
    /// `subscribe` of one who claims to be of an organization, in JSON frames: a channel of a department.
    Channel,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Plain, Way::SocketIo, Way::Channel];

    fn dialect(self) -> Dialect {
        match self {
            Way::Plain | Way::Channel => Dialect::Plain,
            Way::SocketIo => Dialect::SocketIo,
        }
    }

    /// What the rooms of the pool have in front of their numbers.
    fn prefix(self) -> &'static str {
        match self {
            Way::Plain | Way::SocketIo => "public:bench-",
            Way::Channel => "kpi:org:bench:dept:bench-",
        }
    }

    /// The text of request `id`, and how each frame of its answer begins.
    fn request(self, wish: Wish, room: usize, id: u64) -> (String, Vec<String>) {
        let (verb, done) = match (self, wish) {
            (Way::Plain | Way::SocketIo, Wish::Join) => ("join", "room_joined"),
            (Way::Plain | Way::SocketIo, Wish::Leave) => ("leave", "room_left"),
            (Way::Channel, Wish::Join) => ("subscribe", "client:subscribe"),
            (Way::Channel, Wish::Leave) => ("unsubscribe", "client:unsubscribe"),
        };
        let prefix = self.prefix();
        match self {
            Way::Plain => (
                format!(r#"{{"type":"{verb}","payload":{{"room":"{prefix}{room}"}}}}"#),
                vec![format!(r#"{{"type":"{done}","#)],
            ),
            Way::SocketIo => (
                format!(r#"42{id}["{verb}",{{"room":"{prefix}{room}"}}]"#),
                vec![format!(r#"42["{done}","#), format!("43{id}[")],
            ),
            Way::Channel => (
                format!(
                    r#"{{"event":"{verb}","data":{{"channels":["kpi"],"department_id":"bench-{room}"}}}}"#
                ),
                vec![format!(r#"{{"type":"{done}","#)],
            ),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Join,
    Leave,
}

/// What one round came to.
pub struct Round {
    /// Of all server threads.
    pub cpu: Cpu,
    /// Of the load generator.
    load: Cpu,
    elapsed: Duration,
    joins: usize,
}

impl Round {
    pub fn joins_per_second(&self) -> f64 {
        self.joins as f64 / self.elapsed.as_secs_f64()
    }

    /// Microseconds of server CPU per join, with the leave that follows it.
    pub fn cost(&self) -> f64 {
        self.cpu.run.as_secs_f64() * 1e6 / self.joins as f64
    }

    /// The same of the load generator.
    pub fn load(&self) -> f64 {
        self.load.run.as_secs_f64() * 1e6 / self.joins as f64
    }
}

pub struct Joins {
    pub way: Way,
    pub clients: usize,
    pub rounds: Vec<Round>,
}

/// # Errors
/// [`Void`] when a client does not get in, is answered anything but what it asked for, or is still somewhere after it
/// has left.
pub async fn measure(setup: &Setup, way: Way) -> Result<Joins> {
    let server = setup.start_for_joins()?;
    let mut joiners = open(&server, way, setup.joiners).await?;
    // The first round is not counted: the server's maps grow in it.
    round(&server, &mut joiners).await?;
    let mut rounds = Vec::new();
    for _ in 0..setup.rounds {
        rounds.push(round(&server, &mut joiners).await?);
    }
    within(LIMIT, "the list of rooms", nobody_is_left(&server, way)).await?;
    Ok(Joins { way, clients: joiners.len(), rounds })
}

async fn open(server: &Server, way: Way, clients: usize) -> Result<Vec<Joiner>> {
    let dialects = std::iter::repeat_n(way.dialect(), clients);
    let subscribers = greeting::connect(server.address, dialects, Stage::Connected).await?;
    let mut joiners = Vec::with_capacity(clients);
    for (number, mut subscriber) in subscribers.into_iter().enumerate() {
        if way == Way::Channel {
            let claimed = async {
                subscriber.socket.send(CLAIM).await?;
                greeting::expected(&subscriber.socket.text().await?, r#"{"type":"authenticated","#)
            };
            within(LIMIT, "a claim", claimed).await?;
        }
        joiners.push(Joiner { socket: subscriber.socket, way, next: number, asked: 0, due: VecDeque::new() });
    }
    Ok(joiners)
}

/// Whoever is free joins and leaves, until there were [`JOINS`].
async fn round(server: &Server, joiners: &mut [Joiner]) -> Result<Round> {
    let left = Cell::new(JOINS / ROOMS);
    let read = || Ok((CpuReading::of(server.pid())?, CpuReading::of(process::id())?));
    let ((server_before, load_before), start) = (read()?, Instant::now());
    let work = joiners.iter_mut().map(async |joiner| {
        let mut joins = 0;
        while left.get() > 0 {
            left.set(left.get() - 1);
            joins += joiner.join_and_leave().await?;
        }
        Ok(joins)
    });
    let joins = within(ROUND_LIMIT, "a round of joins", try_join_all(work)).await?.into_iter().sum();
    let elapsed = start.elapsed();
    let (server_after, load_after) = read()?;
    Ok(Round {
        cpu: server_after.since(&server_before),
        load: load_after.since(&load_before),
        elapsed,
        joins,
    })
}

async fn nobody_is_left(server: &Server, way: Way) -> Result<()> {
    let mut client = Client::connect(server.address).await?;
    let rooms = client.ask(&http::get(&format!("/api/ws/rooms?prefix={}", way.prefix()))).await?;
    let rooms: Value = serde_json::from_slice(&rooms).during("reading the list of rooms")?;
    if rooms["total_count"] == 0 {
        return Ok(());
    }
    Err(Void::new(format!("everyone has left, but {} rooms are not empty", rooms["total_count"])))
}

struct Joiner {
    socket: WebSocket,
    way: Way,
    /// Where in the pool it goes on.
    next: usize,
    /// How many requests it has sent.
    asked: u64,
    /// What is still to be heard, in the order of the requests.
    due: VecDeque<Due>,
}

/// A request's answer.
struct Due {
    wish: Wish,
    room: usize,
    frames: Vec<String>,
}

impl Joiner {
    /// Gives how many joins were confirmed.
    async fn join_and_leave(&mut self) -> Result<usize> {
        let first = self.next;
        self.next += ROOMS * STRIDE;
        let rooms = (0..ROOMS).map(|number| (first + number * STRIDE) % POOL);
        let joins = rooms.clone().map(|room| (Wish::Join, room));
        let mut joined = 0;
        for (wish, room) in joins.chain(rooms.map(|room| (Wish::Leave, room))) {
            if self.due.len() == IN_FLIGHT {
                joined += usize::from(self.hear().await? == Some(Wish::Join));
            }
            let (request, frames) = self.way.request(wish, room, self.asked);
            self.asked += 1;
            self.due.push_back(Due { wish, room, frames });
            self.socket.send(&request).await?;
        }
        while let Some(wish) = self.hear().await? {
            joined += usize::from(wish == Wish::Join);
        }
        Ok(joined)
    }

    /// Hears the answer to the oldest request; `None` if there is none under way.
    async fn hear(&mut self) -> Result<Option<Wish>> {
        let Some(Due { wish, room, frames }) = self.due.pop_front() else { return Ok(None) };
        let name = format!(r#""{}{room}""#, self.way.prefix());
        for beginning in frames {
            let text = self.socket.text().await?;
            greeting::expected(&text, &beginning)?;
            if !text.contains(&name) {
                return Err(Void::new(format!("a client asked for {name} and got {text}")));
            }
        }
        Ok(Some(wish))
    }
}
