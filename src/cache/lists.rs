//! Doubly linked lists of slots.

/// Not a slot: slot numbers are smaller.
const NONE: u32 = u32::MAX;

/// Neighbours of a slot in its list, or `NONE` at an end.
#[derive(Debug, Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
    /// `None`: the slot is empty.
    weight: Option<u64>,
}

const EMPTY: Link = Link { newer: NONE, older: NONE, weight: None };

/// Links of all slots, in one vector indexed by slot, so that an entry moves without a search. A slot is in at most one list.
#[derive(Debug, Default)]
pub struct Links(Vec<Link>);

/// A list of slots in the order of insertion, with the number and the total weight of their entries.
#[derive(Debug)]
pub struct List {
    newest: u32,
    oldest: u32,
    len: usize,
    bytes: u64,
}

impl Links {
    pub fn holds(&self, slot: u32) -> bool {
        self.weight(slot).is_some()
    }

    /// Weight of an entry. `None`: the slot is empty.
    pub fn weight(&self, slot: u32) -> Option<u64> {
        self.0.get(slot as usize)?.weight
    }
}

impl List {
    pub fn new() -> Self {
        List { newest: NONE, oldest: NONE, len: 0, bytes: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn newest(&self) -> Option<u32> {
        (self.newest != NONE).then_some(self.newest)
    }

    pub fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// All slots, the newest first.
    pub fn slots<'a>(&self, links: &'a Links) -> impl Iterator<Item = u32> + use<'a> {
        std::iter::successors(self.newest(), |slot| {
            let older = links.0[*slot as usize].older;
            (older != NONE).then_some(older)
        })
    }

    /// Adds an entry in an empty slot as the newest.
    pub fn insert(&mut self, links: &mut Links, slot: u32, weight: u64) {
        debug_assert!(!links.holds(slot), "a slot holds one entry");
        if slot as usize >= links.0.len() {
            links.0.resize(slot as usize + 1, EMPTY);
        }
        links.0[slot as usize].weight = Some(weight);
        self.len += 1;
        self.bytes = self.bytes.saturating_add(weight);
        self.link(links, slot);
    }

    /// Removes an entry of this list, and empties its slot. Returns its weight.
    pub fn remove(&mut self, links: &mut Links, slot: u32) -> Option<u64> {
        let weight = links.weight(slot)?;
        self.unlink(links, slot);
        links.0[slot as usize] = EMPTY;
        self.len -= 1;
        self.bytes -= weight;
        Some(weight)
    }

    /// Makes an entry of this list the newest.
    pub fn renew(&mut self, links: &mut Links, slot: u32) {
        if slot != self.newest {
            self.unlink(links, slot);
            self.link(links, slot);
        }
    }

    fn link(&mut self, links: &mut Links, slot: u32) {
        let older = std::mem::replace(&mut self.newest, slot);
        let link = &mut links.0[slot as usize];
        (link.newer, link.older) = (NONE, older);
        match links.0.get_mut(older as usize) {
            Some(link) => link.newer = slot,
            None => self.oldest = slot,
        }
    }

    /// Joins the neighbours of an entry.
    fn unlink(&mut self, links: &mut Links, slot: u32) {
        let Link { newer, older, .. } = links.0[slot as usize];
        match links.0.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
        match links.0.get_mut(older as usize) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn list(slots: impl IntoIterator<Item = u32>, weight: u64) -> (Links, List) {
        let (mut links, mut list) = (Links::default(), List::new());
        for slot in slots {
            list.insert(&mut links, slot, weight);
        }
        (links, list)
    }

    fn order((links, list): &(Links, List)) -> (Vec<u32>, Option<u32>, u64) {
        (list.slots(links).collect(), list.oldest(), list.bytes())
    }

    #[test]
    fn entries_are_renewed() {
        let mut both = list([5, 1, 9], 10);
        for slot in [5, 1, 1, 9, 5] {
            both.1.renew(&mut both.0, slot);
        }
        assert_eq!(order(&both), (vec![5, 9, 1], Some(1), 30));
    }

    #[test]
    fn entries_leave_from_both_ends_and_the_middle() {
        let mut both = list(0..5, 1);
        for (slot, weight) in [(4, Some(1)), (2, Some(1)), (0, Some(1)), (2, None), (77, None)] {
            assert_eq!(both.1.remove(&mut both.0, slot), weight);
        }
        assert_eq!(order(&both), (vec![3, 1], Some(1), 2));
        both.1.remove(&mut both.0, 3);
        both.1.remove(&mut both.0, 1);
        assert_eq!(order(&both), (vec![], None, 0));
        both.1.insert(&mut both.0, 2, 7);
        assert_eq!((order(&both), both.1.len()), ((vec![2], Some(2), 7), 1));
    }
}
