//! What a cache counts.

use super::flight::Joined;
use crate::metrics::{Latencies, Summary};

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

#[derive(Debug)]
pub struct Counters {
    pub hits: u64,
    pub stale_hits: u64,
    pub misses: u64,
    pub loads: u64,
    pub coalesced: u64,
    pub load_failures: u64,
    pub evictions: Evictions,
    pub load_time: Latencies,
}

/// A snapshot. Times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    pub size: usize,
    pub bytes: u64,
    pub in_flight: usize,
    pub hits: u64,
    pub stale_hits: u64,
    pub misses: u64,
    pub loads: u64,
    pub coalesced: u64,
    pub load_failures: u64,
    pub evictions: Evictions,
    pub load_time: Summary,
}

impl Counters {
    pub fn new() -> Self {
        Counters {
            hits: 0,
            stale_hits: 0,
            misses: 0,
            loads: 0,
            coalesced: 0,
            load_failures: 0,
            evictions: Evictions::default(),
            load_time: Latencies::new(),
        }
    }

    pub fn count_hit(&mut self, is_stale: bool) {
        *(if is_stale { &mut self.stale_hits } else { &mut self.hits }) += 1;
    }

    pub fn count_miss(&mut self, joined: Joined) {
        self.misses += 1;
        self.count_flight(joined);
    }

    pub fn count_flight(&mut self, joined: Joined) {
        match joined {
            Joined::Leads(_) => self.loads += 1,
            Joined::Follows(_) => self.coalesced += 1,
        }
    }

    pub fn snapshot(&self, size: usize, bytes: u64, in_flight: usize) -> Stats {
        Stats {
            size,
            bytes,
            in_flight,
            hits: self.hits,
            stale_hits: self.stale_hits,
            misses: self.misses,
            loads: self.loads,
            coalesced: self.coalesced,
            load_failures: self.load_failures,
            evictions: self.evictions,
            load_time: self.load_time.summary(),
        }
    }
}
