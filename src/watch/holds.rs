//! How long the iterations of an event loop held its thread, and how long an arriving request waits.

use super::Nanos;
use crate::metrics::{Latencies, Summary, float};

/// Durations of iterations in bounded memory.
#[derive(Debug)]
pub struct Holds {
    holds: Latencies,
    began: Nanos,
}

impl Holds {
    #[must_use]
    pub fn new(now: Nanos) -> Self {
        Holds { holds: Latencies::new(), began: now }
    }

    pub fn record(&mut self, held: Nanos) {
        self.holds.record(std::time::Duration::from_nanos(held), 1);
    }

    /// Summarizes the iterations.
    #[must_use]
    pub fn hold(&self) -> Summary {
        self.holds.summary()
    }

    /// Summarizes how long a request that arrives at a random time waits until the loop can begin it. An iteration of length h
    /// delays a request by anything up to h, and the longer it is, the more requests arrive within it: this is the residual life
    /// of a renewal process (W. Feller, An Introduction to Probability Theory and Its Applications, vol. 2, XI.4).
    #[must_use]
    pub fn delay(&self, now: Nanos) -> Summary {
        self.holds.residual(now.saturating_sub(self.began))
    }

    /// Returns the share of the time in which the loop was not idle.
    #[must_use]
    pub fn utilization(&self, now: Nanos) -> f64 {
        let elapsed = now.saturating_sub(self.began);
        if elapsed == 0 { 0.0 } else { (self.holds.total_nanos() / float(elapsed)).min(1.0) }
    }
}
