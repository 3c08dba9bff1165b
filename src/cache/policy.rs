//! Which entry goes when there are too many, or too heavy ones: the least recently used.

use lru::LruCache;
use std::hash::{BuildHasherDefault, Hasher};

/// The bounds of a cache: `MAX` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub entries: usize,
    pub bytes: u64,
}

/// Entries, by the number of their slot, in the order of their last use, and what they weigh.
#[derive(Debug)]
pub struct Policy {
    limits: Limits,
    order: LruCache<u32, u64, BuildHasherDefault<SlotHasher>>,
    bytes: u64,
    /// For each slot the round of `touch_all` that has seen it.
    seen: Vec<u32>,
    round: u32,
}

impl Policy {
    pub fn new(limits: Limits) -> Self {
        let order = LruCache::unbounded_with_hasher(BuildHasherDefault::default());
        Policy { limits, order, bytes: 0, seen: Vec::new(), round: 0 }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether an entry of this weight could be held at all.
    pub fn may_hold(&self, weight: u64) -> bool {
        self.limits.entries > 0 && weight <= self.limits.bytes
    }

    /// Whether something must go.
    pub fn is_over(&self) -> bool {
        self.order.len() > self.limits.entries || self.bytes > self.limits.bytes
    }

    /// Takes an entry in as the most recently used one.
    pub fn insert(&mut self, slot: u32, weight: u64) {
        let replaced = self.order.put(slot, weight);
        debug_assert!(replaced.is_none(), "a slot holds one entry");
        self.bytes = self.bytes.saturating_add(weight);
    }

    pub fn remove(&mut self, slot: u32) {
        if let Some(weight) = self.order.pop(&slot) {
            self.bytes -= weight;
        }
    }

    /// It was used just now.
    pub fn touch(&mut self, slot: u32) {
        self.order.promote(&slot);
    }

    /// They were used in this order, some of them more than once. Slots that are empty by now are passed over.
    pub fn touch_all(&mut self, slots: &[u32]) {
        self.round = self.round.wrapping_add(1);
        // Only the last use counts: hot entries are moved once for all their uses.
        let mut last = Vec::with_capacity(slots.len());
        for &slot in slots.iter().rev() {
            let at = slot as usize;
            if at >= self.seen.len() {
                if !self.order.contains(&slot) {
                    continue;
                }
                self.seen.resize(at + 1, self.round.wrapping_sub(1));
            }
            if self.seen[at] != self.round {
                self.seen[at] = self.round;
                last.push(slot);
            }
        }
        for slot in last.into_iter().rev() {
            self.order.promote(&slot);
        }
    }

    /// The least recently used one.
    pub fn oldest(&self) -> Option<u32> {
        self.order.peek_lru().map(|(slot, _)| *slot)
    }

    /// Frees one entry after the other.
    pub fn drain(mut self) -> impl Iterator<Item = ()> {
        std::iter::from_fn(move || self.order.pop_lru().map(drop))
    }

    /// All, the most recently used ones first.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.iter().map(|(slot, _)| *slot)
    }
}

/// Slots are small numbers that this crate hands out itself: spreading their bits is enough.
#[derive(Debug, Default)]
struct SlotHasher(u64);

impl Hasher for SlotHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, slot: u32) {
        // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
        self.0 = (self.0 ^ u64::from(slot)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn policy(entries: usize, bytes: u64) -> Policy {
        Policy::new(Limits { entries, bytes })
    }

    fn order(policy: &Policy) -> Vec<u32> {
        policy.slots().collect()
    }

    #[test]
    fn the_least_recently_used_is_oldest() {
        let mut policy = policy(3, 100);
        for slot in [5, 1, 9] {
            policy.insert(slot, 10);
        }
        policy.touch(5);
        assert_eq!(policy.oldest(), Some(1));
        policy.remove(1);
        assert_eq!((policy.oldest(), policy.bytes()), (Some(9), 20));
        policy.touch(1);
        assert_eq!(order(&policy), [5, 9]);
    }

    #[test]
    fn many_uses_count_in_the_order_of_the_last() {
        let mut policy = policy(10, 100);
        for slot in 0..5 {
            policy.insert(slot, 1);
        }
        policy.touch_all(&[0, 1, 0, 77, 2, 1]);
        assert_eq!(order(&policy), [1, 2, 0, 4, 3]);
        policy.touch_all(&[3, 3, 3]);
        assert_eq!(order(&policy), [3, 1, 2, 0, 4]);
        policy.touch_all(&[]);
        assert_eq!(order(&policy), [3, 1, 2, 0, 4]);
    }

    #[test]
    fn either_bound_can_be_over() {
        let mut policy = policy(2, 100);
        policy.insert(0, 60);
        assert!(!policy.is_over());
        policy.insert(1, 60);
        assert!(policy.is_over());
        policy.remove(0);
        assert!(!policy.is_over());
        policy.set_limits(Limits { entries: 0, bytes: 100 });
        assert!(policy.is_over());
        assert!(!policy.may_hold(1));
    }
}
