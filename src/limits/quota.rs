//! A number of bytes that may be held at one time, by all who hold some.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bound, and how much of it is taken.
#[derive(Debug)]
pub struct Quota {
    limit: usize,
    taken: AtomicUsize,
}

/// Bytes somebody holds, given back when dropped.
#[derive(Debug)]
pub struct Share {
    bytes: usize,
    quota: Arc<Quota>,
}

impl Quota {
    pub fn of(limit: usize) -> Arc<Quota> {
        Arc::new(Quota { limit, taken: AtomicUsize::new(0) })
    }

    /// A share of nothing, to begin with.
    pub fn share(self: &Arc<Self>) -> Share {
        Share { bytes: 0, quota: Arc::clone(self) }
    }

    /// Bytes that are held.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

impl Share {
    /// Takes `bytes` more. Gives whether there were so many left; if not, nothing was taken.
    #[must_use = "what was not granted may not be held"]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let within = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.quota.limit);
        let is_granted = self.quota.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, within).is_ok();
        self.bytes += if is_granted { bytes } else { 0 };
        is_granted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.quota.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_is_given_back_once() {
        let quota = Quota::of(10);
        let (mut first, mut second) = (quota.share(), quota.share());
        assert!(first.grow(4) && first.grow(2) && second.grow(4));
        assert!(!second.grow(1) && !first.grow(usize::MAX));
        assert_eq!(quota.taken(), 10);
        drop(first);
        assert!(second.grow(6));
        drop(second);
        assert_eq!(quota.taken(), 0);
    }
}
