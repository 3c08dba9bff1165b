//! Clock of the cache. The current time is always a parameter, so that tests can choose it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Monotonic time, in microseconds since the first call of [`Time::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// Later than any other time.
    pub const NEVER: Time = Time(u64::MAX);

    #[must_use]
    pub fn now() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        Time(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX - 1))
    }

    /// Adds a duration. Returns [`Time::NEVER`] on overflow.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        u64::try_from(duration.as_micros())
            .ok()
            .and_then(|duration| self.0.checked_add(duration))
            .map_or(Time::NEVER, Time)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn time_is_monotonic_and_saturates_at_never() {
        let first = Time::now();
        assert!(Time::now() >= first && first < Time::NEVER);
        assert_eq!(Time(5).after(Duration::from_millis(2)), Time(2005));
        assert_eq!(Time(5).after(Duration::MAX), Time::NEVER);
        assert_eq!(Time::NEVER.after(Duration::from_micros(1)), Time::NEVER);
    }
}
