//! Entries by key. All other modules name an entry by its slot, a small number.

use super::expiry::EntryTimes;
use super::key::Key;
use super::slot_table::SlotTable;
use foldhash::quality::RandomState;
use slab::Slab;
use std::hash::BuildHasher;

/// Number of entries from which `read_ahead` reads. The `SlotTable` of a smaller cache usually takes at most 2 MB.
const LARGE: usize = 1 << 17;

#[derive(Debug)]
pub struct Entry<V> {
    pub key: Key,
    pub value: V,
    pub times: EntryTimes,
    /// True if near caches may hold copies of the value.
    pub is_copied: bool,
    /// Hash of the key, so that a removal need not read the key. [`Index::insert`] sets it.
    hash: u32,
}

impl<V> Entry<V> {
    pub fn new(key: Key, value: V, times: EntryTimes) -> Self {
        Entry { key, value, times, is_copied: false, hash: 0 }
    }
}

#[derive(Debug)]
pub struct Index<V> {
    slots: SlotTable,
    entries: Slab<Entry<V>>,
    hasher: RandomState,
}

impl<V> Index<V> {
    pub fn new() -> Self {
        Index { slots: SlotTable::default(), entries: Slab::new(), hasher: RandomState::default() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn find(&self, key: &Key) -> Option<(u32, &Entry<V>)> {
        let slot = self.slot_of(key)?;
        Some((slot, self.get(slot)?))
    }

    pub fn find_mut(&mut self, key: &Key) -> Option<(u32, &mut Entry<V>)> {
        let slot = self.slot_of(key)?;
        Some((slot, self.entries.get_mut(slot as usize)?))
    }

    pub fn get(&self, slot: u32) -> Option<&Entry<V>> {
        self.entries.get(slot as usize)
    }

    /// `None`: all slot numbers are in use.
    pub fn insert(&mut self, mut entry: Entry<V>) -> Option<u32> {
        debug_assert!(self.slot_of(&entry.key).is_none(), "a key has one entry");
        let slot = u32::try_from(self.entries.vacant_key()).ok()?;
        entry.hash = self.hash(&entry.key);
        if !self.slots.insert(entry.hash, slot) {
            return None;
        }
        self.entries.insert(entry);
        Some(slot)
    }

    pub fn remove(&mut self, slot: u32) -> Option<Entry<V>> {
        let entry = self.entries.try_remove(slot as usize)?;
        self.slots.remove(entry.hash, slot);
        Some(entry)
    }

    /// Reads the memory that the removal of an entry will read, if the processor's caches are unlikely to hold it.
    pub fn read_ahead(&self, slot: u32) {
        if self.len() >= LARGE
            && let Some(entry) = self.get(slot)
        {
            self.slots.read_ahead(entry.hash);
        }
    }

    /// Removes everything.
    pub fn take(&mut self) -> (SlotTable, Slab<Entry<V>>) {
        (std::mem::take(&mut self.slots), std::mem::take(&mut self.entries))
    }

    fn slot_of(&self, key: &Key) -> Option<u32> {
        self.slots.find(self.hash(key), |slot| self.get(slot).is_some_and(|entry| entry.key == *key))
    }

    fn hash(&self, key: &Key) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::clock::Time;

    fn entry(key: &str, value: u32) -> Entry<u32> {
        let times = EntryTimes {
            refresh_at: Time::NEVER,
            fresh_until: Time::NEVER,
            revalidate_until: Time::NEVER,
            if_error_until: Time::NEVER,
        };
        Entry::new(Key::from(key), value, times)
    }

    #[test]
    fn slots_are_reused() {
        let mut index = Index::new();
        let first = index.insert(entry("a", 1)).unwrap();
        let second = index.insert(entry("b", 2)).unwrap();
        assert_eq!(index.remove(first).unwrap().value, 1);
        assert!(index.find(&Key::from("a")).is_none());
        assert_eq!(index.insert(entry("c", 3)), Some(first));
        assert_eq!(index.find(&Key::from("b")).unwrap().0, second);
        assert_eq!(index.len(), 2);
        assert_eq!(index.take().1.len(), 2);
        assert_eq!((index.len(), index.find(&Key::from("c")).is_none()), (0, true));
    }

    #[test]
    fn memory_follows_the_number_of_entries() {
        let mut index = Index::new();
        for number in 0..100_000 {
            index.insert(entry(&number.to_string(), number));
        }
        for slot in 0..99_990 {
            index.remove(slot);
        }
        assert!(index.slots.capacity() < 2000, "{}", index.slots.capacity());
        assert_eq!(index.find(&Key::from("99995")).unwrap().1.value, 99_995);
    }
}
