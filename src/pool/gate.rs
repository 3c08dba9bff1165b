//! Admission: how many tasks and bytes a pool holds, who waits for room, and how many threads may pop.
//!
//! One lock guards it all, so that slots, bytes, permits and waiters can never disagree. It is held for a few
//! dozen nanoseconds and never across foreign code: jobs and waiters leave it as return values.

use super::priority_queue::{Ages, Lanes, Priority, Queued};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So many tasks may pass whoever waits for more bytes than are free; then nobody takes bytes ahead of the line.
const MAX_PASSED: u32 = 256;

/// The bounds of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tasks that may run at once.
    pub threads: usize,
    /// Tasks that may wait to run.
    pub max_queue: usize,
    /// Input bytes that admitted tasks may hold. A task that outweighs it is admitted when it is alone.
    pub max_queue_bytes: usize,
}

/// Room for one task: a slot and its bytes. It must be used by [`Gate::push`] or returned by [`Gate::release`].
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Reservation {
    pub ticket: u64,
    pub bytes: usize,
}

/// What [`Gate::try_admit`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted(Reservation),
    /// As many tasks as the pool may hold.
    TasksFull,
    /// As many input bytes as the pool may hold.
    BytesFull,
}

/// What [`Gate::wait`] did with its waiter.
#[derive(Debug)]
pub enum Wait<W> {
    /// There was room: no need to wait.
    Granted(Reservation, W),
    /// The waiter is in line under this number.
    Queued(u64),
}

/// Whether a thread must be started (or woken) to pop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// A permit has been taken for it.
    Thread,
    Nobody,
}

/// What a thread with a permit does next.
#[derive(Debug)]
pub enum Next<J> {
    Job(Queued<J>),
    /// Nothing is queued: keep the permit and look at [`Gate::is_called`] for a moment, then come back.
    Linger,
    /// The permit is given back.
    Done,
}

/// What follows from a job's end.
#[derive(Debug)]
pub struct Followup<J, W> {
    pub next: Next<J>,
    pub wake: Wake,
    pub granted: Vec<(Reservation, W)>,
}

#[derive(Debug)]
struct Waiter<W> {
    bytes: usize,
    waiter: W,
}

#[derive(Debug)]
struct State<J, W> {
    lanes: Lanes<J>,
    /// Tasks admitted and not yet finished: reserved, queued and running.
    admitted: usize,
    bytes: usize,
    /// Permits taken: threads that pop and run, or linger.
    permits: usize,
    /// Whether one of them lingers.
    lingers: bool,
    /// Whoever waits for room by their numbers: first come, first served. Each is one pending promise of a caller, which
    /// is its bound.
    waiters: BTreeMap<u64, Waiter<W>>,
    next_number: u64,
    /// Tasks that took bytes ahead of the first waiter.
    passed: u32,
    /// Integral over time of the permits that do not linger, up to `changed`.
    busy: Duration,
    changed: Instant,
}

/// A snapshot for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub running: usize,
    pub queued: usize,
    pub bytes: usize,
    /// Thread time used since the gate was made.
    pub busy: Duration,
}

/// `J` is a job, `W` someone who waits for room. The gate runs neither.
#[derive(Debug)]
pub struct Gate<J, W> {
    limits: Limits,
    state: Mutex<State<J, W>>,
    /// Raised when there is a job for the thread that lingers.
    called: AtomicBool,
}

impl<J, W> Gate<J, W> {
    pub fn new(limits: Limits, ages: Ages, now: Instant) -> Self {
        let state = State {
            lanes: Lanes::new(ages),
            admitted: 0,
            bytes: 0,
            permits: 0,
            lingers: false,
            waiters: BTreeMap::new(),
            next_number: 0,
            passed: 0,
            busy: Duration::ZERO,
            changed: now,
        };
        Gate { limits, state: Mutex::new(state), called: AtomicBool::new(false) }
    }

    /// Reserves room if there is any. Whoever waits is granted a slot as soon as one is free, so this finds none while
    /// someone waits for a slot; it may pass someone who waits for more bytes than are free, though not for ever.
    pub fn try_admit(&self, bytes: usize) -> Admission {
        let mut state = self.state.lock();
        if !state.has_slot(&self.limits) {
            Admission::TasksFull
        } else if !state.has_bytes(&self.limits, bytes) || !state.may_pass(bytes) {
            Admission::BytesFull
        } else {
            Admission::Admitted(state.reserve(bytes))
        }
    }

    /// Reserves room for what is there already, whether there is any or not: others wait for it to be released.
    pub fn retain(&self, bytes: usize) -> Reservation {
        self.state.lock().reserve(bytes)
    }

    /// Reserves room now or puts the waiter in line.
    pub fn wait(&self, bytes: usize, waiter: W) -> Wait<W> {
        let mut state = self.state.lock();
        if state.waiters.is_empty() && state.has_slot(&self.limits) && state.has_bytes(&self.limits, bytes) {
            return Wait::Granted(state.reserve(bytes), waiter);
        }
        let number = state.take_number();
        state.waiters.insert(number, Waiter { bytes, waiter });
        Wait::Queued(number)
    }

    /// Takes a waiter out of line. `None`: it was granted room already. Others may fit now that it is gone.
    pub fn leave(&self, number: u64) -> (Option<W>, Vec<(Reservation, W)>) {
        let mut state = self.state.lock();
        if state.waiters.first_key_value().is_some_and(|(&first, _)| first == number) {
            state.passed = 0;
        }
        let left = state.waiters.remove(&number).map(|waiter| waiter.waiter);
        (left, state.grant(&self.limits))
    }

    /// Changes how many bytes a reservation holds; others may fit when they are fewer. `None`: there is no room, and
    /// nothing changed.
    pub fn resize(&self, reservation: &mut Reservation, bytes: usize) -> Option<Vec<(Reservation, W)>> {
        let mut state = self.state.lock();
        let others = state.bytes - reservation.bytes;
        // With what is retained there may be more than the limit already.
        let grows = bytes > reservation.bytes;
        if grows && others > 0 && others.saturating_add(bytes) > self.limits.max_queue_bytes {
            return None;
        }
        state.bytes = others.saturating_add(bytes);
        reservation.bytes = bytes;
        Some(state.grant(&self.limits))
    }

    /// Returns the room of a task that is not, or no longer, queued.
    #[must_use]
    pub fn release(&self, bytes: usize) -> Vec<(Reservation, W)> {
        let mut state = self.state.lock();
        state.release(bytes);
        state.grant(&self.limits)
    }

    /// Queues a job in the room reserved for it.
    pub fn push(&self, reservation: Reservation, priority: Priority, job: J, now: Instant) -> Wake {
        self.queue(priority, Queued { ticket: reservation.ticket, since: now, job }, now)
    }

    /// Returns a job that [`Gate::take_if`] took but that did not run to the queue. It keeps its room, place and age.
    pub fn requeue(&self, priority: Priority, queued: Queued<J>, now: Instant) -> Wake {
        self.queue(priority, queued, now)
    }

    fn queue(&self, priority: Priority, queued: Queued<J>, now: Instant) -> Wake {
        let mut state = self.state.lock();
        state.lanes.push(priority, queued);
        if state.lingers {
            state.set_lingers(false, now);
            self.called.store(true, Ordering::Release);
            return Wake::Nobody;
        }
        state.wake(&self.limits, now)
    }

    /// The first job for a thread that was woken.
    pub fn next(&self, now: Instant) -> Next<J> {
        let mut state = self.state.lock();
        self.next_of(&mut state, now)
    }

    /// Whether there is a job for the thread that lingers.
    pub fn is_called(&self) -> bool {
        self.called.load(Ordering::Acquire)
    }

    /// The end of lingering: the job that the thread was called for, unless someone else took it, or `Done`.
    pub fn after_lingering(&self, now: Instant) -> Next<J> {
        let mut state = self.state.lock();
        self.called.store(false, Ordering::Relaxed);
        if state.lingers {
            state.set_lingers(false, now);
        }
        if let Some(job) = state.lanes.take() {
            return Next::Job(job);
        }
        state.give_permit_back(now);
        Next::Done
    }

    /// One thread at most lingers: waking a sleeping one costs more than most small jobs do, a second idle one would
    /// only take a core from whoever submits.
    fn next_of(&self, state: &mut State<J, W>, now: Instant) -> Next<J> {
        if let Some(job) = state.lanes.take() {
            return Next::Job(job);
        }
        // A thread that was called and has not come yet is as good as one that lingers.
        if state.lingers || self.called.load(Ordering::Relaxed) {
            state.give_permit_back(now);
            return Next::Done;
        }
        state.set_lingers(true, now);
        Next::Linger
    }

    /// Gives a permit back without popping. Another thread must [`Gate::call`] for it.
    pub fn stand_back(&self, now: Instant) {
        let mut state = self.state.lock();
        state.give_permit_back(now);
    }

    /// A permit for a thread that happens to be idle, if there is work for it.
    pub fn call(&self, now: Instant) -> Wake {
        self.state.lock().wake(&self.limits, now)
    }

    /// Ends a running job that held `bytes`, and hands over the next one.
    pub fn finish(&self, bytes: usize, now: Instant) -> Followup<J, W> {
        let mut state = self.state.lock();
        state.release(bytes);
        let granted = state.grant(&self.limits);
        let next = self.next_of(&mut state, now);
        let wake = state.wake(&self.limits, now);
        Followup { next, wake, granted }
    }

    /// Takes the job whose turn it is, if it is one that `fits`. Its room stays taken until [`Gate::release_all`].
    pub fn take_if(&self, fits: impl FnOnce(&J) -> bool) -> Option<Queued<J>> {
        let mut state = self.state.lock();
        if state.lanes.first().is_some_and(|queued| fits(&queued.job)) { state.lanes.take() } else { None }
    }

    /// Returns the room of tasks that have run, `bytes` in all.
    #[must_use]
    pub fn release_all(&self, tasks: usize, bytes: usize) -> Vec<(Reservation, W)> {
        let mut state = self.state.lock();
        state.admitted -= tasks;
        state.bytes -= bytes;
        state.grant(&self.limits)
    }

    /// Gives a permit back that was not a thread's, unless there is a job for it: a thread must be started with it then.
    pub fn pass_on(&self, now: Instant) -> Wake {
        let mut state = self.state.lock();
        if state.lanes.is_empty() {
            state.give_permit_back(now);
            return Wake::Nobody;
        }
        Wake::Thread
    }

    /// Takes a queued job out and frees its room. `None`: it is not queued (any more).
    pub fn withdraw(&self, ticket: u64, bytes: usize) -> (Option<J>, Vec<(Reservation, W)>) {
        let mut state = self.state.lock();
        let Some(queued) = state.lanes.remove(ticket) else { return (None, Vec::new()) };
        state.release(bytes);
        (Some(queued.job), state.grant(&self.limits))
    }

    /// Takes one queued job, in their order; its room stays taken until [`Gate::release`].
    pub fn take_any(&self) -> Option<Queued<J>> {
        self.state.lock().lanes.take()
    }

    /// Takes one queued job that was admitted at `limit` or before; its room stays taken until [`Gate::release`].
    pub fn take_stale(&self, limit: Instant) -> Option<Queued<J>> {
        self.state.lock().lanes.take_stale(limit)
    }

    /// When the oldest queued job was admitted.
    pub fn oldest(&self) -> Option<Instant> {
        self.state.lock().lanes.oldest()
    }

    pub fn level(&self, now: Instant) -> Level {
        let state = self.state.lock();
        // A permit whose thread has not popped yet counts as running: its task will not wait any more.
        let running = state.working().min(state.admitted);
        Level { running, queued: state.admitted - running, bytes: state.bytes, busy: state.busy_at(now) }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl<J, W> State<J, W> {
    fn has_slot(&self, limits: &Limits) -> bool {
        self.admitted < limits.threads.saturating_add(limits.max_queue)
    }

    fn has_bytes(&self, limits: &Limits, bytes: usize) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(bytes) <= limits.max_queue_bytes
    }

    /// Whether a task may take bytes now although someone waits for more. Without an end to it, whoever waits for nearly
    /// all of them would wait as long as small tasks come.
    fn may_pass(&mut self, bytes: usize) -> bool {
        if bytes == 0 || self.waiters.is_empty() {
            return true;
        }
        self.passed = self.passed.saturating_add(1);
        self.passed <= MAX_PASSED
    }

    fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn reserve(&mut self, bytes: usize) -> Reservation {
        self.admitted += 1;
        self.bytes += bytes;
        Reservation { ticket: self.take_number(), bytes }
    }

    fn release(&mut self, bytes: usize) {
        self.admitted -= 1;
        self.bytes -= bytes;
    }

    /// Reserves room for those at the head of the line that fit.
    fn grant(&mut self, limits: &Limits) -> Vec<(Reservation, W)> {
        let mut granted = Vec::new();
        while let Some((_, first)) = self.waiters.first_key_value() {
            let bytes = first.bytes;
            if !self.has_slot(limits) || !self.has_bytes(limits, bytes) {
                break;
            }
            if let Some((_, Waiter { waiter, .. })) = self.waiters.pop_first() {
                self.passed = 0;
                granted.push((self.reserve(bytes), waiter));
            }
        }
        granted
    }

    /// Takes a permit for one more thread if there is work and a permit left.
    fn wake(&mut self, limits: &Limits, now: Instant) -> Wake {
        if self.lanes.is_empty() || self.permits >= limits.threads {
            return Wake::Nobody;
        }
        self.count_busy(now);
        self.permits += 1;
        Wake::Thread
    }

    fn working(&self) -> usize {
        self.permits - usize::from(self.lingers)
    }

    fn set_lingers(&mut self, lingers: bool, now: Instant) {
        self.count_busy(now);
        self.lingers = lingers;
    }

    fn give_permit_back(&mut self, now: Instant) {
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
