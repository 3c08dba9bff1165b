//! The policy `lru`: the least recently used entry is evicted first.

use super::lists::{Links, List};

/// Slots in the order of their last use, with the weights of their entries.
#[derive(Debug)]
pub struct LruList {
    links: Links,
    list: List,
}

impl LruList {
    pub fn new() -> Self {
        LruList { links: Links::default(), list: List::new() }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn bytes(&self) -> u64 {
        self.list.bytes()
    }

    /// Adds an entry as the most recently used one.
    pub fn insert(&mut self, slot: u32, weight: u64) {
        self.list.insert(&mut self.links, slot, weight);
    }

    pub fn remove(&mut self, slot: u32) {
        self.list.remove(&mut self.links, slot);
    }

    /// Makes an entry the most recently used one. Does nothing if the slot is empty by now.
    pub fn touch(&mut self, slot: u32) {
        if self.links.holds(slot) {
            self.list.renew(&mut self.links, slot);
        }
    }

    /// Slot of the least recently used entry.
    pub fn victim(&self) -> Option<u32> {
        self.list.oldest()
    }

    /// All slots, the most recently used first.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.list.slots(&self.links)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_evicted() {
        let mut list = LruList::new();
        for slot in [5, 1, 9] {
            list.insert(slot, 10);
        }
        list.touch(5);
        assert_eq!(list.victim(), Some(1));
        list.remove(1);
        assert_eq!((list.victim(), list.len(), list.bytes()), (Some(9), 2, 20));
        list.touch(1);
        assert_eq!(list.slots().collect::<Vec<_>>(), [5, 9]);
    }

    #[test]
    fn uses_are_ordered() {
        let mut list = LruList::new();
        for slot in 0..5 {
            list.insert(slot, 1);
        }
        for slot in [0, 1, 0, 77, 2, 1, 1] {
            list.touch(slot);
        }
        assert_eq!(list.slots().collect::<Vec<_>>(), [1, 2, 0, 4, 3]);
        list.touch(3);
        assert_eq!((list.slots().collect::<Vec<_>>(), list.victim()), (vec![3, 1, 2, 0, 4], Some(4)));
    }
}
