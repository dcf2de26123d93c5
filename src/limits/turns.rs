//! One at a time for each tenant: who asks while another of the same tenant is at it waits for its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bounded by the number of tenants, whose names are the keys.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Box<str>, Arc<Semaphore>>>);

/// A turn: it ends when dropped.
#[must_use]
#[derive(Debug)]
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// The tenant's next turn, in the order of asking.
    pub async fn take(&self, tenant: &str) -> Turn {
        let own = self.of(tenant);
        // It is never closed.
        Turn { _permit: own.acquire_owned().await.ok() }
    }

    fn of(&self, tenant: &str) -> Arc<Semaphore> {
        // A map that was not changed to the end lacks a tenant at the worst.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get(tenant) {
            return Arc::clone(own);
        }
        Arc::clone(all.entry(tenant.into()).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_tenant_s_turns_come_one_by_one_and_another_s_at_once() {
        let turns = Turns::default();
        let take = |tenant| turns.take(tenant).now_or_never();
        let first = take("a").expect("nobody is before it");
        assert!(take("b").is_some());
        let (mut second, mut third) = (pin!(turns.take("a")), pin!(turns.take("a")));
        assert!(second.as_mut().now_or_never().is_none() && third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "it came later");
        let second = second.as_mut().now_or_never().expect("its turn has come");
        drop(second);
        assert!(third.as_mut().now_or_never().is_some());
    }
}
