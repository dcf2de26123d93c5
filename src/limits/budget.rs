//! Bytes waiting for all slow consumers together, and who must go when there are too many.
//!
//! Only queues that hold something have an [`Account`]; a healthy socket is unknown here. When the
//! total passes the limit, the fullest account is *called*: its bytes stop to count at once, and the
//! caller is told whom to close, wherever that queue lives.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The shared budget. `K` names a queue's owner.
pub struct Budget<K> {
    limit: usize,
    total: AtomicUsize,
    accounts: Mutex<HashMap<K, Arc<Balance>>>,
}

/// What one queue holds, and how much of that has been forgiven because the queue was called.
#[derive(Default)]
struct Balance {
    bytes: AtomicUsize,
}

/// A queue's open account. Dropping it gives all its bytes back.
pub struct Account<K: Copy + Eq + Hash> {
    key: K,
    bytes: usize,
    balance: Arc<Balance>,
    budget: Arc<Budget<K>>,
}

impl<K: Copy + Eq + Hash> Budget<K> {
    /// A budget of `limit` bytes.
    pub fn of(limit: usize) -> Arc<Budget<K>> {
        Arc::new(Budget { limit, total: AtomicUsize::new(0), accounts: Mutex::default() })
    }

    /// Opens an account for a queue that begins to hold bytes.
    pub fn open(self: &Arc<Self>, key: K) -> Account<K> {
        let balance = Arc::new(Balance::default());
        self.lock().insert(key, Arc::clone(&balance));
        Account { key, bytes: 0, balance, budget: Arc::clone(self) }
    }

    /// Bytes that wait in all accounts.
    pub fn total(&self) -> usize {
        self.total.load(Ordering::Acquire)
    }

    /// Takes the fullest account off the books, if the total is over the limit.
    fn call_the_fullest(&self) -> Option<K> {
        let mut accounts = self.lock();
        if self.total() <= self.limit {
            return None;
        }
        let fullest = |(_, balance): &(&K, &Arc<Balance>)| balance.bytes.load(Ordering::Acquire);
        let key = *accounts.iter().max_by_key(fullest)?.0;
        let balance = accounts.remove(&key)?;
        // What is forgiven here is not given back a second time when the account is dropped.
        self.total.fetch_sub(balance.bytes.swap(0, Ordering::AcqRel), Ordering::AcqRel);
        Some(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Arc<Balance>>> {
        // The map is never left half changed, so a poisoned lock is as good as a sound one.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Account<K> {
    /// Books the queue's new size in bytes. Gives the owner of the fullest queue, to be closed, when
    /// the budget is overdrawn.
    #[must_use = "an overdrawn budget must close somebody"]
    pub fn set(&mut self, bytes: usize) -> Option<K> {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes <= before {
            self.give_back(before - bytes);
            return None;
        }
        // The total first: whoever calls this account in between must not take off what was not
        // yet put on.
        let total = self.budget.total.fetch_add(bytes - before, Ordering::AcqRel) + bytes - before;
        self.balance.bytes.fetch_add(bytes - before, Ordering::AcqRel);
        if total > self.budget.limit { self.budget.call_the_fullest() } else { None }
    }

    fn give_back(&self, bytes: usize) {
        let take = |balance: usize| Some(balance.saturating_sub(bytes));
        let before = self.balance.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        // Less than was asked if the account was called in between.
        let given = before.unwrap_or(0).min(bytes);
        self.budget.total.fetch_sub(given, Ordering::AcqRel);
    }
}

impl<K: Copy + Eq + Hash> Drop for Account<K> {
    fn drop(&mut self) {
        self.give_back(usize::MAX);
        let mut accounts = self.budget.lock();
        if accounts.get(&self.key).is_some_and(|booked| Arc::ptr_eq(booked, &self.balance)) {
            accounts.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_is_called_and_counts_no_more() {
        let budget = Budget::of(100);
        let (mut small, mut big) = (budget.open("small"), budget.open("big"));
        assert_eq!(small.set(30), None);
        assert_eq!(big.set(60), None);
        assert_eq!(small.set(45), Some("big"));
        assert_eq!(budget.total(), 45);
        drop(big);
        assert_eq!(budget.total(), 45);
        assert_eq!(small.set(10), None);
        assert_eq!(budget.total(), 10);
        drop(small);
        assert_eq!(budget.total(), 0);
        assert!(budget.lock().is_empty());
    }

    #[test]
    fn one_that_is_too_big_alone_calls_itself() {
        let budget = Budget::of(10);
        let mut only = budget.open(1);
        assert_eq!(only.set(11), Some(1));
        assert_eq!(budget.total(), 0);
        assert_eq!(only.set(5), None);
        drop(only);
        assert_eq!(budget.total(), 0);
    }

    #[test]
    fn threads_leave_no_rest() {
        let budget = Budget::of(1000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let budget = &budget;
                scope.spawn(move || {
                    for round in 0..200 {
                        let mut account = budget.open((thread, round));
                        for bytes in [10, 700, 300, 900, 0, 50] {
                            let _ = account.set(bytes);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.total(), 0);
        assert!(budget.lock().is_empty());
    }
}
