//! Memory for encoded values, separate from the process's allocator: freeing a million values together neither holds the
//! allocator's locks nor fills its free lists. A region is unmapped when its last value is dropped.
//!
//! A slab allocator (Bonwick, USENIX 1994): a region consists of slots of one size. Sizes grow by at most an eighth, which
//! bounds the unused part of a slot. A value larger than the largest slot has a separate region.

use crate::sync::atomic::{AtomicU32, Ordering, fence};
use crate::sync::{Arc, Mutex};
use memmap2::MmapMut;
use slab::Slab;
use std::collections::BTreeSet;
use std::io;

/// Bytes of a region, unless `MIN_SLOTS` slots need more.
const REGION: usize = 2 << 20;
const MIN_SLOTS: usize = 8;
/// Bytes of the largest slot.
const MAX_SLOT: usize = 1 << 20;
/// Slot sizes grow by `GRAIN` up to `STEPS * GRAIN` bytes, then in `STEPS` steps per doubling.
const GRAIN: usize = 16;
const STEPS: usize = 8;

/// Memory of one cache. Clones share it.
#[derive(Debug, Clone)]
pub struct Arena(Arc<Mutex<State>>);

/// A value in an arena. Clones share its slot.
#[derive(Debug)]
pub struct Stored {
    arena: Arena,
    region: Arc<Region>,
    slot: u32,
    len: usize,
}

#[derive(Debug)]
struct Region {
    key: usize,
    /// Bytes of a slot.
    size: usize,
    memory: Mutex<MmapMut>,
    /// Reference count of each slot.
    counts: Box<[AtomicU32]>,
}

#[derive(Debug)]
struct State {
    regions: Slab<Slots>,
    /// Regions with a free slot, by size class. The oldest is filled first, so that others become empty.
    partial: Vec<BTreeSet<usize>>,
    /// An empty region kept for reuse: at most one in all size classes.
    spare: Option<usize>,
}

#[derive(Debug)]
struct Slots {
    region: Arc<Region>,
    class: Option<usize>,
    free: Vec<u32>,
    /// Index of the first slot that was never used.
    untouched: u32,
    used: u32,
}

impl Arena {
    #[must_use]
    pub fn new() -> Self {
        Arena(Arc::new(Mutex::new(State { regions: Slab::new(), partial: Vec::new(), spare: None })))
    }

    /// Stores a copy of the bytes.
    ///
    /// # Errors
    /// If the system has no memory left.
    pub fn store(&self, bytes: &[u8]) -> io::Result<Stored> {
        let (region, slot) = self.0.lock().allocate(bytes.len())?;
        let start = slot as usize * region.size;
        region.memory.lock()[start..start + bytes.len()].copy_from_slice(bytes);
        region.counts[slot as usize].store(1, Ordering::Relaxed);
        Ok(Stored { arena: self.clone(), region, slot, len: bytes.len() })
    }
}

impl Stored {
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "callers need the length only")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Calls `f` with the bytes. Access to other values of the region waits meanwhile.
    pub fn read<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        let start = self.slot as usize * self.region.size;
        f(&self.region.memory.lock()[start..start + self.len])
    }

    fn count(&self) -> &AtomicU32 {
        &self.region.counts[self.slot as usize]
    }
}

impl Clone for Stored {
    fn clone(&self) -> Self {
        self.count().fetch_add(1, Ordering::Relaxed);
        Stored { arena: self.arena.clone(), region: self.region.clone(), slot: self.slot, len: self.len }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        // As in `Arc`: the last owner sees the accesses of all others.
        if self.count().fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            let emptied = self.arena.0.lock().free(self.region.key, self.slot);
            // Unmap outside the lock.
            drop(emptied);
        }
    }
}

impl State {
    /// Returns a free slot of at least `len` bytes.
    fn allocate(&mut self, len: usize) -> io::Result<(Arc<Region>, u32)> {
        let class = (len <= MAX_SLOT).then(|| class_of(len));
        let partial = class.and_then(|class| self.partial.get(class)?.first().copied());
        let key = match partial {
            Some(key) => key,
            None => self.map(class, len)?,
        };
        if self.spare == Some(key) {
            self.spare = None;
        }
        let slots = &mut self.regions[key];
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.untouched += 1;
            slots.untouched - 1
        });
        slots.used += 1;
        let region = slots.region.clone();
        if slots.used as usize == region.counts.len()
            && let Some(class) = class
        {
            self.partial[class].remove(&key);
        }
        Ok((region, slot))
    }

    fn map(&mut self, class: Option<usize>, len: usize) -> io::Result<usize> {
        let size = class.map_or(len, size_of);
        let count = if class.is_some() { (REGION / size).max(MIN_SLOTS) } else { 1 };
        let memory = Mutex::new(MmapMut::map_anon(size * count)?);
        let counts = (0..count).map(|_| AtomicU32::new(0)).collect();
        let key = self.regions.vacant_key();
        let region = Arc::new(Region { key, size, memory, counts });
        self.regions.insert(Slots { region, class, free: Vec::new(), untouched: 0, used: 0 });
        if let Some(class) = class {
            if class >= self.partial.len() {
                self.partial.resize_with(class + 1, BTreeSet::new);
            }
            self.partial[class].insert(key);
        }
        Ok(key)
    }

    /// Frees a slot. Returns a region to unmap.
    fn free(&mut self, key: usize, slot: u32) -> Option<Slots> {
        let slots = &mut self.regions[key];
        slots.used -= 1;
        let is_empty = slots.used == 0;
        let Some(class) = slots.class else { return Some(self.regions.remove(key)) };
        slots.free.push(slot);
        self.partial[class].insert(key);
        if !is_empty {
            return None;
        }
        // Unmap the region that has been empty for longer.
        let old = self.spare.replace(key)?;
        let slots = self.regions.remove(old);
        if let Some(class) = slots.class {
            self.partial[class].remove(&old);
        }
        Some(slots)
    }
}

/// Class of the smallest slot that holds `len` bytes.
fn class_of(len: usize) -> usize {
    if len <= STEPS * GRAIN {
        return len.div_ceil(GRAIN).max(1);
    }
    let doublings = ((len - 1) / (STEPS * GRAIN)).ilog2() as usize;
    let steps = len.div_ceil(GRAIN << doublings);
    doublings * STEPS + steps
}

/// Bytes of a slot, by its class.
fn size_of(class: usize) -> usize {
    if class <= 2 * STEPS {
        return class * GRAIN;
    }
    let doublings = (class - 1) / STEPS - 1;
    (class - doublings * STEPS) * (GRAIN << doublings)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes of all regions.
    fn mapped(arena: &Arena) -> usize {
        arena.0.lock().regions.iter().map(|(_, slots)| slots.region.size * slots.region.counts.len()).sum()
    }

    #[test]
    fn slots_waste_an_eighth_at_most() {
        let mut last = 0;
        for len in (0..5000).chain([65_535, 65_536, 65_537, 999_999, MAX_SLOT]) {
            let class = class_of(len);
            let size = size_of(class);
            assert!(size >= len && (len <= GRAIN || size <= len + len / STEPS + GRAIN), "{len} in {size}");
            assert!(class >= last && (class == 1 || size_of(class - 1) < len.max(1)), "{len} in class {class}");
            last = class;
        }
    }

    #[test]
    fn a_region_is_unmapped_with_its_last_value() {
        let arena = Arena::new();
        let values: Vec<_> = (0..10_000).map(|_| arena.store(&[1; 1000]).unwrap()).collect();
        assert!(mapped(&arena) >= 10_000_000 && mapped(&arena) < 13_000_000, "{}", mapped(&arena));
        drop(values);
        assert!(mapped(&arena) <= REGION);
        let large = arena.store(&vec![2; MAX_SLOT + 1]).unwrap();
        assert!(large.read(|bytes| bytes.iter().all(|&byte| byte == 2)));
        drop(large);
        assert!(mapped(&arena) <= REGION);
    }

    #[test]
    fn memory_is_reused() {
        let arena = Arena::new();
        let mut held = std::collections::VecDeque::new();
        let mut peak = 0;
        for round in 0..200_000 {
            held.push_back(arena.store(&vec![0; 100 + round % 400]).unwrap());
            if held.len() > 1000 {
                held.pop_front();
            }
            peak = peak.max(mapped(&arena));
        }
        // One region for each class in use, and a spare one.
        assert!(peak <= (class_of(500) - class_of(100) + 2) * REGION, "{peak}");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Store(usize),
        Clone(usize),
        Drop(usize),
    }

    proptest! {
        #[test]
        fn every_value_keeps_its_bytes(steps in prop::collection::vec(prop_oneof![
            3 => prop_oneof![9 => 0_usize..2000, 1 => Just(MAX_SLOT + 1)].prop_map(Step::Store),
            1 => any::<usize>().prop_map(Step::Clone),
            3 => any::<usize>().prop_map(Step::Drop),
        ], 1..100)) {
            let arena = Arena::new();
            let mut held: Vec<(u8, Stored)> = Vec::new();
            let mut next = 0_u8;
            for step in steps {
                match step {
                    Step::Store(len) => {
                        next = next.wrapping_add(1);
                        held.push((next, arena.store(&vec![next; len]).unwrap()));
                    }
                    Step::Clone(index) if !held.is_empty() => {
                        let copy = held[index % held.len()].clone();
                        held.push(copy);
                    }
                    Step::Drop(index) if !held.is_empty() => drop(held.swap_remove(index % held.len())),
                    Step::Clone(_) | Step::Drop(_) => {}
                }
                for (byte, stored) in &held {
                    prop_assert!(stored.read(|bytes| [bytes.first(), bytes.last()].iter().all(|it| it.is_none_or(|it| it == byte))));
                }
            }
            held.clear();
            prop_assert!(mapped(&arena) <= MIN_SLOTS * MAX_SLOT);
        }
    }
}

#[cfg(all(test, feature = "loom"))]
mod loom_tests {
    use super::*;

    #[test]
    fn loom_the_last_owner_frees_the_slot_once() {
        loom::model(|| {
            let arena = Arena::new();
            let first = arena.store(&[7; 10]).unwrap();
            let second = first.clone();
            let other = loom::thread::spawn(move || {
                assert!(second.read(|bytes| bytes == [7; 10]));
                drop(second);
            });
            drop(first);
            let third = arena.store(&[8; 10]).unwrap();
            assert!(third.read(|bytes| bytes == [8; 10]));
            other.join().unwrap();
            drop(third);
            let state = arena.0.lock();
            assert!(
                state.regions.iter().all(|(_, slots)| slots.used == 0 && slots.free.len() == slots.untouched as usize)
            );
        });
    }
}
