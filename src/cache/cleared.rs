//! What is left of a cache that was cleared, to be told of and freed when there is time.

use super::expiry::Deadlines;
use super::id::ById;
use super::index::Entry;
use super::policy::Policy;
use super::{Evicted, Reason};
use slab::Slab;

/// All that a cache held. Dropping it takes long if it was much.
pub struct Cleared<V> {
    pub(super) slots: ById<u32>,
    pub(super) entries: Slab<Entry<V>>,
    pub(super) order: Policy,
    pub(super) deadlines: Deadlines,
}

impl<V> Cleared<V> {
    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// The entries, to be told of, and all the rest.
    pub fn split(self) -> (Remains<V>, impl Send + use<V>) {
        (Remains(self.entries.into_iter()), (self.slots, self.order, self.deadlines))
    }

    /// Frees it bit by bit, with `pause` after every `batch` entries.
    pub fn free(self, batch: usize, mut pause: impl FnMut()) {
        let Cleared { slots, entries, order, deadlines } = self;
        drop((slots, order, deadlines));
        for (freed, entry) in entries.into_iter().enumerate() {
            drop(entry);
            if freed % batch == batch - 1 {
                pause();
            }
        }
    }
}

/// The entries of a cache that was cleared.
pub struct Remains<V>(slab::IntoIter<Entry<V>>);

impl<V> Iterator for Remains<V> {
    type Item = Evicted<V>;

    fn next(&mut self) -> Option<Evicted<V>> {
        let (slot, Entry { id, value, .. }) = self.0.next()?;
        let slot = u32::try_from(slot).expect("slots are u32s");
        Some(Evicted { id, slot, value, reason: Reason::Deleted })
    }
}
