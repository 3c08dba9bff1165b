//! Hashes of evicted keys. Two keys have the same hash with a probability of 2^-64.

use super::key::Key;
use foldhash::quality::RandomState;
use lru::LruCache;
use std::hash::BuildHasher;

#[derive(Debug)]
pub struct Ghosts {
    hashes: LruCache<u64, (), RandomState>,
    random: RandomState,
}

impl Ghosts {
    pub fn new() -> Self {
        Ghosts { hashes: LruCache::unbounded_with_hasher(RandomState::default()), random: RandomState::default() }
    }

    /// Adds a key.
    pub fn add(&mut self, key: &Key) {
        let hash = self.hash(key);
        self.hashes.put(hash, ());
    }

    /// Drops the oldest keys beyond a maximum.
    pub fn limit(&mut self, max: usize) {
        while self.hashes.len() > max {
            self.hashes.pop_lru();
        }
    }

    /// Removes a key, and returns whether it was held.
    pub fn take(&mut self, key: &Key) -> bool {
        !self.hashes.is_empty() && self.hashes.pop(&self.hash(key)).is_some()
    }

    fn hash(&self, key: &Key) -> u64 {
        self.random.hash_one(key)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_keys_are_dropped() {
        let mut ghosts = Ghosts::new();
        for name in ["a", "b", "c", "d"] {
            ghosts.add(&Key::from(name));
            ghosts.limit(3);
        }
        let mut take = |name: &str| ghosts.take(&Key::from(name));
        assert_eq!(["a", "b", "c", "b", "d"].map(&mut take), [false, true, true, false, true]);
    }
}
