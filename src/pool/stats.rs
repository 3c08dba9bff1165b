//! Counters of a pool.

use super::gate::Level;
use crate::metrics::{Latencies, Summary};
use std::time::{Duration, Instant};

/// Transforms with separate counters; further ones are counted together as `other`.
const MAX_TRANSFORMS: usize = 64;

/// How the tasks of one job ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub completed: u32,
    pub failed: u32,
    pub cancelled: u32,
}

#[derive(Debug, Default)]
struct PerTransform {
    completed: u64,
    failed: u64,
    run_time: Latencies,
}

/// Counters since the pool was created.
#[derive(Debug)]
pub(super) struct Counters {
    since: Instant,
    completed: u64,
    failed: u64,
    cancelled: u64,
    rejected: u64,
    wait_time: Latencies,
    run_time: Latencies,
    by_transform: Vec<(&'static str, PerTransform)>,
}

/// Counters of one transform.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformStats {
    pub name: &'static str,
    pub completed: u64,
    pub failed: u64,
    pub run_time: Summary,
}

/// A snapshot of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    pub threads: usize,
    pub running: usize,
    pub queued: usize,
    pub queued_bytes: usize,
    /// Callers that wait for a reservation.
    pub waiting: usize,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Tasks that were not admitted or exceeded `max_wait`.
    pub rejected: u64,
    /// Fraction of the available thread time used since the pool was created, 0 to 1.
    pub utilization: f64,
    pub wait_time: Summary,
    pub run_time: Summary,
    pub by_transform: Vec<TransformStats>,
}

impl Counters {
    pub fn new(now: Instant) -> Self {
        Counters {
            since: now,
            completed: 0,
            failed: 0,
            cancelled: 0,
            rejected: 0,
            wait_time: Latencies::new(),
            run_time: Latencies::new(),
            by_transform: Vec::new(),
        }
    }

    /// Counts a job that ran. A job of several tasks counts each of them, at their mean duration.
    pub fn ran(&mut self, name: &'static str, tally: Tally, waited: Duration, took: Duration) {
        let tasks = tally.completed + tally.failed + tally.cancelled;
        self.wait_time.record(waited, u64::from(tasks));
        self.count(name, tally, took);
    }

    /// Counts tasks of one transform that waited for different times, after `took` in total.
    pub fn ran_each(
        &mut self,
        name: &'static str,
        tally: Tally,
        waited: impl Iterator<Item = Duration>,
        took: Duration,
    ) {
        waited.for_each(|waited| self.wait_time.record(waited, 1));
        self.count(name, tally, took);
    }

    fn count(&mut self, name: &'static str, tally: Tally, took: Duration) {
        let tasks = tally.completed + tally.failed + tally.cancelled;
        let each = took / tasks.max(1);
        let tasks = u64::from(tasks);
        self.completed += u64::from(tally.completed);
        self.failed += u64::from(tally.failed);
        self.cancelled += u64::from(tally.cancelled);
        self.run_time.record(each, tasks);
        let transform = self.transform(name);
        transform.completed += u64::from(tally.completed);
        transform.failed += u64::from(tally.failed);
        transform.run_time.record(each, tasks);
    }

    pub fn cancelled(&mut self, tasks: u32) {
        self.cancelled += u64::from(tasks);
    }

    pub fn rejected(&mut self, tasks: u32) {
        self.rejected += u64::from(tasks);
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
    pub fn snapshot(&self, threads: usize, level: &Level, now: Instant) -> Stats {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64() * threads as f64;
        let busy = level.busy.as_secs_f64();
        Stats {
            threads,
            running: level.running,
            queued: level.queued,
            queued_bytes: level.bytes,
            waiting: level.waiting,
            completed: self.completed,
            failed: self.failed,
            cancelled: self.cancelled,
            rejected: self.rejected,
            utilization: if elapsed > 0.0 { (busy / elapsed).min(1.0) } else { 0.0 },
            wait_time: self.wait_time.summary(),
            run_time: self.run_time.summary(),
            by_transform: self
                .by_transform
                .iter()
                .map(|(name, transform)| TransformStats {
                    name,
                    completed: transform.completed,
                    failed: transform.failed,
                    run_time: transform.run_time.summary(),
                })
                .collect(),
        }
    }

    fn transform(&mut self, name: &'static str) -> &mut PerTransform {
        let name = if self.by_transform.len() < MAX_TRANSFORMS { name } else { "other" };
        let index = self.by_transform.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.by_transform.push((name, PerTransform::default()));
            self.by_transform.len() - 1
        });
        &mut self.by_transform[index].1
    }
}
