//! `maxWait`: one timer thread for all pools drops tasks that have waited too long.
//!
//! It starts with the first task that has to wait under a deadline. Each pool has at most one timer, for its oldest
//! queued task.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;
use tokio::runtime::{Builder, Handle};

/// A queue whose tasks expire.
pub(super) trait Expire: Send + Sync + 'static {
    /// Set while the timer thread watches the queue.
    fn is_watched(&self) -> &AtomicBool;
    /// Drops the expired tasks.
    fn expire(self: Arc<Self>);
    /// Returns when the oldest task expires, or `None` if the queue is empty.
    fn next_deadline(&self) -> Option<Instant>;
}

/// Has the timer thread drop tasks when they expire.
pub(super) fn watch(queue: &Arc<impl Expire>) {
    if queue.is_watched().swap(true, Ordering::SeqCst) {
        return;
    }
    match timer() {
        Some(timer) => drop(timer.spawn(expire_in_time(Arc::downgrade(queue)))),
        // Without a timer thread an expired task is still dropped, but only when its turn comes.
        None => queue.is_watched().store(false, Ordering::SeqCst),
    }
}

async fn expire_in_time(queue: Weak<impl Expire>) {
    while let Some(deadline) = expire(&queue) {
        tokio::time::sleep_until(deadline.into()).await;
    }
}

/// Drops the expired tasks. Returns the next deadline, or `None` when the queue is empty or gone.
fn expire(queue: &Weak<impl Expire>) -> Option<Instant> {
    let queue = queue.upgrade()?;
    loop {
        queue.clone().expire();
        if let Some(deadline) = queue.next_deadline() {
            return Some(deadline);
        }
        queue.is_watched().store(false, Ordering::SeqCst);
        // A task that was queued just before found the flag set, and counts on this timer.
        if queue.next_deadline().is_none() || queue.is_watched().swap(true, Ordering::SeqCst) {
            return None;
        }
    }
}

fn timer() -> Option<&'static Handle> {
    static TIMER: OnceLock<Option<Handle>> = OnceLock::new();
    TIMER.get_or_init(start).as_ref()
}

fn start() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_time().build().ok()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("offloop-timer".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .ok()?;
    Some(handle)
}
