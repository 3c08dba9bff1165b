//! `maxWait`: one timer thread for all pools drops tasks that have waited too long.
//!
//! It starts with the first task that has to wait under a deadline. Each pool has at most one timer, for its oldest
//! queued task or waiter; a timer that a shorter one has replaced ends without effect.

use crate::sync::Mutex;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;
use tokio::runtime::{Builder, Handle};

/// A queue whose tasks expire.
pub(super) trait Expire: Send + Sync + 'static {
    /// When its timer fires, if it has one.
    fn next_check(&self) -> &Mutex<Option<Instant>>;
    /// Drops the expired tasks.
    fn expire(self: Arc<Self>);
    /// Returns when the oldest task expires, or `None` if no task does.
    fn next_deadline(&self) -> Option<Instant>;
}

/// Has the timer thread drop the tasks of a queue that have expired at `deadline`.
pub(super) fn watch(queue: &Arc<impl Expire>, deadline: Instant) {
    let mut next_check = queue.next_check().lock();
    if next_check.is_some_and(|check| check <= deadline) {
        return;
    }
    // Without a timer thread an expired task is still dropped, but only when its turn comes.
    if let Some(timer) = timer() {
        *next_check = Some(deadline);
        drop(timer.spawn(expire_from(Arc::downgrade(queue), deadline)));
    }
}

async fn expire_from(queue: Weak<impl Expire>, deadline: Instant) {
    let mut next = Some(deadline);
    while let Some(check) = next {
        tokio::time::sleep_until(check.into()).await;
        next = expire(&queue, check);
    }
}

/// Drops the expired tasks. Returns the next deadline, or `None` when no task expires, the queue is gone, or another timer
/// serves it.
fn expire(queue: &Weak<impl Expire>, check: Instant) -> Option<Instant> {
    let queue = queue.upgrade()?;
    if *queue.next_check().lock() != Some(check) {
        return None;
    }
    queue.clone().expire();
    let mut next_check = queue.next_check().lock();
    // A task that is queued from here on is watched after the lock is released.
    *next_check = queue.next_deadline();
    *next_check
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
