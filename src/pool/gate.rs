//! Admission: how many tasks and bytes a pool holds, which callers wait for a reservation, and how many threads may run.
//!
//! One lock guards slots, bytes, permits and waiters, so that they can never disagree. It is held for a few dozen
//! nanoseconds and never while foreign code runs: jobs and waiters leave it as return values.

use super::ages::TrackAge;
use super::options::Options;
use super::priority_queue::{Priority, PriorityQueue, Queued};
use super::waiters::{Waiter, Waiters};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Maximum number of tasks that may take bytes ahead of a waiter for which too few are free. After that the waiter goes first.
const MAX_PASSED: u32 = 256;

/// Capacity for one task: a slot and its bytes. It must go to [`Gate::push`] or [`Gate::release`].
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct RawReservation {
    pub ticket: u64,
    pub bytes: usize,
    /// When its caller began to wait, if the age of its task counts from then.
    pub since: Option<Instant>,
}

/// Whether a task may take bytes ahead of a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    MayPass,
    InTurn,
}

/// Result of [`Gate::try_admit`].
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted(RawReservation),
    /// The pool holds as many tasks as it may.
    TasksFull,
    /// The pool holds as many input bytes as it may.
    BytesFull,
}

/// Result of [`Gate::wait`].
#[derive(Debug)]
pub enum Wait<W> {
    /// There was capacity.
    Granted(RawReservation, W),
    /// The waiter is queued under this ticket.
    Queued(u64),
}

/// Whether a thread must be woken (or started).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// A permit is taken for it.
    Thread,
    None,
}

/// The next step of a thread with a permit.
#[derive(Debug)]
pub enum Next<J> {
    Job(Queued<J>),
    /// The queue is empty: keep the permit, poll [`Gate::is_notified`] for a moment, then call [`Gate::after_spin`].
    Spin,
    /// The permit is returned.
    Done,
}

/// Result of [`Gate::finish`].
#[derive(Debug)]
pub struct Finished<J, W> {
    pub next: Next<J>,
    pub wake: Wake,
    pub granted: Vec<(RawReservation, W)>,
}

#[derive(Debug)]
struct State<J, W> {
    queue: PriorityQueue<J>,
    /// Tasks admitted and not yet finished: reserved, queued and running.
    admitted: usize,
    bytes: usize,
    /// Permits taken, by threads that run jobs or spin.
    permits: usize,
    /// Whether one of the threads spins.
    is_spinning: bool,
    waiters: Waiters<W>,
    next_ticket: u64,
    /// Tasks that took bytes ahead of the first waiter.
    passed: u32,
    /// Integral over time of the permits that do not spin, up to `changed`.
    busy: Duration,
    changed: Instant,
}

/// A snapshot for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub running: usize,
    pub queued: usize,
    pub bytes: usize,
    pub waiting: usize,
    /// Thread time used since the gate was created.
    pub busy: Duration,
}

/// Admission of jobs `J` and waiters `W`. The gate runs neither.
#[derive(Debug)]
pub struct Gate<J, W> {
    limits: Options,
    state: Mutex<State<J, W>>,
    /// Set when there is a job for the spinning thread.
    notified: AtomicBool,
}

impl<J, W> Gate<J, W> {
    pub fn new(limits: Options, ages: TrackAge, now: Instant) -> Self {
        let state = State {
            queue: PriorityQueue::new(ages),
            admitted: 0,
            bytes: 0,
            permits: 0,
            is_spinning: false,
            waiters: Waiters::new(ages),
            next_ticket: 0,
            passed: 0,
            busy: Duration::ZERO,
            changed: now,
        };
        Gate { limits, state: Mutex::new(state), notified: AtomicBool::new(false) }
    }

    /// Reserves capacity. A free slot goes to a waiter immediately, so this fails while any waiter needs a slot. A waiter that
    /// needs more bytes than are free may be passed up to [`MAX_PASSED`] times, but not by a task that goes in turn.
    pub fn try_admit(&self, bytes: usize, order: Order) -> Admission {
        let mut state = self.state.lock();
        if !state.has_slot(&self.limits) {
            Admission::TasksFull
        } else if !state.has_bytes(&self.limits, bytes) || !state.may_pass(bytes, order) {
            Admission::BytesFull
        } else {
            Admission::Admitted(state.reserve(bytes, None))
        }
    }

    /// Reserves capacity for memory that is already in use, exceeding the limits if necessary.
    pub fn retain(&self, bytes: usize) -> RawReservation {
        self.state.lock().reserve(bytes, None)
    }

    /// Reserves capacity now or queues the waiter, whose time is limited if it has waited `since` an instant.
    pub fn wait(&self, bytes: usize, since: Option<Instant>, waiter: W) -> Wait<W> {
        let mut state = self.state.lock();
        if state.waiters.is_empty() && state.has_slot(&self.limits) && state.has_bytes(&self.limits, bytes) {
            return Wait::Granted(state.reserve(bytes, since), waiter);
        }
        let ticket = state.take_ticket();
        state.waiters.insert(ticket, Waiter { bytes, since, waiter });
        Wait::Queued(ticket)
    }

    /// Removes a waiter, and grants reservations to those that fit now. Returns no waiter if it was granted one already.
    pub fn leave(&self, ticket: u64) -> (Option<W>, Vec<(RawReservation, W)>) {
        let mut state = self.state.lock();
        let left = state.remove_waiter(ticket);
        (left, state.grant(&self.limits))
    }

    /// Removes a waiter that has waited since `limit` or longer, and grants reservations to those that fit now.
    pub fn take_stale_waiter(&self, limit: Instant) -> Option<(W, Vec<(RawReservation, W)>)> {
        let mut state = self.state.lock();
        let ticket = state.waiters.stale(limit)?;
        let stale = state.remove_waiter(ticket)?;
        Some((stale, state.grant(&self.limits)))
    }

    /// Changes the bytes of a reservation, and grants reservations to waiters that fit now. Returns `None`, and changes
    /// nothing, if the bytes do not fit.
    pub fn resize(&self, reservation: &mut RawReservation, bytes: usize) -> Option<Vec<(RawReservation, W)>> {
        let mut state = self.state.lock();
        let others = state.bytes - reservation.bytes;
        // Retained bytes may exceed the limit already.
        let grows = bytes > reservation.bytes;
        if grows && others > 0 && others.saturating_add(bytes) > self.limits.max_queue_bytes {
            return None;
        }
        state.bytes = others.saturating_add(bytes);
        reservation.bytes = bytes;
        Some(state.grant(&self.limits))
    }

    /// Releases the capacity of a task that is not in the queue.
    #[must_use]
    pub fn release(&self, bytes: usize) -> Vec<(RawReservation, W)> {
        let mut state = self.state.lock();
        state.release(bytes);
        state.grant(&self.limits)
    }

    /// Queues a job under its reservation.
    pub fn push(&self, reservation: RawReservation, priority: Priority, job: J, now: Instant) -> Wake {
        let since = reservation.since.unwrap_or(now);
        self.enqueue(priority, Queued { ticket: reservation.ticket, since, job }, now)
    }

    /// Returns a job that [`Gate::take_if`] removed to the queue. It keeps its capacity, position and age.
    pub fn requeue(&self, priority: Priority, queued: Queued<J>, now: Instant) -> Wake {
        self.enqueue(priority, queued, now)
    }

    fn enqueue(&self, priority: Priority, queued: Queued<J>, now: Instant) -> Wake {
        let mut state = self.state.lock();
        state.queue.push(priority, queued);
        if state.is_spinning {
            state.set_spinning(false, now);
            self.notified.store(true, Ordering::Release);
            return Wake::None;
        }
        state.wake(&self.limits, now)
    }

    /// Returns the first step of a thread that was woken.
    pub fn next(&self, now: Instant) -> Next<J> {
        let mut state = self.state.lock();
        self.next_step(&mut state, now)
    }

    /// Returns whether there is a job for the spinning thread.
    pub fn is_notified(&self) -> bool {
        self.notified.load(Ordering::Acquire)
    }

    /// Ends spinning. Returns the job that the thread was notified of, unless another thread took it, or `Done`.
    pub fn after_spin(&self, now: Instant) -> Next<J> {
        let mut state = self.state.lock();
        self.notified.store(false, Ordering::Relaxed);
        if state.is_spinning {
            state.set_spinning(false, now);
        }
        if let Some(job) = state.queue.take() {
            return Next::Job(job);
        }
        state.drop_permit(now);
        Next::Done
    }

    /// At most one thread spins: waking a sleeping thread costs more than most small jobs, but a second spinning one would
    /// only occupy a core that the submitter needs.
    fn next_step(&self, state: &mut State<J, W>, now: Instant) -> Next<J> {
        if let Some(job) = state.queue.take() {
            return Next::Job(job);
        }
        // A thread that was notified and has not returned yet counts as spinning.
        if state.is_spinning || self.notified.load(Ordering::Relaxed) {
            state.drop_permit(now);
            return Next::Done;
        }
        state.set_spinning(true, now);
        Next::Spin
    }

    /// Returns a permit without running a job. Another thread must take it with [`Gate::try_take_permit`].
    pub fn yield_permit(&self, now: Instant) {
        self.state.lock().drop_permit(now);
    }

    /// Takes a permit for an idle thread, if there is work for it.
    pub fn try_take_permit(&self, now: Instant) -> Wake {
        self.state.lock().wake(&self.limits, now)
    }

    /// Ends a running job that held `bytes`. Returns the thread's next step.
    pub fn finish(&self, bytes: usize, now: Instant) -> Finished<J, W> {
        let mut state = self.state.lock();
        state.release(bytes);
        let granted = state.grant(&self.limits);
        let next = self.next_step(&mut state, now);
        let wake = state.wake(&self.limits, now);
        Finished { next, wake, granted }
    }

    /// Removes the job whose turn it is, if it `fits`. Its capacity stays reserved until [`Gate::release_all`].
    pub fn take_if(&self, fits: impl FnOnce(&J) -> bool) -> Option<Queued<J>> {
        let mut state = self.state.lock();
        if state.queue.first().is_some_and(|queued| fits(&queued.job)) { state.queue.take() } else { None }
    }

    /// Releases the capacity of tasks that have run, `bytes` in total.
    #[must_use]
    pub fn release_all(&self, tasks: usize, bytes: usize) -> Vec<(RawReservation, W)> {
        let mut state = self.state.lock();
        state.admitted -= tasks;
        state.bytes -= bytes;
        state.grant(&self.limits)
    }

    /// Returns a permit that was not a thread's. If a job is queued, a thread must be woken with it instead.
    pub fn return_permit(&self, now: Instant) -> Wake {
        let mut state = self.state.lock();
        if state.queue.is_empty() {
            state.drop_permit(now);
            return Wake::None;
        }
        Wake::Thread
    }

    /// Removes a queued job and releases its capacity. Returns no job if it is not in the queue.
    pub fn withdraw(&self, ticket: u64, bytes: usize) -> (Option<J>, Vec<(RawReservation, W)>) {
        let mut state = self.state.lock();
        let Some(queued) = state.queue.remove(ticket) else { return (None, Vec::new()) };
        state.release(bytes);
        (Some(queued.job), state.grant(&self.limits))
    }

    /// Returns whether a job is queued or a waiter waits under this ticket.
    pub fn is_waiting(&self, ticket: u64) -> bool {
        let state = self.state.lock();
        state.queue.contains(ticket) || state.waiters.contains(ticket)
    }

    /// Removes the next job; its capacity stays reserved until [`Gate::release`].
    pub fn take_any(&self) -> Option<Queued<J>> {
        self.state.lock().queue.take()
    }

    /// Removes a job that has waited since `limit` or longer; its capacity stays reserved until [`Gate::release`].
    pub fn take_stale(&self, limit: Instant) -> Option<Queued<J>> {
        self.state.lock().queue.take_stale(limit)
    }

    /// Returns when the oldest job or timed waiter began to wait.
    pub fn oldest(&self) -> Option<Instant> {
        let state = self.state.lock();
        [state.queue.oldest(), state.waiters.oldest()].into_iter().flatten().min()
    }

    pub fn level(&self, now: Instant) -> Level {
        let state = self.state.lock();
        // A permit whose thread has not taken its job yet counts as running: the job waits no longer.
        let running = state.working().min(state.admitted);
        let (queued, waiting) = (state.admitted - running, state.waiters.len());
        Level { running, queued, bytes: state.bytes, waiting, busy: state.busy_at(now) }
    }
}

impl<J, W> State<J, W> {
    fn has_slot(&self, limits: &Options) -> bool {
        self.admitted < limits.threads.saturating_add(limits.max_queue)
    }

    fn has_bytes(&self, limits: &Options, bytes: usize) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(bytes) <= limits.max_queue_bytes
    }

    /// Counts a task that takes bytes ahead of a waiter. Returns `false` after [`MAX_PASSED`]: without a limit, a steady load
    /// of small tasks would starve a waiter that needs most of the bytes.
    fn may_pass(&mut self, bytes: usize, order: Order) -> bool {
        if self.waiters.is_empty() || order == Order::InTurn {
            return self.waiters.is_empty();
        }
        if bytes == 0 {
            return true;
        }
        self.passed = self.passed.saturating_add(1);
        self.passed <= MAX_PASSED
    }

    fn take_ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn reserve(&mut self, bytes: usize, since: Option<Instant>) -> RawReservation {
        self.admitted += 1;
        self.bytes += bytes;
        RawReservation { ticket: self.take_ticket(), bytes, since }
    }

    fn release(&mut self, bytes: usize) {
        self.admitted -= 1;
        self.bytes -= bytes;
    }

    /// Reserves capacity for the first waiters, as far as they fit.
    fn grant(&mut self, limits: &Options) -> Vec<(RawReservation, W)> {
        let mut granted = Vec::new();
        while let Some((ticket, &Waiter { bytes, since, .. })) = self.waiters.first() {
            if !self.has_slot(limits) || !self.has_bytes(limits, bytes) {
                break;
            }
            if let Some(waiter) = self.remove_waiter(ticket) {
                granted.push((self.reserve(bytes, since), waiter));
            }
        }
        granted
    }

    fn remove_waiter(&mut self, ticket: u64) -> Option<W> {
        if self.waiters.first().is_some_and(|(first, _)| first == ticket) {
            self.passed = 0;
        }
        self.waiters.remove(ticket).map(|waiter| waiter.waiter)
    }

    /// Takes a permit for one more thread if there is a job and a permit left.
    fn wake(&mut self, limits: &Options, now: Instant) -> Wake {
        if self.queue.is_empty() || self.permits >= limits.threads {
            return Wake::None;
        }
        self.count_busy(now);
        self.permits += 1;
        Wake::Thread
    }

    fn working(&self) -> usize {
        self.permits - usize::from(self.is_spinning)
    }

    fn set_spinning(&mut self, is_spinning: bool, now: Instant) {
        self.count_busy(now);
        self.is_spinning = is_spinning;
    }

    fn drop_permit(&mut self, now: Instant) {
        self.count_busy(now);
        self.permits -= 1;
    }

    fn count_busy(&mut self, now: Instant) {
        self.busy = self.busy_at(now);
        self.changed = self.changed.max(now);
    }

    fn busy_at(&self, now: Instant) -> Duration {
        let working = u32::try_from(self.working()).unwrap_or(u32::MAX);
        self.busy + now.saturating_duration_since(self.changed) * working
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests;

#[cfg(all(test, feature = "loom"))]
mod loom;
