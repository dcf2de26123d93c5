//! What happened so far, counted where it happens and read by the admin REST (contract D-08).
//!
//! Plain numbers and a time as argument: no clock, and nothing of ours. A publication is counted
//! once, with all its deliveries, so the path of a single delivery is not touched. Nothing here
//! grows with traffic: names are bounded, seconds go round in a ring.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::tenants::{Opened, Tenants};

/// Event names that are counted apart; whoever may broadcast may make up names without end.
pub const NAMES: usize = 1000;
/// Deliveries under any further name are counted under this one. No event is called so.
pub const OTHER_NAMES: &str = "other";
/// The whole seconds, the one under way not included, over which deliveries a second are averaged.
pub const WINDOW: u64 = 10;

/// The counters of one server, shared by all its threads.
#[derive(Debug, Default)]
pub struct Meters {
    refusals: AtomicU64,
    connections: AtomicUsize,
    traffic: Mutex<Traffic>,
    latency: Mutex<Latency>,
    tenants: Mutex<Tenants>,
}

#[derive(Debug, Default)]
struct Traffic {
    publications: u64,
    deliveries: u64,
    by_event: BTreeMap<Box<str>, u64>,
    recent: Recent,
}

/// Deliveries of the last seconds, each in the place of its number.
#[derive(Debug, Default)]
struct Recent([Second; WINDOW as usize + 1]);

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    number: u64,
    deliveries: u64,
}

/// Round trips from a ping to its pong.
#[derive(Clone, Copy, Debug, Default)]
struct Latency {
    count: u32,
    sum: Duration,
    max: Duration,
}

/// What the counters say at one moment.
#[derive(Debug, PartialEq)]
pub struct Readings {
    /// Events published, however many got them.
    pub publications: u64,
    /// Publications that a socket's outbox took, one for each socket.
    pub deliveries: u64,
    pub deliveries_by_event: BTreeMap<Box<str>, u64>,
    /// Over the last [`WINDOW`] whole seconds.
    pub deliveries_per_second: f64,
    /// Requests, messages and connections refused, one each.
    pub refusals: u64,
    /// Zero while none was measured. To the microsecond.
    pub average_latency_ms: f64,
    pub max_latency_ms: f64,
}

impl Meters {
    /// An event was published at `now`, and so many sockets took it.
    pub fn published(&self, event: &str, deliveries: usize, now: Duration) {
        let deliveries = deliveries as u64;
        let mut traffic = lock(&self.traffic);
        traffic.publications += 1;
        if deliveries > 0 {
            traffic.deliveries += deliveries;
            traffic.count_name(event, deliveries);
            traffic.recent.add(deliveries, now.as_secs());
        }
    }

    /// A request, a message or a connection was refused.
    pub fn refused(&self) {
        // A number for people; it orders nothing.
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// So many connections have a socket now.
    pub fn connections_are(&self, count: usize) {
        self.connections.store(count, Ordering::Relaxed);
    }

    /// For whoever must not wait for the books.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Tenants' connections are counted from now on, in milliseconds of the wall clock.
    pub fn tenants_since(&self, now: i64) {
        lock(&self.tenants).begin(now);
    }

    /// A tenant has so many connections now.
    pub fn tenant_connections_are(&self, tenant: &str, count: usize, now: i64) {
        lock(&self.tenants).connections_are(tenant, count, now);
    }

    /// A tenant's connections, those opened from `from` on.
    pub fn tenant(&self, tenant: &str, from: i64) -> Opened {
        lock(&self.tenants).read(tenant, from)
    }

    /// A client has answered a ping.
    pub fn ponged(&self, round_trip: Duration) {
        let mut latency = lock(&self.latency);
        latency.count = latency.count.saturating_add(1);
        latency.sum = latency.sum.saturating_add(round_trip);
        latency.max = latency.max.max(round_trip);
    }

    pub fn read(&self, now: Duration) -> Readings {
        let latency = *lock(&self.latency);
        let traffic = lock(&self.traffic);
        Readings {
            publications: traffic.publications,
            deliveries: traffic.deliveries,
            deliveries_by_event: traffic.by_event.clone(),
            deliveries_per_second: traffic.recent.per_second(now.as_secs()),
            refusals: self.refusals.load(Ordering::Relaxed),
            average_latency_ms: millis(latency.sum / latency.count.max(1)),
            max_latency_ms: millis(latency.max),
        }
    }
}

impl Traffic {
    fn count_name(&mut self, event: &str, deliveries: u64) {
        if let Some(count) = self.by_event.get_mut(event) {
            *count += deliveries;
        } else {
            let name = if self.by_event.len() < NAMES { event } else { OTHER_NAMES };
            *self.by_event.entry(name.into()).or_default() += deliveries;
        }
    }
}

impl Recent {
    fn add(&mut self, deliveries: u64, number: u64) {
        let second = &mut self.0[(number % (WINDOW + 1)) as usize];
        if second.number != number {
            *second = Second { number, deliveries: 0 };
        }
        second.deliveries += deliveries;
    }

    fn per_second(&self, now: u64) -> f64 {
        let window = now.saturating_sub(WINDOW)..now;
        let inside = self.0.iter().filter(|second| window.contains(&second.number));
        inside.map(|second| second.deliveries).sum::<u64>() as f64 / WINDOW as f64
    }
}

/// By whole microseconds, so that no more digits are shown than mean something.
fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1000.0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked has left numbers behind, which are as good as they were.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn nothing_has_happened_at_first() {
        let expected = Readings {
            publications: 0,
            deliveries: 0,
            deliveries_by_event: BTreeMap::new(),
            deliveries_per_second: 0.0,
            refusals: 0,
            average_latency_ms: 0.0,
            max_latency_ms: 0.0,
        };
        assert_eq!(Meters::default().read(at(0)), expected);
    }

    #[test]
    fn publications_and_deliveries_are_counted_apart() {
        let meters = Meters::default();
        meters.published("kpi:update", 3, at(0));
        meters.published("kpi:update", 2, at(0));
        meters.published("alert:triggered", 0, at(0));
        let read = meters.read(at(0));
        assert_eq!((read.publications, read.deliveries), (3, 5));
        assert_eq!(read.deliveries_by_event, BTreeMap::from([("kpi:update".into(), 5)]));
    }

    #[test]
    fn names_without_end_are_one_name() {
        let meters = Meters::default();
        for number in 0..NAMES + 50 {
            meters.published(&format!("custom:{number}"), 2, at(0));
        }
        meters.published("custom:0", 1, at(0));
        let read = meters.read(at(0)).deliveries_by_event;
        assert_eq!(read.len(), NAMES + 1);
        assert_eq!((read["custom:0"], read["custom:999"], read[OTHER_NAMES]), (3, 2, 100));
        assert_eq!(read.values().sum::<u64>(), meters.read(at(0)).deliveries);
    }

    #[test]
    fn a_second_counts_from_its_end_for_the_whole_window() {
        let meters = Meters::default();
        meters.published("e", 20, at(5_100));
        meters.published("e", 5, at(5_900));
        let per_second = |millis| meters.read(at(millis)).deliveries_per_second;
        assert_eq!(per_second(5_999), 0.0, "under way");
        assert_eq!(per_second(6_000), 2.5);
        assert_eq!(per_second(15_999), 2.5);
        assert_eq!(per_second(16_000), 0.0);
        // In the place that second had.
        meters.published("e", 10, at(16_000));
        assert_eq!(per_second(16_999), 0.0);
        assert_eq!(per_second(17_000), 1.0);
    }

    #[test]
    fn a_steady_stream_is_its_own_average() {
        let meters = Meters::default();
        for tenth in 0..300 {
            meters.published("e", 7, at(tenth * 100));
        }
        assert_eq!(meters.read(at(30_000)).deliveries_per_second, 70.0);
    }

    #[test]
    fn refusals_are_one_each() {
        let meters = Meters::default();
        (0..3).for_each(|_| meters.refused());
        assert_eq!(meters.read(at(0)).refusals, 3);
    }

    #[test]
    fn latency_is_in_milliseconds_with_three_places() {
        let meters = Meters::default();
        for micros in [100, 200, 250] {
            meters.ponged(Duration::from_micros(micros));
        }
        let read = meters.read(at(0));
        assert_eq!((read.average_latency_ms, read.max_latency_ms), (0.183, 0.25));
    }
}
