//! When to ask a silent client for a sign of life, and when to give it up.
//!
//! Pure: time is an argument. Anything the client sends counts as life (contract D-36).

use std::time::Duration;

use crate::domain::time::Moment;

/// The keep-alive of one connection.
#[derive(Debug)]
pub struct Pulse {
    next_ping: Moment,
    /// The first ping after which nothing was heard.
    unanswered: Option<Moment>,
    /// The first ping that no pong has answered.
    unponged: Option<Moment>,
}

/// The spans of all connections.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    pub interval: Duration,
    pub timeout: Duration,
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
    pub fn new(Rhythm { interval, .. }: Rhythm, now: Moment) -> Pulse {
        Pulse { next_ping: now + interval, unanswered: None, unponged: None }
    }

    /// The client has sent something.
    pub fn heard(&mut self) {
        self.unanswered = None;
    }

    /// A pong has come. Gives the time since the ping it answers; nobody asked for any other.
    pub fn ponged(&mut self, now: Moment) -> Option<Duration> {
        self.unponged.take().map(|ping| now.since(ping))
    }

    pub fn beat(&mut self, Rhythm { interval, timeout }: Rhythm, now: Moment) -> Beat {
        if self.unanswered.is_some_and(|ping| now >= ping + timeout) {
            return Beat::Dead;
        }
        if now < self.next_ping {
            return Beat::Nothing;
        }
        self.next_ping = now + interval;
        self.unanswered.get_or_insert(now);
        self.unponged.get_or_insert(now);
        Beat::Ping
    }

    /// When [`Pulse::beat`] has something to say next, unless the client is heard before.
    pub fn next(&self, Rhythm { timeout, .. }: Rhythm) -> Moment {
        match self.unanswered {
            Some(ping) => self.next_ping.min(ping + timeout),
            None => self.next_ping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RHYTHM: Rhythm = Rhythm { interval: Duration::from_secs(25), timeout: Duration::from_secs(60) };

    fn at(secs: u64) -> Moment {
        Moment::from_start(Duration::from_secs(secs))
    }

    #[test]
    fn a_mute_client_is_given_up_one_timeout_after_the_first_ping() {
        let mut pulse = Pulse::new(RHYTHM, at(0));
        assert_eq!(pulse.beat(RHYTHM, at(24)), Beat::Nothing);
        assert_eq!(pulse.beat(RHYTHM, at(25)), Beat::Ping);
        assert_eq!(pulse.beat(RHYTHM, at(50)), Beat::Ping);
        assert_eq!(pulse.beat(RHYTHM, at(75)), Beat::Ping);
        assert_eq!(pulse.next(RHYTHM), at(85));
        assert_eq!(pulse.beat(RHYTHM, at(85)), Beat::Dead);
    }

    #[test]
    fn any_sign_of_life_starts_anew() {
        let mut pulse = Pulse::new(RHYTHM, at(0));
        for round in 1..10 {
            assert_eq!(pulse.beat(RHYTHM, at(25 * round)), Beat::Ping);
            pulse.heard();
            assert_eq!(pulse.next(RHYTHM), at(25 * (round + 1)));
        }
    }

    #[test]
    fn a_timeout_shorter_than_the_interval_counts_from_the_ping() {
        let strict = Rhythm { timeout: Duration::from_secs(5), ..RHYTHM };
        let mut pulse = Pulse::new(strict, at(0));
        assert_eq!(pulse.beat(strict, at(25)), Beat::Ping);
        assert_eq!(pulse.next(strict), at(30));
        assert_eq!(pulse.beat(strict, at(30)), Beat::Dead);
    }

    #[test]
    fn a_round_trip_is_from_a_ping_to_its_own_pong() {
        let mut pulse = Pulse::new(RHYTHM, at(0));
        assert_eq!(pulse.ponged(at(1)), None, "nobody asked");
        pulse.beat(RHYTHM, at(25));
        // Life, but no answer.
        pulse.heard();
        assert_eq!(pulse.ponged(at(27)), Some(Duration::from_secs(2)));
        assert_eq!(pulse.ponged(at(28)), None, "once");
        pulse.beat(RHYTHM, at(50));
        pulse.beat(RHYTHM, at(75));
        assert_eq!(pulse.ponged(at(80)), Some(Duration::from_secs(30)), "a late one is not flattered");
    }
}
