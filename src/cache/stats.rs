//! What a cache counts.

use super::flight::Joined;
use crate::metrics::Summary;

/// Why an entry is not there any more.
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

/// What is counted one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub hits: u64,
    pub stale_hits: u64,
    /// Questions that found nothing to serve at once.
    pub misses: u64,
    pub loads: u64,
    /// Those who joined a load under way.
    pub coalesced: u64,
    pub load_failures: u64,
    pub evictions: Evictions,
}

impl Counts {
    pub fn hit(&mut self, is_stale: bool) {
        *(if is_stale { &mut self.stale_hits } else { &mut self.hits }) += 1;
    }

    pub fn miss(&mut self, joined: Joined) {
        self.misses += 1;
        self.flight(joined);
    }

    pub fn flight(&mut self, joined: Joined) {
        match joined {
            Joined::Leads(_) => self.loads += 1,
            Joined::Follows(_) => self.coalesced += 1,
        }
    }
}

/// A snapshot. Times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    pub size: usize,
    pub bytes: u64,
    pub in_flight: usize,
    pub counts: Counts,
    pub load_time: Summary,
}
