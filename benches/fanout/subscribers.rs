//! The subscribers: connected many at a time, then reduced to sockets whose bytes are counted.
//!
//! All frames of a run are equally long, so a subscriber's position is a division, and a socket that got a byte too
//! many or too few is found without parsing. The count is kept per socket, never as a sum: two errors must not cancel.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::void::{During, Result, Void, within};
use crate::websocket::WebSocket;

pub const ROOM: &str = "dashboard:overview";
const JOIN: &str = r#"{"type":"join","payload":{"room":"dashboard:overview"}}"#;
const CONNECTING_AT_ONCE: usize = 32;
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(15);
const FIRST_FRAME_LIMIT: Duration = Duration::from_secs(15);
const DELIVERY_LIMIT: Duration = Duration::from_secs(15);
const READ_BUFFER: usize = 64 * 1024;

/// How far the greeting goes before a connection counts as open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// The floor: 101 and nothing more.
    Upgrade,
    /// The product: 101 and `connection_established`.
    Established,
    /// The product: and `join`, answered by `room_joined`.
    Joined,
}

/// # Errors
/// [`Void`] of the first connection that fails or is not open in time.
pub async fn connect(address: SocketAddr, count: usize, greeting: Greeting) -> Result<Vec<WebSocket>> {
    let one = move |_| within(HANDSHAKE_LIMIT, "a subscriber's handshake", greet(address, greeting));
    stream::iter(0..count).map(one).buffer_unordered(CONNECTING_AT_ONCE).try_collect().await
}

async fn greet(address: SocketAddr, greeting: Greeting) -> Result<WebSocket> {
    let mut socket = WebSocket::connect(address).await?;
    if greeting != Greeting::Upgrade {
        expect_type(&mut socket, "connection_established").await?;
    }
    if greeting == Greeting::Joined {
        socket.send(JOIN).await?;
        expect_type(&mut socket, "room_joined").await?;
    }
    Ok(socket)
}

async fn expect_type(socket: &mut WebSocket, expected: &str) -> Result<()> {
    let message = socket.message().await?;
    if message["type"] == expected {
        return Ok(());
    }
    Err(Void::new(format!("a subscriber expected `{expected}` and got {message}")))
}

/// The first broadcast as every subscriber got it.
///
/// # Errors
/// [`Void`] when one of them got no frame, or another one than its neighbours.
pub async fn first_frame(sockets: &mut [WebSocket]) -> Result<Bytes> {
    within(FIRST_FRAME_LIMIT, "the first broadcast", async {
        let mut first = Bytes::new();
        for socket in sockets {
            let frame = socket.frame().await?;
            if !first.is_empty() && frame != first {
                return Err(Void::new("subscribers got different frames of one broadcast"));
            }
            first = frame;
        }
        Ok(first)
    })
    .await
}

/// Subscribers that count. One task each, all on the load generator's only thread.
pub struct Audience {
    tally: Rc<Tally>,
    tasks: JoinSet<()>,
}

impl Audience {
    /// # Errors
    /// [`Void`] when a socket has unread bytes already.
    pub fn seat(sockets: Vec<WebSocket>, frame_length: usize) -> Result<Self> {
        let tally = Rc::new(Tally::new(sockets.len(), frame_length as u64));
        let mut tasks = JoinSet::new();
        for (seat, socket) in sockets.into_iter().enumerate() {
            tasks.spawn_local(count(socket.into_stream()?, seat, Rc::clone(&tally)));
        }
        Ok(Self { tally, tasks })
    }

    pub fn size(&self) -> usize {
        self.tally.received.len()
    }

    /// Announces one more broadcast, to be called before it is published; returns its number.
    pub fn announce(&self) -> usize {
        self.tally.announced.replace(self.tally.announced.get() + 1)
    }

    /// Waits until every subscriber has all frames up to this one, and returns when that was.
    ///
    /// # Errors
    /// [`Void`] when a subscriber is lost, gets more than was announced, or has not got all of it in time.
    pub async fn delivered(&self, broadcast: usize) -> Result<Instant> {
        match timeout(DELIVERY_LIMIT, self.completion(broadcast)).await {
            Ok(done) => done,
            // Names the subscriber that is short, which the bare timeout could not.
            Err(late) => self.verify().and(Err(late).during("a delivery")),
        }
    }

    async fn completion(&self, broadcast: usize) -> Result<Instant> {
        loop {
            // Before the look: a change between look and wait must not be missed.
            let changed = self.tally.changed.notified();
            if let Some(fault) = self.tally.fault.borrow().clone() {
                return Err(fault);
            }
            if let Some(instant) = self.tally.complete.borrow().get(broadcast) {
                return Ok(*instant);
            }
            changed.await;
        }
    }

    /// # Errors
    /// [`Void`] when a subscriber did not get exactly the announced bytes.
    pub fn verify(&self) -> Result<()> {
        if let Some(fault) = self.tally.fault.borrow().clone() {
            return Err(fault);
        }
        let expected = self.tally.expected();
        let mut received = self.tally.received.iter().map(Cell::get).enumerate();
        match received.find(|(_, bytes)| *bytes != expected) {
            None => Ok(()),
            Some((seat, bytes)) => {
                Err(Void::new(format!("subscriber {seat} has {bytes} bytes of {expected} published")))
            }
        }
    }

    /// Closes every socket.
    pub async fn leave(mut self) {
        self.tasks.shutdown().await;
    }
}

struct Tally {
    frame_length: u64,
    /// Bytes per subscriber since it was seated.
    received: Vec<Cell<u64>>,
    announced: Cell<usize>,
    /// Broadcasts that everyone has, with the moment the last one got it.
    complete: RefCell<Vec<Instant>>,
    /// How many subscribers have the broadcasts after those, oldest first.
    underway: RefCell<VecDeque<usize>>,
    fault: RefCell<Option<Void>>,
    changed: Notify,
    /// One for all: it is only borrowed between two awaits.
    scratch: RefCell<Vec<u8>>,
}

impl Tally {
    fn new(subscribers: usize, frame_length: u64) -> Self {
        Self {
            frame_length,
            received: vec![Cell::new(0); subscribers],
            announced: Cell::new(0),
            complete: RefCell::default(),
            underway: RefCell::default(),
            fault: RefCell::default(),
            changed: Notify::new(),
            scratch: RefCell::new(vec![0; READ_BUFFER]),
        }
    }

    fn expected(&self) -> u64 {
        self.announced.get() as u64 * self.frame_length
    }

    fn add(&self, seat: usize, bytes: usize) {
        let before = self.received[seat].get();
        let after = before + bytes as u64;
        self.received[seat].set(after);
        if after > self.expected() {
            let expected = self.expected();
            return self.fail(format!("subscriber {seat} has {after} bytes of {expected} published"));
        }
        let mut complete = self.complete.borrow_mut();
        let mut underway = self.underway.borrow_mut();
        for broadcast in before / self.frame_length..after / self.frame_length {
            let at = broadcast as usize - complete.len();
            if at >= underway.len() {
                underway.resize(at + 1, 0);
            }
            underway[at] += 1;
            // Frames are counted in order on every socket, so none completes before an older one.
            if underway[0] == self.received.len() {
                underway.pop_front();
                complete.push(Instant::now());
                self.changed.notify_waiters();
            }
        }
    }

    /// Keeps the first fault: the later ones follow from it.
    fn fail(&self, reason: String) {
        self.fault.borrow_mut().get_or_insert_with(|| Void::new(reason));
        self.changed.notify_waiters();
    }
}

/// Reads until the socket is lost, which during a run is a fault.
async fn count(socket: TcpStream, seat: usize, tally: Rc<Tally>) {
    loop {
        let read = match socket.readable().await {
            Ok(()) => socket.try_read(&mut tally.scratch.borrow_mut()),
            Err(cause) => Err(cause),
        };
        match read {
            Ok(0) => return tally.fail(format!("the server closed subscriber {seat}")),
            Ok(bytes) => tally.add(seat, bytes),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Err(cause) => return tally.fail(format!("subscriber {seat}: {cause}")),
        }
    }
}
