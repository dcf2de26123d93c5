//! What all connections of one worker thread share: its number, its outboxes, its hub.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use actix::{Actor, Addr};
use tokio::net::TcpStream;

use super::outbox::{Outbox, Policy};
use super::outboxes::{Outboxes, SocketKey, WorkerId};
use super::room_server::RoomServer;
use super::worker_hub::WorkerHub;
use crate::limits::budget::Budget;

/// What the workers of one server share.
pub struct Crew {
    rooms: Addr<RoomServer>,
    queue_bytes: usize,
    budget: Arc<Budget<SocketKey>>,
    workers: AtomicU16,
}

/// One worker thread's share of the server. Never leaves its thread.
pub struct Worker {
    id: WorkerId,
    rooms: Addr<RoomServer>,
    policy: Rc<Policy>,
    outboxes: RefCell<Outboxes<Outbox>>,
}

impl Crew {
    /// `queue_bytes` may wait for one consumer, `total_bytes` for all of them.
    pub fn new(rooms: Addr<RoomServer>, queue_bytes: usize, total_bytes: usize) -> Crew {
        Crew { rooms, queue_bytes, budget: Budget::of(total_bytes), workers: AtomicU16::new(0) }
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
            budget: Arc::clone(&self.budget),
            evict: self.rooms.clone().recipient(),
        };
        let worker = Rc::new(Worker {
            id,
            rooms: self.rooms.clone(),
            policy: Rc::new(policy),
            outboxes: RefCell::new(Outboxes::of(id)),
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

    /// Gives a socket its outbox, and its key to the rest of the process.
    pub fn take_in(&self, stream: TcpStream) -> Rc<Outbox> {
        let policy = Rc::clone(&self.policy);
        self.outboxes.borrow_mut().insert(|key| Outbox::new(key, stream, policy))
    }

    pub fn outbox(&self, key: SocketKey) -> Option<Rc<Outbox>> {
        self.outboxes.borrow().get(key).cloned()
    }

    /// Forgets a socket; its key finds nothing from now on.
    pub fn let_go(&self, key: SocketKey) {
        self.outboxes.borrow_mut().remove(key);
    }
}
