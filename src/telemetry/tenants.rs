//! The connections of each tenant: how many there are, and how many were opened, by the hour.
//!
//! Bounded by the number of tenants and of the hours of a year.

use std::collections::{BTreeMap, HashMap};

const HOUR: i64 = 60 * 60 * 1000;
/// Hours that are remembered: a year and the one under way.
const HOURS: usize = 365 * 24 + 1;

#[derive(Debug, Default)]
pub struct Tenants {
    /// When counting began, in milliseconds of the wall clock.
    since: i64,
    tenants: HashMap<Box<str>, Tenant>,
}

#[derive(Debug, Default)]
struct Tenant {
    current: usize,
    /// By the number of the hour.
    opened: BTreeMap<i64, u64>,
}

/// What is known of one tenant's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    pub current: usize,
    /// Since the beginning of the hour that was asked for.
    pub opened: u64,
    /// When counting began, in milliseconds of the wall clock.
    pub since: i64,
}

impl Tenants {
    pub fn begin(&mut self, now: i64) {
        self.since = now;
    }

    /// The tenant has so many connections now. A growth is one opened.
    pub fn connections_are(&mut self, tenant: &str, current: usize, now: i64) {
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.into(), Tenant::default());
        }
        let Some(own) = self.tenants.get_mut(tenant) else { return };
        if current > own.current {
            *own.opened.entry(now.div_euclid(HOUR)).or_default() += 1;
            while own.opened.len() > HOURS {
                own.opened.pop_first();
            }
        }
        own.current = current;
    }

    pub fn read(&self, tenant: &str, from: i64) -> Opened {
        let own = self.tenants.get(tenant);
        let opened =
            own.map_or(0, |own| own.opened.range(from.div_euclid(HOUR)..).map(|(_, count)| count).sum());
        Opened { current: own.map_or(0, |own| own.current), opened, since: self.since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_tenant_and_hour() {
        let mut tenants = Tenants::default();
        tenants.begin(5);
        for (tenant, current, now) in
            [("a", 1, 10), ("a", 2, HOUR), ("b", 1, HOUR), ("a", 1, HOUR), ("a", 2, HOUR)]
        {
            tenants.connections_are(tenant, current, now);
        }
        let read = |tenant, from| tenants.read(tenant, from);
        assert_eq!(read("a", 0), Opened { current: 2, opened: 3, since: 5 });
        assert_eq!(read("a", HOUR), Opened { current: 2, opened: 2, since: 5 });
        assert_eq!(read("b", 2 * HOUR), Opened { current: 1, opened: 0, since: 5 });
        assert_eq!(read("c", 0), Opened { current: 0, opened: 0, since: 5 });
    }

    #[test]
    fn hours_are_bounded() {
        let mut tenants = Tenants::default();
        for hour in 0..2 * HOURS as i64 {
            tenants.connections_are("a", 1, hour * HOUR);
            tenants.connections_are("a", 0, hour * HOUR);
        }
        assert_eq!(tenants.tenants["a"].opened.len(), HOURS);
    }
}
