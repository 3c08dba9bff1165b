//! The order in which entries are evicted.

use super::key::Key;
use super::limits::{Limits, Room};
use super::lru::LruList;
use super::s3_fifo::{Rank, S3Fifo};

/// How a cache chooses the entry to evict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Lru,
    S3Fifo,
}

/// Slots and weights of the entries, in the order of a policy.
#[derive(Debug)]
pub struct Order {
    limits: Limits,
    queues: Queues,
}

#[derive(Debug)]
enum Queues {
    Lru(LruList),
    S3Fifo(S3Fifo),
}

impl Order {
    pub fn new(limits: Limits, policy: Policy) -> Self {
        let queues = match policy {
            Policy::Lru => Queues::Lru(LruList::new()),
            Policy::S3Fifo => Queues::S3Fifo(S3Fifo::new()),
        };
        Order { limits, queues }
    }

    /// Removes all entries, and returns them.
    pub fn take(&mut self) -> Self {
        let policy = match self.queues {
            Queues::Lru(_) => Policy::Lru,
            Queues::S3Fifo(_) => Policy::S3Fifo,
        };
        std::mem::replace(self, Order::new(self.limits, policy))
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub fn len(&self) -> usize {
        match &self.queues {
            Queues::Lru(list) => list.len(),
            Queues::S3Fifo(queues) => queues.len(),
        }
    }

    /// Total weight of the entries.
    pub fn bytes(&self) -> u64 {
        match &self.queues {
            Queues::Lru(list) => list.bytes(),
            Queues::S3Fifo(queues) => queues.bytes(),
        }
    }

    /// True if an entry of this weight fits an empty cache.
    pub fn may_hold(&self, weight: u64) -> bool {
        self.limits.entries > 0 && weight <= self.limits.bytes
    }

    /// True if an entry has to be evicted before others are added.
    pub fn lacks(&self, room: Room) -> bool {
        self.len() + room.entries > self.limits.entries || self.bytes().saturating_add(room.bytes) > self.limits.bytes
    }

    /// Adds an entry for which there is room. `rank` was returned by [`Order::rank`] for the entry that it replaces.
    pub fn insert(&mut self, slot: u32, weight: u64, key: &Key, rank: Option<Rank>) {
        match &mut self.queues {
            Queues::Lru(list) => list.insert(slot, weight),
            Queues::S3Fifo(queues) => queues.insert(self.limits, slot, weight, key, rank),
        }
    }

    /// Removes an entry. Pass its `key` if it may soon be stored again.
    pub fn remove(&mut self, slot: u32, key: Option<&Key>) {
        match &mut self.queues {
            Queues::Lru(list) => list.remove(slot),
            Queues::S3Fifo(queues) => queues.remove(slot, key),
        }
    }

    /// Records a use. Does nothing if the slot is empty by now.
    pub fn touch(&mut self, slot: u32) {
        match &mut self.queues {
            Queues::Lru(list) => list.touch(slot),
            Queues::S3Fifo(queues) => queues.touch(slot),
        }
    }

    /// Returns the rank for an entry that replaces the one in the slot.
    pub fn rank(&mut self, slot: u32) -> Option<Rank> {
        match &mut self.queues {
            Queues::Lru(_) => None,
            Queues::S3Fifo(queues) => queues.rank(slot),
        }
    }

    /// Slot of the entry to evict before others are added.
    pub fn victim(&mut self, room: Room) -> Option<u32> {
        match &mut self.queues {
            Queues::Lru(list) => list.victim(),
            Queues::S3Fifo(queues) => queues.victim(self.limits, room),
        }
    }

    /// Slot of the entry that will be evicted next, if the cache is full and its policy is LRU.
    pub fn likely_victim(&self) -> Option<u32> {
        match &self.queues {
            Queues::Lru(list) if self.lacks(Room { entries: 1, bytes: 0 }) => list.victim(),
            Queues::Lru(_) | Queues::S3Fifo(_) => None,
        }
    }

    /// All slots, from the most to the least likely to stay.
    pub fn slots(&self) -> Vec<u32> {
        match &self.queues {
            Queues::Lru(list) => list.slots().collect(),
            Queues::S3Fifo(queues) => queues.slots().collect(),
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn either_limit_can_be_exceeded() {
        for policy in [Policy::Lru, Policy::S3Fifo] {
            let mut order = Order::new(Limits { entries: 2, bytes: 100 }, policy);
            order.insert(0, 60, &Key::from("a"), None);
            assert!(!order.lacks(Room::for_one(40)) && order.lacks(Room::for_one(41)));
            order.insert(1, 40, &Key::from("b"), None);
            assert!(!order.lacks(Room::NONE) && order.lacks(Room::for_one(0)));
            order.remove(0, None);
            assert!(!order.lacks(Room::for_one(60)));
            order.set_limits(Limits { entries: 0, bytes: 100 });
            assert!(order.lacks(Room::NONE) && !order.may_hold(1));
            assert_eq!((order.take().slots(), order.slots()), (vec![1], vec![]));
        }
    }
}
