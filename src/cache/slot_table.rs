//! Slots by the hashes of their keys: open addressing with linear probing (Knuth, TAOCP 3, section 6.4, algorithms L and R).
//!
//! The keys are in the entries. A `HashMap` of keys has 33 bytes for each bucket, in two arrays: with millions of entries a lookup
//! waits for two reads that miss the processor's caches. A cell takes 8 bytes, and a lookup reads one or two cache lines.

/// Marks an empty cell. Slot numbers are smaller.
const NONE: u32 = u32::MAX;

const EMPTY: Cell = Cell { hash: 0, slot: NONE };

/// Number of cells of the smallest table. Numbers of cells are powers of two.
const MIN_CELLS: usize = 8;

#[derive(Debug, Clone, Copy)]
struct Cell {
    hash: u32,
    slot: u32,
}

#[derive(Debug, Default)]
pub struct SlotTable {
    cells: Vec<Cell>,
    len: usize,
}

impl SlotTable {
    /// Returns a slot of this hash for which `is_match` returns true.
    pub fn find(&self, hash: u32, is_match: impl Fn(u32) -> bool) -> Option<u32> {
        let index = self.index_of(hash, is_match)?;
        Some(self.cells[index].slot)
    }

    /// Adds a slot that is not in the table. Returns false if the slot is `NONE`.
    pub fn insert(&mut self, hash: u32, slot: u32) -> bool {
        if slot == NONE {
            return false;
        }
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            self.resize((self.cells.len() * 2).max(MIN_CELLS));
        }
        self.put(Cell { hash, slot });
        self.len += 1;
        true
    }

    /// Removes a slot that was inserted with this hash.
    pub fn remove(&mut self, hash: u32, slot: u32) {
        let Some(mut hole) = self.index_of(hash, |other| other == slot) else { return };
        let mut index = hole;
        loop {
            index = self.after(index);
            let cell = self.cells[index];
            if cell.slot == NONE {
                break;
            }
            // A cell moves back into the hole unless its home lies after the hole.
            if self.distance(self.home(cell.hash), index) >= self.distance(hole, index) {
                self.cells[hole] = cell;
                hole = index;
            }
        }
        self.cells[hole] = EMPTY;
        self.len -= 1;
        // A cache whose entries were deleted does not keep the memory of its peak.
        if self.len * 8 < self.cells.len() && self.cells.len() > 1024 {
            self.resize((self.len * 2).next_power_of_two().max(MIN_CELLS));
        }
    }

    /// Reads the memory that a lookup or removal of this hash will read.
    pub fn read_ahead(&self, hash: u32) {
        std::hint::black_box(self.cells.get(self.home(hash)).map(|cell| cell.slot));
    }

    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.cells.len()
    }

    fn index_of(&self, hash: u32, is_match: impl Fn(u32) -> bool) -> Option<usize> {
        let mut index = self.home(hash);
        loop {
            let cell = *self.cells.get(index)?;
            if cell.slot == NONE {
                return None;
            }
            if cell.hash == hash && is_match(cell.slot) {
                return Some(index);
            }
            index = self.after(index);
        }
    }

    /// Index of the cell where probing starts. Homes are in the order of the hashes, for any number of cells, so that `resize`
    /// passes once over the old and the new cells.
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.cells.len() as u64) >> 32) as usize
    }

    fn after(&self, index: usize) -> usize {
        (index + 1) & (self.cells.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.cells.len() - 1)
    }

    fn put(&mut self, cell: Cell) {
        let mut index = self.home(cell.hash);
        while self.cells[index].slot != NONE {
            index = self.after(index);
        }
        self.cells[index] = cell;
    }

    fn resize(&mut self, count: usize) {
        let old = std::mem::replace(&mut self.cells, vec![EMPTY; count]);
        for cell in old.into_iter().filter(|cell| cell.slot != NONE) {
            self.put(cell);
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn equal_hashes_are_told_apart() {
        let mut table = SlotTable::default();
        for slot in 0..5 {
            assert!(table.insert(7, slot));
        }
        table.remove(7, 1);
        table.remove(7, 9);
        table.remove(8, 0);
        let found: Vec<_> = (0..6).map(|slot| table.find(7, |other| other == slot)).collect();
        assert_eq!(found, [Some(0), None, Some(2), Some(3), Some(4), None]);
        assert_eq!((table.find(8, |_| true), table.len), (None, 4));
    }

    #[test]
    fn the_largest_number_is_not_a_slot() {
        let mut table = SlotTable::default();
        assert!(!table.insert(0, NONE));
        assert_eq!((table.len, table.find(0, |_| true)), (0, None));
    }

    #[test]
    fn the_table_grows_and_shrinks() {
        let mut table = SlotTable::default();
        let hash = |slot: u32| slot.wrapping_mul(0x9e37_79b9);
        for slot in 0..100_000 {
            table.insert(hash(slot), slot);
        }
        assert_eq!(table.cells.len(), 262_144);
        assert!((0..100_000).all(|slot| table.find(hash(slot), |other| other == slot).is_some()));
        for slot in 0..100_000 {
            table.remove(hash(slot), slot);
        }
        assert!(table.cells.len() <= 1024 && table.cells.iter().all(|cell| cell.slot == NONE));
    }

    proptest! {
        /// Few different hashes, at both ends, so that runs of cells are long and wrap around.
        #[test]
        fn the_table_agrees_with_a_set(steps in prop::collection::vec((0_u32..40, prop::bool::weighted(0.6)), 1..200)) {
            let hash = |slot: u32| if slot.is_multiple_of(3) { u32::MAX - slot / 9 } else { (slot / 4) << 28 };
            let mut table = SlotTable::default();
            let mut model = BTreeSet::new();
            for (slot, inserts) in steps {
                if inserts && !model.contains(&slot) {
                    prop_assert!(table.insert(hash(slot), slot));
                    model.insert(slot);
                } else if !inserts {
                    table.remove(hash(slot), slot);
                    model.remove(&slot);
                }
                prop_assert_eq!(table.len, model.len());
                for other in 0..40 {
                    prop_assert_eq!(table.find(hash(other), |it| it == other).is_some(), model.contains(&other));
                }
            }
        }
    }
}
