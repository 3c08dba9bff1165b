//! Ids whose last load failed, for a while: asking again at once would only fail again.

use super::id::Id;
use crate::clock::Time;
use lru::LruCache;

/// Ids that are remembered at most; the oldest failure is forgotten first.
const MAX_FAILURES: usize = 1024;

struct Failure<E> {
    until: Time,
    error: E,
}

/// Failures by id. `E` is the error, or what stands for it.
pub struct Failures<E>(LruCache<Id, Failure<E>>);

impl<E> Failures<E> {
    pub fn new() -> Self {
        Failures(LruCache::unbounded())
    }

    pub fn remember(&mut self, id: Id, error: E, until: Time) {
        self.0.put(id, Failure { until, error });
        if self.0.len() > MAX_FAILURES {
            self.0.pop_lru();
        }
    }

    /// The error, if it is to be given in place of another load.
    pub fn find(&mut self, id: &Id, now: Time) -> Option<&E> {
        if self.0.is_empty() {
            return None;
        }
        if self.0.peek(id)?.until <= now {
            self.0.pop(id);
        }
        self.0.peek(id).map(|failure| &failure.error)
    }

    /// Something else is known of it.
    pub fn forget(&mut self, id: &Id) {
        if !self.0.is_empty() {
            self.0.pop(id);
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
    fn a_failure_is_known_until_its_time_is_over_or_it_is_forgotten() {
        let mut failures = Failures::new();
        let (a, b) = (Id::from("a"), Id::from("b"));
        failures.remember(a.clone(), 1, Time(10));
        failures.remember(b.clone(), 2, Time(20));
        assert_eq!(failures.find(&a, Time(9)), Some(&1));
        assert_eq!(failures.find(&a, Time(10)), None);
        failures.forget(&b);
        assert_eq!(failures.find(&b, Time(0)), None);
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let mut failures = Failures::new();
        for number in 0..2000 {
            failures.remember(Id::number(f64::from(number)), number, Time(1));
        }
        assert_eq!(failures.0.len(), MAX_FAILURES);
        assert_eq!(failures.find(&Id::number(0.0), Time(0)), None);
        assert_eq!(failures.find(&Id::number(1999.0), Time(0)), Some(&1999));
    }
}
