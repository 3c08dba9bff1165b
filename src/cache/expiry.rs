//! How long an entry is good for.

use crate::clock::Time;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a cache says of the age of its entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifetime {
    /// `None`: for ever.
    pub ttl: Option<Duration>,
    /// By which part, 0 to 1, `ttl` and `refresh_after` are shortened at most, at random: entries that were made
    /// together do not expire together.
    pub jitter: f64,
    /// After this age a hit should be refreshed.
    pub refresh_after: Option<Duration>,
    /// How long past its `ttl` a value may be served while its reload is under way.
    pub stale_while_revalidate: Duration,
    /// How long past its `ttl` a value may be served after its reload failed.
    pub stale_if_error: Duration,
    /// For how long the error of a failed load is given in place of another load.
    pub error_ttl: Duration,
}

/// The moments in the life of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// From then on a hit should be refreshed.
    pub refresh: Time,
    /// Until then it is fresh.
    pub fresh: Time,
    /// Until then it may be served while it is reloaded.
    pub revalidate: Time,
    /// Until then it may be served if its reload fails.
    pub if_error: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Fresh,
    /// Fresh, and it is time to load it anew.
    Due,
    /// To be served while it is reloaded.
    Stale,
    /// To be served only if its reload fails.
    Doubtful,
    Gone,
}

/// Random numbers that spread lifetimes (splitmix64, Steele, Lea and Flood 2014), from a seed.
#[derive(Debug)]
pub struct Chances(pub u64);

impl Chances {
    /// The next one, from 0 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let chance = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        chance
    }
}

impl Lifetime {
    /// For an entry that is stored now. `ttl`: its own, in place of the cache's; `chance` from 0 to 1 decides how much of the
    /// jitter it gets.
    pub fn times(&self, now: Time, ttl: Option<Duration>, chance: f64) -> Times {
        let part = 1.0 - self.jitter * chance;
        let shortened = |span: Duration| now.after(span.mul_f64(part));
        let fresh = ttl.or(self.ttl).map_or(Time::NEVER, shortened);
        Times {
            refresh: self.refresh_after.map_or(Time::NEVER, shortened),
            fresh,
            revalidate: fresh.after(self.stale_while_revalidate),
            if_error: fresh.after(self.stale_if_error),
        }
    }
}

impl Times {
    pub fn age(&self, now: Time) -> Age {
        if now < self.fresh {
            if now < self.refresh { Age::Fresh } else { Age::Due }
        } else if now < self.revalidate {
            Age::Stale
        } else if now < self.if_error {
            Age::Doubtful
        } else {
            Age::Gone
        }
    }

    /// When nobody has a use for it any more.
    pub fn gone(&self) -> Time {
        self.revalidate.max(self.if_error)
    }
}

/// Which entry is gone first.
#[derive(Debug, Default)]
pub struct Deadlines(BTreeSet<(Time, u32)>);

impl Deadlines {
    pub fn insert(&mut self, times: &Times, slot: u32) {
        if times.gone() < Time::NEVER {
            self.0.insert((times.gone(), slot));
        }
    }

    pub fn remove(&mut self, times: &Times, slot: u32) {
        if times.gone() < Time::NEVER {
            self.0.remove(&(times.gone(), slot));
        }
    }

    /// One that is gone by now.
    pub fn first_gone(&self, now: Time) -> Option<u32> {
        self.0.first().filter(|(gone, _)| *gone <= now).map(|(_, slot)| *slot)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::Age::{Doubtful, Due, Fresh, Gone, Stale};
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn lifetime(ttl: u64) -> Lifetime {
        Lifetime {
            ttl: Some(MS(ttl)),
            jitter: 0.0,
            refresh_after: None,
            stale_while_revalidate: MS(0),
            stale_if_error: MS(0),
            error_ttl: Duration::ZERO,
        }
    }

    #[test]
    fn ages_in_order() {
        let all = Lifetime {
            refresh_after: Some(MS(4)),
            stale_while_revalidate: MS(10),
            stale_if_error: MS(30),
            ..lifetime(10)
        };
        let times = all.times(Time(0), None, 0.5);
        let ages = [3999, 4000, 9999, 10_000, 19_999, 20_000, 39_999, 40_000].map(|now| times.age(Time(now)));
        assert_eq!(ages, [Fresh, Due, Due, Stale, Stale, Doubtful, Doubtful, Gone]);
        assert_eq!(times.gone(), Time(40_000));
    }

    #[test]
    fn jitter_only_shortens() {
        let spread = Lifetime { jitter: 0.2, ..lifetime(10) };
        assert_eq!(spread.times(Time(0), None, 0.0).fresh, Time(10_000));
        assert_eq!(spread.times(Time(0), None, 1.0).fresh, Time(8000));
        assert_eq!(spread.times(Time(0), Some(MS(100)), 0.5).fresh, Time(90_000));
    }

    #[test]
    fn without_a_ttl_nothing_is_ever_gone() {
        let times = Lifetime { ttl: None, ..lifetime(0) }.times(Time(7), None, 0.0);
        assert_eq!((times.age(Time(u64::MAX - 1)), times.gone()), (Fresh, Time::NEVER));
        assert_eq!(lifetime(0).times(Time(7), None, 0.0).age(Time(7)), Gone);
        let mut deadlines = Deadlines::default();
        deadlines.insert(&times, 3);
        assert_eq!(deadlines.first_gone(Time(u64::MAX - 1)), None);
    }

    #[test]
    fn deadlines_come_in_order() {
        let mut deadlines = Deadlines::default();
        let at = |ttl| lifetime(ttl).times(Time(0), None, 0.0);
        for (slot, ttl) in [(0, 30), (1, 10), (2, 20)] {
            deadlines.insert(&at(ttl), slot);
        }
        assert_eq!(deadlines.first_gone(Time(9999)), None);
        assert_eq!(deadlines.first_gone(Time(50_000)), Some(1));
        deadlines.remove(&at(10), 1);
        assert_eq!(deadlines.first_gone(Time(50_000)), Some(2));
    }
}
