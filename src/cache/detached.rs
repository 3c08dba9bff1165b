//! Entries that have left a cache, one at a time or all together when it is cleared.

use super::expiry::ExpiryQueue;
use super::index::Entry;
use super::key::Key;
use super::order::Order;
use super::slot_table::SlotTable;
use super::stats::Reason;
use slab::Slab;

/// An entry that was removed from the cache.
#[derive(Debug, PartialEq, Eq)]
pub struct Evicted<V> {
    pub key: Key,
    pub value: V,
    pub reason: Reason,
}

/// Everything that a cache held. Dropping many entries takes long.
pub struct Detached<V> {
    pub(super) slots: SlotTable,
    pub(super) entries: Slab<Entry<V>>,
    pub(super) order: Order,
    pub(super) expiry: ExpiryQueue,
}

impl<V> Detached<V> {
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Separates the entries, which can be reported, from the rest.
    pub fn split(self) -> (DetachedEntries<V>, impl Send + use<V>) {
        (DetachedEntries(self.entries.into_iter()), (self.slots, self.order, self.expiry))
    }

    /// Frees the entries one by one and calls `pause` after every `batch` of them.
    pub fn free(self, batch: usize, mut pause: impl FnMut()) {
        let Detached { slots, entries, order, expiry } = self;
        drop((slots, order, expiry));
        for (freed, entry) in entries.into_iter().enumerate() {
            drop(entry);
            if freed % batch == batch - 1 {
                pause();
            }
        }
    }
}

/// Entries of a cleared cache.
pub struct DetachedEntries<V>(slab::IntoIter<Entry<V>>);

impl<V> Iterator for DetachedEntries<V> {
    type Item = Evicted<V>;

    fn next(&mut self) -> Option<Evicted<V>> {
        let (_, Entry { key, value, .. }) = self.0.next()?;
        Some(Evicted { key, value, reason: Reason::Deleted })
    }
}
