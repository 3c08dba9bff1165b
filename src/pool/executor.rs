//! The threads of a pool, and how a job goes through them.

use super::Options;
use super::deadline;
use super::gate::{Admission, Gate, Limits, Next, Reservation, Wait, Wake};
use super::priority_queue::{Ages, Priority, Queued};
use super::panic::catch_panic;
use super::permit::{Errand, Permit};
use super::stats::{Counters, Stats};
use crate::error::{Error, Kind};
use crate::sync::Mutex;
use std::cell::Cell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a thread without work stays awake: about what it costs to wake one.
const LINGER: Duration = Duration::from_micros(20);

/// How the tasks of one job ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub completed: u32,
    pub failed: u32,
    pub cancelled: u32,
}

/// A job: one task, or several that travel together. Every job that is submitted is settled exactly once,
/// unless it is withdrawn from the queue and handed back.
pub trait Work: Send {
    /// For the statistics.
    fn name(&self) -> &'static str;
    /// How many tasks it is.
    fn tasks(&self) -> u32 {
        1
    }
    /// Does the work and keeps the outcome. The input's memory should be gone when it returns.
    fn run(&mut self) -> Tally;
    /// Keeps an error as the outcome, in place of running or after a panic.
    fn fail(&mut self, error: Error);
    /// Hands the outcome over. The pool has room again by now.
    fn settle(self: Box<Self>);
    /// Who runs it, if no thread of the pool does.
    fn errand(&self) -> Option<Errand> {
        None
    }
    /// Takes over the permit that its turn has brought, as an errand does instead of running.
    fn begin(self: Box<Self>, permit: Permit) {
        drop(permit);
    }
}

/// Why a pool takes no task at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Full {
    Tasks,
    Bytes,
    /// The operating system gave no threads.
    NoThreads,
}

pub(super) struct Job {
    pub(super) work: Box<dyn Work>,
    pub(super) bytes: usize,
    pub(super) priority: Priority,
}

type Waiter = Box<dyn FnOnce(Room) + Send>;

/// A bounded pool. Its threads start with its first task.
pub struct Pool {
    name: String,
    pub(super) options: Options,
    pub(super) gate: Gate<Job, Waiter>,
    threads: OnceLock<rayon::ThreadPool>,
    pub(super) counters: Mutex<Counters>,
    pub(super) watched: AtomicBool,
}

/// Room for one task in a pool. Dropping it gives the room back.
pub struct Room {
    pool: Arc<Pool>,
    reservation: Option<Reservation>,
}

thread_local! {
    /// Whether this thread is inside a job: such a thread must not start another one while it waits for a part
    /// of the first (Rayon steals whatever there is), or the first would last as long as both.
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

impl Pool {
    #[must_use]
    pub fn new(name: String, options: Options) -> Arc<Self> {
        let now = Instant::now();
        let limits =
            Limits { threads: options.threads, max_queue: options.max_queue, max_queue_bytes: options.max_queue_bytes };
        let ages = if options.max_wait.is_some() { Ages::Kept } else { Ages::Ignored };
        Arc::new(Pool {
            name,
            options,
            gate: Gate::new(limits, ages, now),
            threads: OnceLock::new(),
            counters: Mutex::new(Counters::new(now)),
            watched: AtomicBool::new(false),
        })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Room for a task, if there is any now.
    ///
    /// # Errors
    /// Which bound is reached.
    pub fn try_admit(self: &Arc<Self>, bytes: usize) -> Result<Room, Full> {
        self.start().ok_or(Full::NoThreads)?;
        match self.gate.try_admit(bytes) {
            Admission::Admitted(reservation) => Ok(self.room(reservation)),
            Admission::TasksFull => Err(Full::Tasks),
            Admission::BytesFull => Err(Full::Bytes),
        }
    }

    /// Room for what a task leaves behind that has to be worked through before others come.
    pub fn retain(self: &Arc<Self>, bytes: usize) -> Room {
        self.room(self.gate.retain(bytes))
    }

    /// Calls `waiter` with room for a task: now, or when its turn comes. Returns its number in the line if it waits.
    pub fn wait(self: &Arc<Self>, bytes: usize, waiter: Waiter) -> Option<u64> {
        match self.gate.wait(bytes, waiter) {
            Wait::Granted(reservation, waiter) => {
                waiter(self.room(reservation));
                None
            }
            Wait::Queued(number) => Some(number),
        }
    }

    /// Leaves the line. `false`: room was granted already.
    pub fn leave(self: &Arc<Self>, number: u64) -> bool {
        let (left, granted) = self.gate.leave(number);
        self.grant(granted);
        left.is_some()
    }

    /// Takes a queued job back and frees its room. `None`: it runs already, or is done.
    pub fn withdraw(self: &Arc<Self>, ticket: u64, bytes: usize) -> Option<Box<dyn Work>> {
        let (job, granted) = self.gate.withdraw(ticket, bytes);
        self.grant(granted);
        let work = job?.work;
        self.counters.lock().cancelled(work.tasks());
        Some(work)
    }

    /// Counts tasks that found no room.
    pub fn count_rejected(&self, tasks: u32) {
        self.counters.lock().rejected(tasks);
    }

    /// Counts tasks that were given up before they were queued.
    pub fn count_cancelled(&self, tasks: u32) {
        self.counters.lock().cancelled(tasks);
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        let now = Instant::now();
        let level = self.gate.level(now);
        self.counters.lock().snapshot(self.options.threads, &level, now)
    }

    /// Begins a new period of counting.
    pub fn reset_stats(&self) {
        let now = Instant::now();
        let level = self.gate.level(now);
        self.counters.lock().reset(&level, now);
    }

    /// Drops what has waited for longer than the pool allows.
    pub(super) fn drop_stale(self: &Arc<Self>) {
        let Some(limit) = self.options.max_wait.and_then(|wait| Instant::now().checked_sub(wait)) else { return };
        while let Some(queued) = self.gate.take_stale(limit) {
            let Job { mut work, bytes, .. } = queued.job;
            self.time_out(&mut *work);
            self.grant(self.gate.release(bytes));
            // The timer thread serves all pools and must outlive a fault.
            drop(catch_panic(|| work.settle()));
        }
    }

    fn room(self: &Arc<Self>, reservation: Reservation) -> Room {
        Room { pool: self.clone(), reservation: Some(reservation) }
    }

    pub(super) fn grant(self: &Arc<Self>, granted: Vec<(Reservation, Waiter)>) {
        for (reservation, waiter) in granted {
            waiter(self.room(reservation));
        }
    }

    /// The threads, started if they are not yet. `None`: the operating system gives none at the moment.
    fn start(&self) -> Option<&rayon::ThreadPool> {
        if let Some(threads) = self.threads.get() {
            return Some(threads);
        }
        #[cfg(test)]
        if tests::NO_THREADS.get() {
            return None;
        }
        let name = self.name.clone();
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(self.options.threads)
            .thread_name(move |index| format!("offloop-{name}-{index}"))
            .build()
            .ok()?;
        Some(self.threads.get_or_init(|| threads))
    }

    /// Queues a job in the room reserved for it.
    fn push(self: &Arc<Self>, reservation: Reservation, priority: Priority, work: Box<dyn Work>) -> Wake {
        let bytes = reservation.bytes;
        let job = Job { work, bytes, priority };
        let wake = self.gate.push(reservation, priority, job, Instant::now());
        self.watch_age();
        wake
    }

    /// Returns a job that was taken but did not run to its old place in the queue.
    pub(super) fn requeue(self: &Arc<Self>, ticket: u64, since: Instant, job: Job) {
        let wake = self.gate.requeue(job.priority, Queued { ticket, since, job }, Instant::now());
        self.watch_age();
        if wake == Wake::Thread {
            self.wake();
        }
    }

    fn watch_age(self: &Arc<Self>) {
        if self.options.max_wait.is_some() {
            deadline::watch(self);
        }
    }

    /// Has a thread pop with the permit that was taken for it. If there are none, nothing that is queued will run.
    pub(super) fn wake(self: &Arc<Self>) {
        let pool = self.clone();
        match self.start() {
            Some(threads) => threads.spawn(move || pool.work_off()),
            None => self.give_up(),
        }
    }

    /// The operating system gives no threads: fails what is queued, so that nobody waits for ever. The next task asks again.
    fn give_up(self: &Arc<Self>) {
        let now = Instant::now();
        self.gate.stand_back(now);
        while let Some(queued) = self.gate.take_any() {
            let Job { mut work, bytes, .. } = queued.job;
            let message = format!("The operating system gives the pool '{}' no threads at the moment", self.name);
            work.fail(Error::new(Kind::Unsupported, message));
            self.counters.lock().rejected(work.tasks());
            self.grant(self.gate.release(bytes));
            let _ = catch_panic(|| work.settle());
        }
    }

    /// What a thread does with a permit: one job after the other until there is none.
    fn work_off(self: &Arc<Self>) {
        if WORKING.replace(true) {
            return self.stand_back();
        }
        let mut now = Instant::now();
        let mut next = self.gate.next(now);
        loop {
            next = match next {
                Next::Job(queued) if queued.job.work.errand().is_some() => self.hand_over(queued, &mut now),
                Next::Job(queued) => self.execute(queued, &mut now),
                Next::Linger => self.linger(&mut now),
                Next::Done => break,
            };
        }
        WORKING.set(false);
    }

    /// This thread is inside a job. Another one must pop in its place, and any that is idle will do.
    fn stand_back(self: &Arc<Self>) {
        self.gate.stand_back(Instant::now());
        let pool = self.clone();
        if let Some(threads) = self.start() {
            threads.spawn_broadcast(move |_| {
                if !WORKING.get() && pool.gate.call(Instant::now()) == Wake::Thread {
                    pool.work_off();
                }
            });
        }
    }

    fn linger(&self, now: &mut Instant) -> Next<Job> {
        let until = *now + LINGER;
        while !self.gate.is_called() && *now < until {
            for _ in 0..32 {
                std::hint::spin_loop();
            }
            *now = Instant::now();
        }
        self.gate.after_lingering(*now)
    }

    /// Gives an errand the permit of this thread, which goes on with another one if there is one.
    fn hand_over(self: &Arc<Self>, queued: Queued<Job>, now: &mut Instant) -> Next<Job> {
        *now = Instant::now();
        let _ = catch_panic(|| Permit::hand_over(self, queued, *now));
        if self.gate.call(*now) == Wake::Thread { self.gate.next(*now) } else { Next::Done }
    }

    /// Runs a job that starts `now` and leaves there when it ended.
    fn execute(self: &Arc<Self>, queued: Queued<Job>, now: &mut Instant) -> Next<Job> {
        let Job { mut work, bytes, .. } = queued.job;
        let started = *now;
        let waited = started.saturating_duration_since(queued.since);
        *now = if self.options.max_wait.is_some_and(|limit| waited > limit) {
            self.time_out(&mut *work);
            started
        } else {
            let tally = run_caught(&mut *work);
            let ended = Instant::now();
            self.counters.lock().ran(work.name(), tally, waited, ended.saturating_duration_since(started));
            ended
        };
        let followup = self.gate.finish(bytes, *now);
        if followup.wake == Wake::Thread {
            self.wake();
        }
        // Whoever waited for room hears of it before the task that made it: its caller may want to come back at once.
        self.grant(followup.granted);
        // An outcome that cannot be handed over is lost; the thread and its permit must not be.
        let _ = catch_panic(|| work.settle());
        followup.next
    }

    pub(super) fn time_out(&self, work: &mut dyn Work) {
        let limit = self.options.max_wait.unwrap_or_default().as_millis();
        let message = format!(
            "The task waited in the queue of pool '{}' for longer than maxWait ({limit} ms) and was dropped; \
             the pool has more work than its threads can do in time",
            self.name
        );
        work.fail(Error::new(Kind::QueueTimeout, message));
        self.counters.lock().rejected(work.tasks());
    }
}

impl Room {
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.reservation.as_ref().map_or(0, |reservation| reservation.bytes)
    }

    /// The pool this room is in.
    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Changes the bytes it holds. `false`: the pool has no room for that many, and nothing changed.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        let Some(reservation) = self.reservation.as_mut() else { return false };
        if reservation.bytes == bytes {
            return true;
        }
        let granted = self.pool.gate.resize(reservation, bytes);
        let fits = granted.is_some();
        self.pool.grant(granted.unwrap_or_default());
        fits
    }

    /// Queues a job in this room. Returns its ticket, for [`Pool::withdraw`].
    #[must_use]
    pub fn submit(mut self, priority: Priority, work: Box<dyn Work>) -> u64 {
        let Some(reservation) = self.reservation.take() else { unreachable!("a room is used once") };
        let ticket = reservation.ticket;
        if self.pool.push(reservation, priority, work) == Wake::Thread {
            self.pool.wake();
        }
        ticket
    }

    /// The same for an errand. If there is a permit for it, or for another one of its owner, it is given out at once.
    #[must_use]
    pub fn send(mut self, priority: Priority, errand: Errand, work: Box<dyn Work>) -> (u64, Option<Permit>) {
        let Some(reservation) = self.reservation.take() else { unreachable!("a room is used once") };
        let ticket = reservation.ticket;
        let wake = self.pool.push(reservation, priority, work);
        (ticket, (wake == Wake::Thread).then(|| Permit::begin(&self.pool, errand.owner)).flatten())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            let granted = self.pool.gate.release(reservation.bytes);
            self.pool.grant(granted);
        }
    }
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
