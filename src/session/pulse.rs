//! When to ask a silent client for a sign of life, and when to give it up.
//!
//! Pure: time is an argument. Anything the client sends counts as life (contract D-36).

use std::time::Duration;

use crate::domain::time::Moment;

/// The keep-alive of one connection.
#[derive(Debug)]
pub struct Pulse {
    interval: Duration,
    timeout: Duration,
    next_ping: Moment,
    /// The first ping that nothing has answered yet.
    unanswered: Option<Moment>,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Beat {
    Nothing,
    Ping,
    /// Nothing was heard for `timeout` after a ping.
    Dead,
}

impl Pulse {
    pub fn new(interval: Duration, timeout: Duration, now: Moment) -> Pulse {
        Pulse { interval, timeout, next_ping: now + interval, unanswered: None }
    }

    /// The client has sent something.
    pub fn heard(&mut self) {
        self.unanswered = None;
    }

    pub fn beat(&mut self, now: Moment) -> Beat {
        if self.unanswered.is_some_and(|ping| now >= ping + self.timeout) {
            return Beat::Dead;
        }
        if now < self.next_ping {
            return Beat::Nothing;
        }
        self.next_ping = now + self.interval;
        self.unanswered.get_or_insert(now);
        Beat::Ping
    }

    /// When [`Pulse::beat`] has something to say next, unless the client is heard before.
    pub fn next(&self) -> Moment {
        match self.unanswered {
            Some(ping) => self.next_ping.min(ping + self.timeout),
            None => self.next_ping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(25);
    const TIMEOUT: Duration = Duration::from_secs(60);

    fn at(secs: u64) -> Moment {
        Moment::from_start(Duration::from_secs(secs))
    }

    #[test]
    fn a_mute_client_is_given_up_one_timeout_after_the_first_ping() {
        let mut pulse = Pulse::new(INTERVAL, TIMEOUT, at(0));
        assert_eq!(pulse.beat(at(24)), Beat::Nothing);
        assert_eq!(pulse.beat(at(25)), Beat::Ping);
        assert_eq!(pulse.beat(at(50)), Beat::Ping);
        assert_eq!(pulse.beat(at(75)), Beat::Ping);
        assert_eq!(pulse.next(), at(85));
        assert_eq!(pulse.beat(at(85)), Beat::Dead);
    }

    #[test]
    fn any_sign_of_life_starts_anew() {
        let mut pulse = Pulse::new(INTERVAL, TIMEOUT, at(0));
        for round in 1..10 {
            assert_eq!(pulse.beat(at(25 * round)), Beat::Ping);
            pulse.heard();
            assert_eq!(pulse.next(), at(25 * (round + 1)));
        }
    }

    #[test]
    fn a_timeout_shorter_than_the_interval_counts_from_the_ping() {
        let mut pulse = Pulse::new(INTERVAL, Duration::from_secs(5), at(0));
        assert_eq!(pulse.beat(at(25)), Beat::Ping);
        assert_eq!(pulse.next(), at(30));
        assert_eq!(pulse.beat(at(30)), Beat::Dead);
    }
}
