//! Memory for encoded values, beside the allocator of the process: a million values that go at once neither hold its locks
//! nor stay in its lists; the system has their memory back when the last one of a region is gone.
//!
//! A slab allocator (Bonwick, USENIX 1994): a region is cut into slots of one size, and the sizes grow by an eighth at most,
//! so no more than that is wasted in a slot. A value larger than the largest slot has a region of its own.

use crate::sync::atomic::{AtomicU32, Ordering, fence};
use crate::sync::{Arc, Mutex};
use memmap2::MmapMut;
use slab::Slab;
use std::collections::BTreeSet;
use std::io;

/// Bytes of an ordinary region, and how many slots the others have at least.
const REGION: usize = 2 << 20;
const FEWEST: usize = 8;
const LARGEST: usize = 1 << 20;
/// Slots up to `STEPS * GRAIN` bytes grow by `GRAIN`, then in so many steps for each doubling.
const GRAIN: usize = 16;
const STEPS: usize = 8;

/// Values of one cache. Clones share it.
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
    /// How many hold each slot.
    holders: Box<[AtomicU32]>,
}

#[derive(Debug)]
struct State {
    regions: Slab<Slots>,
    /// Regions with a free slot, by the class of their size. The oldest is filled first, so that others become empty.
    roomy: Vec<BTreeSet<usize>>,
    /// An empty region that is kept for the next value; one for all sizes.
    spare: Option<usize>,
}

#[derive(Debug)]
struct Slots {
    region: Arc<Region>,
    class: Option<usize>,
    free: Vec<u32>,
    /// Slots from here on were never used.
    untouched: u32,
    used: u32,
}

impl Arena {
    #[must_use]
    pub fn new() -> Self {
        Arena(Arc::new(Mutex::new(State { regions: Slab::new(), roomy: Vec::new(), spare: None })))
    }

    /// Keeps a copy of the bytes.
    ///
    /// # Errors
    /// If the system gives no more memory.
    pub fn store(&self, bytes: &[u8]) -> io::Result<Stored> {
        let (region, slot) = self.0.lock().take(bytes.len())?;
        let at = slot as usize * region.size;
        region.memory.lock()[at..at + bytes.len()].copy_from_slice(bytes);
        region.holders[slot as usize].store(1, Ordering::Relaxed);
        Ok(Stored { arena: self.clone(), region, slot, len: bytes.len() })
    }

    /// Bytes that the system has given.
    #[must_use]
    pub fn mapped(&self) -> usize {
        self.0.lock().regions.iter().map(|(_, slots)| slots.region.size * slots.region.holders.len()).sum()
    }
}

impl Stored {
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls `f` with the bytes. Others of the same region wait meanwhile.
    pub fn read<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        let at = self.slot as usize * self.region.size;
        f(&self.region.memory.lock()[at..at + self.len])
    }

    fn holders(&self) -> &AtomicU32 {
        &self.region.holders[self.slot as usize]
    }
}

impl Clone for Stored {
    fn clone(&self) -> Self {
        self.holders().fetch_add(1, Ordering::Relaxed);
        Stored { arena: self.arena.clone(), region: self.region.clone(), slot: self.slot, len: self.len }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        // As `Arc` counts: whoever is last sees all that the others did.
        if self.holders().fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            let emptied = self.arena.0.lock().give_back(self.region.key, self.slot);
            // Unmapped here, outside of the lock.
            drop(emptied);
        }
    }
}

impl State {
    /// A free slot for so many bytes.
    fn take(&mut self, len: usize) -> io::Result<(Arc<Region>, u32)> {
        let class = (len <= LARGEST).then(|| class_of(len));
        let roomy = class.and_then(|class| self.roomy.get(class)?.first().copied());
        let key = match roomy {
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
        if slots.used as usize == region.holders.len()
            && let Some(class) = class
        {
            self.roomy[class].remove(&key);
        }
        Ok((region, slot))
    }

    fn map(&mut self, class: Option<usize>, len: usize) -> io::Result<usize> {
        let size = class.map_or(len, size_of);
        let count = if class.is_some() { (REGION / size).max(FEWEST) } else { 1 };
        let memory = Mutex::new(MmapMut::map_anon(size * count)?);
        let holders = (0..count).map(|_| AtomicU32::new(0)).collect();
        let key = self.regions.vacant_key();
        let region = Arc::new(Region { key, size, memory, holders });
        self.regions.insert(Slots { region, class, free: Vec::new(), untouched: 0, used: 0 });
        if let Some(class) = class {
            if class >= self.roomy.len() {
                self.roomy.resize_with(class + 1, BTreeSet::new);
            }
            self.roomy[class].insert(key);
        }
        Ok(key)
    }

    /// Frees a slot. Returns the region that nobody needs any more.
    fn give_back(&mut self, key: usize, slot: u32) -> Option<Slots> {
        let slots = &mut self.regions[key];
        slots.used -= 1;
        let is_empty = slots.used == 0;
        let Some(class) = slots.class else { return Some(self.regions.remove(key)) };
        slots.free.push(slot);
        self.roomy[class].insert(key);
        if !is_empty {
            return None;
        }
        // What was free the longest is the one to go.
        let old = self.spare.replace(key)?;
        let slots = self.regions.remove(old);
        if let Some(class) = slots.class {
            self.roomy[class].remove(&old);
        }
        Some(slots)
    }
}

/// The number of the smallest size of slots that so many bytes fit in.
fn class_of(len: usize) -> usize {
    if len <= STEPS * GRAIN {
        return len.div_ceil(GRAIN).max(1);
    }
    let doublings = ((len - 1) / (STEPS * GRAIN)).ilog2() as usize;
    let steps = len.div_ceil(GRAIN << doublings);
    doublings * STEPS + steps
}

/// The bytes of a slot, by its number.
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

    #[test]
    fn slots_waste_an_eighth_at_most() {
        let mut last = 0;
        for len in (0..5000).chain([65_535, 65_536, 65_537, 999_999, LARGEST]) {
            let class = class_of(len);
            let size = size_of(class);
            assert!(size >= len && (len <= GRAIN || size <= len + len / STEPS + GRAIN), "{len} in {size}");
            assert!(class >= last && (class == 1 || size_of(class - 1) < len.max(1)), "{len} in class {class}");
            last = class;
        }
    }

    #[test]
    fn a_region_goes_with_its_last_value() {
        let arena = Arena::new();
        let values: Vec<_> = (0..10_000).map(|_| arena.store(&[1; 1000]).unwrap()).collect();
        assert!(arena.mapped() >= 10_000_000 && arena.mapped() < 13_000_000, "{}", arena.mapped());
        drop(values);
        assert!(arena.mapped() <= REGION);
        let large = arena.store(&vec![2; LARGEST + 1]).unwrap();
        assert!(large.read(|bytes| bytes.iter().all(|&byte| byte == 2)));
        drop(large);
        assert!(arena.mapped() <= REGION);
    }

    #[test]
    fn memory_is_used_again() {
        let arena = Arena::new();
        let mut held = std::collections::VecDeque::new();
        let mut peak = 0;
        for round in 0..200_000 {
            held.push_back(arena.store(&vec![0; 100 + round % 400]).unwrap());
            if held.len() > 1000 {
                held.pop_front();
            }
            peak = peak.max(arena.mapped());
        }
        // One region for each class that was used, and a spare one.
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
            3 => prop_oneof![9 => 0_usize..2000, 1 => Just(LARGEST + 1)].prop_map(Step::Store),
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
                    Step::Clone(at) if !held.is_empty() => {
                        let copy = held[at % held.len()].clone();
                        held.push(copy);
                    }
                    Step::Drop(at) if !held.is_empty() => drop(held.swap_remove(at % held.len())),
                    Step::Clone(_) | Step::Drop(_) => {}
                }
                for (byte, stored) in &held {
                    prop_assert!(stored.read(|bytes| [bytes.first(), bytes.last()].iter().all(|it| it.is_none_or(|it| it == byte))));
                }
            }
            held.clear();
            prop_assert!(arena.mapped() <= FEWEST * LARGEST);
        }
    }
}

#[cfg(all(test, feature = "loom"))]
mod loom_tests {
    use super::*;

    #[test]
    fn loom_the_last_holder_frees_the_slot_once() {
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
