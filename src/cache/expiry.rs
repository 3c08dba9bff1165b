//! Lifetimes of entries.

use crate::clock::Time;
use std::collections::BTreeSet;
use std::time::Duration;

/// Lifetime options of a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifetime {
    /// `None`: without limit.
    pub ttl: Option<Duration>,
    /// Maximum fraction, 0 to 1, by which `ttl` and `refresh_after` are shortened at random, so that entries that were
    /// stored together do not expire together.
    pub jitter: f64,
    /// Age from which a hit starts a reload.
    pub refresh_after: Option<Duration>,
    /// How long past its `ttl` a value may be served while it is reloaded.
    pub stale_while_revalidate: Duration,
    /// How long past its `ttl` a value may be served after its reload failed.
    pub stale_if_error: Duration,
    /// How long the error of a failed load is served before the next load.
    pub error_ttl: Duration,
}

/// Points in time at which the [`Age`] of an entry changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryTimes {
    /// Time from which a hit starts a reload.
    pub refresh_at: Time,
    pub fresh_until: Time,
    /// Time until which the value may be served while it is reloaded.
    pub revalidate_until: Time,
    /// Time until which the value may be served if its reload fails.
    pub if_error_until: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Fresh,
    /// Fresh, but a hit starts a reload.
    RefreshDue,
    /// May be served while it is reloaded.
    Stale,
    /// May be served only if its reload fails.
    ErrorOnly,
    Expired,
}

/// Random number generator for the jitter (Steele, Lea and Flood 2014).
#[derive(Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// Returns the next number in `0.0..1.0`.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let number = (bits >> 11) as f64 / (1_u64 << 53) as f64;
        number
    }
}

impl Lifetime {
    /// Returns the times of an entry that is stored now. `ttl` overrides the cache's; `random`, 0 to 1, scales the jitter.
    pub fn times(&self, now: Time, ttl: Option<Duration>, random: f64) -> EntryTimes {
        let factor = 1.0 - self.jitter * random;
        let shortened = |span: Duration| now.after(span.mul_f64(factor));
        let fresh_until = ttl.or(self.ttl).map_or(Time::NEVER, shortened);
        EntryTimes {
            refresh_at: self.refresh_after.map_or(Time::NEVER, shortened),
            fresh_until,
            revalidate_until: fresh_until.after(self.stale_while_revalidate),
            if_error_until: fresh_until.after(self.stale_if_error),
        }
    }
}

impl EntryTimes {
    pub fn age(&self, now: Time) -> Age {
        if now < self.fresh_until {
            if now < self.refresh_at { Age::Fresh } else { Age::RefreshDue }
        } else if now < self.revalidate_until {
            Age::Stale
        } else if now < self.if_error_until {
            Age::ErrorOnly
        } else {
            Age::Expired
        }
    }

    /// Time from which the value may not be served at all.
    pub fn expires_at(&self) -> Time {
        self.revalidate_until.max(self.if_error_until)
    }
}

/// Slots by the time at which their entries expire. Entries that never do are left out.
#[derive(Debug, Default)]
pub struct ExpiryQueue(BTreeSet<(Time, u32)>);

impl ExpiryQueue {
    pub fn insert(&mut self, times: &EntryTimes, slot: u32) {
        if times.expires_at() < Time::NEVER {
            self.0.insert((times.expires_at(), slot));
        }
    }

    pub fn remove(&mut self, times: &EntryTimes, slot: u32) {
        if times.expires_at() < Time::NEVER {
            self.0.remove(&(times.expires_at(), slot));
        }
    }

    /// Returns the slot whose entry expired first, if any has.
    pub fn first_expired(&self, now: Time) -> Option<u32> {
        self.0.first().filter(|(expires_at, _)| *expires_at <= now).map(|(_, slot)| *slot)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::Age::{ErrorOnly, Expired, Fresh, RefreshDue, Stale};
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
        assert_eq!(ages, [Fresh, RefreshDue, RefreshDue, Stale, Stale, ErrorOnly, ErrorOnly, Expired]);
        assert_eq!(times.expires_at(), Time(40_000));
    }

    #[test]
    fn jitter_only_shortens() {
        let spread = Lifetime { jitter: 0.2, ..lifetime(10) };
        assert_eq!(spread.times(Time(0), None, 0.0).fresh_until, Time(10_000));
        assert_eq!(spread.times(Time(0), None, 1.0).fresh_until, Time(8000));
        assert_eq!(spread.times(Time(0), Some(MS(100)), 0.5).fresh_until, Time(90_000));
    }

    #[test]
    fn without_a_ttl_entries_never_expire() {
        let times = Lifetime { ttl: None, ..lifetime(0) }.times(Time(7), None, 0.0);
        assert_eq!((times.age(Time(u64::MAX - 1)), times.expires_at()), (Fresh, Time::NEVER));
        assert_eq!(lifetime(0).times(Time(7), None, 0.0).age(Time(7)), Expired);
        let mut expiry = ExpiryQueue::default();
        expiry.insert(&times, 3);
        assert_eq!(expiry.first_expired(Time(u64::MAX - 1)), None);
    }

    #[test]
    fn entries_expire_in_order() {
        let mut expiry = ExpiryQueue::default();
        let at = |ttl| lifetime(ttl).times(Time(0), None, 0.0);
        for (slot, ttl) in [(0, 30), (1, 10), (2, 20)] {
            expiry.insert(&at(ttl), slot);
        }
        assert_eq!(expiry.first_expired(Time(9999)), None);
        assert_eq!(expiry.first_expired(Time(50_000)), Some(1));
        expiry.remove(&at(10), 1);
        assert_eq!(expiry.first_expired(Time(50_000)), Some(2));
    }
}
