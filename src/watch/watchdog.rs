//! The watchdog: one thread that looks at all watched event loops of the process. It runs while a loop is watched.

use super::probe::Thread;
use super::{Nanos, now};
use crate::sync::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, PoisonError};
use std::time::Duration;

/// A watched event loop.
pub trait Watched: Send + Sync {
    /// Looks at the loop, and returns the time until the next look. Must not wait.
    fn look(&self) -> Nanos;
}

/// A delay up to this is normal when a thread wakes up.
const NORMAL_DELAY: Nanos = 10_000_000;
/// Longest sleep, if no loop wants an earlier look.
const LONGEST: Nanos = 1_000_000_000;

struct Sleep {
    thread: Arc<Thread>,
    /// When the watchdog is to wake up.
    due: Nanos,
    /// How long its thread had been ready to run, without a core, when the sleep began.
    waited: Nanos,
}

impl Sleep {
    fn begin(thread: &Arc<Thread>, due: Nanos) -> Self {
        Sleep { thread: thread.clone(), due, waited: thread.waited() }
    }

    /// Returns how long the sleep has lasted beyond its end while the thread was not even ready to run: the process was stopped.
    fn late(&self) -> Nanos {
        let late = now().saturating_sub(self.due);
        if late <= NORMAL_DELAY {
            return 0;
        }
        late.saturating_sub(self.thread.waited().saturating_sub(self.waited))
    }
}

#[derive(Default)]
struct State {
    watched: Vec<Arc<dyn Watched>>,
    is_running: bool,
    /// Whether a loop or its settings have changed since the last look.
    is_changed: bool,
}

impl State {
    fn change(&mut self) {
        self.is_changed = true;
        CHANGED.notify_one();
    }
}

static STATE: Mutex<State> = Mutex::new(State { watched: Vec::new(), is_running: false, is_changed: false });
static CHANGED: Condvar = Condvar::new();
/// The current sleep of the watchdog; `None` while it is awake.
static SLEEP: Mutex<Option<Sleep>> = Mutex::new(None);
static OVERSLEPT: AtomicU64 = AtomicU64::new(0);
static LOOKS: AtomicU64 = AtomicU64::new(0);

/// Watches a loop until [`remove`].
///
/// # Errors
/// If the watchdog cannot be started.
pub fn add(watched: Arc<dyn Watched>) -> std::io::Result<()> {
    let mut state = STATE.lock();
    if !state.is_running {
        std::thread::Builder::new().name("offloop-watch".into()).spawn(run)?;
        state.is_running = true;
    }
    state.watched.push(watched);
    state.change();
    Ok(())
}

pub fn remove(watched: &Arc<dyn Watched>) {
    let mut state = STATE.lock();
    state.watched.retain(|other| !Arc::ptr_eq(other, watched));
    state.change();
}

/// Looks at all loops now, after a change of their settings.
pub fn wake() {
    STATE.lock().change();
}

/// Returns how long the watchdog has overslept, in all, without the time in which it got no core: the process was stopped.
#[must_use]
pub fn overslept() -> Nanos {
    let sleep = SLEEP.lock();
    OVERSLEPT.load(Ordering::Acquire) + sleep.as_ref().map_or(0, Sleep::late)
}

/// Returns how often the watchdog has woken up: proof that it runs.
#[must_use]
pub fn looks() -> u64 {
    LOOKS.load(Ordering::Relaxed)
}

fn run() {
    let thread = Arc::new(Thread::current());
    let mut state = STATE.lock();
    loop {
        let watched = state.watched.clone();
        state.is_changed = false;
        if watched.is_empty() {
            state.is_running = false;
            return;
        }
        drop(state);
        LOOKS.fetch_add(1, Ordering::Relaxed);
        let next = watched.iter().map(|it| it.look()).min().unwrap_or(LONGEST).min(LONGEST);
        drop(watched);
        state = STATE.lock();
        if !state.is_changed {
            state = sleep(state, &thread, next);
        }
    }
}

fn sleep<'a>(state: MutexGuard<'a, State>, thread: &Arc<Thread>, time: Nanos) -> MutexGuard<'a, State> {
    *SLEEP.lock() = Some(Sleep::begin(thread, now() + time));
    let woken = CHANGED.wait_timeout(state, Duration::from_nanos(time));
    let mut sleep = SLEEP.lock();
    OVERSLEPT.fetch_add(sleep.take().map_or(0, |sleep| sleep.late()), Ordering::AcqRel);
    drop(sleep);
    woken.unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Counter(mpsc::Sender<()>);

    impl Watched for Counter {
        fn look(&self) -> Nanos {
            // The test may have stopped receiving.
            let _ = self.0.send(());
            1_000_000
        }
    }

    /// The watchdog stops without loops, and starts again.
    #[test]
    fn looks_while_a_loop_is_watched() {
        for _ in 0..3 {
            let (send, receive) = mpsc::channel();
            let counter: Arc<dyn Watched> = Arc::new(Counter(send));
            add(counter.clone()).expect("a thread can be started");
            for _ in 0..3 {
                receive.recv_timeout(Duration::from_secs(30)).expect("a look");
            }
            remove(&counter);
            drop(counter);
            // Ends once the watchdog has dropped its reference.
            while receive.recv_timeout(Duration::from_secs(30)).is_ok() {}
        }
        assert!(looks() >= 9);
    }
}
