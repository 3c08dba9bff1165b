//! Deadlocks: functions that hold every permit of a pool while they wait for its queue.
//!
//! Each thread that runs user functions reports when its event loop has nothing left to do but wait for tasks of pools. The
//! table follows these reports from pool to pool; `docs/internals/admission.md` explains why it raises no false alarm. It has
//! no threads and no clock, and waits for nothing.

use std::collections::{BTreeMap, BTreeSet};

/// A pool as the table sees it.
pub trait Queue: Clone {
    /// Unique among existing pools.
    fn id(&self) -> usize;

    /// Returns whether a task is queued, or a caller waits for a reservation, under a ticket.
    fn is_waiting(&self, ticket: u64) -> bool;
}

/// A task in the queue of a pool, or a caller that waits for a reservation.
#[derive(Debug, Clone)]
pub struct Wait<Q> {
    pub pool: Q,
    pub ticket: u64,
}

/// The threads in which a function runs further functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nested {
    pub threads: BTreeSet<u32>,
    /// How many of the threads run a function.
    pub running: usize,
}

/// A function's report that it is blocked.
#[derive(Debug, Clone)]
pub struct Report<Q> {
    /// Time at which the thread began an iteration of its event loop, which delivered all messages sent before.
    pub begun: u64,
    /// Changes with each function that the thread begins.
    pub progress: u64,
    /// Tasks and waits that could wake the function; with `nested`, everything that could.
    pub waits: Vec<Wait<Q>>,
    pub nested: Nested,
}

/// The pool in which a thread runs functions. While it runs one, it holds a permit of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home {
    pub pool: usize,
    /// Permits of the pool.
    pub threads: usize,
}

#[derive(Debug)]
struct Function<Q> {
    home: Home,
    blocked: Option<Blocked<Q>>,
}

#[derive(Debug)]
struct Blocked<Q> {
    home: Home,
    report: Report<Q>,
    /// Time since which the reports of the function are equal.
    since: u64,
}

/// The threads that run functions, by id.
#[derive(Debug)]
pub struct Table<Q> {
    time: u64,
    functions: BTreeMap<u32, Function<Q>>,
}

impl<Q: Queue> Table<Q> {
    #[must_use]
    pub const fn new() -> Self {
        Table { time: 0, functions: BTreeMap::new() }
    }

    /// Adds a thread before it runs its first function.
    pub fn add(&mut self, thread: u32, home: Home) {
        self.functions.insert(thread, Function { home, blocked: None });
    }

    /// Removes a thread before its permit is returned. Returns its last report, for the caller to drop without the lock.
    pub fn remove(&mut self, thread: u32) -> Option<Report<Q>> {
        self.functions.remove(&thread)?.blocked.map(|blocked| blocked.report)
    }

    /// Returns the time, a counter of events.
    pub fn now(&mut self) -> u64 {
        self.time += 1;
        self.time
    }

    /// Withdraws the report of a function that is not blocked. Returns the report, for the caller to drop without the lock.
    pub fn unblock(&mut self, thread: u32) -> Option<Report<Q>> {
        Some(self.functions.get_mut(&thread)?.blocked.take()?.report)
    }

    /// Records that a function is blocked. Returns the replaced report, and whether the function is part of a deadlock: then it
    /// counts as awake, and must cancel its waits.
    pub fn block(&mut self, thread: u32, report: Report<Q>) -> (Option<Report<Q>>, bool) {
        let since = self.now();
        let Some(function) = self.functions.get_mut(&thread) else { return (Some(report), false) };
        let old = function.blocked.take();
        let since = old.as_ref().filter(|old| old.report.equals(&report)).map_or(since, |old| old.since);
        function.blocked = Some(Blocked { home: function.home, report, since });
        let is_deadlocked = self.is_deadlocked(thread);
        let dropped = if is_deadlocked { self.unblock(thread) } else { None };
        (dropped.or(old.map(|old| old.report)), is_deadlocked)
    }

    /// Whether a function has something to reject, and is stuck with others in a cycle that all of them have confirmed.
    fn is_deadlocked(&self, thread: u32) -> bool {
        let stuck = self.stuck();
        let Some(blocked) = stuck.get(&thread) else { return false };
        let cycle = reached(&stuck, thread);
        // Another cycle that is reached from this one may end, and wake this function.
        !blocked.report.waits.is_empty()
            && cycle.contains(&thread)
            && cycle.iter().all(|&other| reached(&stuck, other).contains(&thread))
            && is_confirmed(&cycle.iter().map(|other| stuck[other]).collect::<Vec<_>>())
    }

    /// Returns the functions that wait only for pools whose permits they hold, and for one another.
    fn stuck(&self) -> Stuck<'_, Q> {
        let mut stuck: Stuck<'_, Q> = self
            .functions
            .iter()
            .filter_map(|(&thread, function)| Some((thread, function.blocked.as_ref()?)))
            .collect();
        loop {
            // Only blocked functions count: the home of an idle thread may be a pool that is gone, whose id another one has now.
            let mut held: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
            for Blocked { home: Home { pool, threads }, .. } in stuck.values() {
                held.entry(*pool).or_insert((0, *threads)).0 += 1;
            }
            let is_held = |pool: usize| held.get(&pool).is_some_and(|(held, threads)| held == threads);
            let awake = stuck.iter().find(|(_, Blocked { report: Report { waits, nested, .. }, .. })| {
                let running = nested.threads.iter().filter(|thread| stuck.contains_key(thread)).count();
                running != nested.running || !waits.iter().all(|wait| is_held(wait.pool.id()))
            });
            match awake {
                Some((&thread, _)) => stuck.remove(&thread),
                None => return stuck,
            };
        }
    }
}

/// Blocked functions by thread.
type Stuck<'a, Q> = BTreeMap<u32, &'a Blocked<Q>>;

/// Returns the functions for which a stuck one waits, directly or not.
fn reached<Q: Queue>(stuck: &Stuck<'_, Q>, thread: u32) -> BTreeSet<u32> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![thread]);
    while let Some(thread) = next.pop() {
        let Report { waits, nested, .. } = &stuck[&thread].report;
        let pools: BTreeSet<usize> = waits.iter().map(|wait| wait.pool.id()).collect();
        let awaited = stuck
            .iter()
            .filter(|(thread, blocked)| pools.contains(&blocked.home.pool) || nested.threads.contains(thread))
            .map(|(&thread, _)| thread);
        next.extend(awaited.filter(|&thread| reached.insert(thread)));
    }
    reached
}

/// Whether every function has confirmed its report after the last one became blocked, and no task for which they wait has left
/// its queue.
fn is_confirmed<Q: Queue>(functions: &[&Blocked<Q>]) -> bool {
    let complete = functions.iter().map(|blocked| blocked.since).max().unwrap_or(u64::MAX);
    functions.iter().all(|Blocked { report, .. }| {
        report.begun > complete && report.waits.iter().all(|wait| wait.pool.is_waiting(wait.ticket))
    })
}

impl<Q: Queue> Report<Q> {
    fn equals(&self, other: &Self) -> bool {
        let waits =
            |report: &Self| report.waits.iter().map(|wait| (wait.pool.id(), wait.ticket)).collect::<BTreeSet<_>>();
        self.progress == other.progress && self.nested == other.nested && waits(self) == waits(other)
    }
}

#[cfg(test)]
mod tests;
