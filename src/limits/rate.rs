//! Token buckets on the injected clock: a session's messages, and new connections per address.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::domain::time::{Clock, Moment};

/// Lets governor read the injected clock.
#[derive(Clone)]
struct Injected(Arc<dyn Clock>);

impl governor::clock::Clock for Injected {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().since_start()
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, Injected, NoOpMiddleware<Duration>>;
type Buckets = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, Injected, NoOpMiddleware<Duration>>;

/// What became of a message that asked for its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// Over the limit; `tell` at most once a second (contract X-29).
    Refused {
        tell: bool,
    },
    /// Over the limit for so long that the session should end.
    Flooding,
}

/// How long a client may keep sending over its limit before it is disconnected (contract X-29).
pub const FLOOD_PATIENCE: Duration = Duration::from_secs(10);
/// A pause this long ends a flood.
const FLOOD_PAUSE: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What all sessions of one owner may send together: so many messages a second, and as many at once.
pub struct SharedRate(Bucket);

impl SharedRate {
    pub fn new(per_second: NonZeroU32, clock: &Arc<dyn Clock>) -> SharedRate {
        let quota = Quota::per_second(per_second).allow_burst(per_second);
        SharedRate(RateLimiter::direct_with_clock(quota, Injected(Arc::clone(clock))))
    }

    /// Takes one message.
    pub fn allows(&self) -> bool {
        self.0.check().is_ok()
    }
}

/// One session's limits, if it has any: a bucket for messages and one of the same size for
/// keep-alives.
pub struct SessionRate {
    own: Option<OwnRate>,
    flood: Flood,
}

struct OwnRate {
    messages: Bucket,
    keep_alives: Bucket,
}

impl SessionRate {
    /// `per_second` messages a second, and as many at once; `None` sets no limit.
    pub fn new(per_second: Option<NonZeroU32>, clock: &Arc<dyn Clock>) -> SessionRate {
        let own = per_second.map(|per_second| {
            let bucket = || {
                let quota = Quota::per_second(per_second).allow_burst(per_second);
                RateLimiter::direct_with_clock(quota, Injected(Arc::clone(clock)))
            };
            OwnRate { messages: bucket(), keep_alives: bucket() }
        });
        SessionRate { own, flood: Flood::default() }
    }

    /// Takes one message, of the session's own and of those that `shared` leaves to it.
    pub fn message(&mut self, shared: Option<&SharedRate>, now: Moment) -> Verdict {
        if self.own.as_ref().is_some_and(|own| own.messages.check().is_err()) {
            return self.flood.refuse(now);
        }
        match shared.is_none_or(SharedRate::allows) {
            true => Verdict::Allowed,
            // Others have used it up: no reason to take this one for a flood.
            false => Verdict::Refused { tell: self.flood.tell(now) },
        }
    }

    /// Takes one keep-alive; one too many is dropped silently.
    pub fn keep_alive(&self) -> bool {
        self.own.as_ref().is_none_or(|own| own.keep_alives.check().is_ok())
    }
}

/// For how long refusals have followed each other.
#[derive(Default)]
struct Flood {
    since: Option<Moment>,
    last: Option<Moment>,
    told: Option<Moment>,
}

impl Flood {
    fn refuse(&mut self, now: Moment) -> Verdict {
        if self.last.is_none_or(|last| now.since(last) >= FLOOD_PAUSE) {
            self.since = Some(now);
        }
        self.last = Some(now);
        if self.since.is_some_and(|since| now.since(since) > FLOOD_PATIENCE) {
            return Verdict::Flooding;
        }
        Verdict::Refused { tell: self.tell(now) }
    }

    /// Whether a refusal is told, which makes it the last one for a while.
    fn tell(&mut self, now: Moment) -> bool {
        let tell = self.told.is_none_or(|told| now.since(told) >= TELL_EVERY);
        if tell {
            self.told = Some(now);
        }
        tell
    }
}

/// New connections a second from one address (contract D-11).
pub struct AddressRate {
    buckets: Option<Buckets>,
    asked: AtomicU32,
}

/// After this many questions, addresses whose bucket is full again are forgotten.
const SWEEP_EVERY: u32 = 4096;

impl AddressRate {
    /// So many a second, and so many at once; `None` lets everyone in.
    pub fn new(rate: Option<(NonZeroU32, NonZeroU32)>, clock: &Arc<dyn Clock>) -> AddressRate {
        let buckets = rate.map(|(per_second, burst)| {
            let quota = Quota::per_second(per_second).allow_burst(burst);
            RateLimiter::dashmap_with_clock(quota, Injected(Arc::clone(clock)))
        });
        AddressRate { buckets, asked: AtomicU32::new(0) }
    }

    pub fn allows(&self, address: IpAddr) -> bool {
        let Some(buckets) = &self.buckets else { return true };
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            buckets.retain_recent();
        }
        buckets.check_key(&subscriber(address)).is_ok()
    }
}

/// An IPv6 subscriber owns a /64; single addresses of it would be an unlimited supply.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Sleep, Timestamp};
    use std::sync::atomic::AtomicU64;

    #[derive(Default)]
    struct ByHand(AtomicU64);

    impl ByHand {
        fn advance(&self, millis: u64) -> Moment {
            self.0.fetch_add(millis, Ordering::SeqCst);
            self.now()
        }
    }

    impl Clock for ByHand {
        fn now(&self) -> Moment {
            Moment::from_start(Duration::from_millis(self.0.load(Ordering::SeqCst)))
        }

        fn wall(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn sleep_until(&self, _: Moment) -> Sleep {
            Box::pin(std::future::pending())
        }
    }

    fn session(per_second: u32) -> (Arc<ByHand>, SessionRate) {
        let hand = Arc::new(ByHand::default());
        let clock: Arc<dyn Clock> = hand.clone();
        (hand, SessionRate::new(Some(NonZeroU32::new(per_second).unwrap()), &clock))
    }

    #[test]
    fn what_others_have_used_up_is_refused_and_no_flood() {
        let (system, one) = (Arc::new(ByHand::default()), NonZeroU32::MIN);
        let clock: Arc<dyn Clock> = system.clone();
        let shared = SharedRate::new(one, &clock);
        let many = NonZeroU32::new(1000).unwrap();
        let (mut first, mut second) =
            (SessionRate::new(Some(many), &clock), SessionRate::new(Some(many), &clock));
        assert_eq!(first.message(Some(&shared), clock.now()), Verdict::Allowed);
        assert_eq!(second.message(Some(&shared), clock.now()), Verdict::Refused { tell: true });
        assert_eq!(second.message(Some(&shared), clock.now()), Verdict::Refused { tell: false });
    }

    #[test]
    fn a_burst_is_served_and_the_rest_told_once_a_second() {
        let (clock, mut rate) = session(100);
        for _ in 0..100 {
            assert_eq!(rate.message(None, clock.now()), Verdict::Allowed);
        }
        assert_eq!(rate.message(None, clock.now()), Verdict::Refused { tell: true });
        assert_eq!(rate.message(None, clock.now()), Verdict::Refused { tell: false });
        let later = clock.advance(1000);
        assert_eq!(rate.message(None, later), Verdict::Allowed);
        for _ in 0..99 {
            rate.message(None, later);
        }
        assert_eq!(rate.message(None, later), Verdict::Refused { tell: true });
    }

    #[test]
    fn ten_seconds_of_flooding_are_enough_and_a_pause_forgives() {
        let (clock, mut rate) = session(1);
        rate.message(None, clock.now());
        for _ in 0..40 {
            assert_ne!(rate.message(None, clock.advance(250)), Verdict::Flooding);
        }
        rate.message(None, clock.advance(5000));
        for _ in 0..40 {
            assert_ne!(rate.message(None, clock.advance(250)), Verdict::Flooding, "the pause forgave");
        }
        let mut ended = false;
        for _ in 0..10 {
            ended |= rate.message(None, clock.advance(250)) == Verdict::Flooding;
        }
        assert!(ended);
    }

    #[test]
    fn keep_alives_have_a_bucket_of_their_own() {
        let (clock, mut rate) = session(2);
        assert!(rate.keep_alive() && rate.keep_alive() && !rate.keep_alive());
        assert_eq!(rate.message(None, clock.now()), Verdict::Allowed);
    }

    #[test]
    fn an_address_has_its_burst_and_no_other_address_s() {
        let clock: Arc<dyn Clock> = Arc::new(ByHand::default());
        let rate = AddressRate::new(NonZeroU32::new(5).zip(NonZeroU32::new(50)), &clock);
        let (mine, other): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert_eq!((0..120).filter(|_| rate.allows(mine)).count(), 50);
        assert!(rate.allows(other));
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let a = subscriber("2001:db8::1".parse().unwrap());
        assert_eq!(a, subscriber("2001:db8::ffff".parse().unwrap()));
        assert_ne!(a, subscriber("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(subscriber("::ffff:10.0.0.1".parse().unwrap()), "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}
