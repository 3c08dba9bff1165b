//! Tickets by age, for the limit on how long a task may wait.

use std::collections::BTreeSet;
use std::time::Instant;

/// Whether ages are tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackAge {
    Yes,
    No,
}

/// Tickets, and when each began to wait. Stays empty unless ages are tracked.
#[derive(Debug)]
pub struct Ages(Option<BTreeSet<(Instant, u64)>>);

impl Ages {
    pub fn new(track: TrackAge) -> Self {
        Ages((track == TrackAge::Yes).then(BTreeSet::new))
    }

    pub fn insert(&mut self, since: Instant, ticket: u64) {
        if let Some(ages) = &mut self.0 {
            ages.insert((since, ticket));
        }
    }

    pub fn remove(&mut self, since: Instant, ticket: u64) {
        if let Some(ages) = &mut self.0 {
            ages.remove(&(since, ticket));
        }
    }

    /// Returns when the oldest ticket began to wait.
    pub fn oldest(&self) -> Option<Instant> {
        self.0.as_ref()?.first().map(|&(since, _)| since)
    }

    /// Returns the oldest ticket if it began to wait at `limit` or before.
    pub fn stale(&self, limit: Instant) -> Option<u64> {
        self.0.as_ref()?.first().filter(|&&(since, _)| since <= limit).map(|&(_, ticket)| ticket)
    }
}
