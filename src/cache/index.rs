//! Entries by key. All other modules name an entry by its slot, a small number.

use super::expiry::EntryTimes;
use super::key::{Key, KeyMap};
use slab::Slab;

#[derive(Debug)]
pub struct Entry<V> {
    pub key: Key,
    pub value: V,
    pub times: EntryTimes,
    /// True if near caches may hold copies of the value.
    pub is_copied: bool,
}

#[derive(Debug)]
pub struct Index<V> {
    slots: KeyMap<u32>,
    entries: Slab<Entry<V>>,
}

impl<V> Index<V> {
    pub fn new() -> Self {
        Index { slots: KeyMap::default(), entries: Slab::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn find(&self, key: &Key) -> Option<(u32, &Entry<V>)> {
        let slot = *self.slots.get(key)?;
        Some((slot, self.entries.get(slot as usize)?))
    }

    pub fn find_mut(&mut self, key: &Key) -> Option<(u32, &mut Entry<V>)> {
        let slot = *self.slots.get(key)?;
        Some((slot, self.entries.get_mut(slot as usize)?))
    }

    pub fn get(&self, slot: u32) -> Option<&Entry<V>> {
        self.entries.get(slot as usize)
    }

    /// `None`: all slot numbers are in use.
    pub fn insert(&mut self, entry: Entry<V>) -> Option<u32> {
        let slot = u32::try_from(self.entries.vacant_key()).ok()?;
        let previous = self.slots.insert(entry.key.clone(), slot);
        debug_assert!(previous.is_none(), "a key has one entry");
        self.entries.insert(entry);
        Some(slot)
    }

    pub fn remove(&mut self, slot: u32) -> Option<Entry<V>> {
        let entry = self.entries.try_remove(slot as usize)?;
        self.slots.remove(&entry.key);
        // A cache whose entries were deleted does not keep the memory of its peak.
        if self.slots.len() * 8 < self.slots.capacity() && self.slots.capacity() > 1024 {
            self.slots.shrink_to(self.slots.len() * 2);
        }
        Some(entry)
    }

    /// Removes everything.
    pub fn take(&mut self) -> (KeyMap<u32>, Slab<Entry<V>>) {
        (std::mem::take(&mut self.slots), std::mem::take(&mut self.entries))
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
        Entry { key: Key::from(key), value, times, is_copied: false }
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
