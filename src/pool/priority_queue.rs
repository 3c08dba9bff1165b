//! Three queues by priority, each strictly first in, first out, with aging: who is passed over often enough goes next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How urgent a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    High,
    Normal,
    Low,
}

/// A lane that was passed over this many times while it had something goes next.
const AGING: u32 = 16;

const LANES: usize = 3;

/// A task in its lane.
#[derive(Debug)]
pub struct Queued<J> {
    pub ticket: u64,
    /// When it was queued.
    pub since: Instant,
    pub job: J,
}

/// Whether anybody asks for the oldest task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ages {
    Kept,
    Ignored,
}

/// The queues themselves. A task's place is its ticket, so one that becomes ready late still goes before younger ones.
#[derive(Debug)]
pub struct Lanes<J> {
    lanes: [BTreeMap<u64, Queued<J>>; LANES],
    passed: [u32; LANES],
    /// When each task was queued, and its ticket, if anybody asks.
    ages: Option<BTreeSet<(Instant, u64)>>,
}

impl<J> Lanes<J> {
    pub fn new(ages: Ages) -> Self {
        let ages = (ages == Ages::Kept).then(BTreeSet::new);
        Lanes { lanes: [const { BTreeMap::new() }; LANES], passed: [0; LANES], ages }
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(BTreeMap::is_empty)
    }

    pub fn push(&mut self, priority: Priority, queued: Queued<J>) {
        if let Some(ages) = &mut self.ages {
            ages.insert((queued.since, queued.ticket));
        }
        self.lanes[priority as usize].insert(queued.ticket, queued);
    }

    /// Takes the task whose turn it is.
    pub fn take(&mut self) -> Option<Queued<J>> {
        let lane = self.next_lane()?;
        self.passed[lane] = 0;
        for lower in lane + 1..LANES {
            if !self.lanes[lower].is_empty() {
                self.passed[lower] += 1;
            }
        }
        let (_, queued) = self.lanes[lane].pop_first()?;
        self.forget_age(&queued);
        Some(queued)
    }

    /// The task whose turn it is.
    pub fn first(&self) -> Option<&Queued<J>> {
        self.lanes[self.next_lane()?].first_key_value().map(|(_, queued)| queued)
    }

    /// Takes a task out of its turn.
    pub fn remove(&mut self, ticket: u64) -> Option<Queued<J>> {
        let queued = self.lanes.iter_mut().find_map(|lane| lane.remove(&ticket))?;
        self.forget_age(&queued);
        Some(queued)
    }

    /// When the oldest task was queued, if ages are kept.
    pub fn oldest(&self) -> Option<Instant> {
        self.ages.as_ref()?.first().map(|&(since, _)| since)
    }

    /// Takes the oldest task if it was queued at `limit` or before and ages are kept.
    pub fn take_stale(&mut self, limit: Instant) -> Option<Queued<J>> {
        let &(since, ticket) = self.ages.as_ref()?.first()?;
        if since <= limit { self.remove(ticket) } else { None }
    }

    fn forget_age(&mut self, queued: &Queued<J>) {
        if let Some(ages) = &mut self.ages {
            ages.remove(&(queued.since, queued.ticket));
        }
    }

    fn next_lane(&self) -> Option<usize> {
        let starved = (0..LANES).rev().find(|&lane| self.passed[lane] >= AGING && !self.lanes[lane].is_empty());
        starved.or_else(|| (0..LANES).find(|&lane| !self.lanes[lane].is_empty()))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use std::time::Duration;

    fn queued(ticket: u64) -> Queued<u64> {
        Queued { ticket, since: Instant::now(), job: ticket }
    }

    fn order(lanes: &mut Lanes<u64>) -> Vec<u64> {
        std::iter::from_fn(|| lanes.take()).map(|queued| queued.job).collect()
    }

    #[test]
    fn first_in_first_out_within_a_lane_and_high_before_low() {
        let mut lanes = Lanes::new(Ages::Kept);
        for (ticket, priority) in
            [(0, Priority::Low), (1, Priority::Normal), (2, Priority::High), (3, Priority::Normal), (4, Priority::High)]
        {
            lanes.push(priority, queued(ticket));
        }
        assert_eq!(order(&mut lanes), [2, 4, 1, 3, 0]);
    }

    #[test]
    fn a_task_that_becomes_ready_late_keeps_its_place() {
        let mut lanes = Lanes::new(Ages::Kept);
        lanes.push(Priority::Normal, queued(7));
        lanes.push(Priority::Normal, queued(5));
        assert_eq!(order(&mut lanes), [5, 7]);
    }

    #[test]
    fn low_is_served_under_a_flood_of_high() {
        let mut lanes = Lanes::new(Ages::Kept);
        lanes.push(Priority::Low, queued(1_000_000));
        for ticket in 0..1000 {
            lanes.push(Priority::High, queued(ticket));
        }
        let served = order(&mut lanes);
        assert_eq!(served.iter().position(|&job| job == 1_000_000), Some(AGING as usize));
    }

    #[test]
    fn no_lane_starves_another_when_all_are_flooded() {
        let mut lanes = Lanes::new(Ages::Kept);
        let lanes_in_turn = [Priority::High, Priority::Normal, Priority::Low].into_iter().cycle();
        for (ticket, priority) in (0..3000).zip(lanes_in_turn) {
            lanes.push(priority, queued(ticket));
        }
        let first: Vec<u64> = std::iter::from_fn(|| lanes.take()).take(200).map(|queued| queued.job % 3).collect();
        for lane in 0..3 {
            assert!(first.iter().filter(|&&it| it == lane).count() >= 10, "lane {lane} starves");
        }
    }

    #[test]
    fn removal_and_staleness() {
        let mut lanes = Lanes::new(Ages::Kept);
        let start = Instant::now();
        for ticket in 0..3 {
            let since = start + Duration::from_millis(ticket);
            lanes.push(Priority::Normal, Queued { ticket, since, job: ticket });
        }
        // It was ready last, though it came first.
        let since = start + Duration::from_millis(9);
        lanes.push(Priority::High, Queued { ticket: 3, since, job: 3 });
        lanes.push(Priority::High, Queued { ticket: 4, since: start, job: 4 });
        assert_eq!(lanes.take_stale(start).map(|queued| queued.job), Some(0));
        assert_eq!(lanes.take_stale(start).map(|queued| queued.job), Some(4));
        assert_eq!(lanes.remove(3).map(|queued| queued.job), Some(3));
        assert_eq!(lanes.remove(1).map(|queued| queued.job), Some(1));
        assert!(lanes.remove(1).is_none());
        assert_eq!(lanes.oldest(), Some(start + Duration::from_millis(2)));
        assert!(lanes.take_stale(start).is_none());
        assert_eq!(order(&mut lanes), [2]);
        assert!(lanes.is_empty());
    }
}
