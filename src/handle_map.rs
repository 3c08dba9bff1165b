//! Values that JavaScript names by an integer, its handle.

use slab::Slab;

/// Bits of a handle that name the slot; the rest is the slot's generation.
const SLOT_BITS: u32 = 24;
/// Generations of a slot. With them a handle has 31 bits, which V8 keeps in a register, unboxed.
const GENERATIONS: u8 = 1 << 7;

/// The map already holds 2^24 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyHandles;

/// A map from handles to values. A stale handle finds nothing, even if its slot has a new value (unless the slot was reused a
/// multiple of 128 times).
#[derive(Debug)]
pub struct HandleMap<T> {
    slots: Slab<T>,
    generations: Vec<u8>,
}

impl<T> Default for HandleMap<T> {
    fn default() -> Self {
        HandleMap { slots: Slab::new(), generations: Vec::new() }
    }
}

impl<T> HandleMap<T> {
    /// Adds a value and returns its handle.
    ///
    /// # Errors
    /// If there are 2^24 values already; this one is dropped.
    pub fn insert(&mut self, value: T) -> Result<u32, TooManyHandles> {
        let slot = self.slots.vacant_key();
        let number = u32::try_from(slot).ok().filter(|number| number >> SLOT_BITS == 0).ok_or(TooManyHandles)?;
        self.slots.insert(value);
        if slot == self.generations.len() {
            self.generations.push(0);
        }
        Ok(u32::from(self.generations[slot]) << SLOT_BITS | number)
    }

    #[must_use]
    pub fn get(&self, handle: u32) -> Option<&T> {
        self.slots.get(self.slot(handle)?)
    }

    pub fn get_mut(&mut self, handle: u32) -> Option<&mut T> {
        let slot = self.slot(handle)?;
        self.slots.get_mut(slot)
    }

    pub fn remove(&mut self, handle: u32) -> Option<T> {
        let slot = self.slot(handle)?;
        let value = self.slots.try_remove(slot)?;
        self.generations[slot] = (self.generations[slot] + 1) % GENERATIONS;
        Some(value)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().map(|(_, value)| value)
    }

    fn slot(&self, handle: u32) -> Option<usize> {
        let slot = (handle & ((1 << SLOT_BITS) - 1)) as usize;
        (u32::from(*self.generations.get(slot)?) == handle >> SLOT_BITS).then_some(slot)
    }
}

impl<T> IntoIterator for HandleMap<T> {
    type Item = T;
    type IntoIter = std::iter::Map<slab::IntoIter<T>, fn((usize, T)) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.slots.into_iter().map(|(_, value)| value)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_its_value_until_it_is_removed() {
        let mut map = HandleMap::default();
        let (first, second) = (map.insert('a').unwrap(), map.insert('b').unwrap());
        assert_eq!((map.get(first), map.get(second), map.get(7)), (Some(&'a'), Some(&'b'), None));
        *map.get_mut(second).unwrap() = 'c';
        assert_eq!((map.remove(second), map.remove(second)), (Some('c'), None));
        assert_eq!(map.into_iter().collect::<String>(), "a");
    }

    #[test]
    fn a_stale_handle_does_not_find_the_next_value_in_its_slot() {
        let mut map = HandleMap::default();
        let mut stale = Vec::new();
        for round in 0..u32::from(GENERATIONS) {
            let handle = map.insert(round).unwrap();
            assert!(handle < 1 << 31);
            assert!(stale.iter().all(|&old| map.get(old).is_none() && map.remove(old).is_none()));
            assert_eq!(map.remove(handle), Some(round));
            stale.push(handle);
        }
    }
}
