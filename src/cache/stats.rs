//! Statistics of a cache.

use super::flight::Join;
use crate::metrics::Summary;

/// Why an entry was evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Size,
    Ttl,
    Replaced,
    Deleted,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evictions {
    pub size: u64,
    pub ttl: u64,
    pub replaced: u64,
    pub deleted: u64,
}

impl Evictions {
    pub fn count(&mut self, reason: Reason) {
        *match reason {
            Reason::Size => &mut self.size,
            Reason::Ttl => &mut self.ttl,
            Reason::Replaced => &mut self.replaced,
            Reason::Deleted => &mut self.deleted,
        } += 1;
    }
}

/// Event counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub hits: u64,
    pub stale_hits: u64,
    /// Lookups without a value to serve immediately.
    pub misses: u64,
    pub loads: u64,
    /// Lookups that joined a load in flight.
    pub coalesced: u64,
    pub load_failures: u64,
    pub evictions: Evictions,
}

impl Counts {
    pub fn hit(&mut self, is_stale: bool) {
        *(if is_stale { &mut self.stale_hits } else { &mut self.hits }) += 1;
    }

    pub fn miss(&mut self, join: Join) {
        self.misses += 1;
        self.join(join);
    }

    pub fn join(&mut self, join: Join) {
        match join {
            Join::Lead(_) => self.loads += 1,
            Join::Follow(_) => self.coalesced += 1,
        }
    }
}

/// Snapshot of a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    pub size: usize,
    pub bytes: u64,
    pub in_flight: usize,
    pub counts: Counts,
    pub load_time: Summary,
}
