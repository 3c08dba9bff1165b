//! Recent load failures, by key. Loading again immediately would most likely fail again.

use super::key::Key;
use crate::clock::Time;
use lru::LruCache;

/// Beyond this number of failures the oldest one is dropped.
const MAX_FAILURES: usize = 1024;

struct Failure<E> {
    until: Time,
    error: E,
}

/// Failures by key.
pub struct Failures<E>(LruCache<Key, Failure<E>>);

impl<E> Failures<E> {
    pub fn new() -> Self {
        Failures(LruCache::unbounded())
    }

    pub fn remember(&mut self, key: Key, error: E, until: Time) {
        self.0.put(key, Failure { until, error });
        if self.0.len() > MAX_FAILURES {
            self.0.pop_lru();
        }
    }

    /// Returns the error to serve in place of another load.
    pub fn find(&mut self, key: &Key, now: Time) -> Option<&E> {
        if self.0.is_empty() {
            return None;
        }
        if self.0.peek(key)?.until <= now {
            self.0.pop(key);
        }
        self.0.peek(key).map(|failure| &failure.error)
    }

    pub fn forget(&mut self, key: &Key) {
        if !self.0.is_empty() {
            self.0.pop(key);
        }
    }

    pub fn clear(&mut self) {
        self.0 = LruCache::unbounded();
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn a_failure_lasts_until_its_time_is_over_or_it_is_forgotten() {
        let mut failures = Failures::new();
        let (a, b) = (Key::from("a"), Key::from("b"));
        failures.remember(a.clone(), 1, Time(10));
        failures.remember(b.clone(), 2, Time(20));
        assert_eq!(failures.find(&a, Time(9)), Some(&1));
        assert_eq!(failures.find(&a, Time(10)), None);
        failures.forget(&b);
        assert_eq!(failures.find(&b, Time(0)), None);
    }

    #[test]
    fn the_oldest_failure_is_dropped_beyond_the_limit() {
        let mut failures = Failures::new();
        for number in 0..2000 {
            failures.remember(Key::number(f64::from(number)), number, Time(1));
        }
        assert_eq!(failures.0.len(), MAX_FAILURES);
        assert_eq!(failures.find(&Key::number(0.0), Time(0)), None);
        assert_eq!(failures.find(&Key::number(1999.0), Time(0)), Some(&1999));
    }
}
