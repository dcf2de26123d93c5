//! The real clock and the real random numbers, for everyone who is not a test.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Ambient;
use crate::domain::random::Random;
use crate::domain::time::{Clock, Moment, Sleep, Timestamp};

/// The operating system's time and randomness.
pub fn system() -> Ambient {
    Ambient { clock: Arc::new(SystemClock { start: Instant::now() }), random: Arc::new(SystemRandom) }
}

struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::from_start(self.start.elapsed())
    }

    fn wall(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Moment) -> Sleep {
        Box::pin(tokio::time::sleep_until((self.start + at.since_start()).into()))
    }
}

struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Only a machine without a random source refuses, and there no token would be safe.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}
