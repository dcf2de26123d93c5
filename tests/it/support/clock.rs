//! A clock that moves by hand only.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use switchboard::domain::time::{Clock, Moment, Sleep, Timestamp};

/// 2026-01-01T00:00:00Z, where every test begins.
const EPOCH: i64 = 1_767_225_600_000;

pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    elapsed: Duration,
    sleepers: Vec<(Moment, Waker)>,
}

impl ManualClock {
    pub fn new() -> Arc<ManualClock> {
        Arc::new(ManualClock { state: Arc::default() })
    }

    /// Moves time on and wakes whoever slept until then.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().unwrap();
        state.elapsed += by;
        let now = Moment::from_start(state.elapsed);
        state.sleepers.retain(|(at, waker)| {
            let is_due = *at <= now;
            if is_due {
                waker.wake_by_ref();
            }
            !is_due
        });
    }

    /// The wall clock in seconds, as a JWT's `exp` counts.
    pub fn seconds(&self) -> i64 {
        self.wall().millis() / 1000
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_start(self.state.lock().unwrap().elapsed)
    }

    fn wall(&self) -> Timestamp {
        let elapsed = self.state.lock().unwrap().elapsed;
        Timestamp::from_millis(EPOCH + i64::try_from(elapsed.as_millis()).unwrap())
    }

    fn sleep_until(&self, at: Moment) -> Sleep {
        let state = Arc::clone(&self.state);
        Box::pin(poll_fn(move |cx| {
            let mut state = state.lock().unwrap();
            if at <= Moment::from_start(state.elapsed) {
                return Poll::Ready(());
            }
            state.sleepers.push((at, cx.waker().clone()));
            Poll::Pending
        }))
    }
}
