//! Errands: jobs that no thread of the pool runs, but someone else who holds a permit meanwhile. They are admitted, wait and
//! are counted as all others; several of one owner may run under one permit, one after the other.

use super::executor::{Job, Pool, Tally, Work};
use super::gate::Wake;
use super::priority_queue::{Priority, Queued};
use super::panic::catch_panic;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a pool knows of an errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errand {
    /// Who runs it.
    pub owner: u64,
    /// What its owner calls it.
    pub task: u32,
    /// For the statistics.
    pub name: &'static str,
}

/// The right to run errands of one owner, one at a time. Dropping it gives it back, with the room of those that have not ended.
pub struct Permit {
    pool: Arc<Pool>,
    owner: u64,
    /// In the order in which they run.
    begun: VecDeque<Begun>,
}

struct Begun {
    errand: Errand,
    bytes: usize,
    priority: Priority,
    ticket: u64,
    since: Instant,
    waited: Duration,
}

/// An errand that was returned to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requeued {
    pub ticket: u64,
    pub bytes: usize,
}

impl Permit {
    fn new(pool: &Arc<Pool>, owner: u64) -> Self {
        Permit { pool: pool.clone(), owner, begun: VecDeque::new() }
    }

    /// Uses a permit that was taken for whoever is first: for an errand of this owner, or else with a thread.
    pub(super) fn begin(pool: &Arc<Pool>, owner: u64) -> Option<Self> {
        let mut permit = Permit::new(pool, owner);
        permit.take(1, |_| {});
        // Otherwise it is passed on.
        (!permit.begun.is_empty()).then_some(permit)
    }

    /// Gives an errand that a thread has come upon the permit of that thread.
    pub(super) fn hand_over(pool: &Arc<Pool>, queued: Queued<Job>, now: Instant) {
        let Some(errand) = queued.job.work.errand() else { return };
        let mut permit = Permit::new(pool, errand.owner);
        if let Some(work) = permit.add(queued, now) {
            work.begin(permit);
        }
    }

    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The errand of a task under it.
    #[must_use]
    pub fn errand(&self, task: u32) -> Option<Errand> {
        self.begun.iter().map(|begun| begun.errand).find(|errand| errand.task == task)
    }

    /// Which task begins when the permit is new.
    pub fn first(&self) -> Option<u32> {
        self.begun.front().map(|begun| begun.errand.task)
    }

    /// Takes up to `most` errands of the same owner, as long as it is their turn.
    pub fn take(&mut self, most: usize, mut each: impl FnMut(u32)) {
        let (now, owner) = (Instant::now(), self.owner);
        let is_ours = |job: &Job| job.work.errand().is_some_and(|errand| errand.owner == owner);
        for _ in 0..most {
            let Some(queued) = self.pool.gate.take_if(is_ours) else { return };
            if let Some(errand) = self.add(queued, now).and_then(|work| work.errand()) {
                each(errand.task);
            }
        }
    }

    /// Notes that a job has begun. `None`: it has waited for too long.
    fn add(&mut self, queued: Queued<Job>, now: Instant) -> Option<Box<dyn Work>> {
        let Queued { ticket, since, job: Job { mut work, bytes, priority } } = queued;
        let waited = now.saturating_duration_since(since);
        let errand = work.errand()?;
        if self.pool.options.max_wait.is_some_and(|limit| waited > limit) {
            self.pool.time_out(&mut *work);
            self.pool.grant(self.pool.gate.release_all(1, bytes));
            let _ = catch_panic(|| work.settle());
            return None;
        }
        self.begun.push_back(Begun { errand, bytes, priority, ticket, since, waited });
        Some(work)
    }

    /// Counts errands of this permit that have ended, after running for `took` in total, and frees their room.
    pub fn finish(&mut self, tasks: &[u32], tally: Tally, took: Duration) {
        let ended: Vec<Begun> = tasks.iter().filter_map(|&task| self.remove(task)).collect();
        let Some(first) = ended.first() else { return };
        self.pool.counters.lock().ran_each(first.errand.name, tally, ended.iter().map(|begun| begun.waited), took);
        self.release(&ended);
    }

    /// Returns an errand that was taken but did not run to its old place in the queue. `None`: it is not of this permit.
    pub fn give_back(&mut self, task: u32, work: Box<dyn Work>) -> Option<Requeued> {
        let Begun { bytes, priority, ticket, since, .. } = self.remove(task)?;
        self.pool.requeue(ticket, since, Job { work, bytes, priority });
        Some(Requeued { ticket, bytes })
    }

    /// Errands end in the order in which they began, except those that are given up.
    fn remove(&mut self, task: u32) -> Option<Begun> {
        let index = self.begun.iter().position(|begun| begun.errand.task == task)?;
        self.begun.remove(index)
    }

    fn release(&self, begun: &[Begun]) {
        let bytes = begun.iter().map(|begun| begun.bytes).sum();
        self.pool.grant(self.pool.gate.release_all(begun.len(), bytes));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let left: Vec<Begun> = self.begun.drain(..).collect();
        if !left.is_empty() {
            self.pool.count_cancelled(u32::try_from(left.len()).unwrap_or(u32::MAX));
            self.release(&left);
        }
        if self.pool.gate.pass_on(Instant::now()) == Wake::Thread {
            self.pool.wake();
        }
    }
}

#[cfg(test)]
mod tests;
