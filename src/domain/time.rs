//! Points in time, and the one seam through which time enters the program.
//!
//! [`Moment`] is for measuring (monotonic, meaningless outside the process); [`Timestamp`] is for
//! telling (wall clock, printed to clients). Nothing here reads a clock: [`Clock`] is implemented
//! in `ambient` and injected, so that a test can move a whole actor system by hand.

use std::fmt;
use std::future::Future;
use std::ops::Add;
use std::pin::Pin;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Monotonic time since the clock's own start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    pub const START: Moment = Moment(Duration::ZERO);

    pub const fn from_start(elapsed: Duration) -> Self {
        Moment(elapsed)
    }

    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Time from `earlier` to `self`; zero if `earlier` is the later one.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(span))
    }
}

/// Wall-clock time in milliseconds since the Unix epoch; prints as JavaScript's `toISOString()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// Seconds as a JWT's `exp` carries them; saturates instead of wrapping.
    pub const fn from_secs(secs: i64) -> Self {
        Timestamp(secs.saturating_mul(1000))
    }

    /// Reads a date and time with its offset, or a date, which is its first moment in UTC.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let at = match text.parse::<jiff::civil::Date>() {
            Ok(day) if text.len() <= "-YYYYYY-MM-DD".len() => {
                day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
            }
            _ => text.parse::<jiff::Timestamp>().ok()?,
        };
        Some(Timestamp(at.as_millisecond()))
    }

    /// The first moment of its day in UTC.
    pub const fn day(self) -> Timestamp {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        Timestamp(self.0 - self.0.rem_euclid(DAY))
    }

    /// This long before; saturates instead of wrapping.
    pub fn before(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Time from `self` until `later`; zero if `later` has passed.
    pub fn until(self, later: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A moment beyond jiff's range (year 9999) can only come from a forged token.
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => f.write_str("9999-12-31T23:59:59.999Z"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A future that is ready once its moment has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from. Injected once; read by actors and tests only.
pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;
    fn wall(&self) -> Timestamp;
    /// Ready at `at` or later, at once if `at` has passed.
    fn sleep_until(&self, at: Moment) -> Sleep;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_like_to_iso_string() {
        let at = Timestamp::from_millis(1_705_314_600_000);
        assert_eq!(at.to_string(), "2024-01-15T10:30:00.000Z");
        assert_eq!(serde_json::to_string(&at).unwrap(), "\"2024-01-15T10:30:00.000Z\"");
    }

    #[test]
    fn a_timestamp_no_calendar_holds_still_prints() {
        assert_eq!(Timestamp::from_secs(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_date_and_a_time_are_read() {
        let millis = |text| Timestamp::parse(text).map(Timestamp::millis);
        assert_eq!(millis("2024-01-15T10:30:00.000Z"), Some(1_705_314_600_000));
        assert_eq!(millis("2024-01-15T11:30:00+01:00"), Some(1_705_314_600_000));
        assert_eq!(millis(" 2024-01-15 "), Some(1_705_276_800_000));
        assert_eq!(Timestamp::from_millis(1_705_314_600_000).day().millis(), 1_705_276_800_000);
        assert_eq!(Timestamp::from_millis(-1).day().millis(), -86_400_000);
        for none in ["", "today", "2024-13-01", "10:30", "2024-01-15T10:30:00", "1705314600000"] {
            assert_eq!(millis(none), None, "{none}");
        }
    }

    #[test]
    fn what_has_passed_is_zero_away() {
        let (early, late) = (Timestamp::from_secs(1), Timestamp::from_secs(3));
        assert_eq!(early.until(late), Duration::from_secs(2));
        assert_eq!(late.until(early), Duration::ZERO);
    }
}
