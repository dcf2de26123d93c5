//! The bodies of POSTs on their way to one session, on whatever threads they arrive.
//!
//! They are counted while they arrive and until they are heard. When all sessions' together hold too
//! much, the session that holds most is closed, never the one that came last.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::hub::outboxes::SocketKey;
use crate::limits::budget::{Account, Budget};
use crate::proto::engineio::{Transport, WAITING_PUSHES_MAX};

/// Bodies of one session at a time: the one being heard, and those that may wait behind it.
const MOST: usize = WAITING_PUSHES_MAX + 1;

/// What one session is being sent.
pub struct Pushes {
    session: SocketKey,
    budget: Arc<Budget<SocketKey>>,
    held: Mutex<Held>,
    /// Whether the session polls, or has left that behind.
    is_polling: AtomicBool,
    /// Bytes that one body may have.
    most: usize,
    is_over: AtomicBool,
    is_shed: AtomicBool,
    over: Notify,
}

#[derive(Default)]
struct Held {
    bodies: usize,
    bytes: usize,
    account: Option<Account<SocketKey>>,
}

/// One body, until it is dropped.
pub struct Body {
    bytes: usize,
    pushes: Arc<Pushes>,
}

impl Pushes {
    /// For the session whose outbox has this key.
    pub fn new(
        session: SocketKey,
        budget: &Arc<Budget<SocketKey>>,
        most: usize,
        is_polling: bool,
    ) -> Arc<Pushes> {
        Arc::new(Pushes {
            session,
            budget: Arc::clone(budget),
            held: Mutex::default(),
            is_polling: AtomicBool::new(is_polling),
            most,
            is_over: AtomicBool::new(false),
            is_shed: AtomicBool::new(false),
            over: Notify::new(),
        })
    }

    /// How the session's packets travel.
    pub fn transport(&self) -> Transport {
        if self.is_polling.load(Ordering::Acquire) { Transport::Polling } else { Transport::WebSocket }
    }

    /// Bytes that one body may have.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The session has left polling behind.
    pub fn upgraded(&self) {
        self.is_polling.store(false, Ordering::Release);
    }

    /// One more body. `None` if there are as many as may be.
    pub fn begin(self: &Arc<Self>) -> Option<Body> {
        let mut held = self.lock();
        let has_place = held.bodies < MOST;
        held.bodies += usize::from(has_place);
        has_place.then(|| Body { bytes: 0, pushes: Arc::clone(self) })
    }

    /// The session has to give its memory back, which is a refusal of its own.
    pub fn shed(&self) {
        self.is_shed.store(true, Ordering::Release);
        self.end();
    }

    /// Whether the session was closed for what it held. Whoever is told so was refused with it.
    pub fn is_shed(&self) -> bool {
        self.is_shed.load(Ordering::Acquire)
    }

    /// The session is over: what is still arriving is not wanted.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.over.notify_waiters();
    }

    /// Ready once nothing more is wanted.
    pub async fn over(&self) {
        let mut over = std::pin::pin!(self.over.notified());
        // Listens before it looks, so that the end cannot come unseen in between.
        over.as_mut().enable();
        if !self.is_over.load(Ordering::Acquire) {
            over.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // What is held is never left half changed, so a poisoned lock is as good as a sound one.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body {
    /// Whose it is, by the key of its outbox.
    pub fn session(&self) -> SocketKey {
        self.pushes.session
    }

    /// Takes note that it holds `bytes` now. Gives the session to be closed if all together hold too
    /// much: the one that holds most.
    #[must_use = "an overdrawn budget must close somebody"]
    pub fn holds(&mut self, bytes: usize) -> Option<SocketKey> {
        let (session, budget) = (self.pushes.session, &self.pushes.budget);
        let mut held = self.pushes.lock();
        held.bytes = held.bytes - self.bytes + bytes;
        self.bytes = bytes;
        let all = held.bytes;
        held.account.get_or_insert_with(|| budget.open(session)).set(all)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut held = self.pushes.lock();
        held.bodies -= 1;
        held.bytes -= self.bytes;
        if held.bytes == 0 {
            held.account = None;
        } else {
            let left = held.bytes;
            // Less than before, so nobody has to go.
            let _ = held.account.as_mut().and_then(|account| account.set(left));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(slot: u32) -> SocketKey {
        SocketKey { worker: 0, slot, generation: 0 }
    }

    #[test]
    fn the_session_that_holds_most_is_named() {
        let budget = Budget::of(100);
        let (hoarder, other) =
            (Pushes::new(key(1), &budget, 100, true), Pushes::new(key(2), &budget, 100, true));
        let (mut first, mut second) = (hoarder.begin().unwrap(), hoarder.begin().unwrap());
        let mut small = other.begin().unwrap();
        assert_eq!((first.holds(40), second.holds(40), small.holds(20)), (None, None, None));
        assert_eq!(small.holds(21), Some(key(1)));
        drop((first, second, small));
        assert_eq!(budget.total(), 0);
    }

    #[test]
    fn a_session_has_a_few_bodies_at_a_time() {
        let pushes = Pushes::new(key(1), &Budget::of(100), 100, true);
        let mut bodies: Vec<Body> = (0..MOST).map(|_| pushes.begin().unwrap()).collect();
        assert!(pushes.begin().is_none());
        bodies.pop();
        assert!(pushes.begin().is_some());
    }
}
