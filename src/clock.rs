//! Time as the cache counts it. Whoever needs a clock is handed the time, so that tests can hand over their own.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Microseconds since the process first asked, monotonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// Later than any other.
    pub const NEVER: Time = Time(u64::MAX);

    #[must_use]
    pub fn now() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        Time(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX - 1))
    }

    /// What overflows is never.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        u64::try_from(span.as_micros()).ok().and_then(|span| self.0.checked_add(span)).map_or(Time::NEVER, Time)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn goes_forward_and_ends_at_never() {
        let first = Time::now();
        assert!(Time::now() >= first && first < Time::NEVER);
        assert_eq!(Time(5).after(Duration::from_millis(2)), Time(2005));
        assert_eq!(Time(5).after(Duration::MAX), Time::NEVER);
        assert_eq!(Time::NEVER.after(Duration::from_micros(1)), Time::NEVER);
    }
}
