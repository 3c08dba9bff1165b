//! Latency statistics in bounded memory.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Nanoseconds of the longest distinguishable latency: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// HDR histogram (G. Tene) of durations from 1 ns to an hour, to two significant digits, in about 35 KiB.
#[derive(Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
}

/// Summary of a distribution, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    pub count: u64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Latencies {
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 2).expect("these bounds are valid");
        Latencies { histogram }
    }

    /// Adds `count` events of this duration.
    pub fn record(&mut self, duration: Duration, count: u64) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(LONGEST);
        self.histogram.saturating_record_n(nanos.max(1), count);
    }

    /// Returns the sum of the durations, in nanoseconds.
    #[must_use]
    pub fn total_nanos(&self) -> f64 {
        self.histogram.mean() * float(self.histogram.len())
    }

    /// Summarizes the time from a random moment of the last `elapsed` nanoseconds to the end of the duration in progress, or zero
    /// between durations. One moment in each millisecond counts, so that the product of `count` and `mean` never decreases.
    #[must_use]
    pub fn residual(&self, elapsed: u64) -> Summary {
        let longest_first: Vec<(f64, f64)> = {
            let recorded = self.histogram.iter_recorded();
            recorded.map(|it| (float(it.value_iterated_to()), float(it.count_at_value()))).collect::<Vec<_>>()
        }
        .into_iter()
        .rev()
        .collect();
        let moments = elapsed / 1_000_000;
        let elapsed = float(elapsed).max(1.0);
        let squares: f64 = longest_first.iter().map(|(nanos, count)| count * nanos * nanos).sum();
        let at = |quantile: f64| residual_at(&longest_first, (1.0 - quantile) * elapsed) / 1e6;
        Summary {
            count: moments,
            mean: squares / 2.0 / 1e6 / float(moments.max(1)) / 1e6,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: self.summary().max,
        }
    }

    /// All fields are zero if nothing was recorded.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let millis = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1e3;
        let at = |quantile| millis(self.histogram.value_at_quantile(quantile));
        Summary {
            count: self.histogram.len(),
            mean: self.histogram.mean() / 1e6,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: millis(self.histogram.max()),
        }
    }
}

/// Converts a count, or nanoseconds, to a float.
#[expect(clippy::cast_precision_loss, reason = "counts and durations stay below 2^53")]
pub fn float(number: u64) -> f64 {
    number as f64
}

/// Returns the residual time that is exceeded during `exceeded` nanoseconds: within a duration `h`, a residual time above `x` is
/// left for `h - x`.
fn residual_at(longest_first: &[(f64, f64)], exceeded: f64) -> f64 {
    let (mut count, mut sum) = (0.0, 0.0);
    for (index, (nanos, events)) in longest_first.iter().enumerate() {
        count += events;
        sum += nanos * events;
        let next = longest_first.get(index + 1).map_or(0.0, |(nanos, _)| *nanos);
        if sum - next * count >= exceeded {
            return (sum - exceeded) / count;
        }
    }
    0.0
}

impl Default for Latencies {
    fn default() -> Self {
        Latencies::new()
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_is_all_zero() {
        let zero = Summary { count: 0, mean: 0.0, p50: 0.0, p90: 0.0, p99: 0.0, max: 0.0 };
        assert_eq!(Latencies::new().summary(), zero);
    }

    #[test]
    fn quantiles_within_one_percent() {
        let mut latencies = Latencies::new();
        for millis in 1..=100 {
            latencies.record(Duration::from_millis(millis), 1);
        }
        let summary = latencies.summary();
        assert_eq!(summary.count, 100);
        for (actual, exact) in [(summary.p50, 50.0), (summary.p90, 90.0), (summary.p99, 99.0), (summary.max, 100.0)] {
            assert!((actual / exact - 1.0).abs() < 0.01, "{actual} instead of {exact}");
        }
    }

    #[test]
    fn residual_times_weigh_long_durations() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_millis(100), 1);
        latencies.record(Duration::from_millis(1), 100);
        // In 1 s, 100 ms belong to the long duration, 100 ms to the short ones, and 800 ms to none.
        let residual = latencies.residual(1_000_000_000);
        assert_eq!((residual.count, residual.p50), (1000, 0.0));
        assert!((residual.p99 / 90.0 - 1.0).abs() < 0.02, "{residual:?}");
        assert!((residual.p90 / 0.99 - 1.0).abs() < 0.05, "{residual:?}");
        assert!((residual.mean / 5.05 - 1.0).abs() < 0.02, "{residual:?}");
        assert_eq!(Latencies::new().residual(0), Latencies::new().summary());
    }

    #[test]
    fn a_duration_out_of_bounds_counts_at_the_bound() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_secs(1 << 40), 3);
        latencies.record(Duration::ZERO, 2);
        assert_eq!(latencies.summary().count, 5);
    }
}
