//! How many sessions there may be at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A count of connections with a ceiling.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    current: AtomicUsize,
    emptied: Notify,
}

/// One connection's place in the count, given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<Connections>);

impl Connections {
    pub fn up_to(limit: usize) -> Arc<Connections> {
        Arc::new(Connections { limit, current: AtomicUsize::new(0), emptied: Notify::new() })
    }

    /// `None` if every place is taken.
    pub fn take(self: &Arc<Self>) -> Option<Place> {
        let more = |current| (current < self.limit).then_some(current + 1);
        let taken = self.current.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.is_ok().then(|| Place(Arc::clone(self)))
    }

    pub fn current(&self) -> usize {
        self.current.load(Ordering::Acquire)
    }

    /// Ready once nobody is connected.
    pub async fn emptied(&self) {
        let mut emptied = std::pin::pin!(self.emptied.notified());
        // Listens before it looks, so that the last one cannot leave unseen in between.
        emptied.as_mut().enable();
        if self.current() > 0 {
            emptied.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.current.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_once_dropped() {
        let connections = Connections::up_to(2);
        let (first, _second) = (connections.take().unwrap(), connections.take().unwrap());
        assert!(connections.take().is_none());
        drop(first);
        assert!(connections.take().is_some());
        assert_eq!(connections.current(), 1);
    }
}
