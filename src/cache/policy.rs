//! Which entry goes when there are too many, or too heavy ones: the least recently used.

/// The bounds of a cache: `MAX` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub entries: usize,
    pub bytes: u64,
}

/// No slot. Slots have smaller numbers.
const NONE: u32 = u32::MAX;

/// A slot's neighbours in the order of use, or `NONE` at an end.
#[derive(Debug, Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
    /// `None`: no entry is here.
    weight: Option<u64>,
}

const EMPTY: Link = Link { newer: NONE, older: NONE, weight: None };

/// Entries, by the number of their slot, in the order of their last use, and what they weigh.
///
/// A list that is linked by the numbers of slots, in one piece of memory: a use moves an entry without a search for it.
#[derive(Debug)]
pub struct Policy {
    limits: Limits,
    links: Vec<Link>,
    newest: u32,
    oldest: u32,
    held: usize,
    bytes: u64,
}

impl Policy {
    pub fn new(limits: Limits) -> Self {
        Policy { limits, links: Vec::new(), newest: NONE, oldest: NONE, held: 0, bytes: 0 }
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

    /// Whether an entry of this weight could be held at all.
    pub fn may_hold(&self, weight: u64) -> bool {
        self.limits.entries > 0 && weight <= self.limits.bytes
    }

    /// Whether something must go.
    pub fn is_over(&self) -> bool {
        self.held > self.limits.entries || self.bytes > self.limits.bytes
    }

    /// Takes an entry in as the most recently used one.
    pub fn insert(&mut self, slot: u32, weight: u64) {
        debug_assert!(!self.holds(slot), "a slot holds one entry");
        if slot as usize >= self.links.len() {
            self.links.resize(slot as usize + 1, EMPTY);
        }
        self.links[slot as usize].weight = Some(weight);
        self.held += 1;
        self.bytes = self.bytes.saturating_add(weight);
        self.link(slot);
    }

    pub fn remove(&mut self, slot: u32) {
        if let Some(Link { weight: Some(weight), .. }) = self.links.get(slot as usize).copied() {
            self.unlink(slot);
            self.links[slot as usize] = EMPTY;
            self.held -= 1;
            self.bytes -= weight;
        }
    }

    /// It was used just now. A slot that is empty by now is passed over.
    pub fn touch(&mut self, slot: u32) {
        if slot != self.newest && self.holds(slot) {
            self.unlink(slot);
            self.link(slot);
        }
    }

    /// The least recently used one.
    pub fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// All, the most recently used ones first.
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

    /// Puts an entry before all others.
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

    fn policy(entries: usize, bytes: u64) -> Policy {
        Policy::new(Limits { entries, bytes })
    }

    fn order(policy: &Policy) -> Vec<u32> {
        policy.slots().collect()
    }

    #[test]
    fn the_least_recently_used_is_oldest() {
        let mut policy = policy(3, 100);
        for slot in [5, 1, 9] {
            policy.insert(slot, 10);
        }
        policy.touch(5);
        assert_eq!(policy.oldest(), Some(1));
        policy.remove(1);
        assert_eq!((policy.oldest(), policy.bytes()), (Some(9), 20));
        policy.touch(1);
        assert_eq!(order(&policy), [5, 9]);
    }

    #[test]
    fn uses_count_in_their_order() {
        let mut policy = policy(10, 100);
        for slot in 0..5 {
            policy.insert(slot, 1);
        }
        for slot in [0, 1, 0, 77, 2, 1, 1] {
            policy.touch(slot);
        }
        assert_eq!(order(&policy), [1, 2, 0, 4, 3]);
        policy.touch(3);
        assert_eq!((order(&policy), policy.oldest()), (vec![3, 1, 2, 0, 4], Some(4)));
    }

    #[test]
    fn entries_leave_from_both_ends_and_the_middle() {
        let mut policy = policy(10, 100);
        for slot in 0..5 {
            policy.insert(slot, 1);
        }
        for slot in [4, 2, 0, 2] {
            policy.remove(slot);
        }
        assert_eq!((order(&policy), policy.oldest(), policy.bytes()), (vec![3, 1], Some(1), 2));
        policy.remove(3);
        policy.remove(1);
        assert_eq!((order(&policy), policy.oldest(), policy.bytes()), (vec![], None, 0));
        policy.insert(2, 7);
        assert_eq!((order(&policy), policy.oldest(), policy.bytes()), (vec![2], Some(2), 7));
    }

    #[test]
    fn either_bound_can_be_over() {
        let mut policy = policy(2, 100);
        policy.insert(0, 60);
        assert!(!policy.is_over());
        policy.insert(1, 60);
        assert!(policy.is_over());
        policy.remove(0);
        assert!(!policy.is_over());
        policy.set_limits(Limits { entries: 0, bytes: 100 });
        assert!(policy.is_over());
        assert!(!policy.may_hold(1));
    }
}
