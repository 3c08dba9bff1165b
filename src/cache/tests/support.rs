//! Constants and helpers of the tests.

pub use crate::cache::core::{Cache, Incoming, Lookup, Options, Participant};
pub use crate::cache::detached::Evicted;
pub use crate::cache::expiry::Lifetime;
pub use crate::cache::flight::{FlightId, Join};
pub use crate::cache::key::Key;
pub use crate::cache::limits::Limits;
pub use crate::cache::order::Policy;
pub use crate::clock::Time;
pub use std::time::Duration;

pub const MS: fn(u64) -> Duration = Duration::from_millis;
pub const UNBOUNDED: Limits = Limits { entries: usize::MAX, bytes: u64::MAX };
pub const UNLIMITED: Lifetime = Lifetime {
    ttl: None,
    jitter: 0.0,
    refresh_after: None,
    stale_while_revalidate: Duration::ZERO,
    stale_if_error: Duration::ZERO,
    error_ttl: Duration::ZERO,
};
pub const NOW: Time = Time(0);
pub const ME: Participant = 1;

pub fn cache(limits: Limits, lifetime: Lifetime) -> Cache<u32> {
    Cache::new(&Options { limits, lifetime, policy: Policy::Lru }, 7)
}

pub fn key(name: &str) -> Key {
    Key::from(name)
}

pub fn value(value: u32) -> Incoming<u32> {
    Incoming { value, weight: 1, ttl: None, refresh: None }
}

pub fn put(cache: &Cache<u32>, name: &str, number: u32, now: Time) -> Vec<Evicted<u32>> {
    cache.set(&[], &key(name), value(number), now)
}

pub fn get(cache: &Cache<u32>, name: &str, now: Time) -> Lookup<u32> {
    cache.get(&key(name), ME, now).0
}

pub fn hit(got: Lookup<u32>) -> u32 {
    match got {
        Lookup::Hit { found, .. } => found.value,
        other => panic!("{other:?}"),
    }
}

/// Returns the flight that the caller leads.
pub fn lead(got: Lookup<u32>) -> FlightId {
    match got {
        Lookup::Miss { join: Join::Lead(flight), .. } => flight,
        other => panic!("{other:?}"),
    }
}
