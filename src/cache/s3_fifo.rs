//! The policy `s3-fifo`, after Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
//!
//! New entries enter a small queue. At its end, those that were used move to the main queue. The others are evicted, and their keys
//! remembered: an entry whose key is remembered enters the main queue. That queue gives an entry another round for each use, up to
//! three. While there is room, the small queue passes its oldest entries to the main one, used or not.

use super::ghosts::Ghosts;
use super::key::Key;
use super::limits::{Limits, Room};
use super::lists::{Links, List};

/// Divides each limit into parts, of which the small queue has at most one if the rest is in use.
const SMALL_PART: u64 = 4;
const MAX_USES: u8 = 3;
/// Maximum number of used entries that an eviction moves, so that its time is bounded.
const MAX_MOVES: u32 = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    Small,
    Main,
}

/// Queue and number of uses of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    queue: Queue,
    uses: u8,
}

const NEW: Rank = Rank { queue: Queue::Small, uses: 0 };
const RETURNED: Rank = Rank { queue: Queue::Main, uses: 0 };

#[derive(Debug)]
pub struct S3Fifo {
    links: Links,
    small: List,
    main: List,
    /// Ranks by slot. That of an empty slot has no meaning.
    ranks: Vec<Rank>,
    ghosts: Ghosts,
}

impl S3Fifo {
    pub fn new() -> Self {
        S3Fifo {
            links: Links::default(),
            small: List::new(),
            main: List::new(),
            ranks: Vec::new(),
            ghosts: Ghosts::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    pub fn bytes(&self) -> u64 {
        self.small.bytes().saturating_add(self.main.bytes())
    }

    /// Adds an entry for which there is room. `rank` was returned by [`S3Fifo::rank`] for the entry that it replaces.
    pub fn insert(&mut self, limits: Limits, slot: u32, weight: u64, key: &Key, rank: Option<Rank>) {
        if slot as usize >= self.ranks.len() {
            self.ranks.resize(slot as usize + 1, NEW);
        }
        let rank = rank.unwrap_or_else(|| if self.ghosts.take(key) { RETURNED } else { NEW });
        self.enter(slot, weight, rank);
        while rank.queue == Queue::Small && self.small.len() > 1 && self.exceeds_share(limits, Room::NONE) {
            let Some(oldest) = self.small.oldest() else { break };
            let uses = self.ranks[oldest as usize].uses;
            self.move_to_main(oldest, uses);
        }
    }

    /// Counts a use, up to three. Has no effect on an empty slot.
    pub fn touch(&mut self, slot: u32) {
        if let Some(rank) = self.ranks.get_mut(slot as usize)
            && rank.uses < MAX_USES
        {
            rank.uses += 1;
        }
    }

    /// Removes an entry, and remembers `key`, except that of an unused entry of the main queue.
    pub fn remove(&mut self, slot: u32, key: Option<&Key>) {
        let Some(&rank) = self.ranks.get(slot as usize) else { return };
        if self.leave(slot).is_none() {
            return;
        }
        if let Some(key) = key
            && rank != RETURNED
        {
            self.ghosts.add(key);
        }
        // After each removal: later, one eviction might have to drop millions.
        self.ghosts.limit(self.len() + 1);
    }

    /// Returns the rank for an entry that replaces this one: the same queue, and one use more.
    pub fn rank(&mut self, slot: u32) -> Option<Rank> {
        self.touch(slot);
        self.links.holds(slot).then(|| self.ranks[slot as usize])
    }

    /// Slot of the entry to evict before others are added.
    pub fn victim(&mut self, limits: Limits, room: Room) -> Option<u32> {
        let mut moves = 0;
        loop {
            let is_small = self.main.len() == 0 || (self.small.len() > 0 && self.exceeds_share(limits, room));
            let slot = if is_small { self.small.oldest()? } else { self.main.oldest()? };
            let uses = self.ranks[slot as usize].uses;
            if uses == 0 || moves == MAX_MOVES {
                return Some(slot);
            }
            moves += 1;
            self.move_to_main(slot, if is_small { 0 } else { uses - 1 });
        }
    }

    /// All slots: those of the main queue, then those of the small one, each with the newest first.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.main.slots(&self.links).chain(self.small.slots(&self.links))
    }

    /// True if the small queue would have more than its share with other entries.
    fn exceeds_share(&self, limits: Limits, room: Room) -> bool {
        let entries = self.small.len() + room.entries;
        let bytes = self.small.bytes().saturating_add(room.bytes);
        entries as u64 > limits.entries as u64 / SMALL_PART || bytes > limits.bytes / SMALL_PART
    }

    fn move_to_main(&mut self, slot: u32, uses: u8) {
        if let Some(weight) = self.leave(slot) {
            self.enter(slot, weight, Rank { queue: Queue::Main, uses });
        }
    }

    fn enter(&mut self, slot: u32, weight: u64, rank: Rank) {
        self.ranks[slot as usize] = rank;
        match rank.queue {
            Queue::Small => self.small.insert(&mut self.links, slot, weight),
            Queue::Main => self.main.insert(&mut self.links, slot, weight),
        }
    }

    /// Removes an entry from its queue, and returns its weight.
    fn leave(&mut self, slot: u32) -> Option<u64> {
        match self.ranks[slot as usize].queue {
            Queue::Small => self.small.remove(&mut self.links, slot),
            Queue::Main => self.main.remove(&mut self.links, slot),
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const UNLIMITED: u64 = u64::MAX;

    struct Cache {
        queues: S3Fifo,
        limits: Limits,
    }

    impl Cache {
        fn new(entries: usize, bytes: u64) -> Self {
            Cache { queues: S3Fifo::new(), limits: Limits { entries, bytes } }
        }

        /// Stores an entry, and returns the evicted slots.
        fn put(&mut self, slot: u32, weight: u64) -> Vec<u32> {
            let mut evicted = Vec::new();
            while self.queues.len() == self.limits.entries || self.queues.bytes() + weight > self.limits.bytes {
                let victim = self.queues.victim(self.limits, Room::for_one(weight)).unwrap();
                self.queues.remove(victim, Some(&key(victim)));
                evicted.push(victim);
            }
            self.queues.insert(self.limits, slot, weight, &key(slot), None);
            evicted
        }

        fn order(&self) -> Vec<u32> {
            self.queues.slots().collect()
        }
    }

    fn key(slot: u32) -> Key {
        Key::number(f64::from(slot))
    }

    #[test]
    fn new_entries_that_were_not_used_are_evicted_and_return_to_the_main_queue() {
        let mut cache = Cache::new(8, UNLIMITED);
        for slot in 0..8 {
            assert!(cache.put(slot, 1).is_empty());
        }
        assert_eq!(cache.order(), [5, 4, 3, 2, 1, 0, 7, 6]);
        assert_eq!((cache.put(8, 1), cache.put(9, 1)), (vec![6], vec![7]));
        cache.queues.touch(8);
        // 8 moves to the main queue, from which 0 has to leave.
        assert_eq!(cache.put(6, 1), [0]);
        assert_eq!(cache.order(), [6, 8, 5, 4, 3, 2, 1, 9]);
    }

    #[test]
    fn each_use_is_another_round_in_the_main_queue() {
        let mut cache = Cache::new(4, UNLIMITED);
        for slot in 0..4 {
            cache.put(slot, 1);
        }
        for _ in 0..9 {
            cache.queues.touch(0);
        }
        cache.queues.touch(77);
        cache.queues.remove(3, None);
        let mut evicted = Vec::new();
        for slot in 4..20 {
            // A key that is remembered enters the main queue.
            cache.queues.ghosts.add(&key(slot));
            evicted.extend(cache.put(slot, 1));
        }
        assert_eq!(evicted, [1, 2, 4, 5, 6, 7, 8, 9, 10, 0, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn the_share_is_counted_in_the_unit_of_the_limit() {
        let mut cache = Cache::new(usize::MAX, 80);
        for slot in 0..8 {
            cache.put(slot, 10);
        }
        assert_eq!(cache.order(), [5, 4, 3, 2, 1, 0, 7, 6]);
        assert_eq!(cache.put(8, 20), [6, 7]);
        assert_eq!((cache.order(), cache.queues.bytes()), (vec![5, 4, 3, 2, 1, 0, 8], 80));
    }

    #[test]
    fn an_eviction_moves_a_bounded_number_of_entries() {
        let mut cache = Cache::new(4000, UNLIMITED);
        for slot in 0..4000 {
            cache.put(slot, 1);
            cache.queues.touch(slot);
        }
        // One of them leaves the small queue.
        assert_eq!(cache.put(4000, 1), [MAX_MOVES - 1]);
    }

    #[test]
    fn a_replaced_entry_keeps_its_queue() {
        let mut cache = Cache::new(4, UNLIMITED);
        for slot in 0..4 {
            cache.put(slot, 1);
        }
        for (slot, queue) in [(0, Queue::Main), (3, Queue::Small)] {
            let rank = cache.queues.rank(slot);
            assert_eq!(rank, Some(Rank { queue, uses: 1 }));
            cache.queues.remove(slot, None);
            assert_eq!(cache.queues.rank(slot), None);
            cache.queues.insert(cache.limits, slot, 1, &key(slot), rank);
        }
        assert_eq!(cache.order(), [0, 2, 1, 3]);
    }

    proptest! {
        #[test]
        fn limits_hold_and_every_entry_is_in_one_queue(
            steps in proptest::collection::vec((0..40_u32, 0..30_u64, any::<bool>()), 1..300),
        ) {
            let mut cache = Cache::new(12, 100);
            let mut held = VecDeque::new();
            for (slot, weight, is_use) in steps {
                if is_use {
                    cache.queues.touch(slot);
                } else if !held.contains(&slot) {
                    let evicted = cache.put(slot, weight);
                    held.retain(|slot| !evicted.contains(slot));
                    held.push_back(slot);
                }
                prop_assert!(cache.queues.len() <= 12 && cache.queues.bytes() <= 100);
                let mut order = cache.order();
                order.sort_unstable();
                let mut expected: Vec<_> = held.iter().copied().collect();
                expected.sort_unstable();
                prop_assert_eq!(order, expected);
            }
        }
    }
}
