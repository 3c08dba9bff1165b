//! Which entry an id stands for. An entry has a slot, a small number that is its name everywhere else.

use super::expiry::Times;
use super::id::{ById, Id};
use slab::Slab;

#[derive(Debug)]
pub struct Entry<V> {
    pub id: Id,
    pub value: V,
    pub times: Times,
}

#[derive(Debug)]
pub struct Index<V> {
    slots: ById<u32>,
    entries: Slab<Entry<V>>,
}

impl<V> Index<V> {
    pub fn new() -> Self {
        Index { slots: ById::default(), entries: Slab::new() }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn find(&self, id: &Id) -> Option<(u32, &Entry<V>)> {
        let slot = *self.slots.get(id)?;
        Some((slot, self.entries.get(slot as usize)?))
    }

    pub fn get(&self, slot: u32) -> Option<&Entry<V>> {
        self.entries.get(slot as usize)
    }

    /// `None`: there are more entries than slots have numbers.
    pub fn insert(&mut self, entry: Entry<V>) -> Option<u32> {
        let slot = u32::try_from(self.entries.vacant_key()).ok()?;
        let held = self.slots.insert(entry.id.clone(), slot);
        debug_assert!(held.is_none(), "an id has one entry");
        self.entries.insert(entry);
        Some(slot)
    }

    pub fn remove(&mut self, slot: u32) -> Option<Entry<V>> {
        let entry = self.entries.try_remove(slot as usize)?;
        self.slots.remove(&entry.id);
        // Memory follows the number of entries down: a cache that was cleared does not keep its peak.
        if self.slots.len() * 8 < self.slots.capacity() && self.slots.capacity() > 1024 {
            self.slots.shrink_to(self.slots.len() * 2);
        }
        Some(entry)
    }

    /// Everything, at once.
    pub fn take(&mut self) -> (ById<u32>, Slab<Entry<V>>) {
        (std::mem::take(&mut self.slots), std::mem::take(&mut self.entries))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::clock::Time;

    fn entry(id: &str, value: u32) -> Entry<u32> {
        let times = Times { refresh: Time::NEVER, fresh: Time::NEVER, revalidate: Time::NEVER, if_error: Time::NEVER };
        Entry { id: Id::from(id), value, times }
    }

    #[test]
    fn slots_are_used_again() {
        let mut index = Index::new();
        let first = index.insert(entry("a", 1)).unwrap();
        let second = index.insert(entry("b", 2)).unwrap();
        assert_eq!(index.remove(first).unwrap().value, 1);
        assert!(index.find(&Id::from("a")).is_none());
        assert_eq!(index.insert(entry("c", 3)), Some(first));
        assert_eq!(index.find(&Id::from("b")).unwrap().0, second);
        assert_eq!(index.len(), 2);
        assert_eq!(index.take().1.len(), 2);
        assert_eq!((index.len(), index.find(&Id::from("c")).is_none()), (0, true));
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
        assert_eq!(index.find(&Id::from("99995")).unwrap().1.value, 99_995);
    }
}
