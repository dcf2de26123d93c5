//! The one way out to a client, bounded in bytes.
//!
//! Everything a client is sent, replies and publications, goes through its outbox, so that order
//! holds. While nothing waits, a frame is written to the socket at once: a healthy socket has no
//! buffer and no writer task. What the socket does not take waits in a queue that a task drains as
//! the socket takes more. A queue that grows past its bound is closed by a name (slow consumer).
//!
//! Without a socket, everything waits in the queue: for polls, which take it out entry by entry, or
//! for the socket of an upgrade, to which it is written. An entry is one message in WebSocket frames
//! either way.
//!
//! The outbox belongs to one thread. The session shares it for its replies and watches it: it is
//! woken when the outbox breaks, begins to close, has sent its last byte, has something for a poll, or
//! when one of its sockets is dismissed.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use actix::Recipient;
use bytes::Bytes;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::ledger::Delivery;
use super::messages::Evict;
use super::outboxes::SocketKey;
use super::queue::Queue;
pub use super::queue::{Dismissal, Status};
use super::receipts::Listener;
use super::writing::{Wrote, is_transient, write_waiting};
use crate::dialect::{self, Wire};
use crate::domain::farewell::Farewell;
use crate::domain::time::Timestamp;
use crate::limits::budget::Budget;

/// The bounds all outboxes of a worker share.
pub struct Policy {
    /// Bytes that may wait in one outbox.
    pub queue_bytes: usize,
    /// Messages for one client are compressed from so many bytes; `None` if never.
    pub compress_from: Option<usize>,
    /// Bytes that may wait in all of them.
    pub budget: Arc<Budget<SocketKey>>,
    /// Who closes the fullest outbox, wherever it is.
    pub evict: Recipient<Evict>,
    /// Who is told what becomes of frames that are to be acknowledged.
    pub receipts: Listener,
}

/// A client's outbox.
pub struct Outbox {
    key: SocketKey,
    /// Empty while the session polls.
    stream: OnceCell<TcpStream>,
    /// What the client's transport can be sent.
    wire: Cell<Wire>,
    /// When the client last sent anything: here, where its session, who hears it, and the hub, who is
    /// asked, can look.
    pub last_activity: Cell<Timestamp>,
    policy: Rc<Policy>,
    queue: RefCell<Queue>,
}

/// What waits for a poll is not worth booking below this: a poll usually takes it at once.
const BOOKED_FROM: usize = 4 * 1024;

impl Outbox {
    pub fn new(key: SocketKey, stream: Option<TcpStream>, policy: Rc<Policy>) -> Outbox {
        let stream = stream.map_or_else(OnceCell::new, OnceCell::from);
        let (wire, last_activity) = (Cell::default(), Cell::new(Timestamp::from_millis(0)));
        Outbox { key, stream, wire, last_activity, policy, queue: RefCell::default() }
    }

    pub fn key(&self) -> SocketKey {
        self.key
    }

    /// The socket, for reading, once there is one. Writing is the outbox's alone.
    pub fn stream(&self) -> Option<&TcpStream> {
        self.stream.get()
    }

    /// What the client's transport can be sent.
    pub fn wire(&self) -> Wire {
        self.wire.get()
    }

    /// What holds for the transport that is being opened.
    pub fn set_wire(&self, wire: Wire) {
        self.wire.set(wire);
    }

    /// Writes to `stream` from now on, what waits first. A second one is not taken.
    pub fn adopt(self: &Rc<Self>, stream: TcpStream) {
        if self.stream.set(stream).is_ok() {
            let mut queue = self.queue.borrow_mut();
            if let Status::Closing(farewell) = queue.status {
                // Polls had no use for it.
                queue.push(dialect::farewell(farewell));
            }
            queue.account = None;
            self.push_on(&mut queue);
        }
    }

    /// Gives `take` what waits, entry by entry, until it declines one. Gives whether that may be
    /// compressed.
    pub fn take_entries(self: &Rc<Self>, mut take: impl FnMut(&Bytes) -> bool) -> bool {
        let mut queue = self.queue.borrow_mut();
        let may_be_compressed = !queue.is_incompressible;
        while queue.waiting.front().is_some_and(&mut take) {
            let size = queue.waiting.front().map_or(0, Bytes::len);
            queue.advance(size);
        }
        if queue.waiting.is_empty() {
            queue.rest();
        } else {
            self.book(&mut queue);
        }
        may_be_compressed
    }

    pub fn status(&self) -> Status {
        self.queue.borrow().status
    }

    /// Whether the socket has taken every byte.
    pub fn is_empty(&self) -> bool {
        self.queue.borrow().waiting.is_empty()
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.queue.borrow().bytes
    }

    /// Wakes `watcher` at the next change of status, and when a closing outbox has run empty.
    pub fn watch(&self, watcher: &Waker) {
        let mut queue = self.queue.borrow_mut();
        if !queue.watcher.as_ref().is_some_and(|current| current.will_wake(watcher)) {
            queue.watcher = Some(watcher.clone());
        }
    }

    /// Sends one whole frame: at once if nothing waits, behind what waits otherwise. Gives whether
    /// the outbox accepted it.
    pub fn send(self: &Rc<Self>, frame: &Bytes) -> bool {
        let mut queue = self.queue.borrow_mut();
        if queue.status != Status::Open {
            return false;
        }
        let stream = match self.stream.get() {
            Some(stream) if queue.waiting.is_empty() => stream,
            _ => {
                queue.push(frame.clone());
                return self.settle(&mut queue);
            }
        };
        match stream.try_write(frame) {
            Ok(written) if written == frame.len() => true,
            Ok(written) => {
                queue.push(frame.slice(written..));
                queue.is_mid_frame = written > 0;
                self.settle(&mut queue)
            }
            Err(error) if is_transient(&error) => {
                queue.push(frame.clone());
                self.settle(&mut queue)
            }
            Err(_) => {
                queue.give_up(Status::Broken);
                false
            }
        }
    }

    /// Sends what was made for this client alone: compressed, where that is worth it.
    pub fn answer(self: &Rc<Self>, frame: &Bytes) -> bool {
        let from = self.policy.compress_from.filter(|from| frame.len() > *from);
        match from.and_then(|from| self.wire.get().deflated(frame, from)) {
            Some(small) => self.send(&small),
            None => self.send(frame),
        }
    }

    /// What waits, or is sent next, holds something that is never compressed: nor is the poll that
    /// fetches it.
    pub fn forbid_compression(&self) {
        if self.stream.get().is_none() {
            self.queue.borrow_mut().is_incompressible = true;
        }
    }

    /// Puts a frame behind what waits and writes nothing: [`Outbox::flush`] must follow. Frames
    /// staged together leave in one system call.
    pub fn stage(self: &Rc<Self>, frame: &Bytes) -> bool {
        let mut queue = self.queue.borrow_mut();
        if queue.status != Status::Open {
            return false;
        }
        queue.push(frame.clone());
        if self.stream.get().is_none() {
            return self.settle(&mut queue);
        }
        // A blocked socket's bytes are booked as they come: nothing may wake its drainer for long.
        if queue.account.is_none() && self.is_over(&queue) {
            // Nothing is blocked: it is not the client that is slow, only the flush is not yet due.
            self.push_on(&mut queue);
        }
        match queue.status {
            Status::Open if queue.account.is_some() || self.is_over(&queue) => self.settle(&mut queue),
            status => status == Status::Open,
        }
    }

    /// How far the frame has come that was accepted last, of publication `number` and for the socket
    /// `key`. If it waits, what becomes of it will be told.
    pub fn mark(&self, number: u32, key: SocketKey) -> Delivery {
        let mut queue = self.queue.borrow_mut();
        if queue.waiting.is_empty() {
            return Delivery::Written;
        }
        queue.mark(number, key, &self.policy.receipts);
        Delivery::Queued
    }

    /// Writes what was staged.
    pub fn flush(self: &Rc<Self>) {
        let mut queue = self.queue.borrow_mut();
        if queue.drainer.is_none() && !queue.waiting.is_empty() {
            self.push_on(&mut queue);
        }
    }

    /// Sends the close frame of `farewell` as the last one and takes no more.
    pub fn close(self: &Rc<Self>, farewell: Farewell) {
        let mut queue = self.queue.borrow_mut();
        if queue.status != Status::Open {
            return;
        }
        self.say_last(&mut queue, farewell);
    }

    /// Leaves word for the session that one of its sockets is dismissed, and wakes it.
    pub fn dismiss(&self, dismissal: Dismissal) {
        let mut queue = self.queue.borrow_mut();
        queue.dismissals.get_or_insert_default().0.push(dismissal);
        queue.wake();
    }

    /// What [`Outbox::dismiss`] has left.
    pub fn take_dismissals(&self) -> Vec<Dismissal> {
        self.queue.borrow_mut().dismissals.take().map_or_else(Vec::new, |left| left.0)
    }

    /// Closes as too slow: drops what waits, but for the rest of a frame already begun, and says so.
    pub fn evict(self: &Rc<Self>) {
        let mut queue = self.queue.borrow_mut();
        self.overflow(&mut queue);
    }

    /// Gives the socket up: nothing more is written, and the peer learns at once, however long
    /// others may still hold the outbox.
    pub fn abandon(&self) {
        self.queue.borrow_mut().give_up(Status::Broken);
        if let Some(stream) = self.stream.get() {
            let _ = SockRef::from(stream).shutdown(Shutdown::Both);
        }
    }

    /// Holds the queue to its bounds, and gets a drainer for it. Gives whether the last entry stays.
    fn settle(self: &Rc<Self>, queue: &mut Queue) -> bool {
        if self.is_over(queue) {
            self.overflow(queue);
            return false;
        }
        self.drain_later(queue);
        self.book(queue)
    }

    /// Whether more waits behind the first frame than may. The first may be of any size: no client,
    /// however healthy, takes more in one go than the kernel's buffers hold.
    fn is_over(&self, queue: &Queue) -> bool {
        let first = queue.waiting.front().map_or(0, Bytes::len);
        queue.bytes - first > self.policy.queue_bytes
    }

    /// Writes as much as the socket takes now and leaves the rest to a drainer.
    fn push_on(self: &Rc<Self>, queue: &mut Queue) {
        match self.stream.get().map_or(Wrote::Blocked, |stream| write_waiting(stream, queue)) {
            Wrote::Everything => {}
            Wrote::Blocked => {
                self.drain_later(queue);
                self.book(queue);
            }
            Wrote::Failed => queue.give_up(Status::Broken),
        }
    }

    fn overflow(self: &Rc<Self>, queue: &mut Queue) {
        if queue.status != Status::Open {
            return;
        }
        queue.cut();
        self.say_last(queue, Farewell::SlowConsumer);
    }

    /// Queues the close frame, which means something to a WebSocket only, and closes the queue.
    fn say_last(self: &Rc<Self>, queue: &mut Queue, farewell: Farewell) {
        if self.stream.get().is_some() {
            queue.push(dialect::farewell(farewell));
        }
        queue.turn(Status::Closing(farewell));
        if queue.drainer.is_none() {
            self.push_on(queue);
        }
    }

    /// Books the queue's size in the shared budget; an overdrawn budget closes the fullest.
    fn book(self: &Rc<Self>, queue: &mut Queue) -> bool {
        if queue.status != Status::Open {
            return true;
        }
        if self.stream.get().is_none() && queue.bytes < BOOKED_FROM {
            queue.account = None;
            return true;
        }
        let account = queue.account.get_or_insert_with(|| self.policy.budget.open(self.key));
        match account.set(queue.bytes) {
            Some(fullest) if fullest == self.key => {
                self.overflow(queue);
                false
            }
            Some(fullest) => {
                // Never lost: the RoomServer outlives every outbox.
                self.policy.evict.do_send(Evict(fullest));
                true
            }
            None => true,
        }
    }

    fn drain_later(self: &Rc<Self>, queue: &mut Queue) {
        if self.stream.get().is_none() {
            // A poll comes for it.
            queue.wake();
        } else if queue.drainer.is_none() && queue.status != Status::Broken {
            queue.drainer = Some(actix::spawn(drain(Rc::clone(self))));
        }
    }
}

/// Writes what waits as the socket takes it, until nothing does.
async fn drain(outbox: Rc<Outbox>) {
    loop {
        // Only an outbox with a socket has a drainer.
        let Some(stream) = outbox.stream.get() else { return };
        let is_writable = stream.writable().await.is_ok();
        let mut queue = outbox.queue.borrow_mut();
        let wrote = if is_writable { write_waiting(stream, &mut queue) } else { Wrote::Failed };
        match wrote {
            Wrote::Blocked => {
                outbox.book(&mut queue);
            }
            Wrote::Everything => {
                queue.drainer = None;
                return;
            }
            Wrote::Failed => {
                queue.drainer = None;
                queue.give_up(Status::Broken);
                return;
            }
        }
    }
}
