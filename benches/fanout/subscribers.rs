//! The subscribers, reduced to sockets whose bytes are counted.
//!
//! Where all frames that one subscriber gets in a run are equally long its position is a division, and a socket that
//! got a byte too many or too few is found without parsing; where they differ the frames' heads are read. The count is
//! kept per socket, never as a sum: two errors must not cancel.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::frames::FrameCounter;
use crate::greeting::{Dialect, Subscriber};
use crate::void::{During, Result, Void, within};

const FIRST_FRAME_LIMIT: Duration = Duration::from_secs(15);
const DELIVERY_LIMIT: Duration = Duration::from_secs(15);
const READ_BUFFER: usize = 64 * 1024;

/// The first broadcast as the subscribers of each dialect got it.
pub type Frames = BTreeMap<Dialect, Bytes>;

/// # Errors
/// [`Void`] when a subscriber got no frame, or another one than those who speak as it does.
pub async fn first_frames(subscribers: &mut [Subscriber]) -> Result<Frames> {
    within(FIRST_FRAME_LIMIT, "the first broadcast", async {
        let mut frames = Frames::new();
        for Subscriber { dialect, socket } in subscribers {
            let frame = socket.frame().await?;
            if *frames.entry(*dialect).or_insert_with(|| frame.clone()) != frame {
                return Err(Void::new("subscribers got different frames of one broadcast"));
            }
        }
        Ok(frames)
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
    pub fn seat(subscribers: Vec<Subscriber>, frames: &Frames) -> Result<Self> {
        let length = |subscriber: &Subscriber| frames.get(&subscriber.dialect).map_or(0, Bytes::len) as u64;
        let seats =
            subscribers.iter().map(|subscriber| Seat::new(Count::Equal(length(subscriber)))).collect();
        Self::of(subscribers, seats)
    }

    /// Subscribers whose frames may be of any length. What the first one gets is kept for [`Audience::take_heard`].
    ///
    /// # Errors
    /// [`Void`] when a socket has unread bytes already.
    pub fn listening(subscribers: Vec<Subscriber>) -> Result<Self> {
        let mut seats: Vec<Seat> =
            subscribers.iter().map(|_| Seat::new(Count::Parsed(RefCell::default()))).collect();
        if let Some(first) = seats.first_mut() {
            first.heard = Some(RefCell::default());
        }
        Self::of(subscribers, seats)
    }

    fn of(subscribers: Vec<Subscriber>, seats: Vec<Seat>) -> Result<Self> {
        let tally = Rc::new(Tally::new(seats));
        let mut tasks = JoinSet::new();
        for (seat, subscriber) in subscribers.into_iter().enumerate() {
            tasks.spawn_local(count(subscriber.socket.into_stream()?, seat, Rc::clone(&tally)));
        }
        Ok(Self { tally, tasks })
    }

    /// Bytes that came in since they were seated, on all sockets.
    pub fn received(&self) -> u64 {
        self.tally.seats.iter().map(|seat| seat.received.get()).sum()
    }

    /// What the first subscriber of a listening audience got since the last call.
    pub fn take_heard(&self) -> Vec<u8> {
        let heard = self.tally.seats.first().and_then(|seat| seat.heard.as_ref());
        heard.map(RefCell::take).unwrap_or_default()
    }

    pub fn size(&self) -> usize {
        self.tally.seats.len()
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
        let announced = self.tally.announced.get();
        let mut seats = self.tally.seats.iter().enumerate();
        match seats.find(|(_, seat)| !seat.has_exactly(announced)) {
            None => Ok(()),
            Some((number, seat)) => Err(seat.miscount(number, announced)),
        }
    }

    /// Closes every socket.
    pub async fn leave(mut self) {
        self.tasks.shutdown().await;
    }
}

struct Tally {
    seats: Vec<Seat>,
    announced: Cell<usize>,
    /// Broadcasts that everyone has, with the moment the last one got it.
    complete: RefCell<Vec<Instant>>,
    /// How many subscribers have the broadcasts after those, oldest first.
    underway: RefCell<VecDeque<usize>>,
    fault: RefCell<Option<Void>>,
    changed: Notify,
}

thread_local! {
    /// One for all: it is only borrowed between two awaits.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BUFFER]);
}

struct Seat {
    count: Count,
    /// Bytes since it was seated.
    received: Cell<u64>,
    /// The bytes themselves, where they are kept.
    heard: Option<RefCell<Vec<u8>>>,
}

/// How it is known where a frame ends.
enum Count {
    /// Each is so long.
    Equal(u64),
    Parsed(RefCell<FrameCounter>),
}

impl Seat {
    fn new(count: Count) -> Self {
        Self { count, received: Cell::new(0), heard: None }
    }

    /// Gives the numbers of the broadcasts that are whole with these bytes.
    fn take(&self, bytes: &[u8]) -> Result<Range<u64>> {
        let before = self.frames();
        self.received.set(self.received.get() + bytes.len() as u64);
        if let Some(heard) = &self.heard {
            heard.borrow_mut().extend_from_slice(bytes);
        }
        if let Count::Parsed(counter) = &self.count {
            counter.borrow_mut().feed(bytes)?;
        }
        Ok(before..self.frames())
    }

    fn frames(&self) -> u64 {
        match &self.count {
            Count::Equal(length) => self.received.get() / length,
            Count::Parsed(counter) => counter.borrow().whole,
        }
    }

    fn is_between_frames(&self) -> bool {
        match &self.count {
            Count::Equal(length) => self.received.get().is_multiple_of(*length),
            Count::Parsed(counter) => counter.borrow().is_between_frames(),
        }
    }

    fn has_exactly(&self, announced: usize) -> bool {
        self.frames() == announced as u64 && self.is_between_frames()
    }

    fn has_more_than(&self, announced: usize) -> bool {
        self.frames() >= announced as u64 && !self.has_exactly(announced)
    }

    fn miscount(&self, number: usize, announced: usize) -> Void {
        let (bytes, frames) = (self.received.get(), self.frames());
        let rest = if self.is_between_frames() { "" } else { " and a half" };
        Void::new(format!(
            "subscriber {number} has {frames} frames{rest}, {bytes} bytes, of {announced} broadcasts published"
        ))
    }
}

impl Tally {
    fn new(seats: Vec<Seat>) -> Self {
        Self {
            seats,
            announced: Cell::new(0),
            complete: RefCell::default(),
            underway: RefCell::default(),
            fault: RefCell::default(),
            changed: Notify::new(),
        }
    }

    fn add(&self, number: usize, bytes: &[u8]) {
        let seat = &self.seats[number];
        let broadcasts = match seat.take(bytes) {
            Ok(broadcasts) => broadcasts,
            Err(fault) => return self.fail(fault),
        };
        if seat.has_more_than(self.announced.get()) {
            return self.fail(seat.miscount(number, self.announced.get()));
        }
        let mut complete = self.complete.borrow_mut();
        let mut underway = self.underway.borrow_mut();
        for broadcast in broadcasts {
            let at = broadcast as usize - complete.len();
            if at >= underway.len() {
                underway.resize(at + 1, 0);
            }
            underway[at] += 1;
            // Frames are counted in order on every socket, so none completes before an older one.
            if underway[0] == self.seats.len() {
                underway.pop_front();
                complete.push(Instant::now());
                self.changed.notify_waiters();
            }
        }
    }

    /// Keeps the first fault: the later ones follow from it.
    fn fail(&self, fault: Void) {
        self.fault.borrow_mut().get_or_insert(fault);
        self.changed.notify_waiters();
    }
}

/// Reads until the socket is lost, which during a run is a fault.
async fn count(socket: TcpStream, seat: usize, tally: Rc<Tally>) {
    loop {
        let taken = match socket.readable().await {
            Ok(()) => SCRATCH.with_borrow_mut(|scratch| {
                let read = socket.try_read(scratch)?;
                tally.add(seat, &scratch[..read]);
                Ok(read)
            }),
            Err(cause) => Err(cause),
        };
        match taken {
            Ok(0) => return tally.fail(Void::new(format!("the server closed subscriber {seat}"))),
            Ok(_) => {}
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Err(cause) => return tally.fail(Void::new(format!("subscriber {seat}: {cause}"))),
        }
    }
}
