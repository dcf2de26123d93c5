//! What all connections of one worker thread share: its number, its outboxes, its hub.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use actix::{Actor, Addr};
use tokio::net::TcpStream;

use super::outbox::{Outbox, Policy};
use super::outboxes::{Outboxes, SocketKey, WorkerId};
use super::room_server::RoomServer;
use super::worker_hub::WorkerHub;
use crate::domain::farewell::Farewell;
use crate::limits::budget::Budget;

/// What the workers of one server share.
pub struct Crew {
    rooms: Addr<RoomServer>,
    queue_bytes: usize,
    compress_from: Option<usize>,
    budget: Arc<Budget<SocketKey>>,
    workers: AtomicU16,
}

/// One worker thread's share of the server. Never leaves its thread.
pub struct Worker {
    id: WorkerId,
    rooms: Addr<RoomServer>,
    policy: Rc<Policy>,
    outboxes: RefCell<Outboxes<Outbox>>,
    /// Said to whoever comes once everyone here has been closed.
    farewell: Cell<Option<Farewell>>,
}

impl Crew {
    /// `queue_bytes` may wait for one consumer, `total_bytes` for all of them. What goes to one client
    /// is compressed from `compress_from` bytes, if ever.
    pub fn new(
        rooms: Addr<RoomServer>,
        queue_bytes: usize,
        total_bytes: usize,
        compress_from: Option<usize>,
    ) -> Crew {
        let (budget, workers) = (Budget::of(total_bytes), AtomicU16::new(0));
        Crew { rooms, queue_bytes, compress_from, budget, workers }
    }

    /// The worker of the calling thread. Listeners are set up one by one on each thread; the first
    /// starts the worker and its hub, the others find it.
    pub fn worker_here(&self) -> Rc<Worker> {
        thread_local!(static HERE: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) });
        HERE.with_borrow_mut(|here| Rc::clone(here.get_or_insert_with(|| self.start_worker())))
    }

    fn start_worker(&self) -> Rc<Worker> {
        let id = self.workers.fetch_add(1, Ordering::Relaxed);
        let policy = Policy {
            queue_bytes: self.queue_bytes,
            compress_from: self.compress_from,
            budget: Arc::clone(&self.budget),
            evict: self.rooms.clone().recipient(),
            receipts: self.rooms.clone().recipient(),
        };
        let worker = Rc::new(Worker {
            id,
            rooms: self.rooms.clone(),
            policy: Rc::new(policy),
            outboxes: RefCell::new(Outboxes::of(id)),
            farewell: Cell::new(None),
        });
        WorkerHub::new(Rc::clone(&worker)).start();
        worker
    }
}

impl Worker {
    pub fn id(&self) -> WorkerId {
        self.id
    }

    pub fn rooms(&self) -> &Addr<RoomServer> {
        &self.rooms
    }

    /// Gives a connection its outbox, and its key to the rest of the process. Without a socket it
    /// waits for polls.
    pub fn take_in(&self, stream: Option<TcpStream>) -> Rc<Outbox> {
        let policy = Rc::clone(&self.policy);
        let outbox = self.outboxes.borrow_mut().insert(|key| Outbox::new(key, stream, policy));
        if let Some(farewell) = self.farewell.get() {
            outbox.close(farewell);
        }
        outbox
    }

    /// One more key for an outbox.
    pub fn share(&self, outbox: &Rc<Outbox>) -> SocketKey {
        self.outboxes.borrow_mut().share(Rc::clone(outbox))
    }

    /// Says goodbye to one of so many parts of all connections here, joined to anything or not; with
    /// the last part, also to those that are still to come.
    pub fn close_part(&self, farewell: Farewell, part: u32, parts: u32) {
        for (_, outbox) in self.outboxes.borrow().all().filter(|(slot, _)| slot % parts == part) {
            outbox.close(farewell);
        }
        if part + 1 >= parts {
            self.farewell.set(Some(farewell));
        }
    }

    pub fn outbox(&self, key: SocketKey) -> Option<Rc<Outbox>> {
        self.outboxes.borrow().get(key).cloned()
    }

    /// Forgets a socket; its key finds nothing from now on.
    pub fn let_go(&self, key: SocketKey) {
        self.outboxes.borrow_mut().remove(key);
    }
}
