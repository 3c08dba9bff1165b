//! The loop of a pool thread, which runs queued jobs.

use super::core::{Job, Permit, Pool, Work};
use super::gate::{Next, Wake};
use super::options::Options;
use super::panic::catch_panic;
use super::priority_queue::Queued;
use super::stats::Tally;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a thread without work spins before it sleeps: about the cost of waking it.
const SPIN: Duration = Duration::from_micros(20);

thread_local! {
    /// Set while this thread runs a job. A thread that waits for a part of its job must not start another one, which
    /// Rayon's work stealing would do: the first job would last as long as both.
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    #[must_use]
    pub fn new(name: Option<String>, options: Options) -> Arc<Self> {
        Pool::with_threads(name, options, work_off)
    }
}

/// Uses a permit: runs one job after the other until the queue is empty.
fn work_off(pool: &Arc<Pool>) {
    if IS_WORKING.replace(true) {
        return pass_permit(pool);
    }
    let mut now = Instant::now();
    let mut next = pool.gate.next(now);
    loop {
        next = match next {
            Next::Job(queued) if queued.job.work.external().is_some() => hand_over(pool, queued, &mut now),
            Next::Job(queued) => execute(pool, queued, &mut now),
            Next::Spin => spin(pool, &mut now),
            Next::Done => break,
        };
    }
    IS_WORKING.set(false);
}

/// Leaves the permit to any idle thread, because this one is inside a job.
fn pass_permit(pool: &Arc<Pool>) {
    pool.gate.yield_permit(Instant::now());
    let another = pool.clone();
    if let Some(threads) = pool.threads() {
        threads.spawn_broadcast(move |_| {
            if !IS_WORKING.get() && another.gate.try_take_permit(Instant::now()) == Wake::Thread {
                work_off(&another);
            }
        });
    }
}

fn spin(pool: &Pool, now: &mut Instant) -> Next<Job> {
    let until = *now + SPIN;
    while !pool.gate.is_notified() && *now < until {
        for _ in 0..32 {
            std::hint::spin_loop();
        }
        *now = Instant::now();
    }
    pool.gate.after_spin(*now)
}

/// Gives the permit of this thread to an external task, and goes on with another permit if there is one.
fn hand_over(pool: &Arc<Pool>, queued: Queued<Job>, now: &mut Instant) -> Next<Job> {
    *now = Instant::now();
    let _ = catch_panic(|| Permit::hand_over(pool, queued, *now));
    if pool.gate.try_take_permit(*now) == Wake::Thread { pool.gate.next(*now) } else { Next::Done }
}

/// Runs a job that starts `now`, and moves `now` to its end.
fn execute(pool: &Arc<Pool>, queued: Queued<Job>, now: &mut Instant) -> Next<Job> {
    let Job { mut work, bytes, .. } = queued.job;
    let started = *now;
    let waited = started.saturating_duration_since(queued.since);
    *now = if pool.options.max_wait.is_some_and(|limit| waited > limit) {
        pool.time_out(&mut *work);
        started
    } else {
        let tally = run_caught(&mut *work);
        let ended = Instant::now();
        pool.counters.lock().ran(work.name(), tally, waited, ended.saturating_duration_since(started));
        ended
    };
    let finished = pool.gate.finish(bytes, *now);
    if finished.wake == Wake::Thread {
        pool.wake();
    }
    // Waiters are granted their reservations before the task settles: its caller may submit the next one immediately.
    pool.grant(finished.granted);
    // An outcome that cannot be delivered is lost; the thread and its permit must not be.
    let _ = catch_panic(|| work.settle());
    finished.next
}

/// Runs a job; a panic becomes its outcome.
fn run_caught(work: &mut dyn Work) -> Tally {
    catch_panic(|| work.run()).unwrap_or_else(|error| {
        work.fail(error);
        Tally { failed: work.tasks(), ..Tally::default() }
    })
}

#[cfg(test)]
mod tests;
