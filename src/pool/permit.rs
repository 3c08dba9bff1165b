//! Permits for tasks that run outside the pool's threads. Such tasks are admitted, wait and count like any other; several of
//! one owner may run under one permit, one after the other.

use super::core::{ExternalTask, Job, Permit, Pool, Reservation, Running, Work};
use super::gate::Wake;
use super::panic::catch_panic;
use super::priority_queue::{Priority, Queued};
use super::stats::Tally;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An external task that was returned to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requeued {
    pub ticket: u64,
    pub bytes: usize,
}

impl Reservation {
    /// Queues an external task under this reservation. Returns its ticket, and a permit if one is free: for this task or an
    /// older one of its owner.
    #[must_use]
    pub fn submit_external(self, priority: Priority, task: ExternalTask, work: Box<dyn Work>) -> (u64, Option<Permit>) {
        let (pool, raw) = self.into_parts();
        let ticket = raw.ticket;
        let wake = pool.push(raw, priority, work);
        (ticket, (wake == Wake::Thread).then(|| Permit::begin(&pool, task.owner)).flatten())
    }
}

impl Permit {
    fn new(pool: &Arc<Pool>, owner: u64) -> Self {
        Permit { pool: pool.clone(), owner, running: VecDeque::new() }
    }

    /// Uses a permit that is already taken: for the next job if that is a task of this owner, otherwise for a thread.
    fn begin(pool: &Arc<Pool>, owner: u64) -> Option<Self> {
        let mut permit = Permit::new(pool, owner);
        permit.take(1, |_| {});
        // A permit without a task goes to a thread when it is dropped.
        (!permit.running.is_empty()).then_some(permit)
    }

    /// Gives the permit of a thread to the external task that the thread took from the queue.
    pub(super) fn hand_over(pool: &Arc<Pool>, queued: Queued<Job>, now: Instant) {
        let Some(external) = queued.job.work.external() else { return };
        let mut permit = Permit::new(pool, external.owner);
        if let Some(work) = permit.add(queued, now) {
            work.begin(permit);
        }
    }

    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Returns the external task with the id `task` if it runs under this permit.
    #[must_use]
    pub fn external(&self, task: u32) -> Option<ExternalTask> {
        self.running.iter().map(|running| running.external).find(|external| external.task == task)
    }

    /// Returns the id of the oldest task under this permit.
    pub fn first(&self) -> Option<u32> {
        self.running.front().map(|running| running.external.task)
    }

    /// Begins up to `most` further tasks, as long as the next one in the queue is of the same owner.
    pub fn take(&mut self, most: usize, mut each: impl FnMut(u32)) {
        let (now, owner) = (Instant::now(), self.owner);
        let is_ours = |job: &Job| job.work.external().is_some_and(|external| external.owner == owner);
        for _ in 0..most {
            let Some(queued) = self.pool.gate.take_if(is_ours) else { return };
            if let Some(external) = self.add(queued, now).and_then(|work| work.external()) {
                each(external.task);
            }
        }
    }

    /// Begins a task. Returns `None` if it has waited for too long and failed.
    fn add(&mut self, queued: Queued<Job>, now: Instant) -> Option<Box<dyn Work>> {
        let Queued { ticket, since, job: Job { mut work, bytes, priority } } = queued;
        let waited = now.saturating_duration_since(since);
        let external = work.external()?;
        if self.pool.options.max_wait.is_some_and(|limit| waited > limit) {
            self.pool.time_out(&mut *work);
            self.pool.grant(self.pool.gate.release_all(1, bytes));
            let _ = catch_panic(|| work.settle());
            return None;
        }
        self.running.push_back(Running { external, bytes, priority, ticket, since, waited });
        Some(work)
    }

    /// Counts tasks of this permit as ended, after `took` in total, and releases their reservations.
    pub fn finish(&mut self, tasks: &[u32], tally: Tally, took: Duration) {
        let ended: Vec<Running> = tasks.iter().filter_map(|&task| self.remove(task)).collect();
        let Some(first) = ended.first() else { return };
        let waited = ended.iter().map(|running| running.waited);
        self.pool.counters.lock().ran_each(first.external.name, tally, waited, took);
        self.release(&ended);
    }

    /// Returns a task that began but did not run to its former position in the queue. Returns `None` if it is not under
    /// this permit.
    pub fn requeue(&mut self, task: u32, work: Box<dyn Work>) -> Option<Requeued> {
        let Running { bytes, priority, ticket, since, .. } = self.remove(task)?;
        self.pool.requeue(ticket, since, Job { work, bytes, priority });
        Some(Requeued { ticket, bytes })
    }

    /// Tasks end in the order in which they began, except for cancelled ones.
    fn remove(&mut self, task: u32) -> Option<Running> {
        let index = self.running.iter().position(|running| running.external.task == task)?;
        self.running.remove(index)
    }

    fn release(&self, ended: &[Running]) {
        let bytes = ended.iter().map(|running| running.bytes).sum();
        self.pool.grant(self.pool.gate.release_all(ended.len(), bytes));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let left: Vec<Running> = self.running.drain(..).collect();
        if !left.is_empty() {
            self.pool.count_cancelled(u32::try_from(left.len()).unwrap_or(u32::MAX));
            self.release(&left);
        }
        if self.pool.gate.return_permit(Instant::now()) == Wake::Thread {
            self.pool.wake();
        }
    }
}

#[cfg(test)]
mod tests;
