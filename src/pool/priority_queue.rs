//! Three queues, one per priority, each strictly first in, first out. With aging: a queue that was passed over often enough
//! goes next.

use super::ages::{Ages, TrackAge};
use std::collections::BTreeMap;
use std::time::Instant;

/// How urgent a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    High,
    Normal,
    Low,
}

/// A level that was passed over this many times while it had tasks goes next.
const AGING: u32 = 16;

const LEVELS: usize = 3;

/// A task in the queue.
#[derive(Debug)]
pub struct Queued<J> {
    pub ticket: u64,
    /// When it was queued, or when its caller began to wait for a reservation.
    pub since: Instant,
    pub job: J,
}

/// The queue. Tasks of a level are ordered by ticket, so a task that becomes ready late still goes before younger ones.
#[derive(Debug)]
pub struct PriorityQueue<J> {
    levels: [BTreeMap<u64, Queued<J>>; LEVELS],
    /// How often each level was passed over since its last turn.
    passed: [u32; LEVELS],
    ages: Ages,
}

impl<J> PriorityQueue<J> {
    pub fn new(track: TrackAge) -> Self {
        PriorityQueue { levels: [const { BTreeMap::new() }; LEVELS], passed: [0; LEVELS], ages: Ages::new(track) }
    }

    pub fn is_empty(&self) -> bool {
        self.levels.iter().all(BTreeMap::is_empty)
    }

    pub fn push(&mut self, priority: Priority, queued: Queued<J>) {
        self.ages.insert(queued.since, queued.ticket);
        self.levels[priority as usize].insert(queued.ticket, queued);
    }

    /// Removes the task whose turn it is.
    pub fn take(&mut self) -> Option<Queued<J>> {
        let level = self.next_level()?;
        self.passed[level] = 0;
        for lower in level + 1..LEVELS {
            if !self.levels[lower].is_empty() {
                self.passed[lower] += 1;
            }
        }
        let (_, queued) = self.levels[level].pop_first()?;
        self.ages.remove(queued.since, queued.ticket);
        Some(queued)
    }

    /// Returns the task whose turn it is.
    pub fn first(&self) -> Option<&Queued<J>> {
        self.levels[self.next_level()?].first_key_value().map(|(_, queued)| queued)
    }

    pub fn contains(&self, ticket: u64) -> bool {
        self.levels.iter().any(|level| level.contains_key(&ticket))
    }

    /// Removes a task out of turn.
    pub fn remove(&mut self, ticket: u64) -> Option<Queued<J>> {
        let queued = self.levels.iter_mut().find_map(|level| level.remove(&ticket))?;
        self.ages.remove(queued.since, queued.ticket);
        Some(queued)
    }

    /// Returns when the oldest task began to wait, if ages are tracked.
    pub fn oldest(&self) -> Option<Instant> {
        self.ages.oldest()
    }

    /// Removes the oldest task if it has waited since `limit` or longer and ages are tracked.
    pub fn take_stale(&mut self, limit: Instant) -> Option<Queued<J>> {
        self.remove(self.ages.stale(limit)?)
    }

    fn next_level(&self) -> Option<usize> {
        let starved = (0..LEVELS).rev().find(|&level| self.passed[level] >= AGING && !self.levels[level].is_empty());
        starved.or_else(|| (0..LEVELS).find(|&level| !self.levels[level].is_empty()))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use std::time::Duration;

    fn queued(ticket: u64) -> Queued<u64> {
        Queued { ticket, since: Instant::now(), job: ticket }
    }

    fn order(levels: &mut PriorityQueue<u64>) -> Vec<u64> {
        std::iter::from_fn(|| levels.take()).map(|queued| queued.job).collect()
    }

    #[test]
    fn first_in_first_out_within_a_level_and_high_before_low() {
        let mut levels = PriorityQueue::new(TrackAge::Yes);
        for (ticket, priority) in
            [(0, Priority::Low), (1, Priority::Normal), (2, Priority::High), (3, Priority::Normal), (4, Priority::High)]
        {
            levels.push(priority, queued(ticket));
        }
        assert_eq!(order(&mut levels), [2, 4, 1, 3, 0]);
    }

    #[test]
    fn a_task_that_becomes_ready_late_keeps_its_position() {
        let mut levels = PriorityQueue::new(TrackAge::Yes);
        levels.push(Priority::Normal, queued(7));
        levels.push(Priority::Normal, queued(5));
        assert_eq!(order(&mut levels), [5, 7]);
    }

    #[test]
    fn low_is_served_under_a_flood_of_high() {
        let mut levels = PriorityQueue::new(TrackAge::Yes);
        levels.push(Priority::Low, queued(1_000_000));
        for ticket in 0..1000 {
            levels.push(Priority::High, queued(ticket));
        }
        let served = order(&mut levels);
        assert_eq!(served.iter().position(|&job| job == 1_000_000), Some(AGING as usize));
    }

    #[test]
    fn no_level_starves_another_when_all_are_flooded() {
        let mut levels = PriorityQueue::new(TrackAge::Yes);
        let levels_in_turn = [Priority::High, Priority::Normal, Priority::Low].into_iter().cycle();
        for (ticket, priority) in (0..3000).zip(levels_in_turn) {
            levels.push(priority, queued(ticket));
        }
        let first: Vec<u64> = std::iter::from_fn(|| levels.take()).take(200).map(|queued| queued.job % 3).collect();
        for level in 0..3 {
            assert!(first.iter().filter(|&&it| it == level).count() >= 10, "level {level} starves");
        }
    }

    #[test]
    fn removal_and_staleness() {
        let mut levels = PriorityQueue::new(TrackAge::Yes);
        let start = Instant::now();
        for ticket in 0..3 {
            let since = start + Duration::from_millis(ticket);
            levels.push(Priority::Normal, Queued { ticket, since, job: ticket });
        }
        // Ready last, although its ticket is older.
        let since = start + Duration::from_millis(9);
        levels.push(Priority::High, Queued { ticket: 3, since, job: 3 });
        levels.push(Priority::High, Queued { ticket: 4, since: start, job: 4 });
        assert_eq!(levels.take_stale(start).map(|queued| queued.job), Some(0));
        assert_eq!(levels.take_stale(start).map(|queued| queued.job), Some(4));
        assert_eq!(levels.remove(3).map(|queued| queued.job), Some(3));
        assert_eq!(levels.remove(1).map(|queued| queued.job), Some(1));
        assert!(levels.remove(1).is_none());
        assert_eq!(levels.oldest(), Some(start + Duration::from_millis(2)));
        assert!(levels.take_stale(start).is_none());
        assert_eq!(order(&mut levels), [2]);
        assert!(levels.is_empty());
    }
}
