//! A pool's state: its options, its admitted jobs, its counters and its threads. `executor.rs`
//! runs the queue on the threads; `permit.rs` uses permits outside of them.

use super::ages::TrackAge;
use super::deadline::{self, Expire};
use super::gate::{Admission, Gate, Order, RawReservation, Wait, Wake};
use super::options::Options;
use super::panic::catch_panic;
use super::priority_queue::{Priority, Queued};
use super::stats::{Counters, Stats, Tally};
use crate::error::{Error, Kind};
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A job: one task, or several that travel together. Every submitted job is settled exactly once, unless it is withdrawn
/// from the queue and returned to the caller.
pub trait Work: Send {
    /// Name of the transform, for the statistics.
    fn name(&self) -> &'static str;

    /// Number of tasks in the job.
    fn tasks(&self) -> u32 {
        1
    }

    /// Runs the job and keeps its outcome. The input's memory should be free when it returns.
    fn run(&mut self) -> Tally;

    /// Keeps an error as the outcome, in place of running or after a panic.
    fn fail(&mut self, error: Error);

    /// Delivers the outcome. The job's reservation is released by then.
    fn settle(self: Box<Self>);

    /// Describes the task if it runs outside the pool's threads.
    fn external(&self) -> Option<ExternalTask> {
        None
    }

    /// Receives the permit under which an external task runs.
    fn begin(self: Box<Self>, permit: Permit) {
        drop(permit);
    }
}

/// A task that its owner runs, outside the pool's threads, while it holds a [`Permit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExternalTask {
    /// Only tasks of one owner run under one permit.
    pub owner: u64,
    /// The owner's id of the task.
    pub task: u32,
    /// Name for the statistics.
    pub name: &'static str,
}

/// The bound that keeps a pool from admitting a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdmitError {
    Tasks,
    Bytes,
    /// The operating system cannot start threads.
    NoThreads,
}

pub(super) struct Job {
    pub(super) work: Box<dyn Work>,
    pub(super) bytes: usize,
    pub(super) priority: Priority,
}

/// Purpose of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitKind {
    Reservation,
    /// A reservation, for at most `max_wait`, which includes the time that the task then spends in the queue.
    TimedReservation,
    /// A notification that a reservation could have been granted.
    Notification,
}

/// End of a wait.
pub enum Waited {
    Granted(Reservation),
    Notified,
    TimedOut(Error),
}

type Deliver = Box<dyn FnOnce(Waited) + Send>;

pub(super) struct Waiter {
    kind: WaitKind,
    deliver: Deliver,
}

/// A bounded pool. Its threads start with its first task.
pub struct Pool {
    name: Option<String>,
    pub(super) options: Options,
    pub(super) gate: Gate<Job, Waiter>,
    pub(super) threads: OnceLock<rayon::ThreadPool>,
    pub(super) counters: Mutex<Counters>,
    /// When the timer thread next looks for tasks that have waited too long, if it will.
    next_check: Mutex<Option<Instant>>,
    /// Runs on a thread that was woken with a permit.
    work_off: fn(&Arc<Pool>),
}

/// Capacity reserved for one task. Dropping it releases the capacity.
pub struct Reservation {
    pool: Arc<Pool>,
    raw: Option<RawReservation>,
}

/// The right to run external tasks of one owner, one at a time. Dropping it returns the permit and releases the
/// reservations of the tasks that have not ended.
pub struct Permit {
    pub(super) pool: Arc<Pool>,
    pub(super) owner: u64,
    /// In the order in which they run.
    pub(super) running: VecDeque<Running>,
}

/// An external task that has begun.
pub(super) struct Running {
    pub(super) external: ExternalTask,
    pub(super) bytes: usize,
    pub(super) priority: Priority,
    pub(super) ticket: u64,
    pub(super) since: Instant,
    pub(super) waited: Duration,
}

impl Pool {
    pub(super) fn with_threads(name: Option<String>, options: Options, work_off: fn(&Arc<Pool>)) -> Arc<Self> {
        let now = Instant::now();
        let ages = if options.max_wait.is_some() { TrackAge::Yes } else { TrackAge::No };
        Arc::new(Pool {
            name,
            options,
            gate: Gate::new(options, ages, now),
            threads: OnceLock::new(),
            counters: Mutex::new(Counters::new(now)),
            next_check: Mutex::new(None),
            work_off,
        })
    }

    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Names the pool in a message: `the pool 'x'`, or `the pool` without a name.
    fn label(&self) -> String {
        self.name.as_ref().map_or("the pool".into(), |name| format!("the pool '{name}'"))
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Reserves capacity for a task.
    ///
    /// # Errors
    /// The bound that is reached.
    pub fn try_admit(self: &Arc<Self>, bytes: usize) -> Result<Reservation, AdmitError> {
        self.admit(bytes, Order::MayPass)
    }

    /// Reserves capacity for a task that passes no waiter. Its age counts from now.
    ///
    /// # Errors
    /// The bound that is reached.
    pub fn try_admit_in_turn(self: &Arc<Self>, bytes: usize) -> Result<Reservation, AdmitError> {
        let mut reservation = self.admit(bytes, Order::InTurn)?;
        if let Some(raw) = &mut reservation.raw {
            raw.since = Some(Instant::now());
        }
        Ok(reservation)
    }

    fn admit(self: &Arc<Self>, bytes: usize, order: Order) -> Result<Reservation, AdmitError> {
        self.threads().ok_or(AdmitError::NoThreads)?;
        match self.gate.try_admit(bytes, order) {
            Admission::Admitted(raw) => Ok(self.reservation(raw)),
            Admission::TasksFull => Err(AdmitError::Tasks),
            Admission::BytesFull => Err(AdmitError::Bytes),
        }
    }

    /// Reserves capacity for the rest of a task's work outside the pool, exceeding the bounds if necessary.
    pub fn retain(self: &Arc<Self>, bytes: usize) -> Reservation {
        self.reservation(self.gate.retain(bytes))
    }

    /// Calls `deliver` now or when the wait ends. Returns the waiter's ticket if it waits.
    pub fn wait(self: &Arc<Self>, bytes: usize, kind: WaitKind, deliver: Deliver) -> Option<u64> {
        let since = (kind == WaitKind::TimedReservation).then(Instant::now);
        match self.gate.wait(bytes, since, Waiter { kind, deliver }) {
            Wait::Granted(raw, waiter) => {
                self.grant(vec![(raw, waiter)]);
                None
            }
            Wait::Queued(ticket) => {
                if let Some(since) = since {
                    self.watch_age(since);
                }
                Some(ticket)
            }
        }
    }

    /// Removes a waiter. Returns `false` if it has been granted its reservation already.
    pub fn leave(self: &Arc<Self>, ticket: u64) -> bool {
        let (left, granted) = self.gate.leave(ticket);
        self.grant(granted);
        left.is_some()
    }

    /// Removes a queued job and releases its reservation. Returns `None` if it runs or has ended.
    pub fn withdraw(self: &Arc<Self>, ticket: u64, bytes: usize) -> Option<Box<dyn Work>> {
        let (job, granted) = self.gate.withdraw(ticket, bytes);
        self.grant(granted);
        let work = job?.work;
        self.counters.lock().cancelled(work.tasks());
        Some(work)
    }

    /// Counts tasks that were not admitted.
    pub fn count_rejected(&self, tasks: u32) {
        self.counters.lock().rejected(tasks);
    }

    /// Counts tasks that were cancelled before they were queued.
    pub fn count_cancelled(&self, tasks: u32) {
        self.counters.lock().cancelled(tasks);
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        let now = Instant::now();
        let level = self.gate.level(now);
        self.counters.lock().snapshot(self.options.threads, &level, now)
    }

    fn reservation(self: &Arc<Self>, raw: RawReservation) -> Reservation {
        Reservation { pool: self.clone(), raw: Some(raw) }
    }

    /// Delivers reservations. A notification passes its own on to the next waiter: in this loop, because recursion would
    /// exhaust the stack.
    pub(super) fn grant(self: &Arc<Self>, granted: Vec<(RawReservation, Waiter)>) {
        let mut granted = VecDeque::from(granted);
        while let Some((raw, Waiter { kind, deliver })) = granted.pop_front() {
            if kind == WaitKind::Notification {
                granted.extend(self.gate.release(raw.bytes));
                deliver(Waited::Notified);
            } else {
                deliver(Waited::Granted(self.reservation(raw)));
            }
        }
    }

    /// Returns the threads, which the first call starts, or `None` if the operating system cannot start them.
    pub(super) fn threads(&self) -> Option<&rayon::ThreadPool> {
        if let Some(threads) = self.threads.get() {
            return Some(threads);
        }
        #[cfg(test)]
        if NO_THREADS.get() {
            return None;
        }
        let prefix = self.name.as_ref().map_or("offloop".into(), |name| format!("offloop-{name}"));
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(self.options.threads)
            .thread_name(move |index| format!("{prefix}-{index}"))
            .build()
            .ok()?;
        Some(self.threads.get_or_init(|| threads))
    }

    /// Queues a job under its reservation.
    pub(super) fn push(self: &Arc<Self>, raw: RawReservation, priority: Priority, work: Box<dyn Work>) -> Wake {
        let job = Job { work, bytes: raw.bytes, priority };
        let now = Instant::now();
        let since = raw.since.unwrap_or(now);
        let wake = self.gate.push(raw, priority, job, now);
        self.watch_age(since);
        wake
    }

    /// Returns a job that was taken but did not run to its former position in the queue.
    pub(super) fn requeue(self: &Arc<Self>, ticket: u64, since: Instant, job: Job) {
        let wake = self.gate.requeue(job.priority, Queued { ticket, since, job }, Instant::now());
        self.watch_age(since);
        if wake == Wake::Thread {
            self.wake();
        }
    }

    /// Sets the timer that drops a task or waiter, which has waited `since` an instant, in time.
    fn watch_age(self: &Arc<Self>, since: Instant) {
        if let Some(deadline) = self.options.max_wait.and_then(|wait| since.checked_add(wait)) {
            deadline::watch(self, deadline);
        }
    }

    /// Wakes a thread for a permit that is already taken. If no thread can be started, fails the queue.
    pub(super) fn wake(self: &Arc<Self>) {
        let pool = self.clone();
        match self.threads() {
            Some(threads) => threads.spawn(move || (pool.work_off)(&pool)),
            None => self.fail_queue(),
        }
    }

    /// Fails the queued jobs, which no thread would ever run. The next task tries to start threads again.
    fn fail_queue(self: &Arc<Self>) {
        self.gate.yield_permit(Instant::now());
        while let Some(queued) = self.gate.take_any() {
            let Job { mut work, bytes, .. } = queued.job;
            let message = format!("The operating system provides no threads for {} at the moment", self.label());
            work.fail(Error::new(Kind::Resources, message));
            self.counters.lock().rejected(work.tasks());
            self.grant(self.gate.release(bytes));
            let _ = catch_panic(|| work.settle());
        }
    }

    pub(super) fn time_out(&self, work: &mut dyn Work) {
        work.fail(self.timeout_error("in the queue of"));
        self.counters.lock().rejected(work.tasks());
    }

    fn timeout_error(&self, position: &str) -> Error {
        let limit = self.options.max_wait.unwrap_or_default().as_millis();
        let message = format!(
            "The task waited {position} {} for longer than maxWait ({limit} ms) and was dropped; \
             the pool has more work than its threads can do in time",
            self.label()
        );
        Error::new(Kind::QueueTimeout, message)
    }
}

impl Expire for Pool {
    fn next_check(&self) -> &Mutex<Option<Instant>> {
        &self.next_check
    }

    fn expire(self: Arc<Self>) {
        let Some(limit) = self.options.max_wait.and_then(|wait| Instant::now().checked_sub(wait)) else { return };
        // Capacity of expired tasks must not go to expired waiters.
        while let Some((waiter, granted)) = self.gate.take_stale_waiter(limit) {
            self.counters.lock().rejected(1);
            self.grant(granted);
            drop(catch_panic(|| (waiter.deliver)(Waited::TimedOut(self.timeout_error("for room in")))));
        }
        while let Some(queued) = self.gate.take_stale(limit) {
            let Job { mut work, bytes, .. } = queued.job;
            self.time_out(&mut *work);
            self.grant(self.gate.release(bytes));
            // The timer thread serves all pools and must survive a panic.
            drop(catch_panic(|| work.settle()));
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.gate.oldest()?.checked_add(self.options.max_wait?)
    }
}

impl Reservation {
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.raw.as_ref().map_or(0, |raw| raw.bytes)
    }

    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Changes the reserved bytes. Returns `false`, and changes nothing, if they do not fit.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        let Some(raw) = self.raw.as_mut() else { return false };
        if raw.bytes == bytes {
            return true;
        }
        let granted = self.pool.gate.resize(raw, bytes);
        let fits = granted.is_some();
        self.pool.grant(granted.unwrap_or_default());
        fits
    }

    /// Queues a job under this reservation. Returns its ticket, for [`Pool::withdraw`].
    #[must_use]
    pub fn submit(self, priority: Priority, work: Box<dyn Work>) -> u64 {
        let (pool, raw) = self.into_parts();
        let ticket = raw.ticket;
        if pool.push(raw, priority, work) == Wake::Thread {
            pool.wake();
        }
        ticket
    }

    pub(super) fn into_parts(mut self) -> (Arc<Pool>, RawReservation) {
        let Some(raw) = self.raw.take() else { unreachable!("a reservation is used once") };
        (self.pool.clone(), raw)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(raw) = self.raw.take() {
            let granted = self.pool.gate.release(raw.bytes);
            self.pool.grant(granted);
        }
    }
}

#[cfg(test)]
thread_local! {
    /// Makes this thread's attempts to start pool threads fail.
    pub(super) static NO_THREADS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
