//! Eviction order: the least recently used entry goes first.

/// Limits of a cache. `MAX`: unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub entries: usize,
    pub bytes: u64,
}

/// Not a slot: slot numbers are smaller.
const NONE: u32 = u32::MAX;

/// Neighbours of a slot in the order of use, or `NONE` at an end.
#[derive(Debug, Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
    /// `None`: the slot is empty.
    weight: Option<u64>,
}

const EMPTY: Link = Link { newer: NONE, older: NONE, weight: None };

/// Slots in the order of their last use, with the weights of their entries.
///
/// A doubly linked list in one vector, indexed by slot: a use moves an entry without searching for it.
#[derive(Debug)]
pub struct LruList {
    limits: Limits,
    links: Vec<Link>,
    newest: u32,
    oldest: u32,
    len: usize,
    bytes: u64,
}

impl LruList {
    pub fn new(limits: Limits) -> Self {
        LruList { limits, links: Vec::new(), newest: NONE, oldest: NONE, len: 0, bytes: 0 }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True if an entry of this weight fits an empty cache.
    pub fn may_hold(&self, weight: u64) -> bool {
        self.limits.entries > 0 && weight <= self.limits.bytes
    }

    /// True if an entry has to be evicted.
    pub fn is_over(&self) -> bool {
        self.len > self.limits.entries || self.bytes > self.limits.bytes
    }

    /// Adds an entry as the most recently used one.
    pub fn insert(&mut self, slot: u32, weight: u64) {
        debug_assert!(!self.holds(slot), "a slot holds one entry");
        if slot as usize >= self.links.len() {
            self.links.resize(slot as usize + 1, EMPTY);
        }
        self.links[slot as usize].weight = Some(weight);
        self.len += 1;
        self.bytes = self.bytes.saturating_add(weight);
        self.link(slot);
    }

    pub fn remove(&mut self, slot: u32) {
        if let Some(Link { weight: Some(weight), .. }) = self.links.get(slot as usize).copied() {
            self.unlink(slot);
            self.links[slot as usize] = EMPTY;
            self.len -= 1;
            self.bytes -= weight;
        }
    }

    /// Makes an entry the most recently used one. Does nothing if the slot is empty by now.
    pub fn touch(&mut self, slot: u32) {
        if slot != self.newest && self.holds(slot) {
            self.unlink(slot);
            self.link(slot);
        }
    }

    /// Slot of the least recently used entry.
    pub fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// All slots, the most recently used first.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let first = (self.newest != NONE).then_some(self.newest);
        std::iter::successors(first, |slot| {
            let older = self.links[*slot as usize].older;
            (older != NONE).then_some(older)
        })
    }

    fn holds(&self, slot: u32) -> bool {
        self.links.get(slot as usize).is_some_and(|link| link.weight.is_some())
    }

    /// Puts an entry at the front.
    fn link(&mut self, slot: u32) {
        let older = std::mem::replace(&mut self.newest, slot);
        let link = &mut self.links[slot as usize];
        (link.newer, link.older) = (NONE, older);
        match self.links.get_mut(older as usize) {
            Some(link) => link.newer = slot,
            None => self.oldest = slot,
        }
    }

    /// Joins the neighbours of an entry.
    fn unlink(&mut self, slot: u32) {
        let Link { newer, older, .. } = self.links[slot as usize];
        match self.links.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn list(entries: usize, bytes: u64) -> LruList {
        LruList::new(Limits { entries, bytes })
    }

    fn order(list: &LruList) -> Vec<u32> {
        list.slots().collect()
    }

    #[test]
    fn the_least_recently_used_is_oldest() {
        let mut list = list(3, 100);
        for slot in [5, 1, 9] {
            list.insert(slot, 10);
        }
        list.touch(5);
        assert_eq!(list.oldest(), Some(1));
        list.remove(1);
        assert_eq!((list.oldest(), list.bytes()), (Some(9), 20));
        list.touch(1);
        assert_eq!(order(&list), [5, 9]);
    }

    #[test]
    fn uses_are_ordered() {
        let mut list = list(10, 100);
        for slot in 0..5 {
            list.insert(slot, 1);
        }
        for slot in [0, 1, 0, 77, 2, 1, 1] {
            list.touch(slot);
        }
        assert_eq!(order(&list), [1, 2, 0, 4, 3]);
        list.touch(3);
        assert_eq!((order(&list), list.oldest()), (vec![3, 1, 2, 0, 4], Some(4)));
    }

    #[test]
    fn entries_leave_from_both_ends_and_the_middle() {
        let mut list = list(10, 100);
        for slot in 0..5 {
            list.insert(slot, 1);
        }
        for slot in [4, 2, 0, 2] {
            list.remove(slot);
        }
        assert_eq!((order(&list), list.oldest(), list.bytes()), (vec![3, 1], Some(1), 2));
        list.remove(3);
        list.remove(1);
        assert_eq!((order(&list), list.oldest(), list.bytes()), (vec![], None, 0));
        list.insert(2, 7);
        assert_eq!((order(&list), list.oldest(), list.bytes()), (vec![2], Some(2), 7));
    }

    #[test]
    fn either_limit_can_be_exceeded() {
        let mut list = list(2, 100);
        list.insert(0, 60);
        assert!(!list.is_over());
        list.insert(1, 60);
        assert!(list.is_over());
        list.remove(0);
        assert!(!list.is_over());
        list.set_limits(Limits { entries: 0, bytes: 100 });
        assert!(list.is_over());
        assert!(!list.may_hold(1));
    }
}
