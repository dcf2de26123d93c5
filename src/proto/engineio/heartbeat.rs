//! When a session is sent a ping, and when it has failed to answer one.
//!
//! The reference's rhythm (`protocol.md`, 1.7): a ping, then nothing until its pong, then one
//! interval. Only a pong is life; messages, polls and pushes are not.

use std::time::Duration;

/// The next thing that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A ping has to be queued.
    Ping,
    /// The pong has not come in time.
    Missed,
}

/// The heartbeat of one session.
#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    /// When the ping was queued whose pong is awaited.
    pinged: Option<Duration>,
    /// When the next thing is due.
    at: Duration,
}

impl Heartbeat {
    pub fn new(interval: Duration, timeout: Duration, now: Duration) -> Self {
        Self { interval, timeout, pinged: None, at: now.saturating_add(interval) }
    }

    /// What is due next, and when.
    pub fn next(&self) -> (Duration, Beat) {
        (self.at, if self.pinged.is_some() { Beat::Missed } else { Beat::Ping })
    }

    /// When the ping was queued that is still to be answered.
    pub fn awaited(&self) -> Option<Duration> {
        self.pinged
    }

    /// A ping was queued. Its timeout begins here, not when the client fetches it.
    pub fn pinged(&mut self, now: Duration) {
        (self.pinged, self.at) = (Some(now), now.saturating_add(self.timeout));
    }

    /// A pong came, asked for or not: the interval begins anew.
    pub fn ponged(&mut self, now: Duration) {
        (self.pinged, self.at) = (None, now.saturating_add(self.interval));
    }

    /// The transport was swapped. A pong may have been held back meanwhile, so it gets its whole
    /// time again; the interval runs on.
    pub fn swapped(&mut self, now: Duration) {
        if self.pinged.is_some() {
            self.at = now.saturating_add(self.timeout);
        }
    }
}
